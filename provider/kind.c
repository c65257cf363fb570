/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/kind.h"

#include <stddef.h>

#include <openssl/evp.h>

const struct zca_kind_row zca_kinds[ZCA_NUM_KINDS] = {
    [ZCA_KIND_EC] = {"EC",      "ECDSA",   "ZCA-ECDSA",   "ECDH", NULL,  EVP_PKEY_EC     },
    [ZCA_KIND_RSA] = {"RSA",     "RSA",     "ZCA-RSA",     NULL,   "RSA", EVP_PKEY_RSA    },
    [ZCA_KIND_ED25519] = {"ED25519", "ED25519", "ZCA-ED25519", NULL,   NULL,  EVP_PKEY_ED25519},
};
