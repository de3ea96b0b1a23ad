// A frontier as JSON, and what machine it holds for.
#include "config.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"
#include "learn/frontier.h"
#include "nn/kernel.h"

enum { TABLE = 1 }; // of the table and of how quality is measured: others are not comparable

char *frontier_text(const struct frontier *f)
{
    json_t *rows = json_array();
    for (int i = 0; i < f->count; i++) {
        const struct frontier_row *r = &f->rows[i];
        json_array_append_new(rows,
                              json_pack("{s:i, s:f, s:i, s:i, s:I, s:f, s:f, s:f, s:b}", "cut", r->index,
                                        "width", r->cut.width, "depth", r->cut.depth, "side", r->side,
                                        "parameters", (json_int_t)r->parameters, "megabytes", r->megabytes,
                                        "ms", r->ms, "quality", r->quality, "frontier", r->best));
    }
    json_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s, s:f, s:o}", "version", TABLE, "base", f->base, "sha256",
                          f->sha256, "machine", f->machine, "pictures", f->pictures, "seconds", f->seconds,
                          "rows", rows);
    char *text = json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    return text;
}

static bool parse_row(json_t *o, struct frontier_row *r)
{
    json_int_t parameters;
    int best;
    if (json_unpack(o, "{s:i, s:F, s:i, s:i, s:I, s:F, s:F, s:F, s:b}", "cut", &r->index, "width",
                    &r->cut.width, "depth", &r->cut.depth, "side", &r->side, "parameters", &parameters,
                    "megabytes", &r->megabytes, "ms", &r->ms, "quality", &r->quality, "frontier", &best) != 0)
        return false;
    r->parameters = parameters;
    r->best = best;
    bool known = false;
    for (int i = 0; i < FRONTIER_SIDES; i++)
        known = known || r->side == frontier_sides[i];
    return known && r->index >= 0 && r->index < ELASTIC_CUTS && r->cut.width > 0 && r->cut.width <= 1 &&
           r->cut.depth >= 0 && r->cut.depth <= NET_BLOCKS && parameters > 0 && r->megabytes > 0 &&
           r->ms > 0 && isfinite(r->ms) && r->quality >= 0 && r->quality <= 1;
}

static void take(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
    text_clean(to);
}

enum status frontier_parse(const char *text, const char *name, struct frontier *f, struct error *err)
{
    json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *rows = NULL;
    const char *base, *sha256, *machine, *pictures;
    int version;
    *f = (struct frontier){0};
    bool good = json_unpack(o, "{s:i, s:s, s:s, s:s, s:s, s:F, s:o}", "version", &version, "base", &base,
                            "sha256", &sha256, "machine", &machine, "pictures", &pictures, "seconds",
                            &f->seconds, "rows", &rows) == 0 &&
                version == TABLE && json_is_array(rows) && json_array_size(rows) > 0 &&
                json_array_size(rows) <= FRONTIER_ROWS;
    for (size_t i = 0; good && i < json_array_size(rows); i++)
        good = parse_row(json_array_get(rows, i), &f->rows[f->count++]);
    if (good) {
        take(f->base, sizeof f->base, base);
        take(f->sha256, sizeof f->sha256, sha256);
        take(f->machine, sizeof f->machine, machine);
        take(f->pictures, sizeof f->pictures, pictures);
    }
    json_decref(o);
    return good ? ST_OK
                : error_set(err, ST_CORRUPT,
                            "%s: not a table of a base's sizes that this program wrote; measure anew", name);
}

void frontier_machine(char text[FRONTIER_TEXT])
{
    static const char key[] = "model name";
    char line[512], processor[112] = "";
    FILE *in = fopen("/proc/cpuinfo", "re");
    while (in && !processor[0] && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, key, sizeof key - 1) == 0 && colon) {
            const char *value = colon + 1 + strspn(colon + 1, " ");
            snprintf(processor, sizeof processor, "%.*s", (int)strcspn(value, "\n"), value);
        }
    }
    if (in)
        fclose(in);
    struct utsname system;
    if (!processor[0] && uname(&system) == 0)
        snprintf(processor, sizeof processor, "%.100s", system.machine);
    snprintf(text, FRONTIER_TEXT, "%s, %s kernels", processor[0] ? processor : "unknown processor",
             kernel_set(0)->name);
    text_clean(text);
}
