#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"
#include "tests/tui/unkitty.h"

static int value(char c)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(letters, c) : NULL;
    return at ? (int)(at - letters) : -1;
}

const char *unkitty(const char *payload, uint8_t *rgb, size_t count)
{
    size_t length = strlen(payload), n = 0;
    unsigned char *packed = xcalloc(length + 1, 1);
    unsigned bits = 0;
    int held = 0;
    for (size_t i = 0; i < length && payload[i] != '='; i++) {
        if (value(payload[i]) < 0) {
            free(packed);
            return "not base64";
        }
        bits = bits << 6 | (unsigned)value(payload[i]);
        held += 6;
        if (held >= 8) {
            held -= 8;
            packed[n++] = (unsigned char)(bits >> held);
        }
    }
    uLong got = (uLong)count;
    int code = uncompress(rgb, &got, packed, (uLong)n);
    free(packed);
    return code != Z_OK ? "not zlib" : got != count ? "another number of pixels" : NULL;
}
