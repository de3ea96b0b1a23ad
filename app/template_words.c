#include "config.h"

#include <jansson.h>
#include <stdlib.h>

#include "app/app.h"
#include "app/template.h"
#include "app/template_words.h"
#include "base/alloc.h"

struct template_words {
    json_t *zh; // English to Chinese
};

struct template_words *template_words_load(void)
{
    struct template_words *words = xcalloc(1, sizeof *words);
    struct error unused;
    char **names = NULL, *folder = template_folder();
    size_t count = 0;
    words->zh = json_object();
    if (template_names(&names, &count, &unused) != ST_OK)
        count = 0;
    for (size_t i = 0; i < count; i++) {
        char *path = xasprintf("%s/%s.json", folder, names[i]);
        json_t *j = json_load_file(path, 0, NULL), *zh = json_object_get(j, "zh");
        if (json_is_object(zh))
            json_object_update_missing(words->zh, zh);
        json_decref(j);
        free(path);
        free(names[i]);
    }
    free(names);
    free(folder);
    return words;
}

const char *template_words_get(const struct template_words *words, const char *english)
{
    return json_string_at(words->zh, english);
}

void template_words_free(struct template_words *words)
{
    if (!words)
        return;
    json_decref(words->zh);
    free(words);
}
