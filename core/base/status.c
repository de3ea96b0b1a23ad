#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/intl.h"
#include "base/status.h"
#include "base/text.h"

enum status error_set(struct error *err, enum status code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list args;
    va_start(args, fmt);
    vsnprintf(err->text, sizeof err->text, _(fmt), args);
    va_end(args);
    text_clean(err->text);
    err->code = code;
    return code;
}

enum status error_prefix(struct error *err, const char *fmt, ...)
{
    char prefix[256], whole[sizeof err->text + sizeof prefix + 2];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof prefix, _(fmt), args);
    va_end(args);
    snprintf(whole, sizeof whole, "%s: %s", prefix, err->text);
    return error_set(err, err->code, "%s", whole);
}
