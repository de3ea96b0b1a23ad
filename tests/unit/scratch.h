// A fresh folder for a test program: group set-up and tear-down.
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include "tests/unit/test.h"

static char *scratch;

static int make_scratch(void **state)
{
    (void)state;
    char name[] = "/tmp/assay-test-XXXXXX";
    scratch = mkdtemp(name) ? xstrdup(name) : NULL;
    return scratch ? 0 : -1;
}

static int remove_scratch(void **state)
{
    (void)state;
    int failed = remove_tree(scratch);
    free(scratch);
    return failed;
}

#endif
