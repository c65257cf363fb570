/* SPDX-License-Identifier: Apache-2.0 */
#include "core/uri_part.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/config.h"
#include "core/library.h"

static const size_t max_len = 2048;

/* Decodes %XX. Escaped NUL and control characters are refused: no value needs them. */
char *zca_uri_decode(const char *text, size_t len, struct zca_error *err)
{
    zca_auto(text) char *decoded = malloc(len + 1);
    if (!decoded) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '%') {
            zca_auto(zca_buffer) struct zca_buffer byte = {0};
            if (len - i < 3 || !zca_hex_decode(zca_span_of(text + i + 1, 2), &byte, NULL)) {
                (void)zca_error_set(err, ZCA_ERR_INVALID,
                                    "'%%' without two hexadecimal digits in URI");
                return NULL;
            }
            c = byte.data[0];
            i += 2;
        }
        if (c < ' ' || c == 0x7f) {
            (void)zca_error_set(err, ZCA_ERR_INVALID, "control character in URI");
            return NULL;
        }
        decoded[used++] = (char)c;
    }
    decoded[used] = '\0';
    return zca_steal(decoded);
}

bool zca_uri_store_text(char **member, const char *what, char *value, struct zca_error *err)
{
    if (*member) {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is given twice in URI", what);
    }
    *member = value;
    return true;
}

bool zca_uri_store_name(char **member, const char *what, char *value, struct zca_error *err)
{
    if (!zca_name_valid(value)) {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "%s in URI is no valid name: letters, digits and ._-@*+, at most 128",
                             what);
    }
    return zca_uri_store_text(member, what, value, err);
}

static bool unknown_attribute(const char *name, const struct zca_uri_table *table,
                              struct zca_error *err)
{
    const char *nearest = zca_nearest(name, table->names);
    return zca_error_set(err, ZCA_ERR_INVALID, "unknown attribute '%.80s' in URI%s%s%s", name,
                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'" : "");
}

/* seen: a bit for each row that occurred. */
static bool parse_attribute(struct zca_uri *uri, const struct zca_uri_table *table,
                            struct zca_span text, unsigned *seen, struct zca_error *err)
{
    const char *start = (const char *)text.data;
    const char *equals = memchr(start, '=', text.len);
    size_t name_len = equals ? (size_t)(equals - start) : text.len;
    zca_auto(text) char *name = zca_uri_decode(start, name_len, err);
    if (!name) {
        return false;
    }
    for (size_t i = 0; i < table->num_rows; i++) {
        if (strcmp(name, table->rows[i].name) != 0) {
            continue;
        }
        if (!equals || name_len + 1 == text.len) {
            return zca_error_set(err, ZCA_ERR_INVALID, "attribute '%s' in URI has no value", name);
        }
        if ((*seen & 1U << i) != 0) {
            return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is given twice in URI", name);
        }
        *seen |= 1U << i;
        char *value = zca_uri_decode(equals + 1, text.len - name_len - 1, err);
        return value && table->rows[i].set(uri, value, err);
    }
    return unknown_attribute(name, table, err);
}

bool zca_uri_parse_parts(struct zca_uri *uri, const struct zca_uri_table *table, const char *text,
                         size_t len, struct zca_error *err)
{
    unsigned seen = 0;
    while (len > 0) {
        const char *end = memchr(text, table->separator, len);
        size_t part = end ? (size_t)(end - text) : len;
        if (!parse_attribute(uri, table, zca_span_of(text, part), &seen, err)) {
            return false;
        }
        size_t used = end ? part + 1 : part;
        text += used;
        len -= used;
    }
    return true;
}

struct zca_uri *zca_uri_new(const char *text, const char *scheme, struct zca_error *err)
{
    size_t scheme_len = strlen(scheme);
    if (strnlen(text, max_len + 1) > max_len) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "URI is longer than %zu bytes", max_len);
        return NULL;
    }
    if (strncasecmp(text, scheme, scheme_len) != 0 || text[scheme_len] != ':') {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%.80s' is no %s URI", text, scheme);
        return NULL;
    }
    struct zca_uri *uri = calloc(1, sizeof(*uri));
    if (!uri) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    uri->wait_s = -1;
    return uri;
}
