#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "app/screening.h"
#include "base/alloc.h"
#include "db/export.h"
#include "db/label.h"
#include "db/scene.h"
#include "learn/gate.h"

static int kind_index(struct dataset *set, const char *name)
{
    for (size_t i = 0; i < set->kind_count; i++)
        if (strcmp(set->kind_names[i], name) == 0)
            return (int)i;
    set->kind_names = xreallocarray(set->kind_names, set->kind_count + 1, sizeof *set->kind_names);
    set->kind_names[set->kind_count] = xstrdup(name);
    return (int)set->kind_count++;
}

static enum status each(void *context, const struct export_row *row, struct error *err)
{
    (void)err;
    struct dataset *set = context;
    struct store_record record;
    if ((row->unreadable && row->unreadable[0]) || row->poor || !store_get(set->store, row->picture, &record))
        return ST_OK;
    size_t old = set->capacity;
    GROW(set->ids, set->capacity, set->count + 1);
    if (set->capacity != old) {
        set->inputs = xreallocarray(set->inputs, set->capacity, sizeof *set->inputs);
        set->believed = xreallocarray(set->believed, set->capacity, sizeof *set->believed);
        set->groups = xreallocarray(set->groups, set->capacity, sizeof *set->groups);
        set->known = xreallocarray(set->known, set->capacity, sizeof *set->known);
        set->kinds = xreallocarray(set->kinds, set->capacity, sizeof *set->kinds);
    }
    size_t i = set->count++;
    bool said = row->verdict != VERDICT_NONE;
    // what an audit drew is scored like the others and learnt from by nothing, so that it can judge later revisions
    enum verdict known = row->audited ? VERDICT_NONE : said ? row->verdict : row->truth;
    const char *kind = said ? row->class_name : row->truth_class;
    set->ids[i] = row->picture;
    set->inputs[i] = screening_input(&record);
    // Groups that only compare or test are never learned from; audit draws are nothing known here.
    if (gate_part_of(row->group ? row->group : "") == GATE_TRAIN)
        set->inputs[i].said = known == VERDICT_DEFECT ? 1 : known == VERDICT_NORMAL ? -1 : 0;
    set->known[i] = known;
    set->believed[i] = !row->audited && (known == VERDICT_NONE || known == VERDICT_NORMAL);
    set->groups[i] = gate_group(row->group ? row->group : "");
    set->kinds[i] = known == VERDICT_DEFECT ? kind_index(set, kind && kind[0] ? kind : "defect") : -1;
    return ST_OK;
}

enum status dataset_load(struct project *project, const struct scene *scene, struct store *store, int dim,
                         struct dataset *set, struct error *err)
{
    *set = (struct dataset){.store = store, .dim = dim};
    enum status status = db_export(project->db, scene->id, each, set, err);
    if (status != ST_OK)
        dataset_clear(set);
    return status;
}

void dataset_clear(struct dataset *set)
{
    for (size_t i = 0; i < set->kind_count; i++)
        free(set->kind_names[i]);
    free(set->kind_names);
    free(set->ids);
    free(set->inputs);
    free(set->believed);
    free(set->groups);
    free(set->known);
    free(set->kinds);
    *set = (struct dataset){0};
}
