#include "config.h"

#include <csv.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/text.h"

struct reader {
    struct csv_table *table;
    size_t capacity, line_capacity;
    size_t row, column; // row 0 is the header
    size_t start;       // line at which the row starts
    size_t too_wide;    // first row that has more cells than the header, 0 none
};

static void on_cell(void *text, size_t size, void *context)
{
    struct reader *r = context;
    struct csv_table *t = r->table;
    if (r->row > 0 && r->column >= t->columns) {
        if (!r->too_wide)
            r->too_wide = r->row;
        r->column++;
        return;
    }
    size_t at = r->row == 0 ? r->column : r->row * t->columns + r->column;
    GROW(t->cells, r->capacity, at + 1);
    char *cell = xmalloc(size + 1);
    if (size)
        memcpy(cell, text, size);
    cell[size] = '\0';
    t->cells[at] = cell;
    r->column++;
}

static void on_row(int terminator, void *context)
{
    (void)terminator;
    struct reader *r = context;
    struct csv_table *t = r->table;
    if (r->row == 0) {
        t->columns = r->column;
    } else {
        while (r->column < t->columns)
            on_cell(NULL, 0, r);
        t->rows = r->row;
        GROW(t->lines, r->line_capacity, t->rows);
        t->lines[t->rows - 1] = r->start;
    }
    r->row++;
    r->column = 0;
}

static unsigned char separator(const unsigned char *bytes, size_t count)
{
    size_t n = 0;
    while (n < count && bytes[n] != '\n')
        n++;
    if (memchr(bytes, ',', n))
        return ',';
    return memchr(bytes, ';', n) ? ';' : memchr(bytes, '\t', n) ? '\t' : ',';
}

// Bytes of the first line, its end included.
static size_t line_size(const unsigned char *bytes, size_t count)
{
    size_t n = 0;
    while (n < count && bytes[n] != '\n' && bytes[n] != '\r')
        n++;
    return n + (n < count) + (n + 1 < count && bytes[n] == '\r' && bytes[n + 1] == '\n');
}

// Line by line: one that begins inside quotes goes on with a row. Returns the bytes parsed; *open: the last quote does not end.
static size_t parse(struct csv_parser *parser, struct reader *r, const unsigned char *bytes, size_t count, bool *open)
{
    size_t done = 0;
    for (size_t line = 1, n; done < count; line++, done += n) {
        n = line_size(bytes + done, count - done);
        if (!parser->quoted)
            r->start = line;
        if (csv_parse(parser, bytes + done, n, on_cell, on_row, r) != n)
            return done;
    }
    csv_parse(parser, "\n", 1, on_cell, on_row, r); // the last line may lack it
    *open = parser->quoted;
    csv_fini(parser, on_cell, on_row, r);
    return done;
}

enum status csv_read(const char *path, struct csv_table *table, struct error *err)
{
    unsigned char *bytes;
    size_t count;
    *table = (struct csv_table){0};
    enum status status = file_read(path, (uint64_t)1 << 30, &bytes, &count, err);
    if (status != ST_OK)
        return status;
    size_t skip = text_bom(bytes, count);
    struct reader r = {.table = table};
    struct csv_parser parser;
    if (csv_init(&parser, 0) != 0)
        abort();
    csv_set_delim(&parser, separator(bytes + skip, count - skip));
    bool open = false;
    size_t done = parse(&parser, &r, bytes + skip, count - skip, &open);
    csv_free(&parser);
    free(bytes);
    if (done != count - skip)
        status = error_set(err, ST_INVALID, "%s: not a CSV file (byte %zu)", path, done + skip);
    else if (table->columns == 0)
        status = error_set(err, ST_INVALID, "%s: empty; the first line must name the columns", path);
    else if (open)
        status = error_set(err, ST_INVALID, "%s: line %zu: a quote begins there that does not end", path, r.start);
    else if (r.too_wide)
        status = error_set(err, ST_INVALID, "%s: line %zu has more cells than the header's %zu", path,
                           table->lines[r.too_wide - 1], table->columns);
    if (status != ST_OK)
        csv_clear(table);
    return status;
}

void csv_clear(struct csv_table *table)
{
    if (table->cells)
        for (size_t i = 0; i < (table->rows + 1) * table->columns; i++)
            free(table->cells[i]);
    free(table->cells);
    free(table->lines);
    *table = (struct csv_table){0};
}

int csv_column(const struct csv_table *table, const char *name)
{
    for (size_t c = 0; c < table->columns; c++) {
        const char *head = table->cells[c];
        head += strspn(head, " \t");
        size_t n = strlen(head);
        while (n && (head[n - 1] == ' ' || head[n - 1] == '\t'))
            n--;
        if (n == strlen(name) && strncasecmp(head, name, n) == 0)
            return (int)c;
    }
    return -1;
}

const char *csv_cell(const struct csv_table *table, size_t row, int column)
{
    return column < 0 ? "" : table->cells[(row + 1) * table->columns + (size_t)column];
}

void csv_put(FILE *out, const char *text, int last)
{
    char *end;
    int formula = text[0] && strchr("=+-@", text[0]) && (strtod(text, &end), end == text || *end);
    if (formula || strpbrk(text, ",\"\r\n")) {
        fputs(formula ? "\"'" : "\"", out);
        for (; *text; text++) {
            if (*text == '"')
                fputc('"', out);
            fputc(*text, out);
        }
        fputc('"', out);
    } else {
        fputs(text, out);
    }
    fputc(last ? '\n' : ',', out);
}
