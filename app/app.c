#include "config.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"

// What argp itself says of a command, it looks up in the program's catalogue; here xgettext finds it.
#define ARGP_SAYS                                                                                                         \
    N_("print JSON for programs")                                                                                          \
    N_("Usage:")                                                                                                          \
    N_(" [OPTION...]")                                                                                                    \
    N_("  or: ")                                                                                                          \
    N_("Mandatory or optional arguments to long options are also mandatory or optional for any corresponding short options.") \
    N_("Try `%s --help' or `%s --usage' for more information.\n")

static volatile sig_atomic_t asked;

int fail(const struct error *err)
{
    fprintf(stderr, "assay: %s\n", err->text);
    return EXIT_FAILED;
}

int command_run(const char *program, const struct command *commands, size_t count, int argc, char **argv)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argv[1], commands[i].name) != 0)
            continue;
        char *name = xasprintf("%s %s", program, commands[i].name); // what argp calls the program
        char *given = argv[1];
        argv[1] = name;
        int code = commands[i].run(argc - 1, argv + 1);
        argv[1] = given;
        free(name);
        return code;
    }
    fprintf(stderr, _("assay: there is no command '%s'; see `%s --help`\n"), argv[1], program);
    return EXIT_USAGE;
}

void command_list(FILE *out, const struct command *commands, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (commands[i].summary)
            fprintf(out, "  %-10s %s\n", commands[i].name, _(commands[i].summary));
}

const char *json_string_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_t *json_outside(const char *text)
{
    char *clean = text_cleaned(text);
    json_t *string = json_string(clean);
    free(clean);
    return string;
}

void print_json(json_t *object)
{
    json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(object);
}

long long option_number(struct argp_state *state, const char *text, const char *what, long long low,
                        long long high)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < low || value > high)
        argp_error(state, _("%s must be a whole number from %lld to %lld, not '%s'"), what, low, high, text);
    return value;
}

double option_real(struct argp_state *state, const char *text, const char *what, double low, double high)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !isfinite(value) || value < low || value > high)
        argp_error(state, _("%s must be a number from %g to %g, not '%s'"), what, low, high, text);
    return value;
}

static void on_signal(int signal)
{
    (void)signal;
    asked = 1;
}

void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool stop_asked(void *unused)
{
    (void)unused;
    return asked != 0;
}
