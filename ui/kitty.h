// A frame for terminals with the kitty graphics protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol/): RGB,
// compressed with zlib, in base64. Pure: pixels in, bytes out.
#ifndef UI_KITTY_H
#define UI_KITTY_H

#include "base/status.h"
#include "base/strbuf.h"
#include "image/image.h"

// Deletes every picture and its data.
#define KITTY_DELETE_ALL "\033_Ga=d,d=A,q=2\033\\"

// Append the frame's pixels as the terminal takes them; made ahead, on any thread.
ASSAY_CHECKED enum status kitty_encode_frame(const struct image *frame, struct strbuf *out, struct error *err);

// Append what shows such `payload` (width x height pixels) at the cursor, which stays, under the text: the picture
// `id` (1..) from then on; one of that id before is replaced. rows, cols: it is stretched over so many cells, 0: as it is.
void kitty_put(struct strbuf *out, const struct strbuf *payload, int width, int height, int id, int rows, int cols);
void kitty_delete(struct strbuf *out, int id);

#endif
