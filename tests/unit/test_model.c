#include "config.h"

#include <math.h>

#include "tests/unit/test.h"

#include "base/file.h"
#include "base/rng.h"
#include "screen/evaluate.h"
#include "screen/metrics.h"
#include "screen/model.h"
#include "screen/together.h"

enum { DIM = 20 };

enum sees { NOBODY, WHOLE, PATCH, BOTH }; // which detector sees the defects, BOTH: a little each

struct set {
    size_t count;
    float *embeddings; // (count, DIM)
    struct screen_input *inputs;
    bool *believed, *defect;
    uint64_t *groups;
    struct screen_score *scores;
};

// `normals` believed normal of which the first `hidden` are gross defects, then
// `others` not believed normal, the last `defects` of them defects. Groups of
// four share a shift.
static struct set make(size_t normals, size_t hidden, size_t others, size_t defects, enum sees sees,
                       uint64_t seed)
{
    size_t n = normals + others;
    struct rng rng = rng_seed(seed);
    struct set s = {.count = n,
                    .embeddings = xcalloc(n * DIM, sizeof(float)),
                    .inputs = xcalloc(n, sizeof *s.inputs),
                    .believed = xcalloc(n, sizeof *s.believed),
                    .defect = xcalloc(n, sizeof *s.defect),
                    .groups = xcalloc(n, sizeof *s.groups),
                    .scores = xcalloc(n, sizeof *s.scores)};
    double shift[DIM] = {0};
    for (size_t i = 0; i < n; i++) {
        float *row = s.embeddings + i * DIM;
        s.believed[i] = i < normals;
        s.defect[i] = i < hidden || i >= n - defects;
        s.groups[i] = i / 4 * 17;
        for (int j = 0; j < DIM; j++) {
            if (i % 4 == 0)
                shift[j] = 0.4 * rng_normal(&rng);
            row[j] = (float)(5 + (1 + j % 3) * (rng_normal(&rng) + shift[j]));
        }
        double patch = 10 + rng_normal(&rng), tile = rng_normal(&rng);
        if (s.defect[i]) {
            row[2] += (float)(sees == WHOLE ? 30 : sees == BOTH ? 12 : 0);
            patch += sees == PATCH ? 6 : sees == BOTH ? 2.5 : 0;
            if (i < hidden)
                row[4] += 1000, patch += 1000;
        }
        s.inputs[i] = (struct screen_input){
            .embedding = row, .measures = {[DETECTOR_PATCH] = (float)patch, [DETECTOR_TILE] = (float)tile}};
    }
    return s;
}

static void set_clear(struct set *s)
{
    free(s->embeddings);
    free(s->inputs);
    free(s->believed);
    free(s->defect);
    free(s->groups);
    free(s->scores);
}

static const struct screen_space space = {.dim = DIM, .alone = SCREEN_ALONE};

static struct screen_model *fit(struct set *s, double flag_rate)
{
    struct error err;
    struct screen_model *model;
    assert_ok(screen_fit(s->inputs, s->count, &space, s->believed, s->groups, flag_rate, 1, NULL, s->scores,
                         &model, &err),
              &err);
    return model;
}

// Share of the pictures from..to-1 that are flagged.
static double flagged(const struct set *s, const struct screen_model *model, size_t from, size_t to)
{
    double n = 0;
    for (size_t i = from; i < to; i++)
        n += s->scores[i].score >= screen_threshold(model);
    return n / (double)(to - from);
}

static void normals_are_flagged_at_the_asked_rate(void **state)
{
    (void)state;
    double unseen = 0, known = 0, hidden = 0, clean = 0;
    for (uint64_t seed = 0; seed < 5; seed++) {
        struct set s = make(1000, 0, 2000, 0, NOBODY, seed);
        struct screen_model *model = fit(&s, 0.01);
        known += flagged(&s, model, 0, 1000) / 5;
        unseen += flagged(&s, model, 1000, 3000) / 5;
        screen_free(model);
        set_clear(&s);
        s = make(1000, 15, 2000, 0, NOBODY, seed); // gross defects among those believed normal
        model = fit(&s, 0.01);
        hidden += flagged(&s, model, 0, 15) / 5;
        clean += flagged(&s, model, 1000, 3000) / 5;
        assert_true(screen_fit_count(model) == 970);
        screen_free(model);
        set_clear(&s);
    }
    assert_true(known > 0.005 && known < 0.02);
    assert_true(unseen > 0.005 && unseen < 0.02);
    assert_true(hidden == 1);
    assert_true(clean > 0.003 && clean < 0.02);
}

// More than are fitted on: what took no part is held to the same rate, in groups of four and in one that is all.
static void a_large_set_is_fitted_on_a_share(void **state)
{
    (void)state;
    for (int together = 0; together < 2; together++) {
        struct set s = make(240000, 0, 2000, 500, WHOLE, 9);
        for (size_t i = 0; i < s.count && together; i++)
            s.groups[i] = 1;
        struct screen_model *model = fit(&s, 0.01);
        assert_true(screen_fit_count(model) == 19400); // 20,000 without 3 %
        double most = 0;
        for (size_t from = 0; from < 240000; from += 40000) {
            double rate = flagged(&s, model, from, from + 40000);
            assert_true(rate > 0.005 && rate < 0.02);
            most = fmax(most, fabs(rate - flagged(&s, model, 0, 240000)));
        }
        assert_true(most < 0.003);
        assert_true(flagged(&s, model, 240000, 241500) < 0.02);
        assert_true(flagged(&s, model, 241500, 242000) > 0.95);
        screen_free(model);
        set_clear(&s);
    }
}

static void one_blind_detector_hides_no_defect(void **state)
{
    (void)state;
    for (int sees = WHOLE; sees <= BOTH; sees++) {
        struct set s = make(1000, 0, 1200, 200, (enum sees)sees, 3);
        struct screen_model *model = fit(&s, 0.004);
        double parts[DETECTORS] = {0}, all, *v = xcalloc(1200, sizeof *v);
        for (int d = 0; d < DETECTORS; d++) {
            for (int i = 0; i < 1200; i++)
                v[i] = s.scores[1000 + i].parts[d];
            parts[d] = metrics_auroc(v, s.defect + 1000, 1200);
        }
        for (int i = 0; i < 1200; i++)
            v[i] = s.scores[1000 + i].score;
        all = metrics_auroc(v, s.defect + 1000, 1200);
        print_message("# whole %.3f, patch %.3f, fused %.3f\n", parts[DETECTOR_WHOLE], parts[DETECTOR_PATCH],
                      all);
        assert_true(parts[DETECTOR_TILE] < 0.6);
        if (sees == BOTH)
            assert_true(all > parts[DETECTOR_WHOLE] - 0.01 && all > parts[DETECTOR_PATCH] - 0.04 &&
                        all > 0.93);
        else
            assert_true(all > 0.99 && flagged(&s, model, 2000, 2200) > 0.9);
        assert_true(flagged(&s, model, 1000, 2000) < 0.02);
        free(v);
        screen_free(model);
        set_clear(&s);
    }
}

static bool same(struct screen_score a, struct screen_score b)
{
    bool equal = a.score == b.score;
    for (int d = 0; d < DETECTORS; d++)
        equal = equal && a.parts[d] == b.parts[d];
    return equal;
}

// The pictures from `first` on, by a model made before.
static struct screen_score *score_apart(const struct set *s, const struct screen_model *model, size_t first)
{
    struct screen_score *scores = xcalloc(s->count - first + 1, sizeof *scores);
    for (size_t i = first; i < s->count; i++)
        scores[i - first] = screen_score(model, &s->inputs[i]);
    screen_conclude(model, s->groups + first, s->count - first, scores);
    return scores;
}

static void scores_repeat_and_match_those_of_new_pictures(void **state)
{
    (void)state;
    struct set s = make(400, 0, 50, 20, WHOLE, 7), again = make(400, 0, 50, 20, WHOLE, 7);
    struct screen_model *model = fit(&s, 0.004), *second = fit(&again, 0.004);
    int differ = 0;
    struct screen_score *now = score_apart(&s, model, 400);
    for (size_t i = 0; i < s.count; i++) {
        assert_true(same(s.scores[i], again.scores[i]));
        struct screen_score alone = screen_score(model, &s.inputs[i]);
        if (i >= 400) // took no part in the fit; a single row goes through other kernels than a block
            assert_true(fabs(now[i - 400].score - s.scores[i].score) < 1e-3 * (1 + s.scores[i].score));
        else
            differ += alone.parts[DETECTOR_WHOLE] < s.scores[i].parts[DETECTOR_WHOLE];
    }
    free(now);
    assert_in_range(differ, 220, 400); // out of fold is stricter
    assert_true(screen_shrinkage(model) > 0 && screen_shrinkage(model) < 1);
    assert_true(screen_threshold(model) == -log10(0.004));
    screen_free(model);
    screen_free(second);
    set_clear(&s);
    set_clear(&again);
}

// Far more spread between groups than inside: scored with its siblings in the
// fit, a picture would look normal.
static void folds_never_cut_a_group(void **state)
{
    (void)state;
    struct set s = make(400, 0, 0, 0, NOBODY, 7);
    struct rng rng = rng_seed(1);
    double own[DIM] = {0};
    for (size_t i = 0; i < 400; i++) {
        for (int j = 0; j < DIM; j++) {
            if (i % 40 == 0)
                own[j] = rng_normal(&rng);
            s.embeddings[i * DIM + (size_t)j] = (float)(own[j] + 1e-3 * rng_normal(&rng));
        }
    }
    double mean[2] = {0};
    for (int grouped = 0; grouped < 2; grouped++) {
        for (size_t i = 0; i < 400; i++)
            s.groups[i] = grouped ? i / 40 : i;
        struct screen_model *model = fit(&s, 0.004);
        size_t scored_higher = 0;
        for (size_t i = 0; i < 400; i++)
            scored_higher +=
                s.scores[i].parts[DETECTOR_WHOLE] > screen_score(model, &s.inputs[i]).parts[DETECTOR_WHOLE];
        mean[grouped] = (double)scored_higher / 400;
        screen_free(model);
    }
    assert_true(mean[1] > 0.95);
    assert_true(mean[0] < 0.9);
    set_clear(&s);
}

static void small_and_odd_sets_work_or_are_refused(void **state)
{
    (void)state;
    struct error err;
    struct screen_model *model;
    for (uint64_t seed = 0; seed < 30; seed++) {
        for (size_t n = 16; n <= 40; n += 8) {
            struct set s = make(n, 0, 20, 0, NOBODY, seed);
            for (size_t i = 0; i < n && seed % 3; i++)
                s.groups[i] = seed % 3 == 1 ? 0 : i > 1; // one group only; two of very different size
            model = fit(&s, 0.004);
            assert_true(flagged(&s, model, 0, n) <= 0.13);
            for (size_t i = 0; i < s.count; i++)
                assert_true(isfinite(s.scores[i].score));
            screen_free(model);
            set_clear(&s);
        }
    }
    struct set s = make(15, 0, 20, 0, NOBODY, 1);
    assert_status(
        screen_fit(s.inputs, s.count, &space, s.believed, s.groups, 0.004, 1, NULL, s.scores, &model, &err),
        ST_INVALID, &err);
    assert_non_null(strstr(err.text, "16"));
    set_clear(&s);
    s = make(40, 0, 20, 0, NOBODY, 1);
    assert_status(
        screen_fit(s.inputs, s.count, &space, s.believed, s.groups, 0, 1, NULL, s.scores, &model, &err),
        ST_INVALID, &err);
    s.embeddings[50 * DIM + 3] = NAN;
    assert_status(
        screen_fit(s.inputs, s.count, &space, s.believed, s.groups, 0.004, 1, NULL, s.scores, &model, &err),
        ST_INVALID, &err);
    assert_non_null(strstr(err.text, "picture 51"));
    set_clear(&s);
}

static void a_detector_that_never_varies_is_left_out(void **state)
{
    (void)state;
    struct error err;
    struct screen_model *model;
    struct set s = make(60, 0, 10, 0, NOBODY, 1);
    for (size_t i = 0; i < s.count; i++)
        s.inputs[i].measures[DETECTOR_PATCH] = 3;
    s.inputs[65].measures[DETECTOR_PATCH] = 9; // even if it varies later: nothing is known of it
    model = fit(&s, 0.004);
    assert_true(s.scores[65].parts[DETECTOR_PATCH] == 0 && s.scores[65].parts[DETECTOR_WHOLE] > 0);
    screen_free(model);
    for (size_t i = 0; i < s.count; i++) {
        s.inputs[i].embedding = s.embeddings;
        s.inputs[i].measures[DETECTOR_PATCH] = (float)(i % 7);
    }
    model = fit(&s, 0.004);
    assert_true(s.scores[5].parts[DETECTOR_WHOLE] == 0 && s.scores[6].parts[DETECTOR_PATCH] > 0);
    assert_true(screen_shrinkage(model) == 0);
    screen_free(model);
    for (size_t i = 0; i < s.count; i++) // the third was measured too seldom to know what is normal
        for (int d = 0; d < DETECTORS_MEASURED; d++)
            s.inputs[i].measures[d] = d == DETECTOR_LEARNED ? i < 15 ? (float)i : NAN : 1;
    assert_status(
        screen_fit(s.inputs, s.count, &space, s.believed, s.groups, 0.004, 1, NULL, s.scores, &model, &err),
        ST_INVALID, &err);
    assert_non_null(strstr(err.text, "identical"));
    set_clear(&s);
}

// Once taught, the learned detector is not diluted by others that err, and what is unlike anything is still found.
static void a_taught_detector_leads_and_hides_nothing(void **state)
{
    (void)state;
    struct set s = make(1000, 0, 400, 100, WHOLE, 11); // defects that `whole` alone sees
    struct rng rng = rng_seed(5);
    double v[300], auroc[2];
    for (size_t i = 0; i < s.count; i++) { // another kind, that the learned detector alone sees; the others err now and then
        s.inputs[i].measures[DETECTOR_LEARNED] = (float)rng_normal(&rng);
        if (i < 1000 && i % 4 == 0) // confirmed defects of as many things, of which it was trained on the first half
            s.believed[i] = false;
    }
    for (size_t i = 1000; i < 1100; i++)
        s.inputs[i].measures[DETECTOR_LEARNED] += 3;
    for (int taught = 0; taught < 2; taught++) {
        for (size_t i = 0; i < 500; i++)
            s.inputs[i].trained = taught;
        struct screen_model *model = fit(&s, 0.01);
        bool seen[300];
        size_t n = 0;
        for (size_t i = 1000; i < 1300; i++, n++) { // its own kind against the other normals
            v[n] = s.scores[i].score;
            seen[n] = i < 1100;
        }
        auroc[taught] = metrics_auroc(v, seen, n);
        assert_true(flagged(&s, model, 1300, 1400) > 0.9); // what only the others see
        screen_free(model);
    }
    printf("# its own kind: AUROC %.3f untaught, %.3f taught\n", auroc[0], auroc[1]);
    assert_true(auroc[1] > auroc[0]);
    set_clear(&s);
}

// Defects of few things teach what those look like: how many pictures there are of them does not count.
static void few_things_teach_little(void **state)
{
    (void)state;
    double auroc[3];
    for (int taught = 0; taught < 3; taught++) { // not, by 25 pictures of two things, by one picture each of 25
        struct set s = make(1000, 0, 400, 100, WHOLE, 13);
        struct rng rng = rng_seed(7);
        for (size_t i = 0; i < s.count; i++) { // what it says is chance
            s.inputs[i].measures[DETECTOR_LEARNED] = (float)rng_normal(&rng);
            s.believed[i] = i < 1000 && i % 40 != 0;
            s.inputs[i].trained = taught && !s.believed[i] && i < 1000;
            if (s.defect[i])
                s.embeddings[i * DIM + 2] -= 21; // hard to see
            if (taught == 1 && s.inputs[i].trained)
                s.groups[i] = i % 80 == 0;
        }
        struct screen_model *model = fit(&s, 0.01);
        double v[400];
        bool defect[400];
        for (size_t i = 0; i < 400; i++) {
            v[i] = s.scores[1000 + i].score;
            defect[i] = i >= 300;
        }
        auroc[taught] = metrics_auroc(v, defect, 400);
        screen_free(model);
        set_clear(&s);
    }
    printf("# what the others see: AUROC %.3f, %.3f when two things taught, %.3f when 25 did\n", auroc[0], auroc[1], auroc[2]);
    assert_true(auroc[1] > auroc[0] - 0.005 && auroc[1] > auroc[2] && auroc[2] > auroc[0] - 0.05);
}

static void things_are_groups_that_are_not_large(void **state)
{
    (void)state;
    uint64_t groups[TOGETHER_MOST + 6];
    bool shown[TOGETHER_MOST + 6] = {false};
    for (size_t i = 0; i < TOGETHER_MOST + 6; i++)
        groups[i] = i < 5 ? i / 2 * 7 : 3; // 0 0 7 7 14, and a day with more pictures than a thing has
    assert_int_equal(together_things(groups, shown, TOGETHER_MOST + 6), 0);
    shown[0] = shown[1] = shown[4] = true;
    assert_int_equal(together_things(groups, shown, TOGETHER_MOST + 6), 2);
    shown[5] = shown[6] = shown[7] = true;
    assert_int_equal(together_things(groups, shown, TOGETHER_MOST + 6), 5);
}

// Where nearly all was trained on, the few that are left are what nobody believed in: the learned scores are not compared with those alone.
static void few_left_over_are_no_measure(void **state)
{
    (void)state;
    struct set s = make(1000, 0, 400, 100, NOBODY, 12);
    struct rng rng = rng_seed(6);
    for (size_t i = 0; i < s.count; i++) {
        s.inputs[i].trained = i < 1000 && i >= 40;
        s.inputs[i].measures[DETECTOR_LEARNED] = (float)(rng_normal(&rng) + (i < 40 ? 8 : s.defect[i] ? 4 : 0));
    }
    struct screen_model *model = fit(&s, 0.01);
    double told = 0;
    for (size_t i = 1300; i < 1400; i++)
        told += s.scores[i].parts[DETECTOR_LEARNED] > 1.2;
    printf("# of 100 defects %.0f are among the highest of the learned scores\n", told);
    assert_true(told > 90);
    screen_free(model);
    set_clear(&s);
}

static void what_was_not_measured_takes_no_part(void **state)
{
    (void)state;
    struct set s = make(400, 0, 50, 20, WHOLE, 9);
    struct screen_model *model = fit(&s, 0.004);
    struct screen_score before = s.scores[440];
    assert_true(s.scores[440].parts[DETECTOR_LEARNED] == 0);
    screen_free(model);
    for (size_t i = 0; i < s.count; i++)
        s.inputs[i].measures[DETECTOR_LEARNED] = i % 2 ? (float)(i % 101) : NAN;
    s.inputs[441].measures[DETECTOR_LEARNED] = 500;
    model = fit(&s, 0.004);
    assert_true(s.scores[440].parts[DETECTOR_LEARNED] == 0 && s.scores[441].parts[DETECTOR_LEARNED] > 2);
    for (int d = 0; d < DETECTORS; d++) // the others say what they said
        assert_true(s.scores[440].parts[d] == before.parts[d]);
    struct screen_score again = screen_score(model, &s.inputs[440]);
    assert_true(again.parts[DETECTOR_LEARNED] == 0 && isfinite(again.score));
    screen_free(model);
    set_clear(&s);
}

// Odd in two measures at once is worth more than in one, unless one may speak for itself; at the rate it was
// given.
static void one_detector_alone_may_flag_within_its_share(void **state)
{
    (void)state;
    struct error err;
    double flags[2] = {0}, normals[2] = {0}, alone = 0;
    for (uint64_t seed = 0; seed < 5; seed++)
        for (int may = 0; may < 2; may++) {
            struct set s = make(1000, 0, 2000, 0, NOBODY, seed);
            const struct screen_space shared = {.dim = DIM, .alone = may ? 0.3 : 0};
            struct screen_model *model;
            assert_ok(screen_fit(s.inputs, s.count, &shared, s.believed, s.groups, 0.01, 1, NULL, s.scores,
                                 &model, &err),
                      &err);
            normals[may] += flagged(&s, model, 1000, 3000) / 5;
            for (size_t i = 1000; i < 3000; i++) {
                alone += s.scores[i].alone && s.scores[i].score >= screen_threshold(model) ? 1.0 / 10000 : 0;
                assert_true(may || !s.scores[i].alone);
            }
            struct screen_input odd = s.inputs[1500]; // as normal as can be, but for one measure
            odd.measures[DETECTOR_TILE] = 4.5f;
            flags[may] += screen_score(model, &odd).score / 5;
            screen_free(model);
            set_clear(&s);
        }
    print_message("# normals flagged %.4f, with a share for one alone %.4f, by one alone %.4f; odd in one: "
                  "%.2f, %.2f\n",
                  normals[0], normals[1], alone, flags[0], flags[1]);
    assert_true(normals[1] < 1.5 * 0.01 + 0.003 && alone < 0.3 * 0.01 + 0.002);
    assert_true(flags[1] > flags[0] + 1);
}

// Exposures of one thing: what is odd about it is in all of them, and each adds chance of its own. And the same with
// groups of different things, where the others say nothing.
static void pictures_of_one_thing_are_heard_together(void **state)
{
    (void)state;
    double auroc[2][2], flags[2] = {0}, agreement[2] = {0};
    for (int one_thing = 0; one_thing < 2; one_thing++)
        for (int grouped = 0; grouped < 2; grouped++) {
            struct set s = make(1000, 0, 2000, 400, NOBODY, 3);
            struct rng rng = rng_seed(4);
            double odd = 0, *v = xcalloc(s.count, sizeof *v);
            for (size_t i = 0; i < s.count; i++) {
                if (i % 4 == 0 || !one_thing)
                    odd = 3 * rng_uniform(&rng) + (s.defect[i] ? 2.5 : 0);
                for (int j = 0; j < DIM; j++)
                    s.embeddings[i * DIM + (size_t)j] = (float)(rng_normal(&rng) * (1 + odd));
                s.inputs[i].measures[DETECTOR_PATCH] = s.inputs[i].measures[DETECTOR_TILE] = NAN;
                s.groups[i] = grouped ? i / 4 : i;
            }
            struct screen_model *model = fit(&s, 0.01);
            for (size_t i = 0; i < s.count; i++)
                v[i] = s.scores[i].score;
            auroc[one_thing][grouped] = metrics_auroc(v + 1000, s.defect + 1000, 2000);
            if (grouped) {
                flags[one_thing] = flagged(&s, model, 1000, 2600);
                agreement[one_thing] = screen_agreement(model);
            } else {
                assert_true(screen_agreement(model) == 0);
            }
            screen_free(model);
            free(v);
            set_clear(&s);
        }
    print_message("# AUROC by itself / together: %.3f / %.3f of one thing (agreement %.2f, %.4f of normals flagged), %.3f / "
                  "%.3f of different ones (%.2f, %.4f)\n",
                  auroc[1][0], auroc[1][1], agreement[1], flags[1], auroc[0][0], auroc[0][1], agreement[0], flags[0]);
    assert_true(agreement[1] > 0.4 && 1 - auroc[1][1] < 0.7 * (1 - auroc[1][0]));
    assert_true(agreement[0] < 0.1 && fabs(auroc[0][1] - auroc[0][0]) < 0.01);
    assert_true(flags[0] < 0.025 && flags[1] < 0.025);
}

static void quiet_pictures_of_its_group_hide_nothing(void **state)
{
    (void)state;
    enum { PICTURES = 80 };
    double values[PICTURES], out[PICTURES];
    uint64_t groups[PICTURES];
    size_t members[PICTURES], peers[PICTURES];
    struct rng rng = rng_seed(5);
    for (size_t i = 0; i < PICTURES; i++) {
        groups[i] = i % 20; // four each, not one after the other
        members[i] = i;
        values[i] = 0.1 * (double)(i % 20) + 0.01 * rng_uniform(&rng);
    }
    double agreement = together_agreement(values, groups, members, PICTURES);
    assert_true(agreement > 0.99 && agreement <= 1);
    assert_true(together_agreement(values, groups, members, 7) == 0); // no two of a group
    values[23] = 6;
    together_share(values, groups, PICTURES, agreement, out, peers);
    assert_true(out[23] == 5.5 && peers[23] == 4);
    assert_true(out[3] > 1.5 && out[3] < 1.8); // an odd one raises the others
    assert_true(fabs(out[24] - values[24]) < 0.02);
    for (size_t i = 0; i < PICTURES; i++)
        groups[i] = i < 60 ? 1 : i;
    together_share(values, groups, PICTURES, 0.9, out, peers);
    for (size_t i = 0; i < PICTURES; i++) // a place of sixty pictures, and single ones
        assert_true(out[i] == values[i] && peers[i] == 1);
    for (size_t i = 0; i < PICTURES; i++) {
        groups[i] = i % 20;
        values[i] = 1;
    }
    assert_true(together_agreement(values, groups, members, PICTURES) == 0); // nothing differs
}

// Defects that differ from normal too little to be odd, but all alike.
static void labels_find_what_is_like_them(void **state)
{
    (void)state;
    struct set s = make(400, 0, 150, 150, NOBODY, 11);
    double before[150], after[150], normal[400];
    bool defect[550];
    for (size_t i = 400; i < 550; i++)
        for (int j = 0; j < 3; j++)
            s.embeddings[i * DIM + (size_t)j] += 4;
    struct screen_model *model = fit(&s, 0.004);
    for (size_t i = 0; i < 550; i++)
        defect[i] = i >= 400;
    for (size_t i = 0; i < 150; i++)
        before[i] = s.scores[400 + i].score;
    assert_true(s.scores[410].parts[DETECTOR_KNOWN] == 0);
    screen_free(model);
    for (size_t i = 400; i < 440; i++)
        s.inputs[i].said = 1;
    for (size_t i = 0; i < 400; i += 10)
        s.inputs[i].said = -1;
    model = fit(&s, 0.004);
    double all[550], likeness = 0;
    for (size_t i = 0; i < 550; i++) {
        all[i] = s.scores[i].parts[DETECTOR_KNOWN];
        if (i < 400)
            normal[i] = s.scores[i].score;
        else
            after[i - 400] = s.scores[i].score;
    }
    likeness = metrics_auroc(all + 0, defect, 550);
    size_t rise = 0;
    for (size_t i = 40; i < 150; i++)
        rise += after[i] > before[i];
    print_message("# likeness alone: AUROC %.3f; %zu of 110 rose\n", likeness, rise);
    assert_true(likeness > 0.9 && rise > 90);
    assert_true(isfinite(normal[0]) && flagged(&s, model, 0, 400) < 0.02);
    struct screen_score *now = score_apart(&s, model, 440);
    for (size_t i = 440; i < 550; i++) // of no labelled picture's group: as one never seen
        assert_true(fabs(s.scores[i].score - now[i - 440].score) < 1e-4);
    free(now);
    screen_free(model);
    set_clear(&s);
}

static void a_stored_model_scores_like_the_fitted_one(void **state)
{
    (void)state;
    struct error err;
    char template[] = "/tmp/assay-test-XXXXXX", *dir = mkdtemp(template), hash[HASH_HEX], again[HASH_HEX],
         *path;
    struct base_info base = {.name = "test base", .sha256 = "aa"},
                     other_base = {.name = "test base", .sha256 = "ab"};
    struct screen_settings settings = screen_settings_default, other = screen_settings_default;
    struct screen_model *model, *loaded;
    unsigned char *bytes;
    size_t count;
    other.size = 320;
    enum { PLAIN, WITHOUT_WHOLE, TWO_LOOKS, KINDS };
    for (int kind = PLAIN; kind < KINDS; kind++) {
        struct set s = make(kind == TWO_LOOKS ? 600 : 80, 0, 20, 5, BOTH, 1);
        for (size_t i = 0; i < s.count; i++) {
            if (kind == WITHOUT_WHOLE)
                s.inputs[i].embedding = s.embeddings;
            for (size_t j = 0; j < DIM && kind == TWO_LOOKS && i / 4 % 2; j++)
                s.embeddings[i * DIM + j] = 100 + 3 * s.embeddings[i * DIM + j];
        }
        for (size_t i = 0; i < 5; i++)
            s.inputs[s.count - 5 + i].said = 1, s.inputs[i].said = -1;
        model = fit(&s, 0.004);
        assert_ok(screen_save(model, &base, &settings, dir, hash, &err), &err);
        path = xasprintf("%s/%s.safetensors", dir, hash);
        assert_ok(screen_load(path, &base, &settings, &loaded, &err), &err);
        for (size_t i = 0; i < s.count; i++)
            assert_true(same(screen_score(model, &s.inputs[i]), screen_score(loaded, &s.inputs[i])));
        assert_true(screen_threshold(loaded) == screen_threshold(model));
        assert_true(screen_shrinkage(loaded) == screen_shrinkage(model));
        assert_int_equal(screen_looks(model), kind == TWO_LOOKS ? 2 : 1);
        assert_int_equal(screen_looks(loaded), screen_looks(model));
        assert_int_equal(screen_fit_count(loaded), screen_fit_count(model));
        assert_ok(screen_save(loaded, &base, &settings, dir, again, &err), &err);
        assert_string_equal(again, hash);
        screen_free(loaded);
        screen_free(model);
        assert_status(screen_load(path, &other_base, &settings, &loaded, &err), ST_INVALID, &err);
        assert_non_null(strstr(err.text, hash));
        assert_status(screen_load(path, &base, &other, &loaded, &err), ST_INVALID, &err);
        assert_ok(file_read(path, 1 << 24, &bytes, &count, &err), &err);
        bytes[count - 3] ^= 1; // a number changes a little
        assert_ok(file_write(path, bytes, count, &err), &err);
        assert_status(screen_load(path, &base, &settings, &loaded, &err), ST_CORRUPT, &err);
        assert_non_null(strstr(err.text, hash));
        for (size_t cut = 0; cut < count; cut += count / 50) {
            assert_ok(file_write(path, bytes, cut, &err), &err);
            assert_status(screen_load(path, &base, &settings, &loaded, &err), ST_CORRUPT, &err);
        }
        free(bytes);
        assert_int_equal(unlink(path), 0);
        assert_status(screen_load(path, &base, &settings, &loaded, &err), ST_NOT_FOUND, &err);
        free(path);
        set_clear(&s);
    }
    assert_int_equal(rmdir(dir), 0); // nothing else was left behind
}

// Half of the pictures look otherwise: of many groups, or all of one, which no fold can tell anything of to the others.
static void a_look_of_one_group_is_none(void **state)
{
    (void)state;
    for (int one = 0; one < 2; one++) {
        struct set s = make(600, 0, 20, 5, BOTH, 1);
        for (size_t i = 0; i < s.count; i++) {
            bool other = i / 4 % 2;
            for (size_t j = 0; j < DIM && other; j++)
                s.embeddings[i * DIM + j] += 100;
            s.groups[i] = other && one ? 1 : s.groups[i];
        }
        struct screen_model *model = fit(&s, 0.01);
        assert_int_equal(screen_looks(model), one ? 1 : 2);
        assert_true(screen_uses(model, DETECTOR_WHOLE));
        screen_free(model);
        set_clear(&s);
    }
}

// Groups far apart, each with a normal and a defect that differs little from it.
static void evaluation_by_group_shows_the_leak(void **state)
{
    (void)state;
    enum { COUNT = 600, SEEDS = 4 };
    struct error err;
    struct set s = make(COUNT, 0, 0, 0, NOBODY, 11);
    struct rng rng = rng_seed(2);
    int kinds[COUNT];
    double own[DIM] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        for (int j = 0; j < DIM; j++) {
            if (i % 6 == 0)
                own[j] = pow(rng_normal(&rng), 3);
            s.embeddings[i * DIM + (size_t)j] = (float)(own[j] + 0.05 * rng_normal(&rng));
        }
        s.groups[i] = i / 6;
        s.defect[i] = i % 6 == 5;
        kinds[i] = s.defect[i] ? (int)(i / 6 % 2) : -1;
        if (s.defect[i])
            s.embeddings[i * DIM] += kinds[i] ? 9 : 2;
    }
    struct evaluate_set set = {s.embeddings, COUNT, DIM, s.defect, kinds, 2, s.groups};
    struct evaluate_result by_group, leaking;
    assert_ok(evaluate_whole(&set, 0, SEEDS, true, 50, &by_group, &err), &err);
    assert_ok(evaluate_whole(&set, 0, SEEDS, false, 0, &leaking, &err), &err);
    bool fit[COUNT];
    size_t fitting = 0;
    evaluate_split(&set, 3, true, fit);
    for (size_t i = 0; i < COUNT; i++) {
        fitting += fit[i];
        assert_true(fit[i] == (!s.defect[i] && fit[i / 6 * 6])); // a group goes as a whole, its defects never
    }
    assert_int_equal(fitting, 400);
    for (int seed = 0; seed < SEEDS; seed++) {
        const struct metrics *m = &by_group.overall[seed], *kind = by_group.by_kind + 2 * seed;
        assert_int_equal(m->normals, 100); // five of each of the 20 groups held out
        assert_int_equal(m->defects, 100);
        assert_int_equal(kind[0].defects + kind[1].defects, 100);
        assert_int_equal(kind[1].normals, 100);
        assert_true(kind[1].auroc > kind[0].auroc);
        assert_true(fabs((kind[0].auroc + kind[1].auroc) / 2 - m->auroc) < 1e-9); // 50 each
        assert_true(m->auroc_ci.low < m->auroc && m->auroc < m->auroc_ci.high);
        assert_int_equal(leaking.overall[seed].normals, 100);
        assert_true(by_group.shrinkage[seed] > 0 && by_group.shrinkage[seed] < 1);
    }
    assert_true(by_group.overall[0].auroc != by_group.overall[1].auroc);
    evaluate_clear(&by_group);
    evaluate_clear(&leaking);
    kinds[5] = 2;
    assert_status(evaluate_whole(&set, 0, 1, true, 0, &by_group, &err), ST_INVALID, &err);
    memset(s.defect, 0, COUNT);
    assert_status(evaluate_whole(&set, 0, 1, true, 0, &by_group, &err), ST_INVALID, &err);
    set_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normals_are_flagged_at_the_asked_rate),
        cmocka_unit_test(a_large_set_is_fitted_on_a_share),
        cmocka_unit_test(one_blind_detector_hides_no_defect),
        cmocka_unit_test(scores_repeat_and_match_those_of_new_pictures),
        cmocka_unit_test(folds_never_cut_a_group),
        cmocka_unit_test(small_and_odd_sets_work_or_are_refused),
        cmocka_unit_test(a_detector_that_never_varies_is_left_out),
        cmocka_unit_test(a_taught_detector_leads_and_hides_nothing),
        cmocka_unit_test(few_things_teach_little),
        cmocka_unit_test(things_are_groups_that_are_not_large),
        cmocka_unit_test(few_left_over_are_no_measure),
        cmocka_unit_test(what_was_not_measured_takes_no_part),
        cmocka_unit_test(one_detector_alone_may_flag_within_its_share),
        cmocka_unit_test(pictures_of_one_thing_are_heard_together),
        cmocka_unit_test(quiet_pictures_of_its_group_hide_nothing),
        cmocka_unit_test(labels_find_what_is_like_them),
        cmocka_unit_test(a_stored_model_scores_like_the_fitted_one),
        cmocka_unit_test(a_look_of_one_group_is_none),
        cmocka_unit_test(evaluation_by_group_shows_the_leak),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
