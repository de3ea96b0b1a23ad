// Sentences in the reader's language (gettext). A sentence is written in English and looked up where it is shown: `_()`
// around the literal, or, for literals in tables, N_() there (it only marks) and `_()` where the table's entry is drawn.
//
// An error's sentence is looked up by error_set and error_prefix themselves: their format is the key, so core and db write
// plain English and need nothing of this. What is data stays English and is never looked up before it is stored or
// compared: verdicts, severities, names of detectors, keys of JSON, columns of CSV.
//
// The catalogue is po/LANGUAGE.po; `make update-po` takes in new sentences.
#ifndef BASE_INTL_H
#define BASE_INTL_H

#include <stdbool.h>

#ifdef ENABLE_NLS
#include <libintl.h>
// gettext("") is the catalogue's header
__attribute__((format_arg(1))) static inline const char *intl_text(const char *text)
{
    return text[0] ? gettext(text) : text;
}
#define _(text) intl_text(text)
#else
#define _(text) (text)
#endif
#define N_(text) text

// Choose language and character set as the environment says; numbers stay as in C. Only where the character set is
// UTF-8: all text of the program is. Call first in main, before threads. Catalogues are looked for in ASSAY_LOCALEDIR, in
// "po" beside the program (a build tree), then where `make install` puts them.
void intl_begin(void);
bool intl_chinese(void);  // whether the reader's language is Chinese
void intl_english(void); // from here on, whatever the environment says

#endif
