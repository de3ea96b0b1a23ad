// What answers are worth: the magnetic-tile pictures by group. Per seed, 80 % of the groups are those that
// answers are asked about, as the review asks (core/learn/acquire, all pictures of these groups open), and
// learned from; the model is tested on the groups that are left, which nothing here ever reads before. A line
// of JSON a round: the learned score, the same with a tile's exposures heard together, and the score that a
// revision would have. bench_adapter PICTURES [--seeds N] [--first N] [--side N] [--answers N,N..] [--kinds
// adapter,heads,full] [--no-masks] [--threads N]
//     [--order asked|score|random] [--tiles N] [--leave-out KIND] [--defects N,N..] [--between KIND] [--keep
//     FOLDER] [--table FILE] [name=value ..]
// --order: asked as above; score: half to the highest scores, a quarter to the upper third, the rest
// anywhere; random.
// --tiles: defective tiles that are kept among those asked about, drawn anew for each seed (the set has far
// more than a line); 0 all.
// --leave-out: no answer is about a picture of that kind. --defects: instead of answers, so many defects
// drawn at random and three normals to each. --between: what is trained between one stage and the last
// (adapter or heads; the latter is quicker).
// --keep: what the base says of pictures and views stays there for the next run. --table: what every picture
// scored, as CSV: kind, seed, answers, picture, tile, defect, in the fitting groups, answered, trained on (or
// its tile), fused score, logit, the detectors' parts.
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "nn/blas.h"
#include "tests/bench/adapter_seed.h"
#include "tests/bench/must.h"
#include "tests/bench/verdicts.h"

enum { STAGES_MOST = 16 };

// ---- a round ----

static int class_of(int kind)
{
    return kind - (kind > MTD_FREE);
}

static bool watch(void *context, const struct adapt_report *r)
{
    if (getenv("VERBOSE") && r->step % 100 == 0 && r->step)
        fprintf(stderr,
                "  step %d/%d loss %.3f picture %.3f patch %.3f class %.3f, %.0f/s, %.0f MB, %.0f s\n",
                r->step, r->steps, r->loss, r->picture, r->patch, r->class_loss, r->pictures_per_second,
                (double)r->cached / 1e6, r->seconds);
    (void)context;
    return true;
}

// Believed normal, as in a project: what was not asked about, less the most suspicious tenth and what is of a
// thing known to be defective; as many as take part in a round.
static size_t believed_normal(const struct bench *b, const struct seed *s, size_t most, int64_t *pool)
{
    bool *defective = xcalloc(b->tiles.mtd.groups, sizeof *defective);
    struct rng rng = rng_seed(s->number + 2000);
    size_t left, n = 0;
    for (size_t i = 0; i < b->count; i++)
        if (s->answered[i] && is_defect(b, i))
            defective[group_of(b, i)] = true;
    struct ranked *list = seed_rank(b, s, &left);
    size_t *order = xcalloc(left + 1, sizeof *order);
    for (size_t i = left / 10; i < left; i++)
        if (!defective[group_of(b, list[i].index)])
            order[n++] = list[i].index;
    mtd_shuffle(order, n, &rng);
    n = n < most ? n : most;
    for (size_t i = 0; i < n; i++)
        pool[i] = (int64_t)order[i];
    free(defective);
    free(list);
    free(order);
    return n;
}

static struct adapt_model *train(struct bench *b, struct seed *s, const struct adapt_options *o)
{
    struct adapt_label *labels = xcalloc(b->count, sizeof *labels);
    int64_t *pool = xcalloc(b->count, sizeof *pool);
    bool *groups = xcalloc(b->tiles.mtd.groups, sizeof *groups);
    struct adapt_data data = {.context = &b->tiles,
                              .load = tiles_load,
                              .labels = labels,
                              .pool = pool,
                              .classes = MTD_KINDS - 1,
                              .kept = tiles_kept,
                              .kept_seed = 1};
    struct adapt_watch w = {.progress = watch};
    struct adapt_model *model;
    struct error err;
    for (size_t i = 0; i < b->count; i++)
        if (s->answered[i]) {
            bool defect = is_defect(b, i);
            labels[data.label_count++] =
                (struct adapt_label){.id = (int64_t)i,
                                     .defect = defect,
                                     .class_index = defect ? class_of(b->tiles.mtd.pictures[i].kind) : -1};
            groups[group_of(b, i)] = true;
        }
    data.pool_count = believed_normal(b, s, (size_t)o->pool_most, pool);
    for (size_t i = 0; i < data.pool_count; i++)
        groups[group_of(b, (size_t)pool[i])] = true;
    for (size_t i = 0; i < b->count; i++)
        s->trained[i] = groups[group_of(b, i)];
    if (adapt_train(b->tiles.net, NULL, &data, o, &w, &model, &err) != ST_OK)
        die(&err);
    free(labels);
    free(pool);
    free(groups);
    return model;
}

static void score(void *context, int worker)
{
    struct bench *b = context;
    struct adapt_score_work *work = adapt_score_work_new(b->scorer);
    for (size_t i = (size_t)worker; i < b->count; i += (size_t)b->tiles.threads) {
        struct adapt_pixels p = {0};
        struct adapt_score said;
        if (tiles_load(&b->tiles, (int64_t)i, &p, NULL) != ST_OK)
            continue;
        adapt_score(b->scorer, work, p.rgb, p.rows, p.cols, &said);
        b->said[i] = (struct tiles_said){(double)said.logit, said.class_index, said.unknown};
        free(p.rgb);
        free(p.mask);
    }
    adapt_score_work_free(work);
}

static void score_all(struct bench *b, const struct adapt_model *model)
{
    struct adapt_scorer *scorer;
    struct error err;
    if (model->adapter->kind == ADAPTER_NONE && adapt_mirrors(model) == 1) {
        tiles_score(&b->tiles, model->heads, b->said);
        return;
    }
    if (adapt_scorer_new(b->tiles.net, model, BASE_FASTEST, &scorer, &err) != ST_OK)
        die(&err);
    b->scorer = scorer;
    parallel_run(b->tiles.threads, score, b);
    adapt_scorer_free(scorer);
}

static double class_right(const struct bench *b, const struct seed *s)
{
    double right = 0, all = 0;
    for (size_t i = 0; i < b->count; i++)
        if (!s->fit[i] && is_defect(b, i)) {
            all++;
            right += b->said[i].class_index == class_of(b->tiles.mtd.pictures[i].kind);
        }
    return right / fmax(all, 1);
}

struct round {
    const char *kind;
    size_t answers, defects, groups; // groups: tiles that an answer is about
    double seconds, megabytes;
    bool taught;
};

// A line for every picture: what it is, what was said of it.
static void write_table(const struct bench *b, const struct seed *s, const struct round *r)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct mtd_picture *p = &b->tiles.mtd.pictures[i];
        fprintf(b->table, "%s,%llu,%zu,%zu,%llu,%s,%d,%d,%d,%.5f,%.5f", r->kind,
                (unsigned long long)s->number, r->answers, i, (unsigned long long)p->group,
                mtd_kind_key(p->kind), s->fit[i], s->answered[i], s->trained[i], s->fused[i],
                r->taught ? b->said[i].logit : 0);
        for (int d = 0; d < DETECTORS; d++)
            fprintf(b->table, ",%.5f", s->scores[i].parts[d]);
        fputc('\n', b->table);
    }
    fflush(b->table);
}

static void print(const struct bench *b, const struct seed *s, const struct round *r)
{
    static const char *const orders[] = {"asked", "score", "random"};
    double *logits = xcalloc(b->count, sizeof *logits);
    printf("{\"kind\":\"%s\",\"order\":\"%s\",\"seed\":%llu,\"answers\":%zu,\"defects\":%zu,\"tiles\":%zu,"
           "\"seconds\":%.1f,"
           "\"megabytes\":%.3f",
           r->kind, orders[b->order], (unsigned long long)s->number, r->answers, r->defects, r->groups,
           r->seconds, r->megabytes);
    if (b->table)
        write_table(b, s, r);
    struct verdicts v = verdicts_of(&b->tiles.mtd, s->fit, s->fused, false);
    verdicts_print("fused_", &v);
    for (size_t i = 0; i < b->count; i++)
        logits[i] = b->said[i].logit;
    for (int together = 0; together < 2 && r->taught; together++) {
        v = verdicts_of(&b->tiles.mtd, s->fit, logits, together);
        verdicts_print(together ? "together_" : "", &v);
    }
    if (r->taught)
        printf(",\"class_right\":%.4f", class_right(b, s));
    puts("}");
    fflush(stdout);
    free(logits);
}

static struct round count_answers(const struct bench *b, const struct seed *s)
{
    struct round r = {.answers = s->answers};
    bool *seen = xcalloc(b->tiles.mtd.groups, sizeof *seen);
    for (size_t i = 0; i < s->answers; i++) {
        r.defects += is_defect(b, s->asked[i]);
        r.groups += !seen[group_of(b, s->asked[i])];
        seen[group_of(b, s->asked[i])] = true;
    }
    free(seen);
    return r;
}

static const char *const names[] = {
    [ADAPTER_NONE] = "heads", [ADAPTER_LOW_RANK] = "adapter", [ADAPTER_ALL] = "full"};

static void round_of(struct bench *b, struct seed *s, const struct adapt_options *o)
{
    struct round r = count_answers(b, s);
    double start = clock_seconds();
    struct adapt_model *model = train(b, s, o);
    r.seconds = clock_seconds() - start;
    r.megabytes = (double)(model->adapter->size + model->heads->size) * sizeof(float) / 1e6;
    r.kind = names[o->kind];
    r.taught = true;
    score_all(b, model);
    adapt_model_free(model);
    seed_screen(b, s, true);
    print(b, s, &r);
}

static void one_seed(struct bench *b, uint64_t number, const long *stages, int stage_count, unsigned which,
                     const struct adapt_options *options)
{
    struct seed s;
    seed_begin(b, &s, number);
    struct round zero = {.kind = "none"};
    print(b, &s, &zero);
    double *queue =
        xcalloc(b->count, sizeof *queue); // what questions and the pool follow: the adapter's model
    struct screen_score *parts = xcalloc(b->count, sizeof *parts);
    for (int i = 0; i < stage_count; i++) {
        bool last = i == stage_count - 1;
        if (b->drawn)
            seed_draw(b, &s, (size_t)stages[i]);
        else
            seed_ask(b, &s, (size_t)stages[i]);
        memcpy(queue, s.fused, b->count * sizeof *queue);
        memcpy(parts, s.scores, b->count * sizeof *parts);
        double *believed = xcalloc(b->count, sizeof *believed); // the same pool for all that are compared
        memcpy(believed, s.fused, b->count * sizeof *believed);
        for (int kind = ADAPTER_ALL; kind >= ADAPTER_NONE; kind--) {
            if (b->between >= 0 && !last ? kind != b->between : !(which & 1u << kind))
                continue;
            struct adapt_options o = *options;
            o.kind = (enum adapter_kind)kind;
            o.seed = number;
            memcpy(s.fused, believed, b->count * sizeof *believed);
            round_of(b, &s, &o);
            if (kind == ADAPTER_LOW_RANK || which == 1u << kind || (kind == b->between && !last)) {
                memcpy(queue, s.fused, b->count * sizeof *queue);
                memcpy(parts, s.scores, b->count * sizeof *parts);
            }
        }
        memcpy(s.fused, queue, b->count * sizeof *queue);
        memcpy(s.scores, parts, b->count * sizeof *parts);
        free(believed);
    }
    free(queue);
    free(parts);
    seed_end(&s);
}

// ---- all ----

static int read_stages(const char *text, long *stages)
{
    int count = 0;
    for (const char *at = text; *at && count < STAGES_MOST; at += *at == ',') {
        char *after;
        stages[count++] = strtol(at, &after, 10);
        at = after;
    }
    return count;
}

int main(int argc, char **argv)
{
    blas_reexec(argv);
    struct bench b = {
        .tiles = {.side = 256, .threads = parallel_cores(), .scale = 1, .with_masks = true, .folder = ""},
        .without = -1,
        .between = -1};
    struct adapt_options options = adapt_defaults;
    long first = 0, seeds = 5, stages[STAGES_MOST] = {40, 80, 160, 400};
    int stage_count = 4;
    struct error err;
    unsigned which = 1u << ADAPTER_LOW_RANK | 1u << ADAPTER_NONE | 1u << ADAPTER_ALL;
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--seeds") == 0) {
            seeds = atol(value), i++;
        } else if (strcmp(argv[i], "--first") == 0) {
            first = atol(value), i++;
        } else if (strcmp(argv[i], "--side") == 0) {
            b.tiles.side = atoi(value), i++;
        } else if (strcmp(argv[i], "--threads") == 0) {
            b.tiles.threads = atoi(value), i++;
        } else if (strcmp(argv[i], "--tiles") == 0) {
            b.defective = (size_t)atol(value), i++;
        } else if (strcmp(argv[i], "--table") == 0) {
            b.table = fopen(value, "w"), i++;
        } else if (strcmp(argv[i], "--keep") == 0) {
            b.tiles.folder = value, i++;
        } else if (strcmp(argv[i], "--no-masks") == 0) {
            b.tiles.with_masks = false;
        } else if (strcmp(argv[i], "--order") == 0) {
            b.order = strcmp(value, "random") == 0  ? BY_CHANCE
                      : strcmp(value, "score") == 0 ? BY_SCORE
                                                    : BY_ACQUIRE,
            i++;
        } else if (strcmp(argv[i], "--between") == 0) {
            b.between = strcmp(value, "heads") == 0 ? ADAPTER_NONE : ADAPTER_LOW_RANK, i++;
        } else if (strcmp(argv[i], "--leave-out") == 0) {
            for (int k = 0; k < MTD_KINDS; k++)
                b.without = strcmp(value, mtd_kind_name(k)) == 0 ? k : b.without;
            if (b.without < 0) {
                fprintf(stderr, "%s: no kind of defect is called '%s': Blowhole, Break, Crack, Fray, Uneven\n", argv[0], value);
                return 2;
            }
            i++;
        } else if (strcmp(argv[i], "--answers") == 0 || strcmp(argv[i], "--defects") == 0) {
            b.drawn = argv[i][2] == 'd';
            stage_count = read_stages(value, stages);
            i++;
        } else if (strcmp(argv[i], "--kinds") == 0) {
            which = (strstr(value, "adapter") ? 1u << ADAPTER_LOW_RANK : 0) |
                    (strstr(value, "heads") ? 1u << ADAPTER_NONE : 0) |
                    (strstr(value, "full") ? 1u << ADAPTER_ALL : 0);
            i++;
        } else if (adapt_option_set(&options, argv[i], &err) != ST_OK) {
            fprintf(stderr, "%s: %s\n", argv[0], err.text);
            return 2;
        }
    }
    options.threads = b.tiles.threads;
    b.tiles.scale = options.scale;
    tiles_open(&b.tiles, argc > 1 ? argv[1] : "", argv[0], &options);
    b.count = b.tiles.mtd.count;
    b.said = xcalloc(b.count, sizeof *b.said);
    int rank = options.rank ? options.rank : adapter_rank(b.tiles.net, 0.05);
    fprintf(stderr,
            "%zu pictures, %zu groups, side %d, %d threads, %s; adapter rank %d: %lld of %lld parameters "
            "(%.2f %%)\n",
            b.count, b.tiles.mtd.groups, b.tiles.side, b.tiles.threads, blas_core(), rank,
            adapter_parameters(b.tiles.net, rank), net_parameters(b.tiles.net),
            100.0 * (double)adapter_parameters(b.tiles.net, rank) / (double)net_parameters(b.tiles.net));
    for (long i = first; i < first + seeds; i++)
        one_seed(&b, (uint64_t)i, stages, stage_count, which, &options);
    tiles_close(&b.tiles);
    if (b.table)
        fclose(b.table);
    free(b.said);
    return 0;
}
