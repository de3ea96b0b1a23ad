#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "app/project.h"
#include "base/alloc.h"
#include "base/file.h"
#include "db/project.h"
#include "nn/embedded.h"
#include "screen/settings.h"

enum { DIGITS_MIN = 6 };

static const uint64_t weights_max = (uint64_t)1 << 30;

enum status project_base_name(const struct project *project, char **name, struct error *err)
{
    enum status status = db_setting_get(project->db, "base", name, err);
    if (status == ST_OK && !*name)
        *name = xstrdup(BASE_FILTERS);
    return status;
}

// The input side that a base was made for, "" where it does not say or says what no scene could have.
static enum status made_for(const struct project *project, const char *name, char side[16], struct error *err)
{
    struct net *net;
    side[0] = '\0';
    if (strcmp(name, BASE_FILTERS) == 0)
        return ST_OK;
    char *path = project_model(project, name);
    enum status status = net_open(path, &net, err);
    free(path);
    if (status != ST_OK)
        return status;
    if (net->plan.side >= SCREEN_SIZE_MIN && net->plan.side <= SCREEN_SIZE_MAX)
        snprintf(side, 16, "%d", net->plan.side);
    net_free(net);
    return ST_OK;
}

enum status project_use_base(struct project *project, const char *name, struct error *err)
{
    char side[16];
    enum status status = made_for(project, name, side, err);
    if (status == ST_OK)
        status = db_setting_set(project->db, "base", name, err);
    return status == ST_OK ? db_setting_set(project->db, DB_SCENE_SIZE, side, err) : status;
}

enum status project_base(const struct project *project, struct base **base, struct error *err)
{
    char *name;
    enum status status = project_base_name(project, &name, err);
    if (status != ST_OK)
        return status;
    if (strcmp(name, BASE_FILTERS) == 0) {
        free(name);
        return base_open(NULL, base, err);
    }
    char *path = project_model(project, name);
    status = base_open(path, base, err);
    if (status == ST_OK && strcmp(base_info(*base)->sha256, name) != 0) {
        base_free(*base);
        status = error_set(err, ST_CORRUPT,
                           "%s: the base was altered since it was taken; put the original back", path);
    }
    free(path);
    free(name);
    return status;
}

enum status project_base_kept(const struct project *project, struct base_info *info, struct error *err)
{
    char *name;
    struct base *filters;
    *info = (struct base_info){0};
    enum status status = project_base_name(project, &name, err);
    if (status != ST_OK)
        return status;
    if (strcmp(name, BASE_FILTERS) != 0) {
        snprintf(info->sha256, sizeof info->sha256, "%s", name);
        snprintf(info->precision, sizeof info->precision, "%s", base_precision_name(BASE_FASTEST));
    } else if ((status = base_open(NULL, &filters, err)) == ST_OK) { // not a file
        *info = *base_info(filters);
        base_free(filters);
    }
    free(name);
    return status;
}

static enum status write_model(const struct project *project, const void *bytes, size_t count,
                               const char *sha256, struct error *err)
{
    char *path = project_model(project, sha256);
    enum status status = file_write(path, bytes, count, err);
    free(path);
    return status;
}

enum status project_take_base(const struct project *project, const char *which, char name[HASH_HEX],
                              struct error *err)
{
    const unsigned char *inside;
    unsigned char *bytes;
    size_t count;
    enum status status;
    if (which && strcmp(which, BASE_FILTERS) == 0) {
        memcpy(name, BASE_FILTERS, sizeof BASE_FILTERS);
        return ST_OK;
    }
    if (!which || strcmp(which, BASE_EMBEDDED) == 0) {
        status = embedded_base(&inside, &count, name, err);
        return status == ST_OK ? write_model(project, inside, count, name, err) : status;
    }
    struct base *base;
    status = base_open(which, &base, err);
    if (status != ST_OK)
        return status;
    char sha256[HASH_HEX];
    memcpy(name, base_info(base)->sha256, HASH_HEX);
    base_free(base);
    status = file_read(which, weights_max, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    hash_bytes(bytes, count, sha256);
    if (strcmp(sha256, name) != 0)
        status = error_set(err, ST_CORRUPT, "%s: changed while it was read; try again", which);
    else
        status = write_model(project, bytes, count, name, err);
    free(bytes);
    return status;
}

enum status project_check_base(const char *which, struct error *err)
{
    struct base *base;
    if (!which || strcmp(which, BASE_EMBEDDED) == 0 || strcmp(which, BASE_FILTERS) == 0)
        return ST_OK;
    enum status status = base_open(which, &base, err);
    if (status == ST_OK)
        base_free(base);
    return status;
}

// ---- by name ----

// Path of the one base in models/ whose SHA-256 begins so; caller frees.
static enum status find_model(const struct project *project, const char *digits, char **path,
                              struct error *err)
{
    char *folder = file_join(project->dir, "models");
    DIR *dir = opendir(folder);
    enum status status = ST_OK;
    *path = NULL;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (strncmp(e->d_name, digits, strlen(digits)) != 0 || strlen(e->d_name) < HASH_HEX - 1)
            continue;
        if (*path)
            status = error_set(err, ST_INVALID, "%s: more than one model begins with %s; give more digits",
                               folder, digits);
        free(*path);
        *path = file_join(folder, e->d_name);
    }
    if (dir)
        closedir(dir);
    if (status == ST_OK && !*path)
        status = error_set(err, ST_NOT_FOUND, "%s: no base here begins with %s; `assay base list` shows them",
                           folder, digits);
    free(folder);
    if (status != ST_OK) {
        free(*path);
        *path = NULL;
    }
    return status;
}

static bool is_digits(const char *which)
{
    size_t n = strlen(which);
    return n >= DIGITS_MIN && n < HASH_HEX && strspn(which, "0123456789abcdef") == n;
}

static enum status open_embedded(struct tensor_file **file, struct error *err)
{
    const unsigned char *bytes;
    size_t count;
    enum status status = embedded_base(&bytes, &count, NULL, err);
    return status == ST_OK ? tensor_open_bytes(bytes, count, EMBEDDED_NAME, file, err) : status;
}

enum status project_weights(const struct project *project, const char *which, struct tensor_file **file,
                            struct error *err)
{
    char *name = NULL, *path = NULL;
    enum status status = ST_OK;
    if (!which && project)
        status = project_base_name(project, &name, err);
    else
        name = xstrdup(which ? which : BASE_EMBEDDED);
    if (status != ST_OK)
        return status;
    if (strcmp(name, BASE_FILTERS) == 0)
        status = error_set(err, ST_INVALID,
                           "the filter bank is not a network; name another base (`assay base list`)");
    else if (strcmp(name, BASE_EMBEDDED) == 0)
        status = open_embedded(file, err);
    else if (project && is_digits(name) && !file_exists(name))
        status = find_model(project, name, &path, err);
    else
        path = xstrdup(name);
    if (status == ST_OK && path) {
        status = tensor_open(path, file, err);
        if (status == ST_OK && (status = tensor_check_name(*file, err)) != ST_OK) {
            tensor_close(*file);
            *file = NULL;
        }
    }
    free(path);
    free(name);
    return status;
}

enum status project_net(const struct project *project, const char *which, struct net **net, struct error *err)
{
    struct tensor_file *file;
    enum status status = project_weights(project, which, &file, err);
    if (status != ST_OK)
        return status;
    status = net_read(file, net, err);
    tensor_close(file);
    return status;
}
