// A class as the reader calls it: its Chinese name where the language is Chinese and it has one. What is stored, compared
// and exported stays as it is.
#ifndef APP_CLASS_WORD_H
#define APP_CLASS_WORD_H

struct db;

enum { CLASS_WORD = 200 };

// `name` itself, or its other name in `room`. db: NULL for the name itself.
const char *class_word(struct db *db, const char *name, char room[CLASS_WORD]);
// What was done to a class, `what` and `value` as in db_class_change, in the reader's words: "retired", "below cracks".
void class_deed(struct db *db, const char *what, const char *value, char text[CLASS_WORD]);

#endif
