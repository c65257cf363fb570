/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of zca.conf, files of the keystores and certificates, put together and sorted. */
#include "tool/inventory.h"

#include <string.h>

#include "core/certificate.h"
#include "core/keystore.h"
#include "core/uri.h"

struct zca_identity *zca_tool_open_identity(struct zca_library *library, const char *text,
                                            const char *authority, const char *ttl,
                                            struct zca_error *err)
{
    bool is_uri = strncmp(text, "zca:", strlen("zca:")) == 0;
    bool has_authority = is_uri || strchr(text, '/');
    zca_auto(zca_buffer) struct zca_buffer uri = {.len = 0};
    if (!is_uri && !has_authority && !zca_name_valid(text)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, /* NULL tells */
                            "'%s' cannot be the name of an identity: letters, digits and ._-@*+",
                            text);
        return NULL;
    }
    if (!zca_buffer_format(&uri, err, "%s%s%s%s%s%s", is_uri ? "" : "zca://",
                           has_authority || !authority ? "" : authority,
                           has_authority || !authority ? "" : "/", text, ttl ? "?ttl=" : "",
                           ttl ? ttl : "")) {
        return NULL;
    }
    zca_auto(zca_uri) struct zca_uri *parsed = zca_uri_parse((const char *)uri.data, err);
    if (!parsed) {
        return NULL;
    }
    if (!parsed->name) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, "'%s' names an authority, not an identity", text);
        return NULL;
    }
    return zca_identity_open(library, parsed, err);
}

/* ---- collecting ---- */

struct collection {
    struct zca_library *library;
    const char *authority; /* only of this one; NULL: all */
    const char *current;   /* the authority whose names are being visited */
    struct zca_inventory inventory;
    struct zca_error *err;
};

static int compare(const void *left, const void *right)
{
    const struct zca_identity *const *one = left;
    const struct zca_identity *const *two = right;
    return strcmp(zca_identity_get_uri(*one), zca_identity_get_uri(*two));
}

/* Takes the identity, also on failure. */
static bool add(struct collection *collection, struct zca_identity *identity)
{
    zca_auto(zca_identity) struct zca_identity *owned = identity;
    struct zca_inventory *inventory = &collection->inventory;
    const char *of = zca_authority_get_name(zca_identity_get_authority(identity));
    if (collection->authority && strcmp(collection->authority, of) != 0) {
        return true;
    }
    for (size_t i = 0; i < inventory->num_identities; i++) {
        if (compare(&inventory->identities[i], &owned) == 0) {
            return true;
        }
    }
    struct zca_identity **longer = realloc(
        inventory->identities, (inventory->num_identities + 1) * sizeof(*inventory->identities));
    if (!longer) {
        return zca_error_set(collection->err, ZCA_ERR_MEMORY, "listing identities");
    }
    inventory->identities = longer;
    inventory->identities[inventory->num_identities++] = zca_steal(owned);
    return true;
}

static bool visit(void *argument, const char *name)
{
    struct collection *collection = argument;
    struct zca_identity *identity = zca_tool_open_identity(
        collection->library, name, collection->current, NULL, collection->err);
    return identity && add(collection, identity);
}

static bool add_configured(struct collection *collection, const struct zca_config *config)
{
    const char *const *names = zca_config_names(config, "identity");
    for (; *names; names++) {
        const char *of = zca_config_get_text(config, "identity", *names,
                                             &zca_identity_options[ZCA_IDENTITY_AUTHORITY]);
        struct zca_identity *identity =
            zca_tool_open_identity(collection->library, *names, of, NULL, collection->err);
        if (!identity || !add(collection, identity)) {
            return zca_error_context(collection->err, "[identity %s]", *names);
        }
    }
    return true;
}

static bool add_stored(struct collection *collection, const struct zca_config *config)
{
    static const enum zca_keystore_kind kinds[] = {ZCA_KEYSTORE_FILE, ZCA_KEYSTORE_RUNTIME};

    const char *const *authorities = zca_config_names(config, "authority");
    for (; *authorities; authorities++) {
        collection->current = *authorities;
        for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
            if (!zca_keystore_names(collection->library, kinds[i], *authorities, visit, collection,
                                    collection->err)) {
                return false;
            }
        }
        if (!zca_certificate_names(collection->library, *authorities, visit, collection,
                                   collection->err)) {
            return false;
        }
    }
    return true;
}

bool zca_inventory_find(struct zca_library *library, const char *authority, bool configured_only,
                        struct zca_inventory *out_inventory, struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    struct collection collection = {.library = library, .authority = authority, .err = &failure};
    const struct zca_config *config = zca_library_config(library, err);
    zca_auto(zca_authority) struct zca_authority *only =
        authority ? zca_authority_open(library, authority, err) : NULL;
    if (!config || (authority && !only)) {
        return false;
    }
    bool ok = add_configured(&collection, config) &&
              (configured_only || add_stored(&collection, config)) &&
              failure.reason == ZCA_ERR_NONE; /* a visit that failed may only have ended the walk */
    if (!ok) {
        zca_inventory_clear(&collection.inventory);
        *err = failure;
        return false;
    }
    if (collection.inventory.num_identities > 1) {
        qsort(collection.inventory.identities, collection.inventory.num_identities,
              sizeof(*collection.inventory.identities), compare);
    }
    *out_inventory = collection.inventory;
    return true;
}

void zca_inventory_clear(struct zca_inventory *inventory)
{
    for (size_t i = 0; i < inventory->num_identities; i++) {
        zca_identity_close(inventory->identities[i]);
    }
    free(inventory->identities);
    *inventory = (struct zca_inventory){.identities = NULL};
}

/* A name that nothing here knows is a slip of the pen. */
bool zca_tool_check_known(struct zca_identity *identity, struct zca_error *err)
{
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    const char *uri = zca_identity_get_uri(identity);
    if (!zca_inventory_find(zca_identity_get_library(identity),
                            zca_identity_get_authority_name(identity), false, &inventory, err)) {
        return false;
    }
    for (size_t i = 0; i < inventory.num_identities; i++) {
        if (strcmp(zca_identity_get_uri(inventory.identities[i]), uri) == 0) {
            return true;
        }
    }
    return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                         "there is no identity '%s': 'zca list' shows what there is, 'zca cert %s' "
                         "makes one",
                         uri, zca_identity_get_name(identity));
}

bool zca_tool_explain_missing(struct zca_identity *identity, const struct zca_error *failure,
                              struct zca_error *err)
{
    if (failure->reason != ZCA_ERR_NOT_FOUND || zca_tool_check_known(identity, err)) {
        *err = *failure;
    }
    return false;
}
