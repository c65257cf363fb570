/* SPDX-License-Identifier: Apache-2.0 */
/* Generation of keys: provider-keymgmt(7), function by function. */
#ifndef ZCA_PROVIDER_GENERATION_H
#define ZCA_PROVIDER_GENERATION_H

#include <openssl/core_dispatch.h>

OSSL_FUNC_keymgmt_gen_init_fn zca_generation_init_ec, zca_generation_init_rsa,
    zca_generation_init_ed25519;
OSSL_FUNC_keymgmt_gen_set_template_fn zca_generation_set_template;
OSSL_FUNC_keymgmt_gen_set_params_fn zca_generation_set_params;
OSSL_FUNC_keymgmt_gen_settable_params_fn zca_generation_settable_params_ec,
    zca_generation_settable_params_rsa, zca_generation_settable_params_ed25519;
OSSL_FUNC_keymgmt_gen_fn zca_generation_generate;
OSSL_FUNC_keymgmt_gen_cleanup_fn zca_generation_cleanup;

#endif
