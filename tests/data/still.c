// What exact screen dumps need: pictures and numbers that are the same on every machine.
// still pictures DIR COUNT: flat PNGs with a brighter block, each elsewhere.
// still sql DATABASE: run the statements on standard input.
#include "config.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "image/image.h"

enum { WIDTH = 96, HEIGHT = 72, BLOCK = 12 };

static enum status pictures(const char *dir, int count, struct error *err)
{
    enum status status = file_mkdirs(dir, err);
    for (int i = 0; i < count && status == ST_OK; i++) {
        struct image image = {.width = WIDTH, .height = HEIGHT, .channels = 1, .pixels = xcalloc(WIDTH * HEIGHT, 1)};
        int x0 = BLOCK * (i % (WIDTH / BLOCK)), y0 = BLOCK * (i / 2 % (HEIGHT / BLOCK));
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                bool block = x >= x0 && x < x0 + BLOCK && y >= y0 && y < y0 + BLOCK;
                image.pixels[y * WIDTH + x] = (uint8_t)(block ? 180 + i % 5 * 10 : 90 + i % 3);
            }
        char *path = xasprintf("%s/%03d.png", dir, i);
        status = image_write_png(path, &image, err);
        free(path);
        image_clear(&image);
    }
    return status;
}

static enum status sql(const char *path, struct error *err)
{
    struct strbuf text = {0};
    char part[4096], *why = NULL;
    size_t n;
    sqlite3 *db = NULL;
    while ((n = fread(part, 1, sizeof part, stdin)) > 0)
        strbuf_add(&text, part, n);
    enum status status = ST_OK;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, text.data, NULL, NULL, &why) != SQLITE_OK)
        status = error_set(err, ST_IO, "%s: %s", path, why ? why : sqlite3_errmsg(db));
    sqlite3_free(why);
    sqlite3_close(db);
    strbuf_clear(&text);
    return status;
}

int main(int argc, char **argv)
{
    struct error err = {0};
    enum status status = ST_INVALID;
    if (argc == 4 && strcmp(argv[1], "pictures") == 0)
        status = pictures(argv[2], atoi(argv[3]), &err);
    else if (argc == 3 && strcmp(argv[1], "sql") == 0)
        status = sql(argv[2], &err);
    if (status != ST_OK)
        fprintf(stderr, "%s: %s\n", argv[0], err.text);
    return status == ST_OK ? 0 : 1;
}
