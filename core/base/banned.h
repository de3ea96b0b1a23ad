// Functions that cannot be told how much room there is do not compile.
// Included by status.h; the system headers that declare them come first.
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

// with _FORTIFY_SOURCE some of them are macros, which cannot be poisoned
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets

#endif
