/* SPDX-License-Identifier: Apache-2.0 */
/* The query of a URL as names and values (WHATWG URL, 5.1: percent-encoding, '+' for space). */
#ifndef ZCA_SERVER_API_QUERY_H
#define ZCA_SERVER_API_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "base/error.h"

/** ZCA_QUERY_MAX_FIELDS bounds what one request can make us look at. */
#define ZCA_QUERY_MAX_FIELDS 16

struct zca_query_field {
    const char *name;
    const char *value;
};

struct zca_url_query {
    char *text; /* decoded in place; owns what the fields point to */
    struct zca_query_field fields[ZCA_QUERY_MAX_FIELDS];
    size_t num_fields;
};

/** zca_url_query_parse splits and decodes. out_query zero-initialised. err code VALIDATION_ERROR: too
 * many fields, a bad escape, or a NUL. */
ZCA_NODISCARD bool zca_url_query_parse(const char *text, struct zca_url_query *out_query,
                                       struct zca_error *err);
void zca_url_query_clear(struct zca_url_query *query);
ZCA_DEFINE_AUTO_CLEAR(zca_url_query, struct zca_url_query, zca_url_query_clear);

/** zca_url_query_find returns the value of the first field of a name, or NULL; borrowed. */
const char *zca_url_query_find(const struct zca_url_query *query, const char *name);

#endif
