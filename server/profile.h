/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of certificates the CA makes, and their extensions, as rows of a table. */
#ifndef ZCA_SERVER_PROFILE_H
#define ZCA_SERVER_PROFILE_H

#include <stdbool.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/error.h"

enum zca_profile_kind {
    ZCA_PROFILE_CA,           /* the organisation's own */
    ZCA_PROFILE_PLAIN,        /* QuickZTNA's: subject CN, CA:FALSE, key usage */
    ZCA_PROFILE_LEAF,         /* with names, extended key usage and key identifiers */
    ZCA_PROFILE_INTERMEDIATE, /* for a request, where the organisation allows it */
    ZCA_NUM_PROFILES
};

/* What a profile takes from outside. */
struct zca_profile_input {
    const X509 *issuer;              /* NULL: self-signed */
    const GENERAL_NAMES *names;      /* NULL: none */
    const EXTENDED_KEY_USAGE *usage; /* NULL: none; CAs never have any */
    unsigned key_usage;              /* bits of KU_*; 0: the profile's */
};

/** zca_profile_name returns the name that goes into records: "ca", "plain", "leaf", "intermediate". */
const char *zca_profile_name(enum zca_profile_kind kind);

/** zca_profile_apply adds the profile's extensions to a certificate that has its public key already.
 * err ZCA_ERR_CRYPTO. */
ZCA_NODISCARD bool zca_profile_apply(enum zca_profile_kind kind,
                                     const struct zca_profile_input *input, X509 *certificate,
                                     struct zca_error *err);

#endif
