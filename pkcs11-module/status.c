/* SPDX-License-Identifier: Apache-2.0 */
/* The status object. */
#include "pkcs11-module/status.h"

#include "base/clock.h"
#include "pkcs11-module/rules.h"

static const char label[] = "zca status";

static const char *state_of(const struct zca_generation *current)
{
    int64_t now_s = zca_clock_now_s();
    if (!current->chain) {
        return "none";
    }
    if (zca_chain_get_not_after_s(current->chain) <= now_s) {
        return "expired";
    }
    return current->due_s <= now_s ? "due" : "valid";
}

static bool add_time(struct zca_buffer *json, const char *name, int64_t time_s)
{
    char text[ZCA_RFC3339_SIZE];
    zca_clock_format(time_s * 1000, text);
    return zca_buffer_format(json, NULL, "\"%s\":\"%s\",", name, text);
}

static bool format(const struct zca_generation *current, struct zca_issue *issue,
                   struct zca_buffer *json)
{
    bool ok = zca_buffer_format(json, NULL, "{\"certificate\":\"%s\",", state_of(current));
    if (ok && current->chain) {
        ok = add_time(json, "not_after", zca_chain_get_not_after_s(current->chain)) &&
             add_time(json, "next_renewal", current->due_s);
    }
    return ok && zca_issue_status(issue, json, NULL) && zca_buffer_append_text(json, "}", NULL);
}

static CK_RV make_values(const char *state, struct zca_span json, struct zca_values **out_values)
{
    const struct zca_template none = {0};
    CK_RV rv = zca_values_from_template(CKO_DATA, &none, ZCA_ORIGIN_LOAD, out_values);
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(*out_values, CKA_TOKEN, true);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(*out_values, CKA_MODIFIABLE, false);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_boolean(*out_values, CKA_DESTROYABLE, false);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_text(*out_values, CKA_LABEL, label);
    }
    if (rv == CKR_OK) {
        rv = zca_values_set_text(*out_values, CKA_ZCA_STATE, state);
    }
    return rv == CKR_OK ? zca_values_set(*out_values, CKA_VALUE, json) : rv;
}

static bool is_status(void *argument, struct zca_object *object)
{
    struct zca_object **found = argument;
    struct zca_span text = {0};
    bool is_ours = object->class == CKO_DATA && object->owner == 0 &&
                   zca_values_find(object->values, CKA_LABEL, &text) &&
                   zca_span_equal(text, zca_span_text(label));
    *found = is_ours ? object : NULL;
    return !is_ours;
}

static CK_RV add(struct zca_objects *objects, struct zca_values *values)
{
    zca_auto(zca_object) struct zca_object *object = zca_object_new(values, NULL);
    CK_RV rv = object ? zca_objects_add(objects, object) : CKR_HOST_MEMORY;
    if (rv == CKR_OK) {
        object = NULL; /* the set's */
    }
    return rv;
}

CK_RV zca_status_show(struct zca_token *token, const struct zca_generation *current,
                      struct zca_issue *issue)
{
    struct zca_object *found = NULL;
    zca_auto(zca_buffer) struct zca_buffer json = {0};
    zca_auto(zca_values) struct zca_values *values = NULL;
    if (!format(current, issue, &json)) {
        return CKR_HOST_MEMORY;
    }
    CK_RV rv = make_values(state_of(current), zca_buffer_span(&json), &values);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    zca_objects_visit(token->objects, NULL, is_status, &found);
    if (!found) {
        return add(token->objects, zca_steal(values));
    }
    zca_objects_replace_values(token->objects, found, zca_steal(values));
    return CKR_OK;
}
