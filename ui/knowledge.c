// Relations while a defect is answered, and in the view of the classes; templates.
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/intl.h"
#include "base/strbuf.h"
#include "ui/draw.h"
#include "ui/session.h"

enum { FIELDS = 4 }; // of a relation in a line: component; cause; action; severity

// --- in the answer ------------------------------------------------------------------------

void knowledge_clear(struct choice *c)
{
    for (size_t i = 0; i < c->related_count; i++)
        for (size_t k = 0; k < sizeof c->related[i].texts / sizeof *c->related[i].texts; k++)
            free(c->related[i].texts[k]);
    free(c->related);
    c->related = NULL;
    c->related_count = c->related_at = 0;
}

// As the reader calls it.
static const char *shown(const struct session *s, const char *text)
{
    const struct knowledge_model *k = s->model->knowledge;
    return k && k->word ? knowledge_name(text, k->word(k->context, text)) : text;
}

static const struct related *chosen(const struct choice *c)
{
    return c->related_at < c->related_count ? &c->related[c->related_at] : NULL;
}

static int level_of(const char *severity)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(severity, answer_severities[i]) == 0)
            return i;
    return -1;
}

static void propose(struct choice *c)
{
    const struct related *r = chosen(c);
    int level = r ? level_of(r->row.severity) : -1;
    c->severity = level >= 0 ? level : c->class_severity;
}

// The picture's own component, or the only one known, is proposed; else none is until one is chosen.
void knowledge_ask(struct session *s, int64_t picture)
{
    struct choice *c = &s->choice;
    const struct knowledge_row *rows = NULL;
    const struct knowledge_model *k = s->model->knowledge;
    size_t count = 0;
    struct error err;
    knowledge_clear(c);
    c->class_severity = c->severity;
    if (!k || k->relations(k->context, c->taken, picture, &rows, &count, &err) != ST_OK)
        return;
    c->related = xcalloc(count + 1, sizeof *c->related);
    for (size_t i = 0; i < count; i++) {
        struct related *r = &c->related[c->related_count++];
        const char **fields[] = {&r->row.component, &r->row.cause, &r->row.action, &r->row.severity};
        r->row = rows[i];
        r->row.fault = "";
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++)
            *fields[f] = r->texts[f] = xstrdup(*fields[f]);
    }
    bool known = count > 0 && (c->related[0].row.here || count == 1);
    c->related_at = known ? 0 : count;
    propose(c);
}

void knowledge_turn(struct choice *c, bool forward)
{
    size_t places = c->related_count + 1; // the last: no component
    c->related_at = (c->related_at + (forward ? 1 : places - 1)) % places;
    propose(c);
}

const char *knowledge_component(const struct choice *c)
{
    const struct related *r = chosen(c);
    return r ? r->row.component : "";
}

// What the chosen severity contradicts, "" nothing.
void knowledge_contradiction(const struct choice *c, const char *severity, char *text, size_t room)
{
    const struct related *r = chosen(c);
    text[0] = '\0';
    if (r && r->row.severity[0] && strcmp(r->row.severity, severity) != 0)
        snprintf(text, room, _("the relations say %s for %s"), _(r->row.severity), r->row.component);
}

void knowledge_draw(const struct session *s, WINDOW *w, int y, int width)
{
    const struct choice *c = &s->choice;
    const struct related *r = chosen(c);
    char text[200];
    int end = getmaxy(w) - 1;
    if (c->related_count == 0 || y >= end)
        return;
    char *ask = session_keyed(s, _("on what? {severity.right} chooses"));
    draw_printf(w, y++, 2, width, A_BOLD, "< %s >", r ? shown(s, r->row.component) : ask);
    free(ask);
    if (!r)
        return;
    if (r->row.action[0] && y < end)
        y += draw_wrapped(w, y, 2, width, end - y < 2 ? end - y : 2, A_NORMAL, shown(s, r->row.action));
    if (r->row.cause[0] && y < end) {
        snprintf(text, sizeof text, _("cause: %s"), shown(s, r->row.cause));
        y += draw_wrapped(w, y, 2, width, end - y < 2 ? end - y : 2, A_DIM, text);
    }
    knowledge_contradiction(c, answer_severities[c->severity], text, sizeof text);
    if (text[0] && y < end)
        draw_printf(w, y, 2, width, A_BOLD, "! %s", text);
}

// --- in the view of the classes -----------------------------------------------------------------

void knowledge_show(struct session *s, const char *fault)
{
    const struct knowledge_model *k = s->model->knowledge;
    const struct knowledge_row *rows;
    size_t count;
    struct error err;
    struct strbuf text = {0};
    if (!k || k->relations(k->context, fault, 0, &rows, &count, &err) != ST_OK) {
        session_say(s, "%s", k ? err.text : _("No relations are kept here."));
        return;
    }
    if (count == 0) {
        session_say(s, _("Nothing is stated of %s yet; {state} states a relation."), knowledge_class(s, fault));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        strbuf_printf(&text, "%s%s%s\n", shown(s, rows[i].component), _(": "), rows[i].severity[0] ? _(rows[i].severity) : _("no severity"));
        if (rows[i].cause[0])
            strbuf_printf(&text, _("  cause   %s\n"), shown(s, rows[i].cause));
        if (rows[i].action[0])
            strbuf_printf(&text, _("  action  %s\n"), shown(s, rows[i].action));
        if (rows[i].contradicted)
            strbuf_printf(&text, rows[i].contradicted == 1 ? _("  ! answered otherwise on %lld picture\n") : _("  ! answered otherwise on %lld pictures\n"),
                          (long long)rows[i].contradicted);
    }
    popup_read(s, knowledge_class(s, fault), text.data);
}

static void trim(char **text)
{
    while (**text == ' ')
        ++*text;
    for (size_t n = strlen(*text); n > 0 && (*text)[n - 1] == ' ';)
        (*text)[--n] = '\0';
}

static void take_away(struct session *s, const char *fault, const char *component)
{
    const struct knowledge_model *k = s->model->knowledge;
    const struct knowledge_row *rows;
    size_t count;
    struct error err;
    enum status status = k->relations(k->context, fault, 0, &rows, &count, &err);
    for (size_t i = 0; i < count && status == ST_OK; i++) {
        if (strcmp(rows[i].component, component) != 0)
            continue;
        status = k->retire(k->context, rows[i].id, &err);
        if (status == ST_OK) {
            session_say(s, _("%s on %s: taken away."), knowledge_class(s, fault), shown(s, component));
            return;
        }
    }
    if (status == ST_OK)
        session_say(s, _("Nothing is stated of %s on %s."), knowledge_class(s, fault), shown(s, component));
    else
        session_say(s, "%s", err.text);
}

void knowledge_state(struct session *s, const char *fault, const char *line)
{
    const struct knowledge_model *k = s->model->knowledge;
    char none[1] = "", *copy = xstrdup(line), *rest = copy, *fields[FIELDS], *said = NULL;
    struct error err;
    for (int i = 0; i < FIELDS; i++) {
        char *field = rest ? strsep(&rest, ";") : NULL;
        fields[i] = field ? field : none;
        trim(&fields[i]);
    }
    if (fields[0][0] == '-') {
        fields[0]++;
        trim(&fields[0]);
        take_away(s, fault, fields[0]);
    } else if (fields[0][0]) {
        struct knowledge_row row = {.component = fields[0], .fault = fault, .cause = fields[1], .action = fields[2], .severity = fields[3]};
        enum status status = k->state(k->context, &row, &said, &err);
        session_say(s, "%s", status == ST_OK ? said : err.text);
        free(said);
    }
    free(copy);
}

static void applied(struct session *s, const char *line)
{
    const struct knowledge_model *k = s->model->knowledge;
    struct error err;
    char *said = NULL;
    if (!line[0])
        return;
    enum status status = k->apply(k->context, line, &said, &err);
    session_say(s, "%s", status == ST_OK ? said : err.text);
    free(said);
    view_load(s);
}

static void ask_template(struct session *s)
{
    char *title = session_keyed(s, _("Take the classes of the template ({templates} lists them)"));
    popup_line(s, title, "", applied);
    free(title);
}

void knowledge_templates(struct session *s, bool apply)
{
    const struct knowledge_model *k = s->model->knowledge;
    struct error err;
    char *text;
    if (!k)
        session_say(s, _("There are no templates here."));
    else if (apply)
        ask_template(s);
    else if (k->templates(k->context, &text, &err) != ST_OK)
        session_say(s, "%s", err.text);
    else
        popup_read(s, _("Templates"), text);
}

const char *knowledge_name(const char *name, const char *zh)
{
    return intl_chinese() && zh && zh[0] ? zh : name;
}

const char *knowledge_class(const struct session *s, const char *name)
{
    return s->model->class_word ? s->model->class_word(s->model->context, name) : name;
}

void knowledge_defect(const struct session *s, const char *name, const char *severity, char *text, size_t room)
{
    snprintf(text, room, _("%s (%s)"), knowledge_class(s, name), _(severity));
}
