#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/log_text.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/strbuf.h"
#include "base/text.h"

static bool is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

static void put_answer(struct strbuf *sb, const struct log_row *row)
{
    strbuf_puts(sb, is(row->kind, "undo") ? "took back: " : is(row->kind, "redo") ? "again: " : "");
    strbuf_puts(sb, row->lead ? "as lead: " : row->audited ? "in an audit: " : "");
    strbuf_puts(sb, is(row->what, "regions") ? "drew regions" : is(row->what, "poor") ? "really a poor picture" : is(row->what, "fine") ? "no poor picture" : row->what);
    if (row->first[0])
        strbuf_printf(sb, ", %s%s%s%s", row->first, row->second[0] ? " (" : "", row->second, row->second[0] ? ")" : "");
    if (row->note[0])
        strbuf_printf(sb, ": %s", row->note);
}

static void put_class(struct strbuf *sb, const struct log_row *row)
{
    strbuf_puts(sb, is(row->note, "undo") ? "took back: " : is(row->note, "redo") ? "again: " : is(row->note, "kept") ? "could not take back: " : "");
    if (is(row->what, "template"))
        strbuf_printf(sb, "template %s", row->second);
    else
        strbuf_printf(sb, "class %s: %s%s%s", row->first, row->what, row->second[0] ? " " : "", row->second);
}

static void put_active(struct strbuf *sb, const struct log_row *row)
{
    if (is(row->kind, "screening"))
        strbuf_printf(sb, "revision %s is active: %s pictures flagged", row->first, row->second);
    else
        strbuf_printf(sb, "revision %s is active (%s): %s", row->first,
                      is(row->what, "gate") ? "promoted by the gate" : is(row->what, "hand") ? "promoted by hand" : row->what,
                      row->second);
}

void log_sentence(const struct log_row *row, char text[LOG_TEXT])
{
    struct strbuf sb = {0};
    strbuf_puts(&sb, "");
    if (row->scene[0] && !row->picture)
        strbuf_printf(&sb, "%s: ", row->scene);
    if (is(row->kind, "answer") || is(row->kind, "skip") || is(row->kind, "undo") || is(row->kind, "redo"))
        put_answer(&sb, row);
    else if (is(row->kind, "comment"))
        strbuf_printf(&sb, "to %s: %s", row->first, row->note);
    else if (is(row->kind, "class"))
        put_class(&sb, row);
    else if (is(row->kind, "screening") || is(row->kind, "model"))
        put_active(&sb, row);
    else if (is(row->kind, "round"))
        strbuf_printf(&sb, "round %s %s%s%s", row->first, row->what, row->second[0] ? ": " : "", row->second);
    else if (is(row->kind, "audit"))
        strbuf_printf(&sb, "audit %s %s", row->first, row->what);
    else if (is(row->kind, "relation"))
        strbuf_printf(&sb, "%s on %s: %s%s%s", row->second, row->first, row->what, row->note[0] ? ", " : "", row->note);
    else if (is(row->kind, "hook"))
        strbuf_printf(&sb, "stop command %s%s%s", row->what, row->second[0] ? ": " : "", row->second);
    else
        strbuf_puts(&sb, row->first);
    snprintf(text, LOG_TEXT, "%s", sb.data);
    text_clean(text);
    strbuf_clear(&sb);
}

json_t *log_json(const struct log_row *row)
{
    char at[CLOCK_TEXT], text[LOG_TEXT];
    clock_text(row->at_ms, at);
    log_sentence(row, text);
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "at", at, "kind", row->kind, "person", row->person, "scene", row->scene,
                          "what", row->what, "text", text);
    if (row->picture) {
        json_object_set_new(j, "picture", json_integer(row->picture));
        json_object_set_new(j, "path", json_string(row->path));
    }
    return j;
}

enum status log_setting(struct db *db, const char *person, enum setting setting, const char *value, const char *path,
                        struct error *err)
{
    char *text = value ? xasprintf("%s = %s, in %s", setting_about(setting)->name, value, path)
                       : xasprintf("%s is no longer said in %s", setting_about(setting)->name, path);
    enum status status = db_log_add(db, person, "setting", "", text, err);
    free(text);
    return status;
}
