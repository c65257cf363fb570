/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process shares: configuration, directories, a private OpenSSL library context and the
 * table of zca-remote.so. Making one costs no file, no context and no socket: each part comes
 * to be on its first need. Several may exist in a process.
 */
#ifndef ZCA_CORE_LIBRARY_H
#define ZCA_CORE_LIBRARY_H

#include <openssl/crypto.h>
#include <openssl/provider.h>

#include "base/config.h"
#include "core/options.h"
#include "remote/remote.h"

struct zca_library;

struct zca_library_settings {
    const char *config_file; /* NULL: $ZCA_CONFIG, else the user's, else /etc/zca/zca.conf */
    const char *config_text; /* what would stand in it; NULL: what does */

    /* options of [zca] set from outside: name, value pairs; name NULL ends. NULL: none */
    const struct zca_setting {
        const char *name, *value;
    } * overrides;

    /* finds a crypto provider that the application has loaded already, so that none is loaded for its functions;
     * it stays loaded until after zca_library_free. NULL, or no such provider: the private context's */
    OSSL_PROVIDER *(*crypto_find)(void *argument, const char *name);
    void *crypto_argument;

    /* makes the private context; NULL: OSSL_LIB_CTX_new. The provider passes its new_from_dispatch. */
    OSSL_LIB_CTX *(*context_new)(void *argument);
    void *context_argument;

    /* keys of the private context are kept from ENGINEs of the application (own_names of base/view.h): for those who
     * sign with keys in it */
    bool keeps_from_engines;
};

/**
 * zca_library_new makes a library object. No file is read yet; settings are copied.
 * Returns NULL with ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD struct zca_library *zca_library_new(const struct zca_library_settings *settings,
                                                  struct zca_error *err);

/** zca_library_free closes clients and frees the context. In a forked child it closes nothing that
 * belongs to the parent. */
void zca_library_free(struct zca_library *library);
ZCA_DEFINE_AUTO(zca_library, struct zca_library, zca_library_free);

/** zca_library_enter is called by every door operation that may use locks or clients: after a fork it
 * forgets the parent's. Cheap. */
void zca_library_enter(struct zca_library *library);

/**
 * zca_library_config returns the configuration, read on first use and kept for the life of the
 * object. A missing file is an empty configuration only when no file was named.
 * Thread-safe. err ZCA_ERR_CONFIG, ZCA_ERR_SYSTEM; the error is remembered, not retried.
 */
ZCA_NODISCARD const struct zca_config *zca_library_config(struct zca_library *library,
                                                          struct zca_error *err);

/** zca_library_config_file returns the path that was or would be read; borrowed. */
const char *zca_library_config_file(struct zca_library *library);

/** zca_library_context returns the private context with the crypto provider loaded; thread-safe. */
ZCA_NODISCARD OSSL_LIB_CTX *zca_library_context(struct zca_library *library, struct zca_error *err);

/** zca_library_crypto returns the provider (default or fips) whose functions the doors forward to: the
 * application's own where there is one (docs/decisions/0008), else that of the private context. Thread-safe. */
ZCA_NODISCARD OSSL_PROVIDER *zca_library_crypto(struct zca_library *library, struct zca_error *err);

/** zca_library_secure_memory sets up memory for private values as the configuration says
 * (base/secure_memory.h): before the first secret is read or made. Cheap when it is there. */
void zca_library_secure_memory(struct zca_library *library);

/** zca_library_remote opens zca-remote.so on first use. err ZCA_ERR_UNSUPPORTED when `remote = off`,
 * ZCA_ERR_CONFIG when the file is missing or of another ABI, naming its path; ZCA_ERR_BUSY when the
 * calling thread is already inside a network operation. */
ZCA_NODISCARD const struct zca_remote *zca_library_remote(struct zca_library *library,
                                                          struct zca_error *err);

/**
 * zca_library_network_begin marks the calling thread as inside a network operation until
 * zca_library_network_end: whatever reaches core from within (a TLS key that is a zca URI) gets
 * ZCA_ERR_BUSY instead of a deadlock. Around every call of the remote table.
 */
ZCA_NODISCARD bool zca_library_network_begin(struct zca_library *library, struct zca_error *err);
void zca_library_network_end(struct zca_library *library);

/* Objects that live as long as the library, one of each; made on first need by their own file. */
enum zca_library_part {
    ZCA_PART_CRYPTO,
    ZCA_PART_KEYS,
    ZCA_PART_MEMORY,
    ZCA_PART_CERTIFICATES,
    ZCA_PART_CLIENTS,
    ZCA_PART_SEALING,
    ZCA_PART_ANCHORS,
    ZCA_PART_PUBLICS,
    ZCA_NUM_PARTS
};

struct zca_part_functions {
    void *(*make)(void);        /* NULL: out of memory */
    void (*free)(void *part);   /* called by zca_library_free before it frees the context */
    void (*forked)(void *part); /* in a child: fresh locks, whoever held them in the parent */
};

/**
 * zca_library_part returns the part, made on the first call; borrowed. Thread-safe: the part has its
 * own lock. A child finds it whole, whoever held that: it changes by single stores, or inside the gate
 * (base/gate.h), or `forked` empties it.
 *
 * functions   static.
 * err         ZCA_ERR_MEMORY.
 */
ZCA_NODISCARD void *zca_library_part(struct zca_library *library, enum zca_library_part part,
                                     const struct zca_part_functions *functions,
                                     struct zca_error *err);

/* Directories below the state directory, and where they lie. */
enum zca_place {
    ZCA_PLACE_KEYS,        /* state-dir/keys, 0700 */
    ZCA_PLACE_RUNTIME,     /* runtime-dir/keys, 0700 */
    ZCA_PLACE_CERTS,       /* state-dir/certs, 0755 */
    ZCA_PLACE_ORDERS,      /* state-dir/orders, 0700: journals, pending requests, locks */
    ZCA_PLACE_AUTHORITIES, /* state-dir/authorities, 0755: CA certificates; tokens inside are 0600 */
    ZCA_PLACE_TOKENS, /* state-dir/tokens, 0700: PKCS#11 tokens that keep what applications store */
    ZCA_NUM_PLACES
};

/**
 * zca_library_path returns "PLACE/authority/name" + suffix in new memory.
 *
 * authority, name   valid names (zca_name_valid), so the path stays below its place.
 * suffix            ".key", ".pem", ...
 */
ZCA_NODISCARD char *zca_library_path(struct zca_library *library, enum zca_place place,
                                     const char *authority, const char *name, const char *suffix,
                                     struct zca_error *err);

/** zca_library_directory returns "PLACE/authority" in new memory. */
ZCA_NODISCARD char *zca_library_directory(struct zca_library *library, enum zca_place place,
                                          const char *authority, struct zca_error *err);

/** zca_library_sealing_path returns "sealing.key" in the state or the runtime directory. Caller frees.
 * make_directory   before the first write. */
ZCA_NODISCARD char *zca_library_sealing_path(struct zca_library *library, bool is_runtime,
                                             bool make_directory, struct zca_error *err);

/** zca_library_prepare creates "PLACE/authority" with the place's mode. Before the first write. */
ZCA_NODISCARD bool zca_library_prepare(struct zca_library *library, enum zca_place place,
                                       const char *authority, struct zca_error *err);

/** zca_library_state_dir returns the state directory; borrowed. */
ZCA_NODISCARD const char *zca_library_state_dir(struct zca_library *library, struct zca_error *err);

/** zca_name_valid tells whether `name` may name an identity or authority: 1 to 128 characters of
 * letters, digits and "._-@*+", not starting with '.', so that it is also a safe file name. */
bool zca_name_valid(const char *name);

#endif
