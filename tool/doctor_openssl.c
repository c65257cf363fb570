/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor's look at openssl.cnf: what it activates, in which order, and what nobody reads. */
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "tool/doctor.h"

static void advise_sections(struct zca_doctor *doctor, const char *path)
{
    zca_doctor_advise(doctor, "in %s: openssl_conf = openssl_init (in front of every heading),",
                      path);
    zca_doctor_advise(doctor, "[openssl_init] providers = provider_sect, [provider_sect] default = "
                              "default_sect and zca = zca_sect,");
    zca_doctor_advise(doctor, "[default_sect] activate = 1, [zca_sect] activate = 1; or give "
                              "commands -provider zca");
}

static void check_missing(struct zca_doctor *doctor, const char *path,
                          const struct zca_openssl_conf *conf)
{
    if (conf->stray_section) {
        zca_doctor_fail(doctor, "'%s' names zca in [%s], but nothing leads there", path,
                        conf->stray_section);
        zca_doctor_advise(doctor,
                          "put 'openssl_conf = SECTION' in front of the first heading, and "
                          "'providers = %s' into that SECTION",
                          conf->stray_section);
        return;
    }
    zca_doctor_warn(doctor, "'%s' does not activate zca: programs find no zca:// URIs", path);
    advise_sections(doctor, path);
}

/* Naming one provider switches the implicit default off. */
static void check_default(struct zca_doctor *doctor, const char *path,
                          const struct zca_openssl_conf *conf)
{
    if (conf->default_activated) {
        zca_doctor_ok(doctor, "'%s' activates a default provider", path);
    } else if (conf->zca_activated && !conf->no_ensure) {
        zca_doctor_ok(doctor, "'%s' activates no default provider: zca loads it", path);
    } else if (conf->zca_activated || conf->other_activated) {
        zca_doctor_fail(doctor,
                        "'%s' activates providers, but not default: programs have no hashes "
                        "and ciphers",
                        path);
        zca_doctor_advise(doctor,
                          "[default_sect] activate = 1 in %s, or no zca-ensure-default = no", path);
    }
}

static void check_config_file(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    const char *ours = zca_library_config_file(doctor->tool->library);
    if (!conf->zca_config) {
        return;
    }
    if (access(conf->zca_config, R_OK) != 0) {
        zca_doctor_fail(doctor, "zca-config of [%s] names '%s', which cannot be read",
                        conf->zca_section, conf->zca_config);
        zca_doctor_advise(doctor, "zca-config = %s in [%s]", ours, conf->zca_section);
    } else if (strcmp(conf->zca_config, ours) != 0) {
        zca_doctor_warn(doctor, "programs read '%s', this command reads '%s'", conf->zca_config,
                        ours);
        zca_doctor_advise(doctor, "zca --config %s ...", conf->zca_config);
    }
}

/* Any order works; a key of another provider is found sooner when zca is not asked first. */
static void check_order(struct zca_doctor *doctor, const char *path,
                        const struct zca_openssl_conf *conf)
{
    if (conf->zca_activated && conf->zca_first) {
        zca_doctor_warn(doctor, "'%s' lists zca before default: it works, and is slower", path);
        zca_doctor_advise(doctor, "move the line 'zca = %s' behind the line 'default = ...'",
                          conf->zca_section);
    }
}

/* A clause of property(7) that zca's keys fulfil: optional, or one that they need not have. */
static bool is_fulfilled(const char *clause)
{
    const char *value = strchr(clause, '=');
    return *clause == '?' || *clause == '-' || strstr(clause, "!=") ||
           (value && strcmp(value, "=no") == 0) || strcmp(clause, "provider=zca") == 0;
}

static void check_clause(struct zca_doctor *doctor, const char *clause)
{
    if (strcmp(clause, "?provider=zca") == 0) {
        zca_doctor_warn(doctor, "default_properties prefer zca: it works, and is slower");
    } else if (strcmp(clause, "provider=zca") == 0) {
        zca_doctor_fail(doctor, "default_properties = %s: programs have no hashes and ciphers",
                        clause);
    } else if (is_fulfilled(clause)) {
        return;
    } else {
        zca_doctor_fail(doctor, "default_properties demand '%s': programs find no key of zca",
                        clause);
    }
    zca_doctor_advise(doctor, "no '%s' in default_properties, or -propquery for one command",
                      clause);
}

static void check_properties(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    char *place = NULL;
    zca_auto(text) char *clauses = conf->properties ? strdup(conf->properties) : NULL;
    char *clause = clauses && conf->zca_activated ? strtok_r(clauses, ", \t", &place) : NULL;
    for (; clause; clause = strtok_r(NULL, ", \t", &place)) {
        check_clause(doctor, clause);
    }
}

static void check_unknown(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    if (!conf->zca_unknown) {
        return;
    }
    zca_doctor_fail(doctor, "nobody reads '%s' in [%s] of openssl.cnf", conf->zca_unknown,
                    conf->zca_section);
    if (conf->zca_nearest) {
        zca_doctor_advise(doctor, "did you mean 'zca-%s'?", conf->zca_nearest);
    } else {
        zca_doctor_advise(doctor, "parameters are zca-OPTION, with an option of [zca] of "
                                  "zca.conf(5), and those of provider-zca(7)");
    }
}

static void check_invalid(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    if (conf->zca_invalid) {
        zca_doctor_fail(doctor, "programs find no key of zca: %s", conf->zca_invalid);
        zca_doctor_advise(doctor, "change the line in [%s] of openssl.cnf, or remove it",
                          conf->zca_section);
    }
}

/* Options that are needed before zca.conf is read. */
static const enum zca_library_option early_options[] = {
    ZCA_LIBRARY_ENSURE_DEFAULT, ZCA_LIBRARY_CLAIM_PKCS11, ZCA_LIBRARY_URIS_ONLY};

static void check_early(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    for (size_t i = 0; doctor->config && i < ZCA_COUNT(early_options); i++) {
        const struct zca_option *option = &zca_library_options[early_options[i]];
        bool is_default = strcmp(option->default_value, "yes") == 0;
        if (zca_config_get_boolean(doctor->config, "zca", NULL, option) != is_default) {
            zca_doctor_fail(doctor, "nobody reads '%s' in zca.conf: it is needed before that",
                            option->name);
            zca_doctor_advise(doctor, "zca-%s = %s in [%s] of openssl.cnf", option->name,
                              is_default ? "no" : "yes", conf->zca_section);
        }
    }
}

/* What programs may not do, while this command may. */
static void check_limits(struct zca_doctor *doctor, const struct zca_openssl_conf *conf)
{
    if (conf->uris_only && doctor->num_references > 0) {
        zca_doctor_fail(doctor,
                        "zca-uris-only = yes in [%s]: programs cannot read the key references "
                        "above: %zu",
                        conf->zca_section, doctor->num_references);
        zca_doctor_advise(doctor, "no zca-uris-only in [%s] of openssl.cnf", conf->zca_section);
    }
    if (conf->remote_off) {
        zca_doctor_warn(doctor, "zca-remote = off in [%s]: programs get no certificates on demand",
                        conf->zca_section);
        zca_doctor_advise(doctor, "no zca-remote in [%s] of openssl.cnf, or zca cert NAME first",
                          conf->zca_section);
    }
}

static void check_conf(struct zca_doctor *doctor, const char *path,
                       const struct zca_openssl_conf *conf)
{
    if (!conf->has_zca) {
        check_missing(doctor, path, conf);
        return;
    }
    if (!conf->zca_activated) {
        zca_doctor_fail(doctor, "'%s' names zca, but does not activate it", path);
        zca_doctor_advise(doctor, "activate = 1 in [%s] of %s", conf->zca_section, path);
    } else {
        zca_doctor_ok(doctor, "'%s' activates zca", path);
    }
    check_default(doctor, path, conf);
    check_order(doctor, path, conf);
    check_properties(doctor, conf);
    check_config_file(doctor, conf);
    check_unknown(doctor, conf);
    check_invalid(doctor, conf);
    check_early(doctor, conf);
    check_limits(doctor, conf);
}

/* Services do not inherit the variable; nginx drops it when it replaces its own binary. */
static void check_environment(struct zca_doctor *doctor)
{
    const char *conf = secure_getenv("OPENSSL_CONF");
    const char *modules = secure_getenv("OPENSSL_MODULES");
    if (conf) {
        zca_doctor_warn(doctor, "OPENSSL_CONF is set to '%s' here: services do not see it", conf);
        zca_doctor_advise(doctor,
                          "Environment=OPENSSL_CONF=%s in the unit (nginx.conf: env "
                          "OPENSSL_CONF;), or the lines in the system's openssl.cnf",
                          conf);
    }
    if (modules) {
        zca_doctor_warn(doctor, "OPENSSL_MODULES is set to '%s' here: services do not see it",
                        modules);
        zca_doctor_advise(doctor, "module = %s/zca.so in zca's section of openssl.cnf", modules);
    }
}

void zca_doctor_openssl(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = zca_openssl_conf_path(&failure);
    check_environment(doctor);
    if (!path || !zca_openssl_conf_read(path, &doctor->openssl_conf, &failure)) {
        zca_doctor_fail(doctor, "openssl.cnf: %s", failure.message);
        zca_doctor_advise(doctor, "OPENSSL_CONF must name a file; the system's is %s/openssl.cnf",
                          OPENSSL_info(OPENSSL_INFO_CONFIG_DIR));
        return;
    }
    check_conf(doctor, path, &doctor->openssl_conf);
}
