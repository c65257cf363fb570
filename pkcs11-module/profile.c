/* SPDX-License-Identifier: Apache-2.0 */
/* Profile objects. */
#include "pkcs11-module/profile.h"

#include "pkcs11-module/create.h"

static bool is_profile(void *argument, struct zca_object *object)
{
    bool *found = argument;
    *found = object->class == CKO_PROFILE;
    return !*found;
}

static bool has_profiles(struct zca_token *token)
{
    bool found = false;
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    zca_objects_visit(token->objects, NULL, is_profile, &found);
    return found;
}

static CK_RV add(struct zca_token *token, CK_ULONG profile)
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
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(zca_object) struct zca_object *object = zca_object_new(values, NULL);
    if (!object) {
        return CKR_HOST_MEMORY;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    rv = zca_objects_add(token->objects, object);
    if (rv == CKR_OK) {
        object = NULL; /* the set's */
    }
    return rv;
}

CK_RV zca_profiles_add(struct zca_token *token, const CK_ULONG *profiles, size_t num_profiles)
{
    CK_RV rv = CKR_OK;
    if (has_profiles(token)) {
        return CKR_OK;
    }
    for (size_t i = 0; rv == CKR_OK && i < num_profiles; i++) {
        rv = add(token, profiles[i]);
    }
    return rv;
}
