/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes zca URIs. Attributes and query parameters are rows: a name and what stores
 * its value. Percent-encoding follows RFC 3986, 2.1.
 */
#include "core/uri.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/config.h"
#include "core/library.h"

static const char scheme[] = "zca:";
static const size_t max_len = 2048;
static const long max_ttl_s = 87600L * 3600;
static const long max_wait_s = 600;

/* ---- values ---- */

/* Decodes %XX. Escaped NUL and control characters are refused: no value needs them. */
static char *decode(const char *text, size_t len, struct zca_error *err)
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

static bool store_text(char **member, const char *what, char *value, struct zca_error *err)
{
    if (*member) {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is given twice in URI", what);
    }
    *member = value;
    return true;
}

static bool store_name(char **member, const char *what, char *value, struct zca_error *err)
{
    if (!zca_name_valid(value)) {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "%s in URI is no valid name: letters, digits and ._-@*+, at most 128",
                             what);
    }
    return store_text(member, what, value, err);
}

/* A number with s, m, h, d; a bare number counts `bare_s` seconds. */
static bool parse_seconds(const char *text, long bare_s, long max_s, long *out_s,
                          struct zca_error *err)
{
    static const struct {
        const char *suffix;
        long seconds;
    } units[] = {
        {"s", 1    },
        {"m", 60   },
        {"h", 3600 },
        {"d", 86400}
    };

    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    long unit = *end ? 0 : bare_s;
    for (size_t i = 0; i < ZCA_COUNT(units); i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            unit = units[i].seconds;
        }
    }
    bool has_digits = *text >= '0' && *text <= '9'; /* strtol takes spaces and signs, too */
    if (errno || !has_digits || unit == 0 || number > max_s / unit) {
        return zca_error_set(
            err, ZCA_ERR_INVALID,
            "'%.80s' in URI is no duration of at most %ld seconds (90s, 15m, 24h, 7d)", text,
            max_s);
    }
    *out_s = number * unit;
    return true;
}

/* ---- attributes and query parameters ---- */

static const struct {
    const char *name;
    enum zca_uri_type type;
} types[] = {
    {"private", ZCA_URI_PRIVATE},
    {"public",  ZCA_URI_PUBLIC },
    {"cert",    ZCA_URI_CERT   },
    {"chain",   ZCA_URI_CHAIN  },
    {"ca",      ZCA_URI_CA     },
    {"crl",     ZCA_URI_CRL    },
};

/* Each setter owns `value`. */
static bool set_authority(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return store_name(&uri->authority, "authority", value, err);
}

static bool set_id(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return store_name(&uri->name, "id", value, err);
}

static bool set_serial(struct zca_uri *uri, char *value, struct zca_error *err)
{
    if (value[strspn(value, "0123456789abcdefABCDEF:")] != '\0') {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "serial in URI has other than hexadecimal digits");
    }
    return store_text(&uri->serial, "serial", value, err);
}

static bool set_csr(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return store_text(&uri->csr_file, "csr", value, err);
}

static bool set_pin_source(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return store_text(&uri->pin_source, "pin-source", value, err);
}

static bool set_type(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    if (uri->type != ZCA_URI_ANY) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'type' is given twice in URI");
    }
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        if (strcmp(owned, types[i].name) == 0) {
            uri->type = types[i].type;
            return true;
        }
    }
    return zca_error_set(err, ZCA_ERR_INVALID,
                         "type '%.80s' in URI: private, public, cert, chain, ca and crl are known",
                         owned);
}

static bool set_ttl(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    return parse_seconds(owned, 3600, max_ttl_s, &uri->ttl_s, err);
}

static bool set_wait(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    return parse_seconds(owned, 1, max_wait_s, &uri->wait_s, err);
}

static bool set_offline(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    bool yes = strcmp(owned, "yes") == 0;
    if (!yes && strcmp(owned, "no") != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "offline=%.80s in URI: yes or no", owned);
    }
    uri->offline = yes;
    return true;
}

struct attribute {
    const char *name;
    bool (*set)(struct zca_uri *uri, char *value, struct zca_error *err);
};

static const struct attribute path_attributes[] = {
    {"authority", set_authority},
    {"id",        set_id       },
    {"serial",    set_serial   },
    {"type",      set_type     },
};
static const char *const path_names[] = {"authority", "id", "serial", "type", NULL};

static const struct attribute query_attributes[] = {
    {"type",       set_type      },
    {"csr",        set_csr       },
    {"ttl",        set_ttl       },
    {"offline",    set_offline   },
    {"wait",       set_wait      },
    {"pin-source", set_pin_source},
};
static const char *const query_names[] = {"type", "csr",        "ttl", "offline",
                                          "wait", "pin-source", NULL};

struct attribute_table {
    const struct attribute *rows;
    size_t num_rows;
    const char *const *names;
    char separator;
};

static const struct attribute_table path_table = {path_attributes, ZCA_COUNT(path_attributes),
                                                  path_names, ';'};
static const struct attribute_table query_table = {query_attributes, ZCA_COUNT(query_attributes),
                                                   query_names, '&'};

static bool unknown_attribute(const char *name, const struct attribute_table *table,
                              struct zca_error *err)
{
    const char *nearest = zca_nearest(name, table->names);
    return zca_error_set(err, ZCA_ERR_INVALID, "unknown attribute '%.80s' in URI%s%s%s", name,
                         nearest ? "; did you mean '" : "", nearest ? nearest : "",
                         nearest ? "'" : "");
}

/* seen: a bit for each row that occurred. */
static bool parse_attribute(struct zca_uri *uri, const struct attribute_table *table,
                            struct zca_span text, unsigned *seen, struct zca_error *err)
{
    const char *start = (const char *)text.data;
    const char *equals = memchr(start, '=', text.len);
    size_t name_len = equals ? (size_t)(equals - start) : text.len;
    zca_auto(text) char *name = decode(start, name_len, err);
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
        char *value = decode(equals + 1, text.len - name_len - 1, err);
        return value && table->rows[i].set(uri, value, err);
    }
    return unknown_attribute(name, table, err);
}

static bool parse_attributes(struct zca_uri *uri, const struct attribute_table *table,
                             const char *text, size_t len, struct zca_error *err)
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

static bool names_nothing(struct zca_error *err)
{
    return zca_error_set(err, ZCA_ERR_INVALID,
                         "URI names nothing: zca://NAME is an identity, zca:/// the CA itself");
}

/* What follows "zca:" without "//": attributes, at least one. */
static bool parse_flat(struct zca_uri *uri, const char *text, size_t len, struct zca_error *err)
{
    if (len == 0) {
        return names_nothing(err);
    }
    return parse_attributes(uri, &path_table, text, len, err);
}

/* What follows "//": [authority "/"] name, or [authority] "/", then ";type=..." if any. */
static bool parse_hierarchy(struct zca_uri *uri, const char *text, size_t len,
                            struct zca_error *err)
{
    const char *attributes = memchr(text, ';', len);
    size_t path_len = attributes ? (size_t)(attributes - text) : len;
    const char *slash = memchr(text, '/', path_len);
    size_t authority_len = slash ? (size_t)(slash - text) : 0;
    const char *name = slash ? slash + 1 : text;
    size_t name_len = path_len - (size_t)(name - text);
    if (path_len == 0) {
        return names_nothing(err);
    }
    if (authority_len > 0) {
        char *value = decode(text, authority_len, err);
        if (!value || !set_authority(uri, value, err)) {
            return false;
        }
    }
    if (name_len > 0) {
        char *value = decode(name, name_len, err);
        if (!value || !store_name(&uri->name, "name", value, err)) {
            return false;
        }
    }
    return !attributes ||
           parse_attributes(uri, &path_table, attributes + 1, len - path_len - 1, err);
}

struct zca_uri *zca_uri_parse(const char *text, struct zca_error *err)
{
    if (strnlen(text, max_len + 1) > max_len) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "URI is longer than %zu bytes", max_len);
        return NULL;
    }
    if (strncasecmp(text, scheme, sizeof(scheme) - 1) != 0) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%.80s' is no zca URI", text);
        return NULL;
    }
    zca_auto(zca_uri) struct zca_uri *uri = calloc(1, sizeof(*uri));
    if (!uri) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    uri->wait_s = -1;
    const char *rest = text + sizeof(scheme) - 1;
    const char *query = strchr(rest, '?');
    size_t len = query ? (size_t)(query - rest) : strlen(rest);
    bool hierarchical = len >= 2 && strncmp(rest, "//", 2) == 0;
    bool ok = hierarchical ? parse_hierarchy(uri, rest + 2, len - 2, err)
                           : parse_flat(uri, rest, len, err);
    if (!ok || (query && !parse_attributes(uri, &query_table, query + 1, strlen(query + 1), err))) {
        (void)zca_error_context(err, "reading '%.80s'", text);
        return NULL;
    }
    return zca_steal(uri);
}

char *zca_uri_format(const struct zca_uri *uri, struct zca_error *err)
{
    bool slash = uri->authority || !uri->name;
    char *text = NULL;
    /* names need no escapes: see zca_name_valid */
    if (asprintf(&text, "zca://%s%s%s", uri->authority ? uri->authority : "", slash ? "/" : "",
                 uri->name ? uri->name : "") < 0) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    return text;
}

void zca_uri_free(struct zca_uri *uri)
{
    if (!uri) {
        return;
    }
    free(uri->authority);
    free(uri->name);
    free(uri->serial);
    free(uri->csr_file);
    free(uri->pin_source);
    free(uri);
}
