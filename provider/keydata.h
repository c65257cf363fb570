/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OpenSSL calls key data: a key of the default provider, plus what we know of it. A key of an
 * identity or an authority has a URI and does not leave; one without is an ordinary key.
 */
#ifndef ZCA_PROVIDER_KEYDATA_H
#define ZCA_PROVIDER_KEYDATA_H

#include <stdatomic.h>

#include "base/auto.h"
#include "provider/overlay.h"

#define ZCA_NUM_PREPARED 4 /* digests a key is used with; further ones work, slower */

struct zca_key;      /* core/key.h */
struct zca_prepared; /* provider/prepared.h */

struct zca_keydata {
    atomic_int references;
    struct zca_provider *provider;
    const struct zca_overlay *overlay;
    enum zca_kind kind;
    void *inner;         /* key data of the default provider; public only when remote */
    struct zca_key *key; /* the identity's key that `inner` is of, counted; NULL: none */
    bool is_shared;      /* `inner` belongs to `key`, and is not to be changed */
    char *uri;           /* canonical; NULL: an anonymous key */
    char *authority;     /* whose remote key this is; NULL: a local key */
    _Atomic(struct zca_prepared *) prepared[ZCA_NUM_PREPARED]; /* filled from the front */
};

/** zca_keydata_new returns an empty key without URI. NULL on failure. */
ZCA_NODISCARD struct zca_keydata *zca_keydata_new(struct zca_provider *provider,
                                                  enum zca_kind kind);

/** zca_keydata_new_inner returns a key around the default provider's `inner`, which it takes, also on
 * failure. NULL on failure, or when inner is NULL. */
ZCA_NODISCARD struct zca_keydata *zca_keydata_new_inner(struct zca_provider *provider,
                                                        enum zca_kind kind, void *inner);

/** zca_keydata_new_shared returns a key around the `inner` of `key`, of which it takes a new reference. NULL on
 * failure. */
ZCA_NODISCARD struct zca_keydata *zca_keydata_new_shared(struct zca_provider *provider,
                                                         enum zca_kind kind, struct zca_key *key,
                                                         void *inner);

struct zca_keydata *zca_keydata_ref(struct zca_keydata *keydata);
void zca_keydata_free(struct zca_keydata *keydata);
ZCA_DEFINE_AUTO(zca_keydata, struct zca_keydata, zca_keydata_free);

/** zca_keydata_functions returns the key management functions for the inner key; borrowed. */
static inline const struct zca_functions *zca_keydata_functions(const struct zca_keydata *keydata)
{
    return &keydata->overlay->keymgmt[keydata->kind];
}

#endif
