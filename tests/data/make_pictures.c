// make_pictures DIR: write DIR/good/*, DIR/bad/* and DIR/list.csv, which says of
// each what decoding it is to give.
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "tests/unit/test_pictures.h"

static enum status write_set(const char *dir, const char *sub, const struct pictures *set, FILE *list,
                             struct error *err)
{
    char *folder = file_join(dir, sub);
    enum status status = file_mkdirs(folder, err);
    for (size_t i = 0; status == ST_OK && i < set->count; i++) {
        const struct picture *p = &set->items[i];
        char *path = file_join(folder, p->name), *name = file_join(sub, p->name);
        status = file_write(path, p->bytes.len ? p->bytes.data : "", p->bytes.len, err);
        csv_put(list, name, 0);
        fprintf(list, "%d,%d,%d,", p->width, p->height, p->channels);
        csv_put(list, p->status == ST_OK ? "ok" : "bad", 0);
        csv_put(list, p->reason, 1);
        free(path);
        free(name);
    }
    free(folder);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIR\n", argv[0]);
        return 2;
    }
    struct error err = {0};
    struct pictures good = {0}, bad = {0};
    pictures_good(&good);
    pictures_bad(&bad);
    enum status status = file_mkdirs(argv[1], &err);
    char *path = file_join(argv[1], "list.csv");
    FILE *list = status == ST_OK ? fopen(path, "w") : NULL;
    if (list) {
        fputs("file,width,height,channels,state,reason\n", list);
        status = write_set(argv[1], "good", &good, list, &err);
        if (status == ST_OK)
            status = write_set(argv[1], "bad", &bad, list, &err);
        if (fclose(list) != 0 && status == ST_OK)
            status = error_set(&err, ST_IO, "%s: cannot be written", path);
    } else if (status == ST_OK) {
        status = error_set(&err, ST_IO, "%s: cannot be opened for writing", path);
    }
    if (status != ST_OK)
        fprintf(stderr, "%s\n", err.text);
    free(path);
    pictures_clear(&good);
    pictures_clear(&bad);
    return status == ST_OK ? 0 : 1;
}
