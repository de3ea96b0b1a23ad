// Base64 (RFC 4648) of bytes that go into text, as a data URI's.
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/strbuf.h"

void base64_add(struct strbuf *sb, const void *bytes, size_t count);

#endif
