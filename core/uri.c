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

#include "core/uri_part.h"

static const char scheme[] = "zca";
static const long min_ttl_s = 60; /* as option ttl */
static const long max_ttl_s = 87600L * 3600;
static const long max_wait_s = 600;

/* ---- values ---- */

/* A number with s, m, h, d; a bare number counts `bare_s` seconds. */
static bool parse_seconds(const char *text, long bare_s, long min_s, long max_s, long *out_s,
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
    if (errno || !has_digits || unit == 0 || number > max_s / unit || number * unit < min_s) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "'%.80s' in URI is no duration of %ld to %ld seconds (90s, 15m, 24h, "
                             "7d)",
                             text, min_s, max_s);
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
    return zca_uri_store_name(&uri->authority, "authority", value, err);
}

static bool set_id(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return zca_uri_store_name(&uri->name, "id", value, err);
}

static bool set_serial(struct zca_uri *uri, char *value, struct zca_error *err)
{
    if (value[strspn(value, "0123456789abcdefABCDEF:")] != '\0') {
        free(value);
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "serial in URI has other than hexadecimal digits");
    }
    return zca_uri_store_text(&uri->serial, "serial", value, err);
}

static bool set_csr(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return zca_uri_store_text(&uri->csr_file, "csr", value, err);
}

static bool set_pin_source(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return zca_uri_store_text(&uri->pin_source, "pin-source", value, err);
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
    return parse_seconds(owned, 3600, min_ttl_s, max_ttl_s, &uri->ttl_s, err);
}

static bool set_wait(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    return parse_seconds(owned, 1, 0, max_wait_s, &uri->wait_s, err);
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

static const struct zca_uri_part path_attributes[] = {
    {"authority", set_authority},
    {"id",        set_id       },
    {"serial",    set_serial   },
    {"type",      set_type     },
};
static const char *const path_names[] = {"authority", "id", "serial", "type", NULL};

static const struct zca_uri_part query_attributes[] = {
    {"type",       set_type      },
    {"csr",        set_csr       },
    {"ttl",        set_ttl       },
    {"offline",    set_offline   },
    {"wait",       set_wait      },
    {"pin-source", set_pin_source},
};
static const char *const query_names[] = {"type", "csr",        "ttl", "offline",
                                          "wait", "pin-source", NULL};

static const struct zca_uri_table path_table = {path_attributes, ZCA_COUNT(path_attributes),
                                                path_names, ';'};
static const struct zca_uri_table query_table = {query_attributes, ZCA_COUNT(query_attributes),
                                                 query_names, '&'};

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
    return zca_uri_parse_parts(uri, &path_table, text, len, err);
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
        char *value = zca_uri_decode(text, authority_len, err);
        if (!value || !set_authority(uri, value, err)) {
            return false;
        }
    }
    if (name_len > 0) {
        char *value = zca_uri_decode(name, name_len, err);
        if (!value || !zca_uri_store_name(&uri->name, "name", value, err)) {
            return false;
        }
    }
    return !attributes ||
           zca_uri_parse_parts(uri, &path_table, attributes + 1, len - path_len - 1, err);
}

struct zca_uri *zca_uri_parse(const char *text, struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_new(text, scheme, err);
    if (!uri) {
        return NULL;
    }
    const char *rest = text + sizeof(scheme);
    const char *query = strchr(rest, '?');
    size_t len = query ? (size_t)(query - rest) : strlen(rest);
    bool hierarchical = len >= 2 && strncmp(rest, "//", 2) == 0;
    bool ok = hierarchical ? parse_hierarchy(uri, rest + 2, len - 2, err)
                           : parse_flat(uri, rest, len, err);
    if (!ok ||
        (query && !zca_uri_parse_parts(uri, &query_table, query + 1, strlen(query + 1), err))) {
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
