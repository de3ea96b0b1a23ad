#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/session.h"

const char *const answer_severities[3] = {N_("stop"), N_("key"), N_("general")};

bool answer_new(const struct choice *choice)
{
    for (size_t i = 0; i < choice->count; i++)
        if (strcasecmp(choice->names[i], choice->search) == 0)
            return false;
    return choice->search[0] != '\0';
}

// How well a class fits what was typed, 0 best; FITS_NOT.
enum { FITS_FUZZY = 5, FITS_NOT };

static bool in_order(const char *name, const char *letters)
{
    for (; *letters; letters++) {
        while (*name && tolower((unsigned char)*name) != tolower((unsigned char)*letters))
            name++;
        if (!*name)
            return false;
        name++;
    }
    return true;
}

static int fit(const char *name, const char *code, const char *search)
{
    size_t length = strlen(search);
    const char *at = strcasestr(name, search);
    if (length == 0 || strcasecmp(code, search) == 0 || strcasecmp(name, search) == 0)
        return 0;
    if (code[0] && strncasecmp(code, search, length) == 0)
        return 1;
    if (at == name)
        return 2;
    for (const char *word = at; word; word = strcasestr(word + 1, search))
        if (!isalnum((unsigned char)word[-1]) && (unsigned char)word[-1] < 0x80)
            return 3;
    return at ? 4 : in_order(name, search) ? FITS_FUZZY : FITS_NOT;
}

// By the name in either language.
static int fit_class(const struct choice *c, size_t i)
{
    int name = fit(c->names[i], c->codes[i], c->search);
    int zh = c->zh && c->zh[i][0] && strstr(c->zh[i], c->search) ? strncmp(c->zh[i], c->search, strlen(c->search)) == 0 ? 2 : 3 : FITS_NOT;
    return zh < name ? zh : name;
}

// The best first, among equals the one that is likely, then the one used last. Letters that only come in order (hc: hair crack) stand before the new
// class while they are few, and behind it when a name is being written.
size_t answer_matches(const struct choice *choice, size_t *places, size_t room)
{
    size_t n = 0;
    bool written = strlen(choice->search) > 3, fresh = answer_new(choice);
    for (int rank = 0; rank < FITS_NOT; rank++) {
        if (rank == FITS_FUZZY && written && fresh && n < room)
            places[n++] = choice->count;
        for (size_t i = 0; i < choice->count && n < room; i++)
            if (fit_class(choice, i) == rank)
                places[n++] = i;
    }
    if (!written && fresh && n < room)
        places[n++] = choice->count;
    return n;
}

size_t answer_standing(const struct session *s)
{
    int64_t left = (int64_t)s->done_count - (s->undone > 0 ? s->undone : 0);
    return left > 0 ? (size_t)left : 0;
}

void answer_count(struct session *s, enum action_kind kind)
{
    if (kind == ACTION_UNDO || kind == ACTION_REDO) {
        int64_t count = s->model->concerned ? (int64_t)s->model->concerned(s->model->context) : 1;
        s->undone += kind == ACTION_UNDO ? count : -count;
    } else if (kind != ACTION_SKIP || !s->config->poor) { // there it is only passed by: nothing to take back
        s->done_count = answer_standing(s);
        s->undone = 0;
        GROW(s->done, s->done_room, s->done_count + 1);
        s->done[s->done_count++] = kind;
    }
}

const char *answer_component(const struct session *s, int64_t id, const char *class_name)
{
    const struct choice *c = &s->choice; // what was chosen for another picture, or another class, says nothing of this one
    return c->picture == id && class_name && strcmp(c->taken, class_name) == 0 ? knowledge_component(c) : "";
}

// With what it is on, and what it contradicts.
static void say_defect(struct session *s, const char *class_name, const char *severity)
{
    char otherwise[160];
    const char *component = answer_component(s, s->entry.item.id, class_name);
    otherwise[0] = '\0';
    if (component[0])
        knowledge_contradiction(&s->choice, severity, otherwise, sizeof otherwise);
    session_say(s, component[0] ? _("%s: defect, %s (%s), on %s") : _("%s: defect, %s (%s)"), s->entry.item.name, knowledge_class(s, class_name),
                _(severity), component);
    if (otherwise[0])
        snprintf(s->status + strlen(s->status), sizeof s->status - strlen(s->status), "; %s", otherwise);
}

static void say_done(struct session *s, enum action_kind kind, const char *class_name, const char *severity)
{
    static const char *const said[] = {N_("normal"), N_("defect"), N_("unsure: the lead will see it"), N_("skipped")};
    size_t concerned = s->model->concerned ? s->model->concerned(s->model->context) : 1;
    bool quality = s->config->poor && (kind == ACTION_NORMAL || kind == ACTION_UNSURE);
    if (concerned == 0 && (kind == ACTION_UNDO || kind == ACTION_REDO))
        session_say(s, "%s", kind == ACTION_UNDO ? _("What was drawn last was taken back.") : _("What was drawn was given again."));
    else if (quality)
        session_say(s, _("%s: %s"), s->entry.item.name, kind == ACTION_NORMAL ? _("fine after all, to be screened") : _("really poor"));
    else if (kind == ACTION_DEFECT)
        say_defect(s, class_name, severity);
    else if (kind != ACTION_UNDO && kind != ACTION_REDO)
        session_say(s, _("%s: %s"), s->entry.item.name, _(said[kind]));
    else if (concerned > 1)
        session_say(s, kind == ACTION_UNDO ? _("The last %zu answers were taken back.") : _("The last %zu answers were given again."), concerned);
    else
        session_say(s, "%s", kind == ACTION_UNDO ? _("The last answer was taken back.") : _("The last answer was given again."));
}

void answer_act(struct session *s, enum action_kind kind, const char *class_name, const char *severity)
{
    struct action action = {.kind = kind, .class_name = class_name, .severity = severity};
    struct error err;
    bool about = kind != ACTION_UNDO && kind != ACTION_REDO;
    if (about || s->entry.present)
        action.id = s->entry.item.id;
    if (about && s->item_seen)
        action.took_ms = (int64_t)((clock_seconds() - s->item_seen_at) * 1000);
    if (kind == ACTION_DEFECT)
        action.component = answer_component(s, action.id, class_name);
    if (about && s->note_id == action.id)
        action.note = s->note;
    size_t index = s->index;
    if (s->model->act(s->model->context, &action, &index, &err)) {
        session_say(s, "%s", err.text);
        return;
    }
    const char *class_back = !about && s->model->class_back ? s->model->class_back(s->model->context) : NULL;
    if (class_back) {
        session_say(s, "%s", class_back);
        view_load(s);
        return;
    }
    answer_count(s, kind);
    if (about) { // said of the picture that is left
        say_done(s, kind, class_name, severity);
        s->index++;
        view_load(s);
        return;
    }
    s->index = index;
    if (s->view->answers)
        view_load(s);
    else
        view_switch(s, &view_review);
    say_done(s, kind, class_name, severity);
}

bool answer_confirmed(struct session *s, enum sight sight, int64_t id)
{
    if (sight == SIGHT_SEEN || s->confirm == id)
        return true;
    s->confirm = id;
    session_say(s, "%s", sight == SIGHT_NONE ? _("The picture cannot be shown - press again to answer without seeing it.")
                                             : _("The picture is not shown yet - press again to answer without seeing it."));
    return false;
}

// Of the class that the picture in question is likely of; count: none is known.
static size_t likely_place(const struct session *s, const struct review_class *classes, size_t count)
{
    for (size_t i = 0; i < count && s->choice.picture && s->entry.item.likely[0]; i++)
        if (!classes[i].retired && strcmp(classes[i].name, s->entry.item.likely) == 0)
            return i;
    return count;
}

void answer_choose(struct session *s, void (*done)(struct session *s, const char *class_name, const char *severity))
{
    struct choice *c = &s->choice;
    const struct review_class *classes = NULL;
    size_t count = 0;
    s->model->classes(s->model->context, &classes, &count);
    free(c->names);
    free(c->codes);
    free(c->severities);
    free(c->zh);
    knowledge_clear(c);
    memset(c, 0, sizeof *c);
    c->done = done;
    bool one = s->view == &view_review || s->view == &view_regions || s->view == &view_second;
    c->picture = one && s->entry.present ? s->entry.item.id : 0;
    c->names = xcalloc(count + 1, sizeof *c->names);
    c->codes = xcalloc(count + 1, sizeof *c->codes);
    c->zh = xcalloc(count + 1, sizeof *c->zh);
    c->severities = xcalloc(count + 1, sizeof *c->severities);
    size_t likely = likely_place(s, classes, count);
    c->likely = likely < count;
    for (size_t n = 0; n < count; n++) {
        size_t i = likely == count || n > likely ? n : n == 0 ? likely : n - 1; // that one first
        if (classes[i].retired)
            continue;
        snprintf(c->names[c->count], CLASS_ROOM, "%s", classes[i].name);
        snprintf(c->codes[c->count], CLASS_ROOM, "%s", classes[i].code ? classes[i].code : "");
        snprintf(c->zh[c->count], CLASS_ROOM, "%s", classes[i].zh ? classes[i].zh : "");
        c->severities[c->count] = 2;
        for (int k = 0; k < 3; k++)
            if (classes[i].severity && strcmp(classes[i].severity, answer_severities[k]) == 0)
                c->severities[c->count] = k;
        c->count++;
    }
    s->context = CONTEXT_CLASS;
}

static void type(struct choice *c, int key)
{
    char bytes[8];
    mbstate_t state = {0};
    size_t n = wcrtomb(bytes, (wchar_t)key, &state), len = strlen(c->search);
    if (key < ' ' || n == (size_t)-1 || len + n >= CLASS_ROOM || (len == 0 && key == ' '))
        return;
    memcpy(c->search + len, bytes, n);
    c->search[len + n] = '\0';
    c->marked = 0;
}

static void erase_letter(struct choice *c)
{
    size_t len = strlen(c->search);
    while (len > 0 && (c->search[--len] & 0xc0) == 0x80)
        ;
    c->search[len] = '\0';
    c->marked = 0;
}

static void take_class(struct session *s)
{
    struct choice *c = &s->choice;
    size_t *places = xcalloc(c->count + 1, sizeof *places);
    size_t n = answer_matches(c, places, c->count + 1);
    if (n > 0) {
        size_t place = places[c->marked < n ? c->marked : n - 1];
        bool fresh = place == c->count;
        snprintf(c->taken, CLASS_ROOM, "%s", fresh ? c->search : c->names[place]);
        for (size_t len = strlen(c->taken); len > 0 && c->taken[len - 1] == ' ';)
            c->taken[--len] = '\0';
        c->severity = fresh ? 2 : c->severities[place];
        knowledge_ask(s, c->picture);
        s->context = CONTEXT_SEVERITY;
    } else {
        session_say(s, _("There is no class yet: type the name of the first."));
    }
    free(places);
}

static void class_key(struct session *s, enum command command, int key)
{
    struct choice *c = &s->choice;
    size_t *places = xcalloc(c->count + 1, sizeof *places);
    size_t n = answer_matches(c, places, c->count + 1);
    free(places);
    session_say(s, "%s", ""); // what the last key was answered
    if (command == COMMAND_BACK)
        s->context = s->view->context;
    else if (command == COMMAND_UP)
        c->marked -= c->marked > 0;
    else if (command == COMMAND_DOWN)
        c->marked += c->marked + 1 < n;
    else if (command == COMMAND_ERASE)
        erase_letter(c);
    else if (command == COMMAND_ACCEPT)
        take_class(s);
    else if (key < KEYMAP_FUNCTION)
        type(c, key);
}

static void severity_key(struct session *s, enum command command)
{
    struct choice *c = &s->choice;
    if (command == COMMAND_BACK) {
        s->context = CONTEXT_CLASS;
    } else if (command == COMMAND_UP) {
        c->severity -= c->severity > 0;
    } else if (command == COMMAND_DOWN) {
        c->severity += c->severity < 2;
    } else if (command == COMMAND_LEFT || command == COMMAND_RIGHT) {
        knowledge_turn(c, command == COMMAND_RIGHT);
    } else if (command != COMMAND_NONE) {
        if (command != COMMAND_ACCEPT)
            c->severity = command == COMMAND_STOP ? 0 : command == COMMAND_KEY ? 1 : 2;
        s->context = s->view->context;
        c->done(s, c->taken, answer_severities[c->severity]);
    }
}

void answer_key(struct session *s, enum command command, int key)
{
    if (s->context == CONTEXT_CLASS)
        class_key(s, command, key);
    else
        severity_key(s, command);
}
