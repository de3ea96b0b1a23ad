#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "nn/safetensors.h"
#include "screen/model_state.h"

// Tensors: mean (dim - from), whiten (dim - from, dim - from), with several looks mean.1, whiten.1 .. of the others and
// looks.mean, looks.inverse (dim - from) and looks.centres (count, dim - from); tail.NAME (TAIL_GRID + TAIL_NUMBERS)
// for each used detector, for "fused", where the learned detector stands apart for "others", and where the pictures
// of a group agree for "together"; known.normal and known.defect (count, dim - from) when `known` is used. The rest is
// metadata.
enum { TAIL_NUMBERS = 4, NUMBER = 32 };
static const char *const known_names[2] = {"known.normal", "known.defect"};
static const char KIND[] = "assay normality model 3";

static void put_number(struct tensor_writer *writer, const char *key, double value)
{
    char text[NUMBER];
    snprintf(text, sizeof text, "%.17g", value);
    tensor_put_meta(writer, key, text);
}

static void put_tail(struct tensor_writer *writer, const char *name, const struct tail *tail)
{
    float values[TAIL_GRID + TAIL_NUMBERS];
    char key[NUMBER];
    for (int i = 0; i < TAIL_GRID; i++)
        values[i] = (float)tail->grid[i];
    values[TAIL_GRID] = (float)tail->start;
    values[TAIL_GRID + 1] = (float)tail->shape;
    values[TAIL_GRID + 2] = (float)tail->scale;
    values[TAIL_GRID + 3] = (float)tail->contamination;
    snprintf(key, sizeof key, "tail.%s", name);
    tensor_put(writer, key, (int64_t[TENSOR_RANK]){TAIL_GRID + TAIL_NUMBERS}, values);
}

static const char *look_key(char key[NUMBER], const char *name, int look)
{
    snprintf(key, NUMBER, look ? "%s.%d" : "%s", name, look);
    return key;
}

static void put_mixture(struct tensor_writer *writer, const struct mixture *mixture)
{
    const struct looks *looks = &mixture->looks;
    int64_t row[TENSOR_RANK] = {looks->dim}, square[TENSOR_RANK] = {looks->dim, looks->dim};
    char key[NUMBER];
    for (int k = 0; k < looks->count; k++) {
        tensor_put(writer, look_key(key, "mean", k), row, mixture->parts[k].mean);
        tensor_put(writer, look_key(key, "whiten", k), square, mixture->parts[k].whiten);
    }
    put_number(writer, "looks", looks->count);
    if (looks->count > 1) {
        tensor_put(writer, "looks.mean", row, looks->mean);
        tensor_put(writer, "looks.inverse", row, looks->inverse);
        tensor_put(writer, "looks.centres", (int64_t[TENSOR_RANK]){looks->count, looks->dim}, looks->centres);
    }
}

enum status screen_save(const struct screen_model *model, const struct base_info *base,
                        const struct screen_settings *settings, const char *dir, char sha256[HASH_HEX],
                        struct error *err)
{
    struct tensor_writer *writer = tensor_writer_new();
    char text[SCREEN_SETTINGS_TEXT], used[DETECTORS + 1] = {0};
    screen_settings_text(settings, text);
    tensor_put_meta(writer, "kind", KIND);
    tensor_put_meta(writer, "base", base->sha256);
    tensor_put_meta(writer, "base_name", base->name);
    tensor_put_meta(writer, "settings", text);
    put_number(writer, "dim", model->dim);
    put_number(writer, "from", model->from);
    put_number(writer, "flag_rate", model->flag_rate);
    put_number(writer, "alone", model->alone);
    put_number(writer, "aligned", model->aligned);
    put_number(writer, "shrinkage", model->mixture.parts[0].shrinkage);
    put_number(writer, "fit_count", (double)model->fit_count);
    for (int d = 0; d < DETECTORS; d++) {
        used[d] = model->used[d] ? '1' : '0';
        if (model->used[d])
            put_tail(writer, detector_name((enum detector)d), &model->tails[d]);
    }
    tensor_put_meta(writer, "used", used);
    put_tail(writer, "fused", &model->fused);
    if (model->apart) {
        put_tail(writer, "others", &model->others);
        put_number(writer, "lead", model->lead);
        put_number(writer, "offset", model->offset);
    }
    if (model->agreement > 0) {
        put_tail(writer, "together", &model->together);
        put_number(writer, "agreement", model->agreement);
    }
    if (model->used[DETECTOR_WHOLE])
        put_mixture(writer, &model->mixture);
    for (int side = 0; side < 2; side++) {
        put_number(writer, known_names[side], (double)model->known.counts[side]);
        if (model->known.counts[side])
            tensor_put(writer, known_names[side],
                       (int64_t[TENSOR_RANK]){(int64_t)model->known.counts[side], model->known.dim},
                       model->known.rows[side]);
    }
    enum status status = tensor_write(writer, NULL, dir, sha256, err);
    tensor_writer_free(writer);
    return status;
}

static enum status get_number(const struct tensor_file *file, const char *key, double low, double high,
                              double *value, struct error *err)
{
    const char *text = tensor_meta(file, key);
    char *end = NULL;
    if (text)
        *value = strtod(text, &end);
    if (!text || end == text || *end || !(*value >= low && *value <= high))
        return error_set(err, ST_CORRUPT, "%s: %s is missing or out of range", tensor_path(file), key);
    return ST_OK;
}

static enum status get_tail(const struct tensor_file *file, const char *name, struct tail *tail,
                            struct error *err)
{
    int64_t shape[TENSOR_RANK] = {TAIL_GRID + TAIL_NUMBERS};
    char key[NUMBER];
    float *v;
    snprintf(key, sizeof key, "tail.%s", name);
    enum status status = tensor_read(file, key, shape, &v, err);
    if (status != ST_OK)
        return status;
    for (int i = 0; i < TAIL_GRID; i++)
        tail->grid[i] = v[i];
    tail->start = v[TAIL_GRID];
    tail->shape = v[TAIL_GRID + 1];
    tail->scale = v[TAIL_GRID + 2];
    tail->contamination = v[TAIL_GRID + 3];
    for (int i = 1; i < TAIL_GRID; i++)
        if (v[i] < v[i - 1])
            status = ST_CORRUPT;
    if (fabs(tail->shape) > 0.5 || !(tail->scale > 0) || tail->contamination < 0 ||
        tail->contamination > 0.05)
        status = ST_CORRUPT;
    free(v);
    return status == ST_OK ? ST_OK
                           : error_set(err, status, "%s: tensor %s: its numbers contradict each other",
                                       tensor_path(file), key);
}

// Whose groups the rows were is not kept: pictures scored with a stored model are none of them.
static enum status get_known(const struct tensor_file *file, struct screen_model *m, struct error *err)
{
    enum status status = ST_OK;
    known_init(&m->known, m->dim - m->from);
    for (int side = 0; side < 2 && status == ST_OK; side++) {
        double count = 0;
        status = get_number(file, known_names[side], 0, KNOWN_MOST, &count, err);
        int64_t shape[TENSOR_RANK] = {(int64_t)count, m->known.dim};
        if (status != ST_OK || count < 1)
            continue;
        status = tensor_read(file, known_names[side], shape, &m->known.rows[side], err);
        if (status == ST_OK)
            m->known.counts[side] = (size_t)count;
    }
    if (status == ST_OK && m->used[DETECTOR_KNOWN] != (m->known.counts[1] > 0))
        status =
            error_set(err, ST_CORRUPT, "%s: used and known.defect contradict each other", tensor_path(file));
    return status;
}

static enum status get_mixture(const struct tensor_file *file, int dim, struct mixture *mixture, struct error *err)
{
    struct looks *looks = &mixture->looks;
    int64_t row[TENSOR_RANK] = {dim}, square[TENSOR_RANK] = {dim, dim};
    double count = 1;
    char key[NUMBER];
    enum status status = get_number(file, "looks", 1, LOOKS_MOST, &count, err);
    looks->dim = dim;
    looks->count = (int)count;
    for (int k = 0; k < looks->count && status == ST_OK; k++) {
        mixture->parts[k].dim = dim;
        status = tensor_read(file, look_key(key, "mean", k), row, &mixture->parts[k].mean, err);
        if (status == ST_OK)
            status = tensor_read(file, look_key(key, "whiten", k), square, &mixture->parts[k].whiten, err);
    }
    if (status == ST_OK && looks->count > 1)
        status = tensor_read(file, "looks.mean", row, &looks->mean, err);
    if (status == ST_OK && looks->count > 1)
        status = tensor_read(file, "looks.inverse", row, &looks->inverse, err);
    if (status == ST_OK && looks->count > 1)
        status = tensor_read(file, "looks.centres", (int64_t[TENSOR_RANK]){looks->count, dim}, &looks->centres, err);
    return status;
}

static enum status same_text(const struct tensor_file *file, const char *key, const char *want,
                             const char *what, struct error *err)
{
    const char *found = tensor_meta(file, key);
    if (!found || strcmp(found, want) != 0)
        return error_set(err, ST_INVALID, "%s: %s; screen the scene again to make one that fits",
                         tensor_path(file), what);
    return ST_OK;
}

static enum status read_model(const struct tensor_file *file, const struct base_info *base,
                              const struct screen_settings *settings, struct screen_model *m,
                              struct error *err)
{
    char text[SCREEN_SETTINGS_TEXT];
    double dim = 0, from = 0, fit_count = 0;
    screen_settings_text(settings, text);
    enum status status = tensor_check_name(file, err);
    if (status == ST_OK)
        status = same_text(file, "kind", KIND, "not a normality model of this version", err);
    if (status == ST_OK)
        status = same_text(file, "base", base->sha256, "this model was made with another base", err);
    if (status == ST_OK)
        status = same_text(file, "settings", text, "this model was made with other settings", err);
    if (status == ST_OK)
        status = get_number(file, "dim", 1, 1 << 20, &dim, err);
    if (status == ST_OK)
        status = get_number(file, "from", 0, dim - 1, &from, err);
    if (status == ST_OK)
        status = get_number(file, "flag_rate", 1e-12, 1, &m->flag_rate, err);
    if (status == ST_OK)
        status = get_number(file, "alone", 0, 0.9, &m->alone, err);
    if (status == ST_OK)
        status = get_number(file, "aligned", 0, 1, &m->aligned, err);
    if (status == ST_OK)
        status = get_number(file, "shrinkage", 0, 1, &m->mixture.parts[0].shrinkage, err);
    if (status == ST_OK)
        status = get_number(file, "fit_count", 0, 0x1p53, &fit_count, err);
    if (status != ST_OK)
        return status;
    m->dim = (int)dim;
    m->from = (int)from;
    m->fit_count = (size_t)fit_count;
    const char *used = tensor_meta(file, "used");
    if (!used || strlen(used) != DETECTORS || strspn(used, "01") != DETECTORS)
        return error_set(err, ST_CORRUPT, "%s: used is missing or out of range", tensor_path(file));
    for (int d = 0; d < DETECTORS && status == ST_OK; d++) {
        m->used[d] = used[d] == '1';
        if (m->used[d])
            status = get_tail(file, detector_name((enum detector)d), &m->tails[d], err);
    }
    if (status == ST_OK)
        status = get_tail(file, "fused", &m->fused, err);
    m->apart = tensor_meta(file, "offset") != NULL;
    if (status == ST_OK && m->apart)
        status = get_number(file, "lead", 0, 1, &m->lead, err);
    if (status == ST_OK && m->apart)
        status = get_number(file, "offset", 0, 10, &m->offset, err);
    if (status == ST_OK && m->apart)
        status = get_tail(file, "others", &m->others, err);
    if (status == ST_OK && tensor_meta(file, "agreement")) {
        status = get_number(file, "agreement", 0, 1, &m->agreement, err);
        if (status == ST_OK)
            status = get_tail(file, "together", &m->together, err);
    }
    if (status != ST_OK || !m->used[DETECTOR_WHOLE])
        return status;
    status = get_mixture(file, m->dim - m->from, &m->mixture, err);
    return status == ST_OK ? get_known(file, m, err) : status;
}

enum status screen_load(const char *path, const struct base_info *base,
                        const struct screen_settings *settings, struct screen_model **model,
                        struct error *err)
{
    struct tensor_file *file;
    enum status status = tensor_open(path, &file, err);
    if (status != ST_OK)
        return status;
    struct screen_model *m = xcalloc(1, sizeof *m);
    status = read_model(file, base, settings, m, err);
    tensor_close(file);
    if (status != ST_OK)
        screen_free(m);
    else
        *model = m;
    return status;
}
