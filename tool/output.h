/* SPDX-License-Identifier: Apache-2.0 */
/* What people read: lines on standard output, tables, times. Text from outside cannot steer a terminal. */
#ifndef ZCA_TOOL_OUTPUT_H
#define ZCA_TOOL_OUTPUT_H

#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"

/** zca_tool_say prints a line; control characters become '?'. zca_tool_flush tells whether all lines went
 * out. */
void zca_tool_say(const char *format, ...) ZCA_PRINTF(1, 2);
ZCA_NODISCARD bool zca_tool_flush(struct zca_error *err);

/** zca_tool_warn prints "zca: warning: ..." on standard error. */
void zca_tool_warn(const char *format, ...) ZCA_PRINTF(1, 2);

/** zca_tool_time writes seconds since 1970 as RFC 3339; 0 gives "-". */
void zca_tool_time(int64_t time_s, char out_text[ZCA_RFC3339_SIZE]);

/** zca_tool_say_json prints a JSON value on one line. */
ZCA_NODISCARD bool zca_tool_say_json(const struct zca_json *json, struct zca_error *err);

/* A table: rows of `num_columns` cells, columns as wide as their widest cell. */
struct zca_table {
    size_t num_columns;
    char **cells; /* owned */
    size_t num_cells;
    bool failed; /* a cell could not be stored */
};

/** zca_table_add copies one cell; NULL gives "-". A failure is told by zca_table_print. */
void zca_table_add(struct zca_table *table, const char *text);
ZCA_NODISCARD bool zca_table_print(const struct zca_table *table, struct zca_error *err);
void zca_table_clear(struct zca_table *table);
ZCA_DEFINE_AUTO_CLEAR(zca_table, struct zca_table, zca_table_clear);

#endif
