#include "config.h"

#include <stdlib.h>

#include "app/app.h"
#include "ui/review.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key == 'm') {
        *(bool *)state->input = true;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "takes no argument '%s'", arg);
    return ARGP_ERR_UNKNOWN;
}

// The keys of the screen, from the one table; the manual page's section KEYS is made with --man.
int cmd_keys(int argc, char **argv)
{
    static const struct argp_option table[] = {{"man", 'm', NULL, 0, "as source of the manual page", 0}, {0}};
    static const struct argp argp = {table, parse, "", "List the keys of the screen.", NULL, NULL, NULL};
    bool man = false;
    argp_parse(&argp, argc, argv, 0, NULL, &man);
    char *text = review_keys(man);
    fputs(text, stdout);
    free(text);
    return EXIT_OK;
}
