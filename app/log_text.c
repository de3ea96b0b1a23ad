#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/log_text.h"
#include "app/rounds.h"
#include "app/stored.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "base/text.h"

// Kinds and events as the database has them (db/log.c).
#define LOG_WORDS                                                                                                         \
    N_("answer") N_("skip") N_("undo") N_("redo") N_("comment") N_("class") N_("role") N_("screening") N_("round") N_("model")  \
    N_("audit") N_("hook") N_("add") N_("import") N_("backup") N_("began") N_("stopped") N_("relation") \
    N_("setting") N_("stated") N_("taken away")                                                             

static bool is(const char *text, const char *other)
{
    return strcmp(text, other) == 0;
}

static void put_answer(struct strbuf *sb, struct db *db, const struct log_row *row)
{
    char room[CLASS_WORD];
    strbuf_puts(sb, is(row->kind, "undo") ? _("took back: ") : is(row->kind, "redo") ? _("again: ") : "");
    strbuf_puts(sb, row->lead ? _("as lead: ") : row->audited ? _("in an audit: ") : "");
    strbuf_puts(sb, is(row->what, "regions") ? _("drew regions") : is(row->what, "poor") ? _("really a poor picture") : is(row->what, "fine") ? _("no poor picture") : _(row->what));
    if (row->first[0])
        strbuf_puts(sb, _(", "));
    if (row->first[0])
        strbuf_printf(sb, row->second[0] ? _("%s (%s)") : "%s%s", class_word(db, row->first, room), _(row->second));
    if (row->note[0])
        strbuf_printf(sb, "%s%s", _(": "), row->note);
}

// Whether it tells of a change that was taken back, or given again; then it says so.
static bool put_back(struct strbuf *sb, const char *note)
{
    const char *words = is(note, "undo")   ? _("took back: ")
                        : is(note, "redo") ? _("again: ")
                        : is(note, "kept") ? _("could not take back: ")
                                           : "";
    strbuf_puts(sb, words);
    return words[0] != '\0';
}

static void put_relation(struct strbuf *sb, struct db *db, const struct log_row *row)
{
    char room[CLASS_WORD];
    const char *severity = put_back(sb, row->note) ? "" : row->note;
    strbuf_printf(sb, _("%s on %s: %s%s%s"), class_word(db, row->second, room), row->first, _(row->what), severity[0] ? _(", ") : "",
                  severity[0] ? _(severity) : "");
}

static void put_class(struct strbuf *sb, struct db *db, const struct log_row *row)
{
    char room[CLASS_WORD], deed[CLASS_WORD];
    put_back(sb, row->note);
    if (is(row->what, "template")) {
        char *what = stored_text(row->second);
        strbuf_printf(sb, _("template %s"), what);
        free(what);
        return;
    }
    class_deed(db, row->what, row->second, deed);
    strbuf_printf(sb, _("class %s: %s"), class_word(db, row->first, room), deed);
}

static void put_active(struct strbuf *sb, const struct log_row *row)
{
    char *reason = stored_text(row->second);
    if (is(row->kind, "screening"))
        strbuf_printf(sb, _("revision %s is active: %s pictures flagged"), row->first, reason);
    else
        strbuf_printf(sb, _("revision %s is active (%s): %s"), row->first,
                      is(row->what, "gate") ? _("promoted by the gate") : is(row->what, "hand") ? _("promoted by hand") : _(row->what),
                      reason);
    free(reason);
}

static void put_round(struct strbuf *sb, struct db *db, const struct log_row *row)
{
    struct round round = {0};
    struct model_row model = {0};
    struct error unused;
    if (db && row->second[0] && db_round_get(db, strtoll(row->first, NULL, 10), &round, &unused) == ST_OK)
        rounds_model(db, &round, &model);
    char *told = round.id ? rounds_sentence(&round, &model) : xstrdup(row->second);
    char *sentence = stored_text(strcmp(told, row->what) == 0 ? "" : told);
    strbuf_printf(sb, _("round %s %s%s%s"), row->first, _(row->what), sentence[0] ? _(": ") : "", sentence);
    free(sentence);
    free(told);
    model_clear(&model);
    round_clear(&round);
}

void log_sentence(struct db *db, const struct log_row *row, char text[LOG_TEXT])
{
    struct strbuf sb = {0};
    char *second = stored_text(row->second), *first = stored_text(row->first);
    strbuf_puts(&sb, "");
    if (row->scene[0] && !row->picture)
        strbuf_printf(&sb, "%s%s", row->scene, _(": "));
    if (is(row->kind, "answer") || is(row->kind, "skip") || is(row->kind, "undo") || is(row->kind, "redo"))
        put_answer(&sb, db, row);
    else if (is(row->kind, "comment"))
        strbuf_printf(&sb, _("to %s: %s"), row->first, row->note);
    else if (is(row->kind, "class"))
        put_class(&sb, db, row);
    else if (is(row->kind, "screening") || is(row->kind, "model"))
        put_active(&sb, row);
    else if (is(row->kind, "round") && row->what[0])
        put_round(&sb, db, row);
    else if (is(row->kind, "audit"))
        strbuf_printf(&sb, _("audit %s %s"), row->first, _(row->what));
    else if (is(row->kind, "relation"))
        put_relation(&sb, db, row);
    else if (is(row->kind, "hook"))
        strbuf_printf(&sb, _("stop command %s%s%s"), _(row->what), row->second[0] ? _(": ") : "", second);
    else
        strbuf_puts(&sb, first);
    snprintf(text, LOG_TEXT, "%s", sb.data);
    text_clean(text);
    strbuf_clear(&sb);
    free(second);
    free(first);
}

json_t *log_json(const struct log_row *row)
{
    char at[CLOCK_TEXT], text[LOG_TEXT];
    clock_text(row->at_ms, at);
    log_sentence(NULL, row, text);
    json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "at", at, "kind", row->kind, "person", json_outside(row->person), "scene",
                          json_outside(row->scene), "what", json_outside(row->what), "text", json_outside(text));
    if (row->picture) {
        json_object_set_new(j, "picture", json_integer(row->picture));
        json_object_set_new(j, "path", json_outside(row->path));
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
