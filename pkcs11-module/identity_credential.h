/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The credential of an identity token (`pin = credential`): the PIN is a token of the authority, which C_Login shows to the
 * authority and which this process's requests for the identity carry until C_Logout. It is on no disk.
 */
#ifndef ZCA_PKCS11_MODULE_IDENTITY_CREDENTIAL_H
#define ZCA_PKCS11_MODULE_IDENTITY_CREDENTIAL_H

#include "core/identity.h"
#include "pkcs11-module/cryptoki.h"

struct zca_identity_credential; /* one a token; safe from several threads */

/** zca_identity_credential_new: NULL is out of memory. */
struct zca_identity_credential *zca_identity_credential_new(void);
void zca_identity_credential_free(struct zca_identity_credential *credential);

/**
 * zca_identity_credential_check asks the authority whether this is a credential. One that was good in this process, and does
 * not say that it has expired since, is good without asking: the next request tells. The caller is inside the gate and is
 * outside meanwhile.
 *
 * is_doubtful   whatever was good before is to be asked again: a request was refused.
 *
 * CKR_PIN_INCORRECT: refused. CKR_PIN_EXPIRED: refused, and it has expired. Else the CK_RV of the failure, which is logged.
 */
ZCA_NODISCARD CK_RV zca_identity_credential_check(struct zca_identity_credential *credential,
                                                  const struct zca_identity *identity,
                                                  struct zca_span pin, bool is_doubtful);

/** zca_identity_credential_keep takes what requests are to carry from now on. Also under the module's lock. */
void zca_identity_credential_keep(struct zca_identity_credential *credential,
                                  struct zca_buffer *secret);

/** zca_identity_credential_copy appends what is kept, nothing before a login. `out_copy` must be secret. */
ZCA_NODISCARD CK_RV zca_identity_credential_copy(struct zca_identity_credential *credential,
                                                 struct zca_buffer *out_copy);

/** zca_identity_credential_drop wipes what is kept. Drops memory only: also under the module's lock. */
void zca_identity_credential_drop(struct zca_identity_credential *credential);

/**
 * zca_identity_open_as opens an identity whose requests carry a credential.
 *
 * credential   NULL: that of the configured files. Empty: its user is not logged in any more.
 * err          ZCA_ERR_AUTH: it is empty; those of zca_identity_open.
 */
ZCA_NODISCARD struct zca_identity *zca_identity_open_as(struct zca_library *library,
                                                        const struct zca_uri *uri,
                                                        const struct zca_buffer *credential,
                                                        struct zca_error *err);

#endif
