#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/class_word.h"
#include "app/review_lead.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/text.h"
#include "db/label.h"
#include "db/second.h"
#include "screen/rates.h"

enum { VERDICTS = 3, INTERVAL_FROM = 20 }; // fewer pictures: the large-sample interval would be too narrow
static const double z_95 = 1.959963984540054;

struct entry { // of an inspector or a class
    char *name;
    int64_t table[VERDICTS * VERDICTS]; // inspector: verdicts; class: the first four, [first is it][second is it]
};

struct list {
    struct entry *entries;
    size_t count, capacity;
};

struct pair {
    char *classes[2];
};

struct agreement {
    struct list people, classes;
    int64_t blind, seen, seen_agreed;
    struct pair *pairs; // of the blind ones; "" where it is no defect
    size_t pair_count, pair_room;
};

static struct entry *entry_of(struct list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->entries[i].name, name) == 0)
            return &list->entries[i];
    GROW(list->entries, list->capacity, list->count + 1);
    list->entries[list->count] = (struct entry){.name = xstrdup(name)};
    return &list->entries[list->count++];
}

static void add(void *context, const struct agree_row *row)
{
    struct agreement *a = context;
    int first = row->verdicts[0] - VERDICT_NORMAL, second = row->verdicts[1] - VERDICT_NORMAL;
    if (first < 0 || first >= VERDICTS || second < 0 || second >= VERDICTS)
        return;
    if (!row->blind) {
        a->seen++;
        a->seen_agreed += first == second && strcmp(row->classes[0], row->classes[1]) == 0;
        return;
    }
    a->blind++;
    entry_of(&a->people, row->person)->table[first * VERDICTS + second]++;
    GROW(a->pairs, a->pair_room, a->pair_count + 1);
    struct pair *pair = &a->pairs[a->pair_count++];
    for (int i = 0; i < 2; i++) {
        pair->classes[i] = xstrdup(row->verdicts[i] == VERDICT_DEFECT ? row->classes[i] : "");
        if (pair->classes[i][0])
            entry_of(&a->classes, pair->classes[i]);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static enum status gather(struct project *project, int64_t scene, int64_t since_ms, struct agreement *a, struct error *err)
{
    *a = (struct agreement){0};
    enum status status = db_agreement(project->db, scene, since_ms, add, a, err);
    for (size_t c = 0; c < a->classes.count; c++) {
        struct entry *e = &a->classes.entries[c];
        for (size_t i = 0; i < a->pair_count; i++)
            e->table[2 * (strcmp(a->pairs[i].classes[0], e->name) == 0) + (strcmp(a->pairs[i].classes[1], e->name) == 0)]++;
    }
    if (a->people.count)
        qsort(a->people.entries, a->people.count, sizeof *a->people.entries, by_name);
    if (a->classes.count)
        qsort(a->classes.entries, a->classes.count, sizeof *a->classes.entries, by_name);
    return status;
}

static void release(struct agreement *a)
{
    struct list *lists[] = {&a->people, &a->classes};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++)
            free(lists[l]->entries[i].name);
        free(lists[l]->entries);
    }
    for (size_t i = 0; i < a->pair_count; i++) {
        free(a->pairs[i].classes[0]);
        free(a->pairs[i].classes[1]);
    }
    free(a->pairs);
}

// Pictures and those agreed on; for a class, those that either of the two gave it, and both.
static void counts(const struct entry *e, int kinds, int64_t *pictures, int64_t *agreed)
{
    *pictures = *agreed = 0;
    for (int i = 0; i < kinds * kinds; i++) {
        *pictures += e->table[i];
        *agreed += i % (kinds + 1) == 0 ? e->table[i] : 0;
    }
    if (kinds == 2) {
        *pictures -= e->table[0];
        *agreed -= e->table[0];
    }
}

static int64_t total(const struct entry *e, int kinds)
{
    int64_t sum = 0;
    for (int i = 0; i < kinds * kinds; i++)
        sum += e->table[i];
    return sum;
}

static void put_entry(struct strbuf *sb, const struct entry *e, const char *word, int kinds)
{
    int64_t pictures, agreed;
    double kappa = rates_kappa(e->table, kinds);
    counts(e, kinds, &pictures, &agreed);
    char *name = text_cleaned(word);
    strbuf_printf(sb, "  %s%s", name, _(": "));
    free(name);
    strbuf_printf(sb, _("%lld of %lld agree"), (long long)agreed, (long long)pictures);
    if (isfinite(kappa) && total(e, kinds) < INTERVAL_FROM) {
        strbuf_printf(sb, _(", kappa %.2f (too few pictures for an interval)"), kappa);
    } else if (isfinite(kappa)) {
        struct rates_interval i = rates_kappa_interval(e->table, kinds, z_95);
        strbuf_printf(sb, _(", kappa %.2f (%.2f to %.2f)"), kappa, i.low, i.high);
    } else {
        strbuf_puts(sb, _(", kappa not defined: one answer throughout"));
    }
    strbuf_puts(sb, "\n");
}

struct confusion {
    const char *classes[2];
    int64_t count;
};

static int most_first(const void *left, const void *right)
{
    const struct confusion *a = left, *b = right;
    int order = a->count == b->count ? strcmp(a->classes[0], b->classes[0]) : a->count < b->count ? 1 : -1;
    return order ? order : strcmp(a->classes[1], b->classes[1]);
}

// What was answered first, what the second look made of it, and how often, where the two are not the same class; "" no
// defect. Most often first; freed by the caller, its classes with `a`.
static struct confusion *confusions(const struct agreement *a, size_t *count)
{
    struct confusion *rows = xcalloc(a->pair_count + 1, sizeof *rows);
    *count = 0;
    for (size_t i = 0; i < a->pair_count; i++) {
        const struct pair *pair = &a->pairs[i];
        size_t at = 0;
        if (strcmp(pair->classes[0], pair->classes[1]) == 0)
            continue;
        while (at < *count && (strcmp(rows[at].classes[0], pair->classes[0]) != 0 || strcmp(rows[at].classes[1], pair->classes[1]) != 0))
            at++;
        if (at == *count)
            rows[(*count)++] = (struct confusion){{pair->classes[0], pair->classes[1]}, 0};
        rows[at].count++;
    }
    qsort(rows, *count, sizeof *rows, most_first);
    return rows;
}

static void put_confusion(struct strbuf *sb, struct db *db, const struct agreement *a)
{
    size_t count;
    struct confusion *rows = confusions(a, &count);
    if (count)
        strbuf_printf(sb, "%s\n", _("Confusion by class: first answer > second look, how often"));
    for (size_t i = 0; i < count; i++) {
        char room[2][CLASS_WORD], *names[2];
        for (int k = 0; k < 2; k++)
            names[k] = text_cleaned(rows[i].classes[k][0] ? class_word(db, rows[i].classes[k], room[k]) : _("no defect"));
        strbuf_printf(sb, _("  %s > %s: %lld\n"), names[0], names[1], (long long)rows[i].count);
        free(names[0]);
        free(names[1]);
    }
    free(rows);
}

static json_t *confusion_json(const struct agreement *a)
{
    size_t count;
    struct confusion *rows = confusions(a, &count);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) // no class: none was seen
        json_array_append_new(all, json_pack("{s:o, s:o, s:I}", "first", json_outside(rows[i].classes[0]), "second", json_outside(rows[i].classes[1]), "count",
                                             (json_int_t)rows[i].count));
    free(rows);
    return all;
}

enum status agreement_text(struct project *project, int64_t scene, int64_t since_ms, char **text, struct error *err)
{
    struct agreement a;
    struct strbuf sb = {0};
    char room[CLASS_WORD];
    enum status status = gather(project, scene, since_ms, &a, err);
    if (status == ST_OK) {
        strbuf_printf(&sb, _("Blind second answers: %lld"), (long long)a.blind);
        strbuf_puts(&sb, "\n");
        if (a.people.count)
            strbuf_printf(&sb, "%s\n", _("By inspector: normal, defect, unsure"));
        for (size_t i = 0; i < a.people.count; i++)
            put_entry(&sb, &a.people.entries[i], a.people.entries[i].name, VERDICTS);
        if (a.classes.count)
            strbuf_printf(&sb, "%s\n", _("By class: given by both, of those that either gave"));
        for (size_t i = 0; i < a.classes.count; i++)
            put_entry(&sb, &a.classes.entries[i], class_word(project->db, a.classes.entries[i].name, room), 2);
        put_confusion(&sb, project->db, &a);
        if (a.seen) {
            strbuf_printf(&sb, _("Seen before they were answered: %lld, %lld of them confirmed (in no figure above)"), (long long)a.seen,
                          (long long)a.seen_agreed);
            strbuf_puts(&sb, "\n");
        }
        if (a.blind) // the popup takes a line that begins with a blank for a plain one
            strbuf_printf(&sb, "  %s\n  %s\n", _("kappa: Cohen 1960, beyond chance; 95-percent interval: Fleiss, Cohen and Everitt 1969."),
                          _("Which answers get a second look is no fair draw: this is not the rate of mistakes."));
    }
    release(&a);
    *text = sb.data;
    return status;
}

static json_t *list_json(const struct list *list, int kinds)
{
    json_t *all = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct entry *e = &list->entries[i];
        int64_t pictures, agreed;
        double kappa = rates_kappa(e->table, kinds);
        counts(e, kinds, &pictures, &agreed);
        json_t *j = json_pack("{s:o, s:I, s:I}", "name", json_outside(e->name), "pictures", (json_int_t)pictures, "agreed", (json_int_t)agreed);
        struct rates_interval in = rates_kappa_interval(e->table, kinds, z_95);
        json_object_set_new(j, "kappa", isfinite(kappa) ? json_real(kappa) : json_null());
        json_object_set_new(j, "interval", isfinite(kappa) && total(e, kinds) >= INTERVAL_FROM ? json_pack("[f,f]", in.low, in.high) : json_null());
        json_array_append_new(all, j);
    }
    return all;
}

enum status agreement_json(struct project *project, int64_t scene, int64_t since_ms, json_t **json, struct error *err)
{
    struct agreement a;
    *json = NULL;
    enum status status = gather(project, scene, since_ms, &a, err);
    if (status == ST_OK)
        *json = json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "blind", (json_int_t)a.blind, "seen", (json_int_t)a.seen, "seen_agreed",
                          (json_int_t)a.seen_agreed, "inspectors", list_json(&a.people, VERDICTS), "classes", list_json(&a.classes, 2),
                          "confusion", confusion_json(&a));
    release(&a);
    return status;
}
