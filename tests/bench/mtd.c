#include "config.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tests/bench/mtd.h"

static const double fit_share = 0.8;

static const char *const names[MTD_KINDS][2] = {{"Blowhole", "blowhole"}, {"Break", "break"},
                                                {"Crack", "crack"},       {"Fray", "fray"},
                                                {"Free", "free"},         {"Uneven", "uneven"}};

const char *mtd_kind_name(int kind)
{
    return names[kind][0];
}

const char *mtd_kind_key(int kind)
{
    return names[kind][1];
}

struct found {
    long number;
    int exposure;
    struct mtd_picture picture;
};

struct list {
    struct found *rows;
    size_t count, capacity;
};

static void add_folder(struct list *list, const char *root, int kind)
{
    char *folder = xasprintf("%s/MT_%s/Imgs", root, mtd_kind_name(kind));
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct found f = {.picture.kind = kind};
        char end[8];
        if (sscanf(e->d_name, "exp%d_num_%ld.%4s", &f.exposure, &f.number, end) != 3 ||
            strcmp(end, "jpg") != 0)
            continue;
        f.picture.path = xasprintf("%s/%s", folder, e->d_name);
        GROW(list->rows, list->capacity, list->count + 1);
        list->rows[list->count++] = f;
    }
    if (dir)
        closedir(dir);
    free(folder);
}

static int by_number(const void *left, const void *right)
{
    const struct found *a = left, *b = right;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    return a->exposure - b->exposure;
}

// A new tile begins where the number of the exposure does not rise.
void mtd_open(const char *root, const char *program, struct mtd *mtd)
{
    struct list list = {0};
    *mtd = (struct mtd){0};
    for (int k = 0; k < MTD_KINDS; k++)
        add_folder(&list, root, k);
    if (!list.count) {
        fprintf(stderr,
                "%s: no magnetic-tile pictures in \"%s\" (development data, not part of the repository): "
                "nothing measured\n",
                program, root);
        exit(77);
    }
    qsort(list.rows, list.count, sizeof *list.rows, by_number);
    mtd->pictures = xcalloc(list.count, sizeof *mtd->pictures);
    mtd->count = list.count;
    for (size_t i = 0; i < list.count; i++) {
        mtd->groups += i == 0 || list.rows[i].exposure <= list.rows[i - 1].exposure;
        mtd->pictures[i] = list.rows[i].picture;
        mtd->pictures[i].group = mtd->groups - 1;
    }
    free(list.rows);
}

void mtd_close(struct mtd *mtd)
{
    for (size_t i = 0; i < mtd->count; i++)
        free(mtd->pictures[i].path);
    free(mtd->pictures);
    *mtd = (struct mtd){0};
}

void mtd_shuffle(size_t *order, size_t count, struct rng *rng)
{
    for (size_t i = 0; i < count; i++) {
        size_t j = (size_t)rng_below(rng, i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

void mtd_split(const struct mtd *mtd, struct rng *rng, bool *fit)
{
    size_t *order = xcalloc(mtd->groups, sizeof *order);
    bool *chosen = xcalloc(mtd->groups, sizeof *chosen);
    for (size_t g = 0; g < mtd->groups; g++)
        order[g] = g;
    mtd_shuffle(order, mtd->groups, rng);
    for (size_t g = 0; g < (size_t)lround(fit_share * (double)mtd->groups); g++)
        chosen[order[g]] = true;
    for (size_t i = 0; i < mtd->count; i++)
        fit[i] = chosen[mtd->pictures[i].group];
    free(order);
    free(chosen);
}
