// What the subcommands share.
#ifndef APP_APP_H
#define APP_APP_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "base/intl.h"
#include "base/status.h"
#include "image/image.h"
#include "nn/base.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name, *summary; // summary NULL: in no list
    int (*run)(int argc, char **argv);
};
// Run the one that argv[1] names, argp's program name being "`program` NAME"; argv[0] stays. EXIT_USAGE
// after a sentence when there is none of this name.
int command_run(const char *program, const struct command *commands, size_t count, int argc, char **argv);
void command_list(FILE *out, const struct command *commands, size_t count); // names and summaries

int cmd_add(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_base(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_demo(int argc, char **argv);
int cmd_evaluate(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_hook(int argc, char **argv);
int cmd_init(int argc, char **argv);
int cmd_keys(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_models(int argc, char **argv);
int cmd_promote(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_review(int argc, char **argv);
int cmd_rollback(int argc, char **argv);
int cmd_scene(int argc, char **argv);
int cmd_screen(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_strategies(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_user(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_worker(int argc, char **argv);

// Options with these keys exist in every command that has the line below in its
// table; the others begin above.
enum { OPT_JSON = 0x100, OPT_OWN };
#define OPTION_JSON {"json", OPT_JSON, NULL, 0, N_("print JSON for programs"), 90}

// "assay: sentence" on stderr; EXIT_FAILED.
int fail(const struct error *err);

// A string of an object, "" where it is not there.
const char *json_string_at(const json_t *object, const char *key);

// What came from outside need not be UTF-8: a cleaned string, as jansson takes no other.
json_t *json_outside(const char *text);

// One line of JSON on stdout; takes the object.
void print_json(json_t *object);

// Parse a number in [low, high] or end with a usage error naming `what`.
long long option_number(struct argp_state *state, const char *text, const char *what, long long low,
                        long long high);
double option_real(struct argp_state *state, const char *text, const char *what, double low, double high);

// ^C and SIGTERM ask long work to stop; a second ^C ends the program at once.
void stop_on_signals(void);
bool stop_asked(void *unused);

#endif
