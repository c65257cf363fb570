/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/kind.h"

#include <stddef.h>

#include <openssl/evp.h>

const struct zca_kind_row zca_kinds[ZCA_NUM_KINDS] = {
    [ZCA_KIND_EC] = {.keymgmt = "EC",
                     .nid = EVP_PKEY_EC,
                     .signature = {"ECDSA", "ZCA-ECDSA"},
                     .exchange = {"ECDH", "ZCA-ECDH"}},
    [ZCA_KIND_RSA] = {.keymgmt = "RSA",
                     .nid = EVP_PKEY_RSA,
                     .signature = {"RSA", "ZCA-RSA"},
                     .cipher = {"RSA", "ZCA-RSA"}},
    [ZCA_KIND_ED25519] = {.keymgmt = "ED25519",
                     .nid = EVP_PKEY_ED25519,
                     .signature = {"ED25519", "ZCA-ED25519"}},
};
