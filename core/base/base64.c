#include "config.h"

#include <nettle/base64.h>

#include "base/base64.h"

void base64_add(struct strbuf *sb, const void *bytes, size_t count)
{
    enum { STEP = 3072 }; // whole triples: the parts join
    char text[BASE64_ENCODE_RAW_LENGTH(STEP)];
    const uint8_t *at = bytes;
    for (size_t n; count > 0; at += n, count -= n) {
        n = count < STEP ? count : STEP;
        base64_encode_raw(text, n, at);
        strbuf_add(sb, text, BASE64_ENCODE_RAW_LENGTH(n));
    }
}
