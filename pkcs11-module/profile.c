/* SPDX-License-Identifier: Apache-2.0 */
/* Profile objects. */
#include "pkcs11-module/profile.h"

#include "pkcs11-module/batch.h"
#include "pkcs11-module/rules.h"

static bool has_profiles(struct zca_token *token)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return token->has_profiles;
}

static CK_RV make(CK_ULONG profile, struct zca_batch *batch)
{
    CK_OBJECT_CLASS class = CKO_PROFILE;
    CK_BBOOL is_token = CK_TRUE;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,      &class,    sizeof(class)   },
        {CKA_TOKEN,      &is_token, sizeof(is_token)},
        {CKA_PROFILE_ID, &profile,  sizeof(profile) },
    };
    const struct zca_template template = {attributes, ZCA_COUNT(attributes)};
    struct zca_values *values = NULL;
    CK_RV rv = zca_values_from_template(class, &template, ZCA_ORIGIN_LOAD, &values);
    return rv == CKR_OK ? zca_batch_add(batch, values, NULL) : rv;
}

/* Two threads may come together: one of them has made them in vain. */
static CK_RV show(struct zca_token *token, struct zca_batch *batch)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    if (token->has_profiles) {
        return CKR_OK;
    }
    CK_RV rv = zca_batch_prepare(batch, token->objects);
    if (rv == CKR_OK) {
        zca_batch_show(batch, token->objects);
        token->has_profiles = true;
    }
    return rv;
}

CK_RV zca_profiles_add(struct zca_token *token, const CK_ULONG *profiles, size_t num_profiles)
{
    zca_auto(zca_batch) struct zca_batch batch = {.count = 0};
    CK_RV rv = CKR_OK;
    if (has_profiles(token)) {
        return CKR_OK;
    }
    for (size_t i = 0; rv == CKR_OK && i < num_profiles; i++) {
        rv = make(profiles[i], &batch);
    }
    return rv == CKR_OK ? show(token, &batch) : rv;
}
