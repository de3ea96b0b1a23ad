// The files of settings: reading with the line a mistake is on, and changing one line of many.
#include "config.h"

#include <ctype.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/settings_impl.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/text.h"

enum { FILE_LIMIT = 64 * 1024, GROUPS_MOST = 256 };

struct line {
    char *text;              // as it stands, without its end
    const char *name, *value; // NULL: empty or a comment. Into `cut`
    char *cut;
};

static char *trimmed(char *text)
{
    text += strspn(text, " \t");
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

// false: neither empty, nor a comment, nor `name = value`.
static bool split(struct line *line)
{
    char *start = trimmed(line->cut), *equals = strchr(start, '=');
    line->name = line->value = NULL;
    if (!*start || *start == '#')
        return true;
    if (!equals)
        return false;
    *equals = '\0';
    line->value = trimmed(equals + 1);
    line->name = trimmed(start);
    return line->name[0] != '\0';
}

static void free_lines(struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(lines[i].text);
        free(lines[i].cut);
    }
    free(lines);
}

static enum status read_lines(const char *path, struct line **lines, size_t *count, struct error *err)
{
    unsigned char *bytes;
    size_t size, capacity = 0;
    *lines = NULL;
    *count = 0;
    enum status status = file_read(path, FILE_LIMIT, &bytes, &size, err);
    if (status == ST_NOT_FOUND)
        return ST_OK;
    if (status != ST_OK)
        return status;
    if (strlen((char *)bytes) != size)
        status = error_set(err, ST_INVALID, "%s: no text: it holds zero bytes", path);
    for (char *p = (char *)bytes + text_bom(bytes, size); status == ST_OK && *p;) {
        size_t length = strcspn(p, "\n");
        GROW(*lines, capacity, *count + 1);
        struct line *line = &(*lines)[(*count)++];
        *line = (struct line){.text = xasprintf("%.*s", (int)length, p), .cut = xasprintf("%.*s", (int)length, p)};
        if (!split(line))
            status = error_set(err, ST_INVALID, "%s:%zu: a line is `name = value` or begins with #", path, *count);
        p += length + (p[length] == '\n');
    }
    free(bytes);
    if (status != ST_OK)
        free_lines(*lines, *count);
    return status;
}

// Nobody but those who may do as they like here anyway can have written it.
static bool trusted(const char *path)
{
    struct stat st, folder;
    gid_t groups[GROUPS_MOST];
    char *dir = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
    bool known = stat(path, &st) == 0 && stat(dir[0] ? dir : "/", &folder) == 0;
    free(dir);
    if (!known || (st.st_mode & S_IWOTH) || (folder.st_mode & S_IWOTH && !(folder.st_mode & S_ISVTX)))
        return false;
    if (st.st_uid == 0 || st.st_uid == geteuid())
        return true;
    int count = getgroups(GROUPS_MOST, groups);
    bool mine = folder.st_gid == getegid();
    for (int i = 0; i < count; i++)
        mine = mine || groups[i] == folder.st_gid;
    return mine && (folder.st_mode & S_IWGRP);
}

static enum status put_line(struct settings *s, enum setting_origin origin, const struct line *line, size_t number,
                            const char *dir, struct error *err)
{
    const char *path = s->files[origin];
    enum setting setting;
    if (!setting_find(line->name, &setting))
        return error_set(err, ST_INVALID, "%s:%zu: there is no setting '%s'; `assay config` lists them", path, number,
                         line->name);
    if (setting_about(setting)->kind == SETTING_COMMAND && line->value[0] && !trusted(path))
        return error_set(err, ST_INVALID,
                         "%s:%zu: %s is not run: others than you and your group may have written this file; see who owns it, and `chmod o-w` it",
                         path, number, line->name);
    char *where = xasprintf("%s:%zu", path, number);
    enum status status = settings_put(s, setting, line->value, origin, dir, where, err);
    free(where);
    return status;
}

enum status settings_read(struct settings *s, enum setting_origin origin, struct error *err)
{
    const char *path = s->files[origin];
    struct line *lines;
    size_t count;
    enum status status = read_lines(path, &lines, &count, err);
    if (status != ST_OK)
        return status;
    char *dir = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
    for (size_t i = 0; i < count && status == ST_OK; i++)
        if (lines[i].name)
            status = put_line(s, origin, &lines[i], i + 1, dir[0] ? dir : "/", err);
    free(dir);
    free_lines(lines, count);
    return status;
}

enum status settings_write(const char *path, enum setting setting, const char *value, struct error *err)
{
    const char *name = setting_about(setting)->name;
    struct strbuf text = {0};
    struct line *lines;
    size_t count;
    bool said = value == NULL;
    enum status status = read_lines(path, &lines, &count, err);
    if (status != ST_OK)
        return status;
    strbuf_puts(&text, "");
    for (size_t i = 0; i < count; i++) {
        bool other = !lines[i].name || strcmp(lines[i].name, name) != 0;
        if (!other && said)
            continue;
        if (other)
            strbuf_printf(&text, "%s\n", lines[i].text);
        else
            strbuf_printf(&text, "%s = %s\n", name, value);
        said = said || !other;
    }
    if (!said)
        strbuf_printf(&text, "%s = %s\n", name, value);
    free_lines(lines, count);
    char *dir = xasprintf("%.*s", (int)(strrchr(path, '/') - path), path);
    status = file_mkdirs(dir[0] ? dir : "/", err);
    if (status == ST_OK)
        status = file_write(path, text.data, text.len, err);
    free(dir);
    strbuf_clear(&text);
    return status;
}
