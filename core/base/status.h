// How a call ends. Every function that can fail for a reason outside the
// program returns `enum status` and, on failure, fills the caller's one error
// buffer with a sentence for people; on success the buffer is untouched.
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include "base/banned.h"

#define ASSAY_CHECKED __attribute__((warn_unused_result))
#define ASSAY_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum status {
    ST_OK = 0,
    ST_INVALID,   // the input breaks a rule (format, range, limit)
    ST_IO,        // the system refused: missing, no permission, disk full
    ST_CORRUPT,   // stored data contradicts itself
    ST_NEWER,     // written by a newer program
    ST_BUSY,      // someone else holds it; trying again may help
    ST_NOT_FOUND, // what was named is not there
    ST_CANCELLED, // the user asked to stop
};

struct error {
    enum status code;
    char text[512]; // one sentence: what, where, what to do; no newline
};

// Fill `err` (may be NULL) and return `code`, so that a caller can write
// `return error_set(err, ST_IO, ...)`. Control bytes in the text become '?'. The
// format is looked up in the reader's language (base/intl.h).
enum status error_set(struct error *err, enum status code, const char *fmt, ...) ASSAY_PRINTF(3, 4);

// Put "prefix: " before what `err` says and return its code.
enum status error_prefix(struct error *err, const char *fmt, ...) ASSAY_PRINTF(2, 3);

#endif
