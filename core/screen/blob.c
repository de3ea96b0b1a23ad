#include "config.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "screen/blob.h"

enum { LOOKED_AT = 1 << 18 }; // points of a blob's surroundings; larger ones are looked at more coarsely
static const double CELL_LEAST = 1.0 / 16; // of a cell that a blob covers; the hottest may cover less

float heat_value(const struct heat *heat, float u, float v)
{
    u = u - 0.5f < 0 ? 0 : u - 0.5f;
    v = v - 0.5f < 0 ? 0 : v - 0.5f;
    int x0 = (int)u < heat->cols - 1 ? (int)u : heat->cols - 1;
    int y0 = (int)v < heat->rows - 1 ? (int)v : heat->rows - 1;
    int x1 = x0 + 1 < heat->cols ? x0 + 1 : x0, y1 = y0 + 1 < heat->rows ? y0 + 1 : y0;
    float fx = u - (float)x0, fy = v - (float)y0;
    fx = fx > 1 ? 1 : fx;
    fy = fy > 1 ? 1 : fy;
    const uint8_t *top = heat->cells + y0 * heat->cols, *low = heat->cells + y1 * heat->cols;
    float a = (float)top[x0] + fx * ((float)top[x1] - (float)top[x0]);
    float b = (float)low[x0] + fx * ((float)low[x1] - (float)low[x0]);
    return a + fy * (b - a);
}

struct part { // cells that touch, also in a corner
    int x0, y0, x1, y1, peak, at;
};

static void flood(const struct heat *heat, int level, int from, int number, int *of, struct part *part)
{
    int *open = xcalloc((size_t)(heat->rows * heat->cols), sizeof *open), count = 0;
    *part = (struct part){heat->cols, heat->rows, 0, 0, 0, from};
    open[count++] = from;
    of[from] = number;
    while (count > 0) {
        int at = open[--count], x = at % heat->cols, y = at / heat->cols;
        if (heat->cells[at] > part->peak) {
            part->peak = heat->cells[at];
            part->at = at;
        }
        part->x0 = x < part->x0 ? x : part->x0;
        part->y0 = y < part->y0 ? y : part->y0;
        part->x1 = x + 1 > part->x1 ? x + 1 : part->x1;
        part->y1 = y + 1 > part->y1 ? y + 1 : part->y1;
        for (int v = y > 0 ? y - 1 : y; v <= y + 1 && v < heat->rows; v++)
            for (int u = x > 0 ? x - 1 : x; u <= x + 1 && u < heat->cols; u++) {
                int next = v * heat->cols + u;
                if (of[next] < 0 && heat->cells[next] >= level) {
                    of[next] = number;
                    open[count++] = next;
                }
            }
    }
    free(open);
}

// From cells to pixels.
struct scale {
    double left, top, across, down; // of the heatmap, and of a cell
};

// The hot cell nearest to (u, v), of those round it, belongs to this part.
static bool belongs(const struct heat *heat, const int *of, int number, double u, double v)
{
    int x = (int)floor(u), y = (int)floor(v), best = -1;
    double least = INFINITY;
    for (int b = y - 1; b <= y + 1; b++)
        for (int a = x - 1; a <= x + 1; a++) {
            double far = (a + 0.5 - u) * (a + 0.5 - u) + (b + 0.5 - v) * (b + 0.5 - v);
            if (a < 0 || b < 0 || a >= heat->cols || b >= heat->rows || of[b * heat->cols + a] < 0 || far >= least)
                continue;
            least = far;
            best = of[b * heat->cols + a];
        }
    return best == number;
}

static void fill(const struct heat *heat, const int *of, int number, const struct part *part, int level,
                 const struct scale *s, int width, int height, struct blob *blob)
{
    int x0 = (int)fmax(floor(s->left + (part->x0 - 1) * s->across), 0), y0 = (int)fmax(floor(s->top + (part->y0 - 1) * s->down), 0);
    int x1 = (int)fmin(ceil(s->left + (part->x1 + 1) * s->across), width);
    int y1 = (int)fmin(ceil(s->top + (part->y1 + 1) * s->down), height);
    int step = (int)ceil(sqrt(fmax((double)(x1 - x0) * (y1 - y0) / LOOKED_AT, 1)));
    for (int y = y0; y < y1; y += step) {
        struct spans row = {0};
        double v = (y + step / 2.0 - s->top) / s->down;
        for (int x = x0; x < x1; x += step) {
            double u = (x + step / 2.0 - s->left) / s->across;
            if (u >= 0 && v >= 0 && u < heat->cols && v < heat->rows && heat_value(heat, (float)u, (float)v) >= (float)level &&
                belongs(heat, of, number, u, v))
                spans_put(&row, y, x, x + step < x1 ? x + step : x1);
        }
        for (int k = 0; k < step && y + k < y1; k++)
            for (size_t i = 0; i < row.count; i++)
                spans_put(&blob->spans, y + k, row.runs[i].x0, row.runs[i].x1);
        spans_clear(&row);
    }
    blob->peak = part->peak;
    blob->x = (int)fmin(s->left + (part->at % heat->cols + 0.5) * s->across, width - 1);
    blob->y = (int)fmin(s->top + (part->at / heat->cols + 0.5) * s->down, height - 1);
    if (blob->spans.count == 0) // smaller than a step
        spans_put(&blob->spans, blob->y, blob->x, blob->x + 1);
    spans_bounds(&blob->spans, blob->box);
}

static int hottest_first(const void *left, const void *right)
{
    const struct blob *a = left, *b = right;
    return a->peak != b->peak ? b->peak - a->peak : a->box[1] != b->box[1] ? a->box[1] - b->box[1] : a->box[0] - b->box[0];
}

struct blob *blobs_find(const struct heat *heat, const double box[4], int width, int height, size_t *count)
{
    int cells = heat->rows * heat->cols, most = 0, parts = 0;
    struct scale s = {box[0] * width, box[1] * height, (box[2] - box[0]) * width / (heat->cols > 0 ? heat->cols : 1),
                      (box[3] - box[1]) * height / (heat->rows > 0 ? heat->rows : 1)};
    *count = 0;
    for (int i = 0; i < cells; i++)
        most = heat->cells[i] > most ? heat->cells[i] : most;
    if (most < BLOB_LEAST || width < 1 || height < 1 || !(s.across > 0) || !(s.down > 0))
        return NULL;
    int level = most >= BLOB_LEVEL ? BLOB_LEVEL : (int)ceil(0.6 * most);
    int *of = xcalloc((size_t)cells, sizeof *of);
    struct part *found = xcalloc((size_t)cells, sizeof *found);
    for (int i = 0; i < cells; i++)
        of[i] = -1;
    for (int i = 0; i < cells; i++)
        if (of[i] < 0 && heat->cells[i] >= level) {
            flood(heat, level, i, parts, of, &found[parts]);
            parts++;
        }
    struct blob *blobs = xcalloc((size_t)parts + 1, sizeof *blobs);
    for (int i = 0; i < parts; i++)
        fill(heat, of, i, &found[i], level, &s, width, height, &blobs[i]);
    free(found);
    free(of);
    qsort(blobs, (size_t)parts, sizeof *blobs, hottest_first);
    for (int i = 0; i < parts; i++) { // a cell that hardly reaches the level encloses next to nothing
        if (i == 0 || (double)spans_area(&blobs[i].spans) >= s.across * s.down * CELL_LEAST)
            blobs[(*count)++] = blobs[i];
        else
            spans_clear(&blobs[i].spans);
    }
    return blobs;
}

void blobs_free(struct blob *blobs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        spans_clear(&blobs[i].spans);
    free(blobs);
}
