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

static void read_zca(const CONF *conf, const char *section, struct zca_openssl_conf *out)
{
    const char *ensure = NCONF_get_string(conf, section, "zca-ensure-default");
    out->has_zca = true;
    out->zca_activated = is_activated(conf, section);
    out->zca_section = strdup(section);
    out->zca_module = copy_value(conf, section, "module");
    out->zca_config = copy_value(conf, section, "zca-config");
    out->no_ensure = ensure && strcmp(ensure, "no") == 0;
}

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
    STACK_OF(CONF_VALUE) *lines = list ? NCONF_get_section(conf, list) : NULL;
    out_conf->is_reachable = lines;
    for (int i = 0; i < sk_CONF_VALUE_num(lines); i++) {
        read_provider(conf, sk_CONF_VALUE_value(lines, i), out_conf);
    }
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
    *conf = (struct zca_openssl_conf){.is_reachable = false};
}
