// What is known of faults: on which components they are found, by what cause, what is done about them, how severe they
// are; and templates of whole trades. Rows and strings live until the next call of the same function.
#ifndef UI_KNOWLEDGE_H
#define UI_KNOWLEDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct knowledge_row {
    int64_t id;
    const char *component, *fault, *cause, *action, *severity; // "" not stated, but for the first two
    int64_t contradicted; // answers that say another severity
    bool here;            // the picture asked about is of this component
};

struct knowledge_model {
    void *context;
    // Of a fault, on picture `id` (0: of none); those of its component first.
    enum status (*relations)(void *context, const char *fault, int64_t id, const struct knowledge_row **rows, size_t *count,
                             struct error *err);
    // State one; what stood of this component and fault is replaced. said: what came of it, a contradiction pointed out
    // (caller frees).
    enum status (*state)(void *context, const struct knowledge_row *row, char **said, struct error *err);
    enum status (*retire)(void *context, int64_t id, struct error *err);
    enum status (*templates)(void *context, char **text, struct error *err); // a line or two for each; caller frees
    enum status (*apply)(void *context, const char *name, char **said, struct error *err);
    const char *(*word)(void *context, const char *english); // the Chinese of a component, cause or action, "" none; may be NULL
};

#endif
