#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/add.h"
#include "app/simulate_impl.h"
#include "base/alloc.h"
#include "db/class.h"
#include "db/picture.h"
#include "db/quality.h"
#include "learn/replay.h"

enum { GROUPS_LEAST = 20 }; // fewer leave either part a handful

// --- reading ---

static int by_picture(const void *left, const void *right)
{
    const struct truth_row *a = left, *b = right;
    return a->picture != b->picture ? (a->picture > b->picture) - (a->picture < b->picture)
                                    : (a->line > b->line) - (a->line < b->line);
}

static int scene_index(const struct simulate_set *set, int64_t scene)
{
    for (size_t i = 0; i < set->scene_count; i++)
        if (set->scenes[i].id == scene)
            return (int)i;
    return -1;
}

static enum severity severity_of(const struct truth_row *row, const struct class_row *classes, size_t count)
{
    enum severity severity;
    if (severity_parse(row->severity, &severity))
        return severity;
    for (size_t i = 0; i < count; i++)
        if (strcmp(classes[i].name, row->kind) == 0 && severity_parse(classes[i].severity, &severity))
            return severity;
    return SEVERITY_GENERAL;
}

static enum status read_picture(const struct project *source, const struct truth_row *row,
                                const struct class_row *classes, size_t class_count, struct simulate_set *set,
                                struct error *err)
{
    struct picture picture;
    enum status status = db_picture_get(source->db, row->picture, &picture, err);
    if (status != ST_OK)
        return status;
    int scene = scene_index(set, picture.scene);
    bool unreadable = picture.unreadable && picture.unreadable[0];
    set->unreadable += scene >= 0 && unreadable;
    if (scene >= 0 && !unreadable) {
        struct simulate_picture *p = &set->pictures[set->count++];
        *p = (struct simulate_picture){.source = row->picture,
                                       .path = project_picture(source, &picture),
                                       .group = xstrdup(row->group[0] ? row->group : picture.group),
                                       .kind = xstrdup(row->kind),
                                       .scene = scene,
                                       .defect = row->verdict == VERDICT_DEFECT,
                                       .severity = severity_of(row, classes, class_count)};
        p->group_number = replay_group(p->group);
        status = db_quality_get(source->db, row->picture, &p->quality, &p->measured, err);
    }
    picture_clear(&picture);
    return status;
}

static enum status read_scenes(const struct project *source, const struct simulate_options *o,
                               struct simulate_set *set, struct error *err)
{
    if (!o->scene)
        return db_scene_list(source->db, &set->scenes, &set->scene_count, err);
    set->scenes = xcalloc(1, sizeof *set->scenes);
    enum status status = db_scene_get(source->db, 0, o->scene, set->scenes, err);
    set->scene_count = status == ST_OK;
    return status == ST_NOT_FOUND ? error_set(err, status, "there is no scene '%s'", o->scene) : status;
}

// Scenes that no picture is of are nothing to screen.
static void drop_empty_scenes(struct simulate_set *set)
{
    size_t *pictures = xcalloc(set->scene_count + 1, sizeof *pictures), kept = 0;
    int *new_index = xcalloc(set->scene_count + 1, sizeof *new_index);
    for (size_t i = 0; i < set->count; i++)
        pictures[set->pictures[i].scene]++;
    for (size_t s = 0; s < set->scene_count; s++) {
        new_index[s] = (int)kept;
        if (pictures[s])
            set->scenes[kept++] = set->scenes[s];
        else
            scene_clear(&set->scenes[s]);
    }
    for (size_t i = 0; i < set->count; i++)
        set->pictures[i].scene = new_index[set->pictures[i].scene];
    set->scene_count = kept;
    free(new_index);
    free(pictures);
}

static enum status read_rows(const struct project *source, const struct simulate_options *o,
                             struct truth *truth, struct simulate_set *set, struct error *err)
{
    struct class_row *classes = NULL;
    size_t class_count = 0;
    enum status status = db_class_list(source->db, &classes, &class_count, err);
    qsort(truth->rows, truth->count, sizeof *truth->rows, by_picture);
    set->pictures = xcalloc(truth->count + 1, sizeof *set->pictures);
    for (size_t i = 0; i < truth->count && status == ST_OK; i++) {
        const struct truth_row *row = &truth->rows[i], *before = i ? row - 1 : NULL;
        if (before && before->picture == row->picture && before->verdict != row->verdict)
            status = error_set(err, ST_INVALID,
                               "%s: lines %zu and %zu contradict each other about the same picture", o->truth,
                               before->line, row->line);
        else if (!before || before->picture != row->picture)
            status = read_picture(source, row, classes, class_count, set, err);
    }
    class_free(classes, class_count);
    return status;
}

// --- checking, splitting, thinning ---

static int rising(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static size_t count_groups(const struct simulate_set *set)
{
    uint64_t *names = xcalloc(set->count + 1, sizeof *names);
    size_t groups = 0;
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->pictures[i].group_number;
    qsort(names, set->count, sizeof *names, rising);
    for (size_t i = 0; i < set->count; i++)
        groups += i == 0 || names[i] != names[i - 1];
    free(names);
    return groups;
}

// Of the part held out, or of the other.
static void tally(const struct simulate_set *set, bool held, size_t *normals, size_t *defects)
{
    *normals = *defects = 0;
    for (size_t i = 0; i < set->count; i++)
        if (set->pictures[i].held == held)
            ++*(set->pictures[i].defect ? defects : normals);
}

static enum status check_kinds(const struct simulate_set *set, const struct simulate_options *o,
                               struct error *err)
{
    size_t defects = 0;
    for (size_t i = 0; i < set->count; i++)
        defects += set->pictures[i].defect;
    if (set->count == 0)
        return error_set(err, ST_INVALID, "%s: names no readable picture%s%s", o->truth,
                         o->scene ? " of scene " : "", o->scene ? o->scene : "");
    if (defects == 0 || defects == set->count)
        return error_set(err, ST_INVALID,
                         "%s: all %zu pictures are %s; a simulation needs normal and defect pictures",
                         o->truth, set->count, defects ? "defects" : "normal");
    if (set->groups < GROUPS_LEAST)
        return set->groups == 1
                   ? error_set(err, ST_INVALID, "%s: %zu pictures in %zu group are too few to hold some out; at least %d groups are needed",
                               o->truth, set->count, set->groups, GROUPS_LEAST)
                   : error_set(err, ST_INVALID, "%s: %zu pictures in %zu groups are too few to hold some out; at least %d groups are needed",
                               o->truth, set->count, set->groups, GROUPS_LEAST);
    return ST_OK;
}

// Which pictures of one part to keep, so that its defects have the rate.
static enum status thin(struct simulate_set *set, const struct simulate_options *o, bool held, bool *keep,
                        struct error *err)
{
    size_t normals, defects, n = 0;
    tally(set, held, &normals, &defects);
    size_t wanted = replay_wanted(normals, o->defect_rate);
    const char *part = held ? "held out" : "to ask about";
    if (wanted > defects)
        return error_set(
            err, ST_INVALID,
            "--defect-rate %g asks for %zu defects beside the %zu normal pictures %s, where only %zu are; "
            "it can only thin them",
            o->defect_rate, wanted, normals, part, defects);
    if (wanted == 0)
        return error_set(err, ST_INVALID,
                         "--defect-rate %g leaves no defect beside the %zu normal pictures %s",
                         o->defect_rate, normals, part);
    size_t *members = xcalloc(set->count + 1, sizeof *members);
    bool *defect = xcalloc(set->count + 1, sizeof *defect), *kept = xcalloc(set->count + 1, sizeof *kept);
    uint64_t *groups = xcalloc(set->count + 1, sizeof *groups);
    for (size_t i = 0; i < set->count; i++) {
        if (set->pictures[i].held != held)
            continue;
        members[n] = i;
        defect[n] = set->pictures[i].defect;
        groups[n++] = set->pictures[i].group_number;
    }
    replay_thin(defect, groups, n, wanted, o->seed, kept);
    for (size_t i = 0; i < n; i++)
        keep[members[i]] = kept[i];
    free(groups);
    free(kept);
    free(defect);
    free(members);
    return ST_OK;
}

static void drop_picture(struct simulate_picture *p)
{
    free(p->path);
    free(p->group);
    free(p->kind);
}

static enum status thin_both(struct simulate_set *set, const struct simulate_options *o, struct error *err)
{
    if (o->defect_rate <= 0)
        return ST_OK;
    bool *keep = xcalloc(set->count + 1, sizeof *keep);
    size_t left = 0;
    enum status status = thin(set, o, false, keep, err);
    if (status == ST_OK)
        status = thin(set, o, true, keep, err);
    for (size_t i = 0; i < set->count && status == ST_OK; i++) {
        if (keep[i])
            set->pictures[left++] = set->pictures[i];
        else
            drop_picture(&set->pictures[i]);
    }
    if (status == ST_OK) {
        set->thinned = set->count - left;
        set->count = left;
    }
    free(keep);
    return status;
}

static enum status check_parts(const struct simulate_set *set, struct error *err)
{
    for (int held = 0; held < 2; held++) {
        size_t normals, defects;
        tally(set, held, &normals, &defects);
        if (normals == 0 || defects == 0)
            return error_set(
                err, ST_INVALID,
                "no %s picture is in the part %s: its groups are too few; another --seed or --held-out "
                "may part them better",
                normals ? "defect" : "normal", held ? "held out" : "to ask about");
    }
    return ST_OK;
}

enum status simulate_set_load(const struct project *source, const struct simulate_options *o,
                              struct simulate_set *set, struct error *err)
{
    struct truth truth;
    *set = (struct simulate_set){0};
    enum status status = truth_read(source, o->truth, &truth, err);
    if (status != ST_OK)
        return status;
    status = read_scenes(source, o, set, err);
    if (status == ST_OK)
        status = read_rows(source, o, &truth, set, err);
    truth_clear(&truth);
    if (status == ST_OK) {
        drop_empty_scenes(set);
        set->groups = count_groups(set);
        for (size_t i = 0; i < set->count; i++)
            set->pictures[i].held = replay_held(set->pictures[i].group, o->seed, o->held_out);
        status = check_kinds(set, o, err);
    }
    if (status == ST_OK)
        status = check_parts(set, err);
    if (status == ST_OK)
        status = thin_both(set, o, err);
    if (status != ST_OK)
        simulate_set_clear(set);
    return status;
}

void simulate_set_clear(struct simulate_set *set)
{
    for (size_t i = 0; i < set->scene_count; i++)
        scene_clear(&set->scenes[i]);
    for (size_t i = 0; i < set->count; i++)
        drop_picture(&set->pictures[i]);
    free(set->scenes);
    free(set->pictures);
    *set = (struct simulate_set){0};
}
