// The payload of a kitty picture (f=24,o=z) decoded back to pixels, for tests.
#ifndef TESTS_TUI_UNKITTY_H
#define TESTS_TUI_UNKITTY_H

#include <stddef.h>
#include <stdint.h>

// base64 of zlib of rgb (count bytes). NULL, or what is wrong with it.
const char *unkitty(const char *payload, uint8_t *rgb, size_t count);

#endif
