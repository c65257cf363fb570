/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded text is never longer than encoded text: it is written over it. */
#include "server/api/query.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "server/refusal.h"

void zca_url_query_clear(struct zca_url_query *query)
{
    free(query->text);
    *query = (struct zca_url_query){0};
}

static bool decode(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        char value = *from == '+' ? ' ' : *from;
        if (*from == '%') {
            int high = OPENSSL_hexchar2int((unsigned char)from[1]);
            int low = high >= 0 ? OPENSSL_hexchar2int((unsigned char)from[2]) : -1;
            if (low < 0 || high * 16 + low == 0) {
                return false;
            }
            value = (char)(high * 16 + low);
            from += 2;
        }
        *to++ = value;
    }
    *to = '\0';
    return true;
}

static bool add_field(struct zca_url_query *query, char *field)
{
    char *equals = strchr(field, '=');
    char *value = equals ? equals + 1 : field + strlen(field);
    if (equals) {
        *equals = '\0';
    }
    if (query->num_fields == ZCA_QUERY_MAX_FIELDS || !decode(field) || !decode(value)) {
        return false;
    }
    query->fields[query->num_fields++] = (struct zca_query_field){field, value};
    return true;
}

bool zca_url_query_parse(const char *text, struct zca_url_query *out_query, struct zca_error *err)
{
    zca_auto(zca_url_query) struct zca_url_query query = {.text = strdup(text)};
    if (!query.text) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading a query");
    }
    char *rest = query.text;
    for (char *field = strsep(&rest, "&"); field; field = strsep(&rest, "&")) {
        if (*field != '\0' && !add_field(&query, field)) {
            return zca_refuse(err, ZCA_REFUSE_VALIDATION, "The query cannot be read");
        }
    }
    *out_query = query;
    query = (struct zca_url_query){0};
    return true;
}

const char *zca_url_query_find(const struct zca_url_query *query, const char *name)
{
    for (size_t i = 0; i < query->num_fields; i++) {
        if (strcmp(query->fields[i].name, name) == 0) {
            return query->fields[i].value;
        }
    }
    return NULL;
}
