/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for tools that take no URI: certificate file, key reference, and the bundle (reference, leaf,
 * chain in one PEM). Each written atomically and durably, "FILE.previous" kept,
 * except of a key in the clear that the keystore has.
 */
#ifndef ZCA_CORE_DEPLOY_H
#define ZCA_CORE_DEPLOY_H

#include "core/identity.h"

struct zca_deploy {
    const char *certificate_file; /* leaf and chain, 0644; NULL: none */
    const char *key_file;         /* key reference, 0600; NULL: none */
    const char *bundle_file;      /* reference, leaf, chain, 0600; NULL: none */
    bool plain_key; /* the key itself instead of a reference: allow-plain-key must be yes */
    bool sealed;    /* put the sealed key into the reference */
};

/** zca_deploy_write writes the files of `deploy` from what the identity has stored; all contents are
 * prepared before the first file changes, and files that hold them already are left alone. Takes the
 * identity's lock. err ZCA_ERR_INVALID when a file is named twice; ZCA_ERR_POLICY when a plain key is not allowed; ZCA_ERR_CONFLICT when key and
 * certificate do not belong together. */
ZCA_NODISCARD bool zca_deploy_write(struct zca_identity *identity, const struct zca_deploy *deploy,
                                    struct zca_error *err);

/** zca_deploy_differs tells whether zca_deploy_write would change a file. Sealed references always do. */
ZCA_NODISCARD bool zca_deploy_differs(struct zca_identity *identity,
                                      const struct zca_deploy *deploy, bool *out_differs,
                                      struct zca_error *err);

/** zca_deploy_settings fills `out_deploy` from the identity's options; true when any is set. */
bool zca_deploy_settings(const struct zca_identity *identity, struct zca_deploy *out_deploy);

#endif
