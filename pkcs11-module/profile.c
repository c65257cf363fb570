/* SPDX-License-Identifier: Apache-2.0 */
/* Profile objects. */
#include "pkcs11-module/profile.h"

#include "pkcs11-module/rules.h"

static bool has_profiles(struct zca_token *token)
{
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    return token->has_profiles;
}

static CK_RV make(CK_ULONG profile, struct zca_object **out_object)
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
    *out_object = zca_steal(object);
    return CKR_OK;
}

/* Two threads may come together: one of them has made them in vain. */
static CK_RV show(struct zca_token *token, struct zca_object **objects, size_t num_objects)
{
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && !token->has_profiles && i < num_objects; i++) {
        rv = zca_objects_add(token->objects, objects[i]);
        if (rv == CKR_OK) {
            objects[i] = NULL; /* the set's */
        }
    }
    token->has_profiles = true;
    return rv;
}

CK_RV zca_profiles_add(struct zca_token *token, const CK_ULONG *profiles, size_t num_profiles)
{
    struct zca_object *objects[ZCA_MAX_PROFILES] = {NULL};
    CK_RV rv = CKR_OK;
    if (has_profiles(token)) {
        return CKR_OK;
    }
    for (size_t i = 0; rv == CKR_OK && i < num_profiles; i++) {
        rv = make(profiles[i], &objects[i]);
    }
    if (rv == CKR_OK) {
        rv = show(token, objects, num_profiles);
    }
    for (size_t i = 0; i < ZCA_COUNT(objects); i++) {
        zca_object_free(objects[i]);
    }
    return rv;
}
