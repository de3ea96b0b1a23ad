// The view of regions: what it shows and stores, and which key does what.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/intl.h"
#include "ui/marks.h"
#include "ui/session.h"

static const double settle_s = 1.0; // what is moved is stored when it has rested so long

static void entries_clear(struct region_entry *rows, size_t *count)
{
    for (size_t i = 0; i < *count; i++) {
        region_clear(&rows[i].shape);
        spans_clear(&rows[i].pixels);
    }
    *count = 0;
}

void regions_clear_all(struct session *s)
{
    struct regions *r = &s->regions;
    entries_clear(r->rows, &r->count);
    entries_clear(r->hints, &r->hint_count);
    free(r->rows);
    free(r->hints);
    free(r->offered);
    free(r->points);
    spans_clear(&r->paint);
    marks_leave(r->marks);
    *r = (struct regions){.at = -1, .again = -1, .corner = -1, .radius = r->radius, .fine = r->fine};
}

// ---- what is chosen and seen ----

struct region_entry *regions_chosen(struct session *s)
{
    struct regions *r = &s->regions;
    return r->at >= 0 && r->at < (long)r->count ? &r->rows[r->at] : NULL;
}

struct region_entry *regions_offer(struct session *s)
{
    struct regions *r = &s->regions;
    long at = r->at - (long)r->count;
    return r->at >= 0 && at >= 0 && at < (long)r->offer_count ? &r->hints[r->offered[at]] : NULL;
}

static struct look look_now(const struct session *s)
{
    struct look look = s->look;
    look.heat = s->heat && !s->entry.item.blind ? look.heat : 0;
    return look;
}

bool regions_seen(const struct session *s, struct seen *seen)
{
    const struct review_item *item = &s->entry.item;
    struct look look = look_now(s);
    struct want want;
    if (!s->entry.present || item->width < 1 || item->height < 1)
        return false;
    picture_want(s, &s->pane, item, &look, &want);
    compose_seen(item->width, item->height, 0, &look, want.width, want.height, seen);
    return true;
}

int regions_step(const struct session *s, bool other)
{
    struct seen seen;
    bool fine = s->regions.fine != other;
    if (fine || !regions_seen(s, &seen))
        return 1;
    int larger = seen.width > seen.height ? seen.width : seen.height;
    return larger / 32 > 2 ? larger / 32 : 2;
}

// Magnified, the cursor stays within what is seen, with a margin.
static void follow_cursor(struct session *s)
{
    struct seen seen;
    const struct review_item *item = &s->entry.item;
    if (s->look.scale <= 0 || !regions_seen(s, &seen))
        return;
    double at[2] = {s->regions.x, s->regions.y}, *middle[2] = {&s->look.x, &s->look.y};
    int from[2] = {seen.x, seen.y}, wide[2] = {seen.width, seen.height}, all[2] = {item->width, item->height};
    for (int i = 0; i < 2; i++) {
        double margin = wide[i] / 8.0, shift = fmin(at[i] - (from[i] + margin), 0) + fmax(at[i] + 1 - (from[i] + wide[i] - margin), 0);
        if (shift != 0)
            *middle[i] = fmin(fmax((from[i] + shift + wide[i] / 2.0) / all[i], wide[i] / 2.0 / all[i]), 1 - wide[i] / 2.0 / all[i]);
    }
}

static void cursor_to(struct session *s, double x, double y)
{
    const struct review_item *item = &s->entry.item;
    s->regions.x = (int)fmin(fmax(x, 0), item->width - 1);
    s->regions.y = (int)fmin(fmax(y, 0), item->height - 1);
}

void regions_choose(struct session *s, long at)
{
    struct regions *r = &s->regions;
    double box[4];
    r->at = at;
    r->corner = -1;
    const struct region_entry *entry = regions_chosen(s) ? regions_chosen(s) : regions_offer(s);
    if (!entry)
        return;
    region_bounds(&entry->shape, box);
    cursor_to(s, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
}

// ---- reading and storing ----

static void entry_from(struct region_entry *entry, const struct review_region *row)
{
    *entry = (struct region_entry){.at_ms = row->at_ms};
    region_copy(&row->shape, &entry->shape);
    spans_copy(&row->pixels, &entry->pixels);
    snprintf(entry->class_name, sizeof entry->class_name, "%s", row->class_name ? row->class_name : "");
    snprintf(entry->severity, sizeof entry->severity, "%s", row->severity ? row->severity : "");
    snprintf(entry->who, sizeof entry->who, "%s", row->who ? row->who : "");
}

// What half of is drawn already is not offered.
static void offer(struct regions *r, int width, int height)
{
    r->offered = xreallocarray(r->offered, r->hint_count + 1, sizeof *r->offered);
    r->offer_count = 0;
    for (size_t i = 0; i < r->hint_count; i++) {
        struct spans left = {0};
        region_spans(&r->hints[i].shape, width, height, &left);
        int64_t all = spans_area(&left);
        for (size_t k = 0; k < r->count; k++) {
            struct spans drawn = {0};
            region_spans(&r->rows[k].shape, width, height, &drawn);
            spans_less(&left, &drawn);
            spans_clear(&drawn);
        }
        if (!r->hints[i].dismissed && 2 * spans_area(&left) > all)
            r->offered[r->offer_count++] = i;
        spans_clear(&left);
    }
}

static enum status read_rows(struct session *s, bool hints, struct error *err)
{
    struct regions *r = &s->regions;
    const struct review_region *rows = NULL;
    size_t count = 0, suggested = 0;
    enum status status = s->model->regions(s->model->context, s->entry.item.id, &rows, &count, &suggested, err);
    if (status != ST_OK)
        return status;
    entries_clear(r->rows, &r->count);
    for (size_t i = 0; i < count; i++) {
        GROW(r->rows, r->room, r->count + 1);
        entry_from(&r->rows[r->count++], &rows[i]);
    }
    for (size_t i = count; hints && i < count + suggested; i++) {
        GROW(r->hints, r->hint_room, r->hint_count + 1);
        entry_from(&r->hints[r->hint_count++], &rows[i]);
    }
    offer(r, s->entry.item.width, s->entry.item.height);
    if (r->at >= (long)(r->count + r->offer_count))
        r->at = -1;
    r->changed = false;
    return ST_OK;
}

static void begin_picture(struct session *s)
{
    struct regions *r = &s->regions;
    struct error err;
    char class_name[REGION_NAME], severity[sizeof r->severity];
    memcpy(class_name, r->class_name, sizeof class_name);
    memcpy(severity, r->severity, sizeof severity);
    regions_clear_all(s);
    memcpy(r->class_name, class_name, sizeof class_name);
    memcpy(r->severity, severity, sizeof severity);
    r->id = s->entry.item.id;
    r->radius = r->radius > 0 ? r->radius : 4;
    cursor_to(s, s->entry.item.width / 2, s->entry.item.height / 2);
    if (read_rows(s, true, &err) != ST_OK)
        session_say(s, "%s", err.text);
    else if (r->count == 0 && r->offer_count > 0)
        regions_choose(s, 0);
}

bool regions_store(struct session *s)
{
    struct regions *r = &s->regions;
    struct error err;
    struct review_region *rows = xcalloc(r->count + 1, sizeof *rows);
    for (size_t i = 0; i < r->count; i++)
        rows[i] = (struct review_region){.shape = r->rows[i].shape, .class_name = r->rows[i].class_name,
                                         .severity = r->rows[i].severity, .who = r->rows[i].who, .at_ms = r->rows[i].at_ms};
    enum status status = s->model->draw(s->model->context, r->id, rows, r->count, &err), read = ST_OK;
    struct error unread;
    free(rows);
    r->changed = false;
    read = read_rows(s, false, &unread);
    if (status != ST_OK || read != ST_OK)
        session_say(s, "%s", status != ST_OK ? err.text : unread.text);
    return status == ST_OK;
}

void regions_settle(struct session *s)
{
    if (s->regions.changed)
        regions_store(s);
}

// ---- the view ----

static const char *refuse(struct session *s)
{
    if (!s->model->regions || !s->model->draw)
        return _("Regions are drawn in the review of a scene.");
    if (!s->entry.present)
        return _("There is no picture here to draw on.");
    return NULL;
}

static void put_picture(struct session *s)
{
    struct regions *r = &s->regions;
    struct review_item item = s->entry.item;
    struct look look = look_now(s);
    struct rect pane = s->pane;
    item.heat = r->heat.rows > 0 ? &r->heat : NULL;
    marks_leave(r->marks);
    r->marks = look.marks = regions_marks(s);
    picture_put(s, &pane, &item, &look);
}

void regions_show(struct session *s)
{
    panel_layout(s);
    follow_cursor(s);
    picture_begin(s);
    if (s->entry.present)
        put_picture(s);
    picture_end(s);
}

static void load(struct session *s)
{
    struct regions *r = &s->regions;
    struct review_item item;
    struct error err;
    if (!entry_load(s, &item)) {
        regions_clear_all(s);
        return;
    }
    struct heat heat = {0};
    if (item.heat && !item.blind)
        heat = *item.heat;
    if (r->id != s->entry.item.id)
        begin_picture(s);
    else if (!r->changed && r->drawing == DRAWING_NOT && read_rows(s, false, &err) != ST_OK)
        session_say(s, "%s", err.text);
    r->heat = heat;
    follow_cursor(s);
    put_picture(s);
}

static void enter(struct session *s)
{
    regions_clear_all(s);
    if (!s->config->script)
        term_mouse(&s->term, true);
}

static void leave(struct session *s)
{
    regions_settle(s);
    regions_clear_all(s);
    if (!s->config->script)
        term_mouse(&s->term, false);
}

static void idle(struct session *s, double now)
{
    if (!s->regions.changed || now - s->regions.changed_at < settle_s)
        return;
    regions_settle(s);
    regions_show(s);
}

// ---- keys ----

static void step_choice(struct session *s, int by)
{
    struct regions *r = &s->regions;
    long all = (long)(r->count + r->offer_count);
    if (all == 0)
        session_say(s, _("Nothing is drawn or suggested yet: {box} begins a box, {polygon} a polygon, {mask} a mask."));
    else
        regions_choose(s, r->at < 0 ? (by > 0 ? 0 : all - 1) : (r->at + by + all) % all);
}

static void choose_at_cursor(struct session *s)
{
    struct regions *r = &s->regions;
    long best = -1;
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < r->count + r->offer_count; i++) {
        const struct region_entry *entry = i < r->count ? &r->rows[i] : &r->hints[r->offered[i - r->count]];
        struct spans spans = {0};
        region_spans(&entry->shape, s->entry.item.width, s->entry.item.height, &spans);
        int64_t area = spans_area(&spans);
        if (spans_has(&spans, r->x, r->y) && area < least) {
            least = area;
            best = (long)i;
        }
        spans_clear(&spans);
    }
    if (best < 0)
        session_say(s, _("No region lies under the cursor."));
    r->at = best;
    r->corner = -1;
}

static void found_defect(struct session *s, const char *class_name, const char *severity)
{
    answer_act(s, ACTION_DEFECT, class_name, severity);
}

// The worst of the regions' classes; false: none has one.
static bool worst(const struct regions *r, const char **class_name, const char **severity)
{
    for (int level = 0; level < 3; level++)
        for (size_t i = 0; i < r->count; i++)
            if (r->rows[i].class_name[0] && strcmp(r->rows[i].severity[0] ? r->rows[i].severity : "general", answer_severities[level]) == 0) {
                *class_name = r->rows[i].class_name;
                *severity = answer_severities[level];
                return true;
            }
    return false;
}

static void answer(struct session *s, enum command command)
{
    struct regions *r = &s->regions;
    const char *class_name, *severity;
    if (command == COMMAND_NORMAL && r->count > 0)
        session_say(s, _("%zu regions are drawn: a normal picture has none. {erase} erases one, {defect} answers: a defect."), r->count);
    else if (command != COMMAND_SKIP && !answer_confirmed(s, picture_item_sight(s), s->entry.item.id))
        return;
    else if (command != COMMAND_DEFECT)
        answer_act(s, command == COMMAND_NORMAL ? ACTION_NORMAL : command == COMMAND_UNSURE ? ACTION_UNSURE : ACTION_SKIP, NULL, NULL);
    else if (worst(r, &class_name, &severity)) {
        char name[REGION_NAME];
        memcpy(name, class_name, sizeof name);
        answer_act(s, ACTION_DEFECT, name, severity);
    } else
        answer_choose(s, found_defect);
}

static void back(struct session *s)
{
    struct regions *r = &s->regions;
    if (r->drawing != DRAWING_NOT)
        regions_give_up(s);
    else if (r->at >= 0)
        r->at = -1;
    else
        view_switch(s, &view_review);
}

static bool look_command(enum command command)
{
    return command == COMMAND_HEAT || command == COMMAND_STRENGTH || command == COMMAND_CONTRAST || command == COMMAND_INVERT ||
           command == COMMAND_WHOLE || command == COMMAND_IN || command == COMMAND_OUT || command == COMMAND_PIXELS;
}

static bool arrow_command(struct session *s, enum command command)
{
    static const struct {
        enum command near, far;
        int right, down;
    } ways[] = {{COMMAND_LEFT, COMMAND_FAR_LEFT, -1, 0}, {COMMAND_RIGHT, COMMAND_FAR_RIGHT, 1, 0},
                {COMMAND_UP, COMMAND_FAR_UP, 0, -1}, {COMMAND_DOWN, COMMAND_FAR_DOWN, 0, 1}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (command != ways[i].near && command != ways[i].far)
            continue;
        int step = regions_step(s, command == ways[i].far);
        regions_arrow(s, ways[i].right * step, ways[i].down * step);
        return true;
    }
    return false;
}

// Keys that change what is drawn or chosen; false: not one of them.
static bool edit_command(struct session *s, enum command command)
{
    switch (command) {
    case COMMAND_BOX: regions_begin(s, DRAWING_BOX); return true;
    case COMMAND_POLYGON: regions_begin(s, DRAWING_POLYGON); return true;
    case COMMAND_BRUSH: regions_begin(s, DRAWING_MASK); return true;
    case COMMAND_ACCEPT: regions_finish(s); return true;
    case COMMAND_MARK_ALL: regions_take_all(s); return true;
    case COMMAND_ERASE: regions_erase(s); return true;
    case COMMAND_FIT: regions_fit(s); return true;
    case COMMAND_CORNER: regions_next_corner(s); return true;
    case COMMAND_LARGER: regions_size(s, regions_step(s, false)); return true;
    case COMMAND_SMALLER: regions_size(s, -regions_step(s, false)); return true;
    case COMMAND_STEP:
        s->regions.fine = !s->regions.fine;
        session_say(s, s->regions.fine ? _("Steps of one pixel.") : _("Steps of %d pixels."), regions_step(s, false));
        return true;
    case COMMAND_RUB:
        s->regions.rub = !s->regions.rub;
        session_say(s, "%s", s->regions.rub ? _("The brush takes away.") : _("The brush paints."));
        return true;
    case COMMAND_MARK:
        if (s->regions.drawing == DRAWING_MASK) {
            s->regions.pen = !s->regions.pen;
            regions_paint(s, s->regions.x, s->regions.y);
        } else {
            choose_at_cursor(s);
        }
        return true;
    case COMMAND_DOWN_LIST: step_choice(s, 1); return true;
    case COMMAND_UP_LIST: step_choice(s, -1); return true;
    case COMMAND_BACK: back(s); return true;
    default: return false;
    }
}

static bool undo(struct session *s)
{
    struct regions *r = &s->regions;
    struct error err;
    if (r->drawing != DRAWING_NOT) {
        regions_back_step(s);
        return true;
    }
    if (!r->changed)
        return false;
    if (read_rows(s, false, &err) == ST_OK)
        session_say(s, _("Back where it was."));
    else
        session_say(s, "%s", err.text);
    return true;
}

static bool key(struct session *s, enum command command, int pressed)
{
    (void)pressed;
    if (!s->entry.present) {
        view_load(s); // freed pictures may be there by now
        return false;
    }
    bool moves = command == COMMAND_LARGER || command == COMMAND_SMALLER || command == COMMAND_STEP;
    session_say(s, "%s", "");
    if (arrow_command(s, command)) {
        regions_show(s);
        return true;
    }
    if (command == COMMAND_UNDO && undo(s)) {
        regions_show(s);
        return true;
    }
    if (!moves)
        regions_settle(s);
    if (look_command(command)) {
        bool whole = s->look.scale == 0;
        look_key(s, command);
        if (whole && s->look.scale > 0) {
            s->look.x = (s->regions.x + 0.5) / s->entry.item.width;
            s->look.y = (s->regions.y + 0.5) / s->entry.item.height;
        }
        regions_show(s);
        return true;
    }
    switch (command) {
    case COMMAND_NORMAL:
    case COMMAND_DEFECT:
    case COMMAND_UNSURE:
    case COMMAND_SKIP:
        if (s->regions.drawing != DRAWING_NOT)
            session_say(s, _("{accept} keeps what is being drawn, {back} gives it up; then answer."));
        else
            answer(s, command);
        return true;
    case COMMAND_NEXT:
    case COMMAND_PREVIOUS:
        review_go(s, command == COMMAND_NEXT);
        return true;
    case COMMAND_CLASS:
        if (regions_chosen(s))
            answer_choose(s, regions_name);
        else
            session_say(s, _("Choose a region first: {list-down} and {list-up} go through them."));
        return true;
    default:
        break;
    }
    const struct view *before = s->view;
    if (!edit_command(s, command))
        return false;
    if (s->view == before)
        regions_show(s);
    return true;
}

const struct view view_regions = {
    .name = "regions", .context = CONTEXT_REGIONS, .answers = true, .refuse = refuse, .enter = enter, .leave = leave,
    .load = load, .draw = regions_draw, .key = key, .idle = idle, .mouse = regions_mouse};
