/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identities: settings found by URI, section and library in this order; keys and certificates
 * served from disk when they serve, made or requested when they do not and the settings allow it.
 */
#include "core/identity.h"

#include <stdio.h>
#include <string.h>

struct zca_identity {
    struct zca_library *library;     /* borrowed */
    const struct zca_config *config; /* the library's */
    struct zca_authority *authority;
    char *name;
    char *uri;
    char *section; /* NAME of "[identity NAME]", or NULL when there is none */
    char *csr_file;
    const char **dns; /* the default of option dns: its one name and NULL; or NULL */
    long ttl_s;       /* of the URI; 0: the option's */
    long wait_s;      /* of the URI; -1: the options' */
    bool offline;
};

/* ---- settings ---- */

static const char *section_text(const struct zca_identity *identity,
                                enum zca_identity_option option)
{
    return identity->section ? zca_config_get_text(identity->config, "identity", identity->section,
                                                   &zca_identity_options[option])
                             : NULL;
}

static const struct zca_option *library_option(enum zca_library_option option)
{
    return &zca_library_options[option];
}

enum zca_keystore_kind zca_identity_get_keystore(const struct zca_identity *identity)
{
    if (section_text(identity, ZCA_IDENTITY_KEYSTORE)) {
        return (enum zca_keystore_kind)zca_config_get_choice(
            identity->config, "identity", identity->section,
            &zca_identity_options[ZCA_IDENTITY_KEYSTORE]);
    }
    return (enum zca_keystore_kind)zca_config_get_choice(identity->config, "zca", NULL,
                                                         library_option(ZCA_LIBRARY_KEYSTORE));
}

const struct zca_key_type *zca_identity_get_key_type(const struct zca_identity *identity)
{
    const char *name = section_text(identity, ZCA_IDENTITY_KEY_TYPE);
    return zca_key_type_find(name ? name
                                  : zca_config_get_text(identity->config, "zca", NULL,
                                                        library_option(ZCA_LIBRARY_KEY_TYPE)));
}

enum zca_auto_enrol zca_identity_get_auto_enrol(const struct zca_identity *identity)
{
    if (section_text(identity, ZCA_IDENTITY_AUTO_ENROL)) {
        return (enum zca_auto_enrol)zca_config_get_choice(
            identity->config, "identity", identity->section,
            &zca_identity_options[ZCA_IDENTITY_AUTO_ENROL]);
    }
    return (enum zca_auto_enrol)zca_config_get_choice(identity->config, "zca", NULL,
                                                      library_option(ZCA_LIBRARY_AUTO_ENROL));
}

enum zca_pin_use zca_identity_get_pin(const struct zca_identity *identity)
{
    return section_text(identity, ZCA_IDENTITY_PIN)
               ? (enum zca_pin_use)zca_config_get_choice(identity->config, "identity",
                                                         identity->section,
                                                         &zca_identity_options[ZCA_IDENTITY_PIN])
               : ZCA_PIN_NONE;
}

long zca_identity_get_ttl_s(const struct zca_identity *identity)
{
    if (identity->ttl_s > 0 || !identity->section) {
        return identity->ttl_s;
    }
    return zca_config_get_number(identity->config, "identity", identity->section,
                                 &zca_identity_options[ZCA_IDENTITY_TTL]);
}

const char *zca_identity_get_text(const struct zca_identity *identity,
                                  enum zca_identity_option option)
{
    const char *text = section_text(identity, option);
    if (!text && option == ZCA_IDENTITY_COMMON_NAME) {
        return identity->name;
    }
    if (!text && option == ZCA_IDENTITY_BINDING) {
        return zca_config_get_text(identity->config, "authority",
                                   zca_authority_get_name(identity->authority),
                                   &zca_authority_options[ZCA_AUTHORITY_MACHINE]);
    }
    return text;
}

bool zca_identity_get_flag(const struct zca_identity *identity, enum zca_identity_option option)
{
    if (section_text(identity, option)) {
        return zca_config_get_boolean(identity->config, "identity", identity->section,
                                      &zca_identity_options[option]);
    }
    return option == ZCA_IDENTITY_PLAIN_KEY &&
           zca_config_get_boolean(identity->config, "zca", NULL,
                                  library_option(ZCA_LIBRARY_PLAIN_KEY));
}

const char *const *zca_identity_get_list(const struct zca_identity *identity,
                                         enum zca_identity_option option)
{
    if (section_text(identity, option)) {
        return zca_config_get_list(identity->config, "identity", identity->section,
                                   &zca_identity_options[option]);
    }
    return option == ZCA_IDENTITY_DNS ? identity->dns : NULL;
}

bool zca_identity_get_offline(const struct zca_identity *identity)
{
    return identity->offline ||
           zca_config_get_choice(identity->config, "zca", NULL,
                                 library_option(ZCA_LIBRARY_REMOTE)) == ZCA_REMOTE_OFF;
}

const char *zca_identity_get_csr_file(const struct zca_identity *identity)
{
    return identity->csr_file;
}

long zca_identity_get_wait_ms(const struct zca_identity *identity)
{
    const struct zca_option *timeout = &zca_authority_options[ZCA_AUTHORITY_TIMEOUT];
    const char *authority = zca_authority_get_name(identity->authority);
    long wait_s = identity->wait_s;
    if (wait_s < 0) {
        wait_s = zca_config_get_number(identity->config, "authority", authority, timeout);
    }
    if (wait_s <= 0 && identity->wait_s < 0) {
        wait_s = zca_config_get_number(identity->config, "zca", NULL,
                                       library_option(ZCA_LIBRARY_TIMEOUT));
    }
    return wait_s * 1000;
}

/* ---- life ---- */

/* RFC 1123, 2.1: letters, digits, and hyphens inside; at most 63 (RFC 1035, 2.3.4). */
static bool is_label(const char *label, size_t len)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    return len > 0 && len <= 63 && strspn(label, allowed) >= len && label[0] != '-' &&
           label[len - 1] != '-';
}

/* A host name for a SAN: at least two labels, a wildcard may be the first, the last is no number. */
static bool looks_like_host(const char *name)
{
    const char *rest = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
    size_t num_labels = 0;
    size_t len = strcspn(rest, ".");
    while (is_label(rest, len) && rest[len] == '.') {
        num_labels++;
        rest += len + 1;
        len = strcspn(rest, ".");
    }
    return num_labels > 0 && is_label(rest, len) && strspn(rest, "0123456789") < len &&
           strlen(name) <= 253;
}

/* "[identity NAME]" is of the authority it names, or of the default one. */
static bool is_of_authority(const struct zca_identity *identity, const char *authority)
{
    zca_auto(zca_authority) struct zca_authority *found =
        zca_authority_open(identity->library,
                           zca_config_get_text(identity->config, "identity", identity->name,
                                               &zca_identity_options[ZCA_IDENTITY_AUTHORITY]),
                           NULL);
    return found && strcmp(zca_authority_get_name(found), authority) == 0;
}

/* Finds "[identity AUTHORITY/NAME]", or "[identity NAME]" of the same authority. */
static bool find_section(struct zca_identity *identity, struct zca_error *err)
{
    const char *authority = zca_authority_get_name(identity->authority);
    char *qualified = NULL;
    if (asprintf(&qualified, "%s/%s", authority, identity->name) < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    if (zca_config_has(identity->config, "identity", qualified)) {
        identity->section = qualified;
        return true;
    }
    free(qualified);
    if (!zca_config_has(identity->config, "identity", identity->name) ||
        !is_of_authority(identity, authority)) {
        return true;
    }
    identity->section = strdup(identity->name);
    return identity->section || zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
}

/* The authority of a URI that names none may stand in the identity's section. */
static const char *authority_of(const struct zca_config *config, const struct zca_uri *uri)
{
    if (uri->authority || !zca_config_has(config, "identity", uri->name)) {
        return uri->authority;
    }
    return zca_config_get_text(config, "identity", uri->name,
                               &zca_identity_options[ZCA_IDENTITY_AUTHORITY]);
}

static bool fill_names(struct zca_identity *identity, const struct zca_uri *uri,
                       struct zca_error *err)
{
    struct zca_uri canonical = {.authority = (char *)zca_authority_get_name(identity->authority),
                                .name = uri->name};
    identity->name = strdup(uri->name);
    identity->csr_file = uri->csr_file ? strdup(uri->csr_file) : NULL;
    if (!identity->name || (uri->csr_file && !identity->csr_file)) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    identity->uri = zca_uri_format(&canonical, err);
    return identity->uri && find_section(identity, err);
}

/* The default of option dns: the common name when it is a host name. */
static bool fill_dns(struct zca_identity *identity, struct zca_error *err)
{
    const char *common_name = zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME);
    if (!looks_like_host(common_name)) {
        return true;
    }
    identity->dns = calloc(2, sizeof(*identity->dns));
    if (!identity->dns) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    identity->dns[0] = common_name;
    return true;
}

struct zca_identity *zca_identity_open(struct zca_library *library, const struct zca_uri *uri,
                                       struct zca_error *err)
{
    zca_library_enter(library);
    const struct zca_config *config = zca_library_config(library, err);
    if (!config) {
        return NULL;
    }
    if (!uri->name) {
        (void)zca_error_set(err, ZCA_ERR_INVALID,
                            "the URI names an authority, not an identity: zca://NAME");
        return NULL;
    }
    zca_auto(zca_identity) struct zca_identity *identity = calloc(1, sizeof(*identity));
    if (!identity) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    identity->library = library;
    identity->config = config;
    identity->ttl_s = uri->ttl_s;
    identity->wait_s = uri->wait_s;
    identity->offline = uri->offline;
    identity->authority = zca_authority_open(library, authority_of(config, uri), err);
    if (!identity->authority || !fill_names(identity, uri, err) || !fill_dns(identity, err)) {
        (void)zca_error_context(err, "opening identity '%s'", uri->name);
        return NULL;
    }
    return zca_steal(identity);
}

void zca_identity_close(struct zca_identity *identity)
{
    if (!identity) {
        return;
    }
    zca_authority_close(identity->authority);
    free(identity->name);
    free(identity->uri);
    free(identity->section);
    free(identity->csr_file);
    free(identity->dns);
    free(identity);
}

const char *zca_identity_get_name(const struct zca_identity *identity)
{
    return identity->name;
}

struct zca_authority *zca_identity_get_authority(const struct zca_identity *identity)
{
    return identity->authority;
}

const char *zca_identity_get_authority_name(const struct zca_identity *identity)
{
    return zca_authority_get_name(identity->authority);
}

char *zca_identity_order_path(const struct zca_identity *identity, const char *suffix,
                              struct zca_error *err)
{
    return zca_library_path(identity->library, ZCA_PLACE_ORDERS,
                            zca_identity_get_authority_name(identity), identity->name, suffix, err);
}

struct zca_library *zca_identity_get_library(const struct zca_identity *identity)
{
    return identity->library;
}

const char *zca_identity_get_uri(const struct zca_identity *identity)
{
    return identity->uri;
}
