// The Chinese of the words in templates (components, causes, actions), for showing: what is stored stays as it is.
#ifndef APP_TEMPLATE_WORDS_H
#define APP_TEMPLATE_WORDS_H

struct template_words;

// Of all templates that are installed; one that cannot be read adds nothing.
struct template_words *template_words_load(void);
const char *template_words_get(const struct template_words *words, const char *english); // "" where it has none
void template_words_free(struct template_words *words);

#endif
