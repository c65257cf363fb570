/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca doctor's look at the modules: zca.so is where it is looked for and loads, with the other half that
 * belongs to it, in a libcrypto that is not too old. OpenSSL is silent about a provider that does not load.
 */
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/provider.h>
#include <openssl/store.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/authority.h"
#include "tool/doctor.h"

ZCA_DEFINE_AUTO(OSSL_LIB_CTX, OSSL_LIB_CTX, OSSL_LIB_CTX_free);

/* The file that programs would load: what openssl.cnf names, or zca.so, in the modules directory. */
static char *find_module(const struct zca_doctor *doctor)
{
    const char *named = secure_getenv("OPENSSL_MODULES");
    const char *directory = named ? named : OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
    const char *module = doctor->openssl_conf.zca_module;
    if (module && *module == '/') {
        return strdup(module);
    }
    return zca_path_join(directory ? directory : "/", module ? module : "zca.so", "", NULL);
}

static void check_version(struct zca_doctor *doctor, const OSSL_PROVIDER *provider,
                          const char *path)
{
    const char *version = NULL;
    OSSL_PARAM params[] = {
        {OSSL_PROV_PARAM_VERSION, OSSL_PARAM_UTF8_PTR, &version, 0, 0},
        {NULL,                    0,                   NULL,     0, 0}
    };
    bool told = OSSL_PROVIDER_get_params(provider, params) == 1 && version;
    if (!told || strcmp(version, ZCA_VERSION) != 0) {
        zca_doctor_fail(doctor, "provider '%s' is of version %s, this command is of " ZCA_VERSION,
                        path, told ? version : "unknown");
        zca_doctor_advise(doctor, "install both from one build (ninja install)");
    }
}

/* Opening a store opens zca-core.so, and reads nothing yet. */
static bool check_core(struct zca_doctor *doctor, OSSL_LIB_CTX *context, const char *path)
{
    const char *data = NULL;
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex("zca:///", context, NULL, NULL, NULL, NULL, NULL, NULL);
    if (store) {
        (void)OSSL_STORE_close(store); /* it was only tried */
        return true;
    }
    unsigned long code = ERR_peek_last_error_all(NULL, NULL, NULL, &data, NULL);
    const char *known = ERR_reason_error_string(code);
    const char *reason = known ? known : "no reason given";
    zca_doctor_fail(doctor, "provider '%s' loads, but serves nothing: %s", path,
                    data && *data != '\0' ? data : reason);
    zca_doctor_advise(doctor, "install zca.so and zca-core.so from one build (ninja install)");
    return false;
}

/* As OpenSSL does it: the entry point, then the first call, in a context of its own. */
static bool load_module(struct zca_doctor *doctor, const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed: it is marked so */
    const char *why = module ? NULL : dlerror();
    if (!module) {
        zca_doctor_fail(doctor, "provider '%s' cannot be loaded: %s", path, why ? why : "unknown");
        zca_doctor_advise(doctor, "install zca anew (ninja install); ldd %s tells what it needs",
                          path);
        return false;
    }
    if (!dlsym(module, "OSSL_provider_init")) {
        zca_doctor_fail(doctor, "'%s' is not an OpenSSL provider", path);
        zca_doctor_advise(doctor, "module = /path/zca.so in zca's section of openssl.cnf");
        return false;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(OSSL_LIB_CTX) OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *provider = context ? OSSL_PROVIDER_load(context, path) : NULL;
    if (!provider) {
        zca_doctor_fail(doctor, "provider '%s' refuses to start", path);
        zca_doctor_advise(doctor, "install zca anew (ninja install), for this libcrypto");
        return false;
    }
    check_version(doctor, provider, path);
    bool serves = check_core(doctor, context, path);
    (void)OSSL_PROVIDER_unload(provider); /* it was only tried */
    return serves;
}

/* A library that is older than the headers may lack what was found in them. */
static void check_libcrypto(struct zca_doctor *doctor)
{
    if (OpenSSL_version_num() < OPENSSL_VERSION_NUMBER) {
        zca_doctor_warn(doctor, "libcrypto is %s, but zca was built with " OPENSSL_VERSION_STR,
                        OpenSSL_version(OPENSSL_VERSION_STRING));
        zca_doctor_advise(doctor, "apt-get install --only-upgrade libssl3");
    }
}

void zca_doctor_module(struct zca_doctor *doctor)
{
    zca_auto(text) char *path = find_module(doctor);
    check_libcrypto(doctor);
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
        zca_doctor_advise(doctor, "remote = auto in [zca] of %s",
                          zca_library_config_file(doctor->tool->library));
    } else {
        zca_doctor_fail(doctor, "%s", failure.message);
        zca_doctor_advise(doctor, "remote-library = /path/zca-remote.so in %s",
                          zca_library_config_file(doctor->tool->library));
    }
}
