// Keys in sentences: they follow the table in force.
#include "config.h"

#include <curses.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/keymap_impl.h"

#define FN(key) (KEYMAP_FUNCTION + (key))
enum { NAME_MOST = 40 };

// The key of the command that `name` (with its context before a dot, else in `context` or in all views) stands for.
static const char *key_of(const struct keymap *map, enum context context, const char *name)
{
    const char *dot = strchr(name, '.'), *command = dot ? dot + 1 : name;
    for (int all = 0; all < 2; all++)
        for (size_t i = 0; i < map->count; i++) {
            const struct binding *b = &map->bindings[i];
            const char *of = keymap_context_name(b->context);
            bool here = dot ? strlen(of) == (size_t)(dot - name) && strncmp(of, name, strlen(of)) == 0
                            : b->context == (all ? CONTEXT_ALL : context);
            if (here && strcmp(keymap_command_name(b->command), command) == 0)
                return map->first[i];
        }
    return NULL;
}

static void put_arrows(const struct keymap *map, enum context context, bool begins, struct strbuf *out)
{
    static const struct {
        const char *name;
        int key;
    } four[] = {{"left", FN(KEY_LEFT)}, {"down", FN(KEY_DOWN)}, {"up", FN(KEY_UP)}, {"right", FN(KEY_RIGHT)}};
    bool usual = true;
    for (size_t i = 0; i < 4; i++) {
        const char *key = key_of(map, context, four[i].name);
        usual = usual && key && keymap_key(key) == four[i].key;
    }
    if (usual)
        strbuf_puts(out, begins ? _("Arrows") : _("arrows"));
    for (size_t i = 0; i < 4 && !usual; i++) {
        const char *key = key_of(map, context, four[i].name);
        strbuf_printf(out, "%s%s", i ? " " : "", key ? key : "-");
    }
}

char *keymap_expand(const struct keymap *map, enum context context, const char *text, bool format)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "");
    for (const char *p = text; *p; p++) {
        char name[NAME_MOST];
        size_t length = *p == '{' ? strcspn(p + 1, "{}") : 0;
        bool closed = length > 0 && length < NAME_MOST && p[1 + length] == '}';
        snprintf(name, sizeof name, "%.*s", (int)(closed ? length : 0), p + 1);
        size_t before = out.len;
        const char *key = closed ? key_of(map, context, name) : NULL;
        if (closed && strcmp(name + 1, "rrows") == 0)
            put_arrows(map, context, name[0] == 'A', &out);
        else if (key)
            strbuf_printf(&out, "%s%s", key, format && strcmp(key, "%") == 0 ? "%" : "");
        if (out.len == before)
            strbuf_add(&out, p, 1);
        else
            p += length + 1;
    }
    return out.data;
}
