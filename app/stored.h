// Sentences that the database, a file or core holds in English (why a threshold is where it is, what a round came to, what
// the gate said, what the log notes, which pictures a base was measured or trained on), in the reader's language: known phrases are put into it with their numbers and names, anything
// else stays as it is. So a project is read in both languages, whoever wrote in it and with whichever version.
#ifndef APP_STORED_H
#define APP_STORED_H

char *stored_text(const char *english); // fresh; "" for NULL

#endif
