/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Follows openssl_conf -> providers -> a section each. OpenSSL 3.0 activates a provider whose
 * section has a line `activate`, whatever its value; later releases look at the value.
 */
#include "tool/openssl_conf.h"

#include <string.h>
#include <unistd.h>

#include <openssl/conf.h>
#include <openssl/crypto.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/options.h"

ZCA_DEFINE_AUTO(CONF, CONF, NCONF_free);

char *zca_openssl_conf_path(struct zca_error *err)
{
    const char *named = secure_getenv("OPENSSL_CONF");
    const char *directory = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
    if (!named) {
        return zca_path_join(directory ? directory : "/", "openssl.cnf", "", err);
    }
    char *copy = strdup(named);
    if (!copy) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "finding openssl.cnf"); /* NULL tells */
    }
    return copy;
}

static char *copy_value(const CONF *conf, const char *section, const char *name)
{
    const char *value = NCONF_get_string(conf, section, name);
    return value ? strdup(value) : NULL;
}

static bool is_activated(const CONF *conf, const char *section)
{
    static const char *const refusals[] = {"0", "no", "off", "false", "never"};
    const char *value = NCONF_get_string(conf, section, "activate");
    for (size_t i = 0; value && i < ZCA_COUNT(refusals); i++) {
        if (strcasecmp(value, refusals[i]) == 0) {
            return false; /* works by accident in OpenSSL 3.0 only */
        }
    }
    return value;
}

/* ---- zca's section ---- */

static const char prefix[] = "zca-";

/* What is read in the section: by libcrypto, and by the provider besides the options of [zca]. */
static const char *const parameters[] = {"identity",  "module",     "activate",
                                         "soft_load", "zca-config", "zca-ensure-default"};

static bool is_known(const char *name)
{
    bool known = false;
    for (size_t i = 0; !known && i < ZCA_COUNT(parameters); i++) {
        known = strcmp(name, parameters[i]) == 0;
    }
    bool ours = strncmp(name, prefix, strlen(prefix)) == 0;
    for (size_t i = 0; ours && !known && i < ZCA_NUM_LIBRARY_OPTIONS; i++) {
        known = strcmp(name + strlen(prefix), zca_library_options[i].name) == 0;
    }
    return known;
}

/* An option of zca.conf, with its prefix or without: "log" is as near to "zca-log" as can be. */
static const char *find_nearest(const char *name)
{
    const char *words[ZCA_NUM_LIBRARY_OPTIONS + 1] = {NULL};
    bool ours = strncmp(name, prefix, strlen(prefix)) == 0;
    for (size_t i = 0; i < ZCA_NUM_LIBRARY_OPTIONS; i++) {
        words[i] = zca_library_options[i].name;
    }
    return zca_nearest(ours ? name + strlen(prefix) : name, words);
}

/* The provider asks for the parameters that it knows: it never sees another. */
static void find_unknown(const CONF *conf, const char *section, struct zca_openssl_conf *out)
{
    STACK_OF(CONF_VALUE) *lines = NCONF_get_section(conf, section);
    for (int i = 0; !out->zca_unknown && i < sk_CONF_VALUE_num(lines); i++) {
        const char *name = sk_CONF_VALUE_value(lines, i)->name;
        if (!is_known(name)) {
            out->zca_unknown = strdup(name);
            out->zca_nearest = find_nearest(name);
        }
    }
}

/* As the provider reads the values. */
static void find_invalid(const CONF *conf, const char *section, struct zca_openssl_conf *out)
{
    zca_auto(zca_config) struct zca_config *config =
        zca_config_empty(zca_section_kinds, ZCA_COUNT(zca_section_kinds), NULL);
    STACK_OF(CONF_VALUE) *lines = config ? NCONF_get_section(conf, section) : NULL;
    for (int i = 0; !out->zca_invalid && i < sk_CONF_VALUE_num(lines); i++) {
        struct zca_error failure = {.reason = ZCA_ERR_NONE};
        const CONF_VALUE *line = sk_CONF_VALUE_value(lines, i);
        bool is_option = is_known(line->name) && strncmp(line->name, prefix, strlen(prefix)) == 0 &&
                         strcmp(line->name, "zca-config") != 0;
        if (is_option && !zca_config_override(config, "zca", line->name + strlen(prefix),
                                              line->value, &failure)) {
            out->zca_invalid = strdup(failure.message);
        }
    }
}

static bool says(const CONF *conf, const char *section, const char *name, const char *wanted)
{
    const char *value = NCONF_get_string(conf, section, name);
    return value && strcmp(value, wanted) == 0;
}

static void read_zca(const CONF *conf, const char *section, struct zca_openssl_conf *out)
{
    out->has_zca = true;
    out->zca_activated = is_activated(conf, section);
    out->zca_section = strdup(section);
    out->zca_module = copy_value(conf, section, "module");
    out->zca_config = copy_value(conf, section, "zca-config");
    out->zca_log = copy_value(conf, section, "zca-log");
    out->keeps_sealing_key = says(conf, section, "zca-keep-sealing-key", "yes");
    out->claims_pkcs11 = says(conf, section, "zca-claim-pkcs11-scheme", "yes");
    out->uris_only = says(conf, section, "zca-uris-only", "yes");
    out->remote_off = says(conf, section, "zca-remote", "off");
    out->no_ensure = says(conf, section, "zca-ensure-default", "no");
    find_unknown(conf, section, out);
    find_invalid(conf, section, out);
}

/* ---- the list of providers ---- */

/* "name = section", where `identity` in the section may give the provider another name. */
static void read_provider(const CONF *conf, const CONF_VALUE *line, struct zca_openssl_conf *out)
{
    const char *identity = NCONF_get_string(conf, line->value, "identity");
    const char *name = identity ? identity : line->name;
    bool is_default = strcmp(name, "default") == 0 || strcmp(name, "fips") == 0;
    bool activated = is_activated(conf, line->value);
    if (strcmp(name, "zca") == 0) {
        read_zca(conf, line->value, out);
        return;
    }
    out->other_activated = out->other_activated || activated;
    out->default_activated = out->default_activated || (is_default && activated);
    out->zca_first = out->zca_first || (out->zca_activated && is_default && activated);
}

/* A section with a line "zca = ..." that nothing leads to: openssl_conf is missing or below a heading. */
static char *find_stray(const CONF *conf)
{
    STACK_OF(OPENSSL_CSTRING) *names = NCONF_get_section_names(conf);
    char *found = NULL;
    for (int i = 0; !found && i < sk_OPENSSL_CSTRING_num(names); i++) {
        const char *name = sk_OPENSSL_CSTRING_value(names, i);
        const char *target = NCONF_get_string(conf, name, "zca");
        if (target && NCONF_get_section(conf, target)) {
            found = strdup(name);
        }
    }
    sk_OPENSSL_CSTRING_free(names);
    return found;
}

static bool load(CONF *conf, const char *path, struct zca_error *err)
{
    long line = -1;
    if (NCONF_load(conf, path, &line) > 0) {
        return true;
    }
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    return line > 0 ? zca_error_set(err, ZCA_ERR_CONFIG, "'%s', line %ld: %s", path, line,
                                    why ? why : "syntax error")
                    : zca_error_set(err, ZCA_ERR_CONFIG, "'%s' cannot be read: %s", path,
                                    why ? why : "no reason given");
}

bool zca_openssl_conf_read(const char *path, struct zca_openssl_conf *out_conf,
                           struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(CONF) CONF *conf = NCONF_new(NULL);
    if (access(path, F_OK) != 0) {
        return zca_error_set_errno(err, "'%s'", path);
    }
    if (!conf) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading '%s'", path);
    }
    if (!load(conf, path, err)) {
        return false;
    }
    const char *start = NCONF_get_string(conf, "default", "openssl_conf");
    const char *list = start ? NCONF_get_string(conf, start, "providers") : NULL;
    const char *algorithms = start ? NCONF_get_string(conf, start, "alg_section") : NULL;
    STACK_OF(CONF_VALUE) *lines = list ? NCONF_get_section(conf, list) : NULL;
    out_conf->is_reachable = lines;
    for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
        read_provider(conf, sk_CONF_VALUE_value(lines, i), out_conf);
    }
    out_conf->properties = algorithms ? copy_value(conf, algorithms, "default_properties") : NULL;
    if (!out_conf->has_zca) {
        out_conf->stray_section = find_stray(conf);
    }
    return true;
}

void zca_openssl_conf_clear(struct zca_openssl_conf *conf)
{
    free(conf->stray_section);
    free(conf->zca_section);
    free(conf->zca_module);
    free(conf->zca_config);
    free(conf->zca_log);
    free(conf->zca_unknown);
    free(conf->zca_invalid);
    free(conf->properties);
    *conf = (struct zca_openssl_conf){.is_reachable = false};
}
