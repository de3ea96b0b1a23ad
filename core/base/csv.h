// CSV (RFC 4180, through libcsv), read whole: a header line and its rows.
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct csv_table {
    char **cells;    // (rows + 1) x columns, row 0 is the header; never NULL, short rows are filled with ""
    size_t rows;     // without the header
    size_t columns;
    size_t *lines;   // line in the file at which row i (0 .. rows-1) starts, from 1
};

// Read `path`. The separator is ',' or, where the header has none, ';' or tab.
// A row with more cells than the header, a quote that does not end, or a file
// without a header, is ST_INVALID naming the line. csv_clear frees.
ASSAY_CHECKED enum status csv_read(const char *path, struct csv_table *table, struct error *err);
void csv_clear(struct csv_table *table);

// Column with that header (case and surrounding blanks do not matter), -1 if none.
int csv_column(const struct csv_table *table, const char *name);

// Cell of row (0-based, header not counted); "" when column is -1.
const char *csv_cell(const struct csv_table *table, size_t row, int column);

// Write one cell, quoted where needed; a cell that a spreadsheet would take for
// a formula (= + - @ first, not a number) gets a leading apostrophe.
void csv_put(FILE *out, const char *text, int last);

#endif
