/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things stand in a configuration text: NCONF keeps neither lines nor the order of
 * sections. Values are never read here. Used by base/config.c only.
 */
#ifndef ZCA_BASE_CONFIG_LINE_H
#define ZCA_BASE_CONFIG_LINE_H

#include <stdbool.h>

#include "base/buffer.h"

/* Walks over a text line by line; `text` and `number` change, the rest describes the line. */
struct zca_config_line {
    const char *text;        /* what is left */
    long number;             /* of the line, from 1 */
    struct zca_span section; /* the heading last seen, without brackets; empty before the first */
    struct zca_span name;    /* left of '=', empty when the line has none */
    bool heading;            /* the line is a heading */
};

/** zca_config_line_next goes to the next line; false after the last. Spans borrow from the text. */
bool zca_config_line_next(struct zca_config_line *line);

/** zca_config_line_find returns the number of the line that sets `name` in `section`, or that of the
 * heading when `name` is NULL; 0 when it is not in this text (but in an included file). */
long zca_config_line_find(const char *text, const char *section, const char *name);

#endif
