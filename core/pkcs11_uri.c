/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pkcs11_uri.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/uri_part.h"

static const char scheme[] = "pkcs11";

static const struct {
    const char *name;
    enum zca_uri_type type;
} types[] = {
    {"private", ZCA_URI_PRIVATE},
    {"public",  ZCA_URI_PUBLIC },
    {"cert",    ZCA_URI_CERT   },
};

static bool set_token(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return zca_uri_store_name(&uri->authority, "token", value, err);
}

static bool set_object(struct zca_uri *uri, char *value, struct zca_error *err)
{
    return zca_uri_store_name(&uri->name, "object", value, err);
}

static bool set_type(struct zca_uri *uri, char *value, struct zca_error *err)
{
    zca_auto(text) char *owned = value;
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        if (strcmp(owned, types[i].name) == 0) {
            uri->type = types[i].type;
            return true;
        }
    }
    return zca_error_set(err, ZCA_ERR_INVALID,
                         "type '%.80s' in URI: private, public and cert are known", owned);
}

static const struct zca_uri_part parts[] = {
    {"token",  set_token },
    {"object", set_object},
    {"type",   set_type  },
};
static const char *const names[] = {"token", "object", "type", NULL};
static const struct zca_uri_table table = {parts, ZCA_COUNT(parts), names, ';'};

bool zca_pkcs11_uri_is(const char *text)
{
    return strncasecmp(text, scheme, sizeof(scheme) - 1) == 0 && text[sizeof(scheme) - 1] == ':';
}

static bool parse(struct zca_uri *uri, const char *text, size_t len, struct zca_error *err)
{
    if (text[len] == '?') {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "a pkcs11 URI of zca has no query: there is no PIN and no module");
    }
    if (!zca_uri_parse_parts(uri, &table, text, len, err)) {
        return false;
    }
    return uri->name || zca_error_set(err, ZCA_ERR_INVALID,
                                      "URI names nothing: pkcs11:token=AUTHORITY;object=NAME");
}

struct zca_uri *zca_pkcs11_uri_parse(const char *text, struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_new(text, scheme, err);
    if (!uri) {
        return NULL;
    }
    const char *rest = text + sizeof(scheme);
    size_t len = strcspn(rest, "?");
    if (!parse(uri, rest, len, err)) {
        int shown = (int)(len < 80 ? len : 80);
        (void)zca_error_context(err, "reading 'pkcs11:%.*s'", shown, rest);
        return NULL;
    }
    return zca_steal(uri);
}
