#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "learn/rescore.h"

struct place {
    int64_t id;
    double away; // of its score from the threshold; infinite without one
};

static int by_score_id(const void *left, const void *right)
{
    const struct rescore_score *a = left, *b = right;
    return (a->id > b->id) - (a->id < b->id);
}

static int by_away(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    return a->away != b->away ? (a->away > b->away) - (a->away < b->away) : (a->id > b->id) - (a->id < b->id);
}

void rescore_order(int64_t *ids, size_t count, struct rescore_score *scores, size_t score_count, double threshold)
{
    struct place *places = xcalloc(count + 1, sizeof *places);
    if (score_count > 0)
        qsort(scores, score_count, sizeof *scores, by_score_id);
    for (size_t i = 0; i < count; i++) {
        struct rescore_score key = {.id = ids[i]};
        const struct rescore_score *s = score_count > 0 ? bsearch(&key, scores, score_count, sizeof key, by_score_id) : NULL;
        double away = s ? fabs(s->score - threshold) : INFINITY;
        places[i] = (struct place){ids[i], isnan(away) ? INFINITY : away};
    }
    qsort(places, count, sizeof *places, by_away);
    for (size_t i = 0; i < count; i++)
        ids[i] = places[i].id;
    free(places);
}
