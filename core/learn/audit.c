#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/audit.h"

enum { EVERY = 256 };                // each number up to this one is a candidate of its own
static const double STEP = 1.01;     // the next candidate, above
static const double RICH = 1e250;    // a fortune that no alpha leaves standing
static const double SURE = 1e6;      // its logarithm: cannot be

// A game against each candidate: log fortune = log + ln(gain), gain since the last miss.
struct game {
    double *log, *gain;
    int64_t found, misses, draws;
    double sum; // of what each draw estimates
};

struct audit {
    size_t count;
    int64_t *grid;          // (count) candidates, rising from 0
    double *before;         // (count) log E' at them
    double before_estimate; // NAN: nothing was drawn
    int64_t before_draws, before_size;
    struct audit_scope scope;
    struct game fresh, whole;
};

static void game_init(struct game *g, size_t count)
{
    g->log = xcalloc(count, sizeof *g->log);
    g->gain = xcalloc(count, sizeof *g->gain);
}

static void game_free(struct game *g)
{
    free(g->log);
    free(g->gain);
}

static void game_start(struct game *g, size_t count, int64_t found)
{
    memset(g->log, 0, count * sizeof *g->log);
    for (size_t i = 0; i < count; i++)
        g->gain[i] = 1;
    g->found = found;
    g->misses = g->draws = 0;
    g->sum = 0;
}

static double game_log(const struct game *g, size_t i)
{
    return g->gain[i] >= RICH ? SURE : g->log[i] + log(g->gain[i]);
}

// The share of the largest bet allowed: 1 - p/m is the best against a share m where p is the truth (Kelly). p from what
// was found, drawn towards few; m from the bound that this comes to.
static double stake(const struct audit_scope *s, const struct game *g)
{
    double nats = log(1 / s->alpha), horizon = nats / s->bound;
    double p = ((double)g->misses + 0.5) / ((double)g->draws + horizon);
    double expected = p * fmax((double)g->draws, horizon);
    double bound = expected + sqrt(2 * nats * expected) + nats;
    return fmin(fmax(1 - expected / bound, 0.05), 0.98);
}

static void game_draw(struct game *g, const int64_t *grid, size_t count, const struct audit_scope *scope,
                      const struct audit_draw *d)
{
    double bet = stake(scope, g) * d->least, pays = d->miss ? 1 / d->probability : 0;
    g->sum += (double)g->found + pays;
    for (size_t i = 0; i < count; i++) {
        // candidates below what was found are kept at that: they stand for the numbers up to the next one
        double left = grid[i] > g->found ? (double)(grid[i] - g->found) : 0;
        bool more = left - d->miss > (double)(d->remaining - 1) || g->gain[i] >= RICH; // than are left to draw
        g->gain[i] = more ? 2 * RICH : g->gain[i] * (1 + bet * (left - pays));
    }
    for (size_t i = 0; d->miss && i < count; i++) {
        if (g->gain[i] < RICH) { // what was lost may be much: kept as a logarithm
            g->log[i] += log(g->gain[i]);
            g->gain[i] = 1;
        }
    }
    g->found += d->miss;
    g->misses += d->miss;
    g->draws++;
}

struct audit *audit_new(int64_t most)
{
    struct audit *a = xcalloc(1, sizeof *a);
    size_t capacity = 0;
    for (int64_t u = 0; u <= most + 1;) {
        GROW(a->grid, capacity, a->count + 1);
        a->grid[a->count++] = u;
        int64_t next = (int64_t)((double)u * STEP);
        u = u < EVERY || next <= u ? u + 1 : next;
        if (u > most + 1 && a->grid[a->count - 1] <= most)
            u = most + 1;
    }
    a->before = xcalloc(a->count, sizeof *a->before);
    a->before_estimate = NAN;
    game_init(&a->fresh, a->count);
    game_init(&a->whole, a->count);
    return a;
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    game_free(&a->fresh);
    game_free(&a->whole);
    free(a->before);
    free(a->grid);
    free(a);
}

// The highest candidate that is at most u: what it stands at, u stands at too, or higher.
static size_t at(const struct audit *a, int64_t u)
{
    size_t low = 0, high = a->count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(a->grid[middle] <= u ? &low : &high) = middle;
    }
    return low;
}

// Least over v + m = u of E'(v + caught) K_M(m), in logarithms.
static double least_split(const struct audit *a, int64_t u)
{
    const struct audit_scope *s = &a->scope;
    int64_t old = s->size - s->fresh;
    if (old == 0)
        return game_log(&a->fresh, at(a, u));
    if (s->fresh == 0)
        return a->before[at(a, u + s->caught)];
    double least = SURE;
    for (size_t i = 0; i < a->count && a->grid[i] <= s->fresh && a->grid[i] <= u; i++) {
        int64_t last = i + 1 < a->count ? a->grid[i + 1] - 1 : a->grid[i]; // m from grid[i] to this
        int64_t v = u > last ? u - last : 0;
        if (v <= old)
            least = fmin(least, game_log(&a->fresh, i) + a->before[at(a, v + s->caught)]);
    }
    return least;
}

static double evidence(const struct audit *a, int64_t u)
{
    if (u > a->scope.size)
        return SURE;
    return fmin(least_split(a, u) + game_log(&a->whole, at(a, u)), SURE);
}

static double estimate_of(const struct game *g)
{
    return g->draws ? g->sum / (double)g->draws : NAN;
}

void audit_begin(struct audit *a, const struct audit_scope *scope)
{
    if (a->scope.size > 0) { // there was one before
        double *now = xcalloc(a->count, sizeof *now);
        for (size_t i = 0; i < a->count; i++)
            now[i] = evidence(a, a->grid[i]);
        a->before_estimate = audit_estimate(a);
        a->before_draws += a->fresh.draws + a->whole.draws;
        a->before_size = a->scope.size;
        free(a->before);
        a->before = now;
    }
    a->scope = *scope;
    game_start(&a->fresh, a->count, scope->known_fresh);
    game_start(&a->whole, a->count, scope->known);
}

bool audit_answer(struct audit *a, const struct audit_draw *d)
{
    if (d->remaining < 1 || !(d->least > 0) || !(d->probability >= d->least) || !(d->probability <= 1) ||
        d->least * (double)d->remaining > 1 + 1e-9)
        return false;
    game_draw(d->whole ? &a->whole : &a->fresh, a->grid, a->count, &a->scope, d);
    if (!d->whole) // known from now on among all of them
        a->whole.found += d->miss;
    return true;
}

int64_t audit_most(const struct audit *a, double alpha)
{
    double limit = log(1 / alpha);
    int64_t known = a->whole.found;
    size_t low = 0, high = a->count; // before `low` all stand; from `high` on none does
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (evidence(a, a->grid[middle]) >= limit)
            high = middle;
        else
            low = middle + 1;
    }
    int64_t most = high < a->count ? a->grid[high] - 1 : a->scope.size;
    most = most > a->scope.size ? a->scope.size : most;
    return most < known ? known : most;
}

double audit_estimate(const struct audit *a)
{
    const struct audit_scope *s = &a->scope;
    double fresh = s->fresh == 0 ? 0 : estimate_of(&a->fresh), whole = estimate_of(&a->whole), parts = fresh;
    double draws = (double)(a->fresh.draws + a->before_draws);
    if (s->size > s->fresh)
        parts += a->before_estimate - (double)s->caught;
    double known = (double)a->whole.found;
    if (isnan(parts) || a->whole.draws == 0)
        return isnan(parts) ? whole : fmax(parts, known);
    return fmax((parts * draws + whole * (double)a->whole.draws) / (draws + (double)a->whole.draws), known);
}

int64_t audit_fresh_wanted(const struct audit *a)
{
    const struct audit_scope *s = &a->scope;
    if (s->size == s->fresh)
        return s->fresh;
    int64_t wanted = a->before_size ? (int64_t)ceil((double)s->fresh * (double)a->before_draws / (double)a->before_size) : 0;
    return wanted > s->fresh ? s->fresh : wanted;
}

static struct audit *copy(const struct audit *a)
{
    struct audit *c = xcalloc(1, sizeof *c);
    size_t bytes = a->count * sizeof(double);
    *c = *a;
    c->grid = xcalloc(a->count, sizeof *c->grid);
    memcpy(c->grid, a->grid, a->count * sizeof *c->grid);
    c->before = xcalloc(1, bytes);
    memcpy(c->before, a->before, bytes);
    game_init(&c->fresh, a->count);
    game_init(&c->whole, a->count);
    memcpy(c->fresh.log, a->fresh.log, bytes);
    memcpy(c->fresh.gain, a->fresh.gain, bytes);
    memcpy(c->whole.log, a->whole.log, bytes);
    memcpy(c->whole.gain, a->whole.gain, bytes);
    return c;
}

int64_t audit_needed(const struct audit *a, double alpha, int64_t target, int64_t place, int64_t left, int64_t left_fresh)
{
    double limit = log(1 / alpha);
    struct audit *c = copy(a);
    // audit_most gives the number below the lowest candidate refuted
    int64_t refute = target < c->scope.size ? c->grid[at(c, target + 1)] : c->scope.size + 1;
    int64_t needed = 0;
    bool split = c->scope.fresh > 0 && c->scope.size > c->scope.fresh;
    int64_t fresh = audit_fresh_wanted(c) - c->fresh.draws;
    fresh = fresh > left_fresh ? left_fresh : fresh;
    for (;;) {
        bool look = !split || needed % (needed / 128 + 1) == 0 || left == 0;
        if (c->whole.found > target || (left == 0 && evidence(c, refute) < limit)) {
            needed = -1;
            break;
        }
        if (look && evidence(c, refute) >= limit)
            break;
        bool whole = fresh <= 0;
        int64_t remaining = whole ? left : left_fresh;
        double uniform = 1 / (double)remaining;
        double least = audit_weighted(place) ? uniform / 2 : uniform;
        game_draw(whole ? &c->whole : &c->fresh, c->grid, c->count, &c->scope,
                  &(struct audit_draw){whole, remaining, uniform, least, false});
        left--;
        left_fresh -= !whole;
        fresh--;
        place++;
        needed++;
    }
    audit_free(c);
    return needed;
}
