/* SPDX-License-Identifier: Apache-2.0 */
/* The value of one option: read and checked by the option's row. Used by base/config.c only. */
#ifndef ZCA_BASE_OPTION_H
#define ZCA_BASE_OPTION_H

#include <stdbool.h>

#include "base/config.h"
#include "base/error.h"

/* Zero-initialised is an unset value. */
struct zca_value {
    char *text;   /* as written; paths expanded, choices as spelt in the row; NULL: unset */
    char **words; /* ZCA_OPTION_LIST: NULL-terminated; else NULL */
    long number;  /* the number, 0 or 1, or the index of the choice */
};

/**
 * zca_value_parse checks `text` against the row and stores the value in `out_value`, clearing what
 * was there. Unchanged on failure.
 *
 * text  NULL: unset. Never quoted in messages when the row is ZCA_OPTION_SECRET.
 * err   ZCA_ERR_CONFIG, ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD bool zca_value_parse(const struct zca_option *option, const char *text,
                                   struct zca_value *out_value, struct zca_error *err);

/** zca_value_clear releases a value, wiped since it may be secret, and leaves it unset. */
void zca_value_clear(struct zca_value *value);

ZCA_DEFINE_AUTO_CLEAR(zca_value, struct zca_value, zca_value_clear);

#endif
