#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "app/learned.h"
#include "app/likely.h"
#include "app/trained.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "db/class.h"
#include "db/model.h"

static const double stale_s = 5; // so long nothing is opened again for a picture that the model has not seen

struct likely {
    int64_t scene;
    char model[HASH_HEX];
    json_t *names;       // of the classes when the model was trained; NULL none
    char *name;          // of the latest one, as it is called now
    struct heads *heads; // NULL: they could not be read
    struct store *store; // NULL: likewise
    double opened;
};

void likely_close(struct likely *l)
{
    if (!l)
        return;
    store_close(l->store);
    heads_free(l->heads);
    json_decref(l->names);
    free(l->name);
    free(l);
}

// What the model's classes are called.
static json_t *names_of(struct project *project, const char *sha256)
{
    struct model_row *rows;
    struct error unused;
    size_t count;
    json_t *names = NULL;
    if (db_model_list(project->db, &rows, &count, &unused) != ST_OK)
        return NULL;
    for (size_t i = 0; i < count && !names; i++) {
        json_t *data = strcmp(rows[i].sha256, sha256) == 0 ? json_loads(rows[i].data, 0, NULL) : NULL;
        json_t *classes = json_object_get(data, "classes");
        names = json_is_array(classes) ? json_incref(classes) : NULL;
        json_decref(data);
    }
    model_free(rows, count);
    return names;
}

static struct heads *heads_of(struct project *project, const char *sha256)
{
    struct net *net;
    struct adapt_model *model;
    struct heads *heads = NULL;
    struct error unused;
    if (project_net(project, NULL, &net, &unused) != ST_OK)
        return NULL;
    if (trained_open(project, sha256, TRAINED_SCORE, net, &model, &unused) == ST_OK) {
        heads = heads_copy(model->heads);
        adapt_model_free(model);
    }
    net_free(net);
    return heads;
}

static struct likely *open_anew(struct project *project, const struct scene *scene, const char *model, struct likely *old)
{
    struct likely *l = xcalloc(1, sizeof *l);
    struct error unused;
    l->scene = scene->id;
    l->opened = clock_seconds();
    snprintf(l->model, sizeof l->model, "%s", model);
    if (old && strcmp(old->model, model) == 0) { // only more pictures
        l->names = old->names;
        l->heads = old->heads;
        old->names = NULL;
        old->heads = NULL;
    } else {
        l->names = names_of(project, model);
        l->heads = l->names ? heads_of(project, model) : NULL;
    }
    likely_close(old);
    if (l->heads && learned_reading(project, scene, model, &l->store, &unused) != ST_OK)
        l->store = NULL;
    return l;
}

bool likely_get(struct likely **likely, struct project *project, const struct scene *scene, const char *model, int64_t picture,
                struct likely_class *out)
{
    struct likely *l = *likely;
    struct store_record record;
    bool same = l && l->scene == scene->id && strcmp(l->model, model) == 0, found = same && l->store && store_get(l->store, picture, &record);
    if (!found && (!same || clock_seconds() - l->opened > stale_s)) {
        *likely = l = open_anew(project, scene, model, l);
        found = l->store && store_get(l->store, picture, &record);
    }
    if (!found || store_dim(l->store) != heads_embedding(&l->heads->shape) || l->heads->shape.classes == 0 || isnan(record.measures[DETECTOR_LEARNED]))
        return false;
    float shares[HEADS_CLASSES];
    int best = heads_classify_kept(l->heads, record.embedding, shares, &out->unknown);
    const char *name = best >= 0 ? json_string_value(json_array_get(l->names, (size_t)best)) : NULL;
    struct error unused;
    free(l->name);
    l->name = NULL;
    if (name && db_class_now(project->db, name, &l->name, &unused) != ST_OK) // renamed or merged since
        l->name = NULL;
    out->name = l->name;
    out->share = l->name ? (double)shares[best] : 0;
    return l->name != NULL;
}
