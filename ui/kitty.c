#include "config.h"

#include <stdlib.h>
#include <zlib.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "ui/kitty.h"

// A chunk's most, by the protocol; below the text and below cells with a background of their own (popups).
enum { CHUNK = 4096, BELOW = -1073741825, EFFORT = 3 };

enum status kitty_encode_frame(const struct image *frame, struct strbuf *out, struct error *err)
{
    size_t count = (size_t)frame->width * (size_t)frame->height;
    uLong room = compressBound((uLong)(count * 3));
    unsigned char *rgb = xcalloc(count, 3), *packed = xcalloc(room, 1);
    for (size_t i = 0; i < count; i++)
        for (size_t c = 0; c < 3; c++)
            rgb[i * 3 + c] = frame->pixels[frame->channels == 1 ? i : i * 3 + c];
    int code = compress2(packed, &room, rgb, (uLong)(count * 3), EFFORT);
    if (code == Z_OK)
        base64_add(out, packed, room);
    free(rgb);
    free(packed);
    return code == Z_OK ? ST_OK : error_set(err, ST_INVALID, "the picture cannot be compressed: zlib error %d", code);
}

void kitty_put(struct strbuf *out, const struct strbuf *payload, int width, int height, int id, int rows, int cols)
{
    for (size_t at = 0; at == 0 || at < payload->len; at += CHUNK) {
        size_t n = payload->len - at < CHUNK ? payload->len - at : CHUNK;
        int more = at + n < payload->len;
        if (at == 0) {
            strbuf_printf(out, "\033_Ga=T,f=24,o=z,s=%d,v=%d,i=%d,p=1,z=%d,C=1,q=2", width, height, id, BELOW);
            if (rows > 0 && cols > 0)
                strbuf_printf(out, ",r=%d,c=%d", rows, cols);
            strbuf_printf(out, ",m=%d;", more);
        } else {
            strbuf_printf(out, "\033_Gm=%d,q=2;", more);
        }
        strbuf_add(out, payload->data + at, n);
        strbuf_puts(out, "\033\\");
    }
}

void kitty_delete(struct strbuf *out, int id)
{
    strbuf_printf(out, "\033_Ga=d,d=I,i=%d,q=2\033\\", id);
}
