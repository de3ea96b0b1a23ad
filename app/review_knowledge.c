#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/review_knowledge.h"
#include "app/template.h"
#include "app/template_words.h"
#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "db/picture.h"

static void forget(struct review_knowledge *k)
{
    relation_free(k->rows, k->count);
    free(k->shown);
    k->rows = NULL;
    k->shown = NULL;
    k->count = 0;
}

void review_knowledge_clear(struct review_knowledge *k)
{
    forget(k);
    template_words_free(k->words);
    k->words = NULL;
}

static const char *word(void *context, const char *english)
{
    struct review_knowledge *k = context;
    if (!k->words)
        k->words = template_words_load();
    return template_words_get(k->words, english);
}

static bool is_part(const char *text, const char *component)
{
    return text && text[0] && strcasestr(text, component) != NULL;
}

static enum status relations(void *context, const char *fault, int64_t id, const struct knowledge_row **rows, size_t *count,
                             struct error *err)
{
    struct review_knowledge *k = context;
    struct picture picture = {0};
    size_t n = 0;
    forget(k);
    enum status status = id ? db_picture_get(k->project->db, id, &picture, err) : ST_OK;
    if (status == ST_OK)
        status = db_relation_list(k->project->db, fault, &k->rows, &k->count, err);
    k->shown = xcalloc(k->count + 1, sizeof *k->shown);
    for (int here = 1; here >= 0; here--) {
        for (size_t i = 0; i < k->count; i++) {
            const struct relation_row *r = &k->rows[i];
            if ((is_part(picture.position, r->component) || is_part(picture.object, r->component)) == here)
                k->shown[n++] = (struct knowledge_row){r->id,     r->component, r->fault,        r->cause,
                                                       r->action, r->severity,  r->contradicted, here};
        }
    }
    picture_clear(&picture);
    *rows = k->shown;
    *count = n;
    return status;
}

// What other statements about this fault, and answers, say otherwise.
static void add_contradictions(struct review_knowledge *k, const struct knowledge_row *row, struct strbuf *said)
{
    struct relation_row *rows;
    size_t count;
    struct error unused;
    if (db_relation_list(k->project->db, row->fault, &rows, &count, &unused) != ST_OK)
        return;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].component, row->component) == 0 && rows[i].contradicted)
            strbuf_printf(said, rows[i].contradicted == 1 ? _(" %lld answer says another severity.") : _(" %lld answers say another severity."),
                          (long long)rows[i].contradicted);
    relation_free(rows, count);
}

static enum status state(void *context, const struct knowledge_row *row, char **said, struct error *err)
{
    struct review_knowledge *k = context;
    struct relation_row stated = {.component = (char *)(uintptr_t)row->component, .fault = (char *)(uintptr_t)row->fault,
                                  .cause = (char *)(uintptr_t)row->cause, .action = (char *)(uintptr_t)row->action,
                                  .severity = (char *)(uintptr_t)row->severity};
    struct strbuf text = {0};
    char before[16];
    bool added;
    enum status status = db_relation_state(k->project->db, k->person, &stated, false, before, &added, err);
    if (status != ST_OK)
        return status;
    strbuf_printf(&text, _("%s on %s: stated."), row->fault, row->component);
    if (added && before[0] && strcmp(before, row->severity) != 0)
        strbuf_printf(&text, _(" It was stated as %s before."), _(before));
    add_contradictions(k, row, &text);
    *said = text.data;
    return ST_OK;
}

static enum status take_away(void *context, int64_t id, struct error *err)
{
    struct review_knowledge *k = context;
    return db_relation_retire(k->project->db, k->person, id, err);
}

static enum status templates(void *context, char **text, struct error *err)
{
    (void)context;
    return template_text(text, err);
}

static enum status apply(void *context, const char *name, char **said, struct error *err)
{
    struct review_knowledge *k = context;
    struct template t;
    struct template_report report;
    enum status status = template_load(name, &t, err);
    if (status != ST_OK)
        return status;
    status = template_apply(k->project, &t, 0, k->person, &report, err);
    if (status == ST_OK) {
        char *quoted = text_quoted(t.name);
        *said = xasprintf(_("%zu new classes and %zu relations of %s; recalls: `assay scene NAME --template %s`."), report.classes,
                          report.relations, t.name, quoted);
        free(quoted);
    }
    template_clear(&t);
    return status;
}

void review_knowledge_open(struct review_knowledge *k, struct project *project, int64_t person)
{
    *k = (struct review_knowledge){.project = project, .person = person};
    k->model = (struct knowledge_model){.context = k, .relations = relations, .state = state, .retire = take_away,
                                        .templates = templates, .apply = apply, .word = word};
}
