// What every cmocka program includes: cmocka's own headers in the order it wants.
#ifndef TESTS_UNIT_TEST_H
#define TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/status.h"

#define assert_ok(call, err) assert_status(call, ST_OK, err)
#define assert_status(call, want, err)                                                            \
    do {                                                                                          \
        enum status got_ = (call);                                                                \
        if (got_ != (want))                                                                       \
            fail_msg("%s: status %d, not %d: %s", #call, got_, (want), got_ ? (err)->text : "");  \
    } while (0)

// Path below the development data, or NULL after printing why the test skips.
static inline char *test_shared(const char *name)
{
    const char *dir = getenv("ASSAY_SHARED");
    char *path = xasprintf("%s/%s", dir ? dir : "../shared", name);
    if (access(path, R_OK) == 0)
        return path;
    printf("# %s is not there: development data, not part of the repository\n", path);
    free(path);
    return NULL;
}

// A test's folder with all that is in it; 0 when it is gone.
static inline int remove_tree(const char *dir)
{
    char *command = xasprintf("rm -rf '%s'", dir);
    int failed = system(command);
    free(command);
    return failed;
}

#define SKIP_WITHOUT(path)                                                                        \
    do {                                                                                          \
        if (!(path)) {                                                                            \
            skip();                                                                               \
            return;                                                                               \
        }                                                                                         \
    } while (0)

#endif
