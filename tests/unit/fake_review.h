// The review over a model in memory: scripted keys go in, dumps and frames of the screen come out.
#ifndef TESTS_UNIT_FAKE_REVIEW_H
#define TESTS_UNIT_FAKE_REVIEW_H

#include "tests/unit/test.h"

#include "base/strbuf.h"
#include "tests/tui/unsixel.h"
#include "ui/compose.h"
#include "ui/review.h"

struct fake {
    int count;
    char verdict[8][64], class_name[8][64], severity[8][16];
    const char *likely[8]; // NULL none
    struct review_class classes[8];
    char names[8][64], severities[8][16];
    size_t class_count, history[32], length, taken_back;
    char old[32][3][64];
    struct strbuf log;
    char *paths[8];
    // alone: nothing looks like anything; poor: the pictures were set aside; listed: they are no queue, each has its place
    bool refuse, blind, alone, poor, listed;
    struct heat heat;
    struct review_near near[3];
    size_t bulk[8], bulk_count, reserved; // what the last bulk answer was about, while it stands
    size_t alike[8];
    size_t answers; // what the screen says was answered, at its end
    int asked;
    int held; // so many of the last are somebody else's, until the end of the list was shown once
    int class_loads, class_gone; // how often the classes were asked for; from which time on the second is gone, 0 never
    struct strbuf heard; // from where to where the list was to stay when others were asked about
};

// A fresh folder for the program: group set-up and tear-down.
int fake_begin(void **state);
int fake_end(void **state);

// Pictures of 64 x 48 pixels in that folder; the fourth cannot be read.
void fake_init_with(struct fake *f, int count);
void fake_init(struct fake *f); // four
void fake_clear(struct fake *f);

// Run `script` ("@" stands for the scratch folder); the text of `name` from there.
char *play(struct fake *f, int graphics, const char *script, const char *name);
// The text of `name`, which a script put into the scratch folder; it is taken away from there.
char *scratch_file(const char *name);

// Line `number_of` (0 first) of a dump.
void assert_line(const char *dump, int number_of, const char *want);
void assert_has(const char *text, const char *want);
void decode(const char *text, int width, int height, struct unsixel *to); // sixel
// The frame of 64 x 48 pixels as `look` shows it is what `frame` says.
void assert_frame(const char *sixel, int picture, const struct look *look, int width, int height);

#endif
