// Filters as people write them, and the pages of what they find.
#ifndef APP_REVIEW_FIND_H
#define APP_REVIEW_FIND_H

#include "app/project.h"
#include "db/find.h"
#include "ui/review.h"

enum { FILTER_WORD = 256 };
// The next word of a filter into `word`, quotes taken out; false at the end.
bool review_filter_word(const char **text, char word[FILTER_WORD]);

// Words separated by blanks, all of which have to fit; "quotes" hold a value with blanks together:
//   scene:NAME class:PART severity:stop|key|general verdict:normal|defect|unsure|open by:PART path:PART (or PART alone)
//   score:>X score:<X score:X..Y  date:DAY date:>DAY date:<DAY date:DAY..DAY  sort:score|answered|added
// Without `sort`: answered where the filter is about answers, added (all pictures) where it is about names alone, else score. ST_INVALID with a sentence that names the word.
ASSAY_CHECKED enum status review_filter_parse(struct db *db, const char *text, int64_t now_ms, struct find_filter *filter,
                                              struct error *err);

struct review_finder { // starts as {.project = ..., .scene = 0 or the only scene}
    struct project *project;
    int64_t scene;
    bool blind; // an audit runs: only what is answered is found, since order and score would tell
    struct find_filter filter;
    struct find_key after;
    struct find_result *rows;
    struct review_found *found;
    size_t count;
    char **saved; // name, text, name, text ...
    size_t saved_count, saved_room;
};

void review_finder_clear(struct review_finder *finder);
// As `find` of struct review_model.
ASSAY_CHECKED enum status review_finder_page(struct review_finder *finder, const char *text,
                                             const struct review_found **rows, size_t *count, bool *more,
                                             struct error *err);
ASSAY_CHECKED enum status review_finder_saved(struct review_finder *finder, const char *const **pairs, size_t *count,
                                              struct error *err);

#endif
