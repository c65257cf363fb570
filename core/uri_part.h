/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What URIs of all schemes are made of: lists of "name=value", percent-encoded (RFC 3986, 2.1). What a list may
 * hold is a table: a row is a name, and what stores its value.
 */
#ifndef ZCA_CORE_URI_PART_H
#define ZCA_CORE_URI_PART_H

#include <stddef.h>

#include "core/uri.h"

struct zca_uri_part {
    const char *name;
    bool (*set)(struct zca_uri *uri, char *value, struct zca_error *err); /* takes `value` */
};

struct zca_uri_table {
    const struct zca_uri_part *rows; /* at most 32 */
    size_t num_rows;
    const char *const *names; /* of the rows again, NULL-terminated: for suggestions */
    char separator;
};

/** zca_uri_new returns a new URI in which nothing is set, when `text` begins with `scheme` and a colon and has at
 * most 2048 bytes; else NULL. err ZCA_ERR_INVALID, ZCA_ERR_MEMORY. */
ZCA_NODISCARD struct zca_uri *zca_uri_new(const char *text, const char *scheme,
                                          struct zca_error *err);

/** zca_uri_parse_parts reads the list of `len` bytes at `text`. Names that the table does not have, that have no
 * value or occur twice are errors; so is what a row's `set` refuses. err ZCA_ERR_INVALID. */
ZCA_NODISCARD bool zca_uri_parse_parts(struct zca_uri *uri, const struct zca_uri_table *table,
                                       const char *text, size_t len, struct zca_error *err);

/** zca_uri_decode returns `len` bytes of text without percent-encoding, in new memory; control characters are
 * refused. err ZCA_ERR_INVALID, ZCA_ERR_MEMORY. */
ZCA_NODISCARD char *zca_uri_decode(const char *text, size_t len, struct zca_error *err);

/** zca_uri_store_text takes `value` into an unset member; zca_uri_store_name also demands a valid name. `what`
 * is named in messages. err ZCA_ERR_INVALID. */
ZCA_NODISCARD bool zca_uri_store_text(char **member, const char *what, char *value,
                                      struct zca_error *err);
ZCA_NODISCARD bool zca_uri_store_name(char **member, const char *what, char *value,
                                      struct zca_error *err);

#endif
