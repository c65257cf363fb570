/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of standard output are remembered by stdio and asked for once, at the end. */
#include "tool/output.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* UTF-8 passes, control characters of C0 do not; those of C1 cannot occur as single bytes in it. */
static void make_printable(char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text)) {
            *text = '?';
        }
    }
}

static void print_line(FILE *stream, const char *prefix, const char *format, va_list arguments)
    ZCA_PRINTF(3, 0);

static void print_line(FILE *stream, const char *prefix, const char *format, va_list arguments)
{
    char *line = NULL;
    if (vasprintf(&line, format, arguments) < 0) {
        (void)fputs("zca: out of memory\n", stderr); /* nowhere else to say it */
        return;
    }
    zca_auto(text) char *owned = line;
    make_printable(owned);
    (void)fprintf(stream, "%s%s\n", prefix, owned); /* zca_tool_flush tells */
}

void zca_tool_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(stdout, "", format, arguments);
    va_end(arguments);
}

void zca_tool_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_line(stderr, "zca: warning: ", format, arguments);
    va_end(arguments);
}

bool zca_tool_flush(struct zca_error *err)
{
    bool ok = fflush(stdout) == 0;
    return (ok && ferror(stdout) == 0) || zca_error_set_errno(err, "writing to standard output");
}

void zca_tool_time(int64_t time_s, char out_text[ZCA_RFC3339_SIZE])
{
    if (time_s == 0) {
        (void)snprintf(out_text, ZCA_RFC3339_SIZE, "-"); /* fits */
    } else {
        zca_clock_format(time_s * 1000, out_text);
    }
}

bool zca_tool_say_json(const struct zca_json *json, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    if (!zca_json_format(json, &text, err)) {
        return false;
    }
    zca_tool_say("%s", (const char *)text.data);
    return true;
}

/* ---- tables ---- */

void zca_table_add(struct zca_table *table, const char *text)
{
    char **longer = realloc(table->cells, (table->num_cells + 1) * sizeof(*longer));
    char *copy = strdup(text && *text ? text : "-");
    if (longer) {
        table->cells = longer;
    }
    if (!longer || !copy) {
        free(copy);
        table->failed = true;
        return;
    }
    make_printable(copy);
    table->cells[table->num_cells++] = copy;
}

static int find_width(const struct zca_table *table, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < table->num_cells; i += table->num_columns) {
        size_t len = strlen(table->cells[i]);
        width = len > width ? len : width;
    }
    return (int)width;
}

bool zca_table_print(const struct zca_table *table, struct zca_error *err)
{
    if (table->failed) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "printing a table");
    }
    for (size_t i = 0; i < table->num_cells; i++) {
        size_t column = i % table->num_columns;
        bool last = column == table->num_columns - 1;
        int width = last ? 0 : find_width(table, column);
        (void)printf("%-*s%s", width, table->cells[i], last ? "\n" : "  "); /* flush tells */
    }
    return true;
}

void zca_table_clear(struct zca_table *table)
{
    for (size_t i = 0; i < table->num_cells; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
    *table = (struct zca_table){.num_columns = table->num_columns};
}
