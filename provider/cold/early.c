/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dovecot's login process reads its key after chroot(2) and setuid(2), but initialises OpenSSL before.
 * Asked for by zca-keep-sealing-key in openssl.cnf alone: other processes read nothing in advance.
 */
#include "provider/cold/early.h"

#include "base/openssl_auto.h"
#include "core/keystore.h"
#include "core/library.h"
#include "provider/cold/error.h"

static void load_sealing_key(struct zca_library *library, enum zca_keystore_kind kind)
{
    zca_auto(zca_buffer) struct zca_buffer key = ZCA_SECRET_BUFFER;
    bool loaded = zca_sealing_key_load(library, kind, false, &key, NULL);
    (void)loaded; /* there may be none yet, or none for this user; core keeps what it has read */
}

void zca_early_load(struct zca_provider *provider)
{
    zca_auto(errno) int saved_errno = errno;
    zca_auto(error_mark) int mark = ERR_set_mark();
    const struct zca_config *config = zca_library_config(provider->library, NULL);
    if (!config || !zca_config_get_boolean(config, "zca", NULL,
                                           &zca_library_options[ZCA_LIBRARY_KEEP_SEALING])) {
        return;
    }
    zca_provider_open_log(provider);
    load_sealing_key(provider->library, ZCA_KEYSTORE_RUNTIME);
    load_sealing_key(provider->library, ZCA_KEYSTORE_FILE);
    const OSSL_LIB_CTX *context = zca_library_context(provider->library, NULL);
    (void)context; /* its provider may be a file, too; a failure is told when it is needed */
}
