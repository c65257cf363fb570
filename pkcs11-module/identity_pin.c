/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11-module/identity_pin.h"

#include "core/pin.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/module.h"

static const struct zca_pkcs11_code codes[] = {
    {ZCA_ERR_AUTH,      CKR_PIN_INCORRECT           },
    {ZCA_ERR_FORBIDDEN, CKR_PIN_LOCKED              },
    {ZCA_ERR_NOT_FOUND, CKR_USER_PIN_NOT_INITIALIZED},
    {ZCA_ERR_INVALID,   CKR_PIN_LEN_RANGE           }, /* the new one */
};

static CK_RV fail(struct zca_library *library, const struct zca_error *err)
{
    return zca_pkcs11_fail_by(library, err, codes, ZCA_COUNT(codes));
}

CK_RV zca_identity_pin_check(struct zca_pin_memory *memory, const struct zca_identity *identity,
                             struct zca_span pin)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_identity_get_library(identity);
    zca_module_outside();
    bool is_right = zca_pin_check(library, zca_identity_get_authority_name(identity),
                                  zca_identity_get_name(identity), pin, &err);
    zca_module_inside();
    OSSL_LIB_CTX *context = zca_library_context(library, NULL);
    if (is_right) {
        zca_pin_memory_keep(memory, context, pin);
        return CKR_OK;
    }
    CK_RV rv = err.reason == ZCA_ERR_SYSTEM ? zca_pin_memory_guess(memory, context, pin)
                                            : CKR_FUNCTION_FAILED;
    return rv == CKR_FUNCTION_FAILED ? fail(library, &err) : rv;
}

CK_RV zca_identity_pin_change(struct zca_pin_memory *memory, const struct zca_identity *identity,
                              struct zca_span old_pin, struct zca_span new_pin)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_identity_get_library(identity);
    zca_module_outside();
    bool is_changed = zca_pin_change(library, zca_identity_get_authority_name(identity),
                                     zca_identity_get_name(identity), old_pin, new_pin, &err);
    zca_module_inside();
    if (!is_changed) {
        return fail(library, &err);
    }
    zca_pin_memory_keep(memory, zca_library_context(library, NULL), new_pin);
    return CKR_OK;
}
