/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca doctor's look at OpenSSL: what openssl.cnf activates, and whether zca.so is where it is looked
 * for and can be loaded. OpenSSL itself is silent about a provider that does not load.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/authority.h"
#include "tool/doctor.h"
#include "tool/openssl_conf.h"

ZCA_DEFINE_AUTO(OSSL_LIB_CTX, OSSL_LIB_CTX, OSSL_LIB_CTX_free);

/* ---- openssl.cnf ---- */

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
    check_config_file(doctor, conf);
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
    }
}

void zca_doctor_openssl(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    zca_auto(text) char *path = zca_openssl_conf_path(&failure);
    check_environment(doctor);
    if (!path || !zca_openssl_conf_read(path, &conf, &failure)) {
        zca_doctor_fail(doctor, "openssl.cnf: %s", failure.message);
        zca_doctor_advise(doctor, "OPENSSL_CONF must name a file; the system's is %s/openssl.cnf",
                          OPENSSL_info(OPENSSL_INFO_CONFIG_DIR));
        return;
    }
    check_conf(doctor, path, &conf);
}

/* ---- zca.so ---- */

/* The file that programs would load: named in openssl.cnf, or found in the modules directory. */
static char *find_module(void)
{
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    zca_auto(text) char *path = zca_openssl_conf_path(NULL);
    const char *named = secure_getenv("OPENSSL_MODULES");
    const char *directory = named ? named : OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    bool read = path && zca_openssl_conf_read(path, &conf, NULL);
    if (read && conf.zca_module && conf.zca_module[0] == '/') {
        return strdup(conf.zca_module);
    }
    return zca_path_join(directory ? directory : "/", "zca.so", "", NULL);
}

/* As OpenSSL does it: the entry point, then the first call, in a context of its own. */
static bool load_module(struct zca_doctor *doctor, const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed: it is marked so */
    const char *why = module ? NULL : dlerror();
    if (!module) {
        zca_doctor_fail(doctor, "provider '%s' cannot be loaded: %s", path, why ? why : "unknown");
        return false;
    }
    if (!dlsym(module, "OSSL_provider_init")) {
        zca_doctor_fail(doctor, "'%s' is not an OpenSSL provider", path);
        return false;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(OSSL_LIB_CTX) OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider = context ? OSSL_PROVIDER_load(context, path) : NULL;
    if (!provider) {
        zca_doctor_fail(doctor, "provider '%s' refuses to start", path);
        return false;
    }
    (void)OSSL_PROVIDER_unload(provider); /* it was only tried */
    return true;
}

void zca_doctor_module(struct zca_doctor *doctor)
{
    zca_auto(text) char *path = find_module();
    if (!path) {
        zca_doctor_fail(doctor, "out of memory");
        return;
    }
    if (access(path, F_OK) != 0) {
        zca_doctor_fail(doctor, "there is no provider '%s'", path);
        zca_doctor_advise(doctor, "install zca there (ninja install), or name the file: module = "
                                  "/path/zca.so in zca's section of openssl.cnf");
    } else if (load_module(doctor, path)) {
        zca_doctor_ok(doctor, "provider '%s' loads", path);
    }
}

void zca_doctor_remote(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (!doctor->config) {
        return;
    }
    const struct zca_remote *remote = zca_library_remote(doctor->tool->library, &failure);
    if (remote) {
        zca_doctor_ok(doctor, "zca-remote.so %s", remote->version);
    } else if (failure.reason == ZCA_ERR_UNSUPPORTED) {
        zca_doctor_warn(doctor, "the network is off (remote = off): nothing is issued or renewed");
    } else {
        zca_doctor_fail(doctor, "%s", failure.message);
        zca_doctor_advise(doctor, "remote-library = /path/zca-remote.so in %s",
                          zca_library_config_file(doctor->tool->library));
    }
}
