// Memory. Running out ends the program here, in one place and with one
// sentence; sizes multiply with a check.
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#define ASSAY_MALLOC __attribute__((malloc, returns_nonnull))

void *xmalloc(size_t size) ASSAY_MALLOC;
void *xcalloc(size_t count, size_t size) ASSAY_MALLOC;                      // zeroed
void *xreallocarray(void *old, size_t count, size_t size) __attribute__((returns_nonnull));
void *xaligned(size_t count, size_t size) ASSAY_MALLOC;                     // 64-byte aligned, free()
char *xstrdup(const char *text) ASSAY_MALLOC;
char *xasprintf(const char *fmt, ...) ASSAY_MALLOC __attribute__((format(printf, 1, 2)));

// Grow `array` (element type deduced) so that it holds at least `need` elements.
#define GROW(array, capacity, need)                                                     \
    do {                                                                                \
        if ((need) > (capacity)) {                                                      \
            size_t grown_ = (capacity) ? (capacity) * 2 : 16;                           \
            (capacity) = grown_ < (size_t)(need) ? (size_t)(need) : grown_;             \
            (array) = xreallocarray((array), (capacity), sizeof *(array));              \
        }                                                                               \
    } while (0)

#endif
