/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of identities: one key pair, its certificate and chain, as core keeps them for the provider, too. A search looks
 * whether files changed, makes the key when somebody asks for keys, and requests a certificate when somebody who may use
 * the key asks for certificates.
 */
#include "core/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "core/import.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/generation.h"
#include "pkcs11-module/identity_credential.h"
#include "pkcs11-module/identity_pin.h"
#include "pkcs11-module/issue.h"
#include "pkcs11-module/profile.h"
#include "pkcs11-module/status.h"
#include "pkcs11-module/token.h"

struct identity {
    struct zca_identity *identity; /* one thread at a time: the mutex */
    const char *uri;               /* the identity's; for those who open their own */
    enum zca_pin_use pin_use;
    enum zca_issue_when when;
    struct zca_issue *issue;
    struct zca_pin_memory *pin;
    struct zca_identity_credential *credential;
    pthread_mutex_t
        mutex; /* around the reading of what is stored; inside the gate, never across the network */
    struct zca_generation_place place;
    struct zca_generation current;
};

static const CK_ULONG profiles[] = {
    CKP_BASELINE_PROVIDER,
    CKP_EXTENDED_PROVIDER,
    CKP_AUTHENTICATION_TOKEN,
    CKP_PUBLIC_CERTIFICATES_TOKEN,
};

/* ---- making ---- */

/* credential   see zca_identity_open_as. */
static struct zca_identity *open_identity(struct zca_library *library, const char *uri,
                                          const struct zca_buffer *credential,
                                          struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *parsed = zca_uri_parse(uri, err);
    return parsed ? zca_identity_open_as(library, parsed, credential, err) : NULL;
}

/* NAME of a section is "NAME" or "AUTHORITY/NAME": a URI without its scheme. */
static struct zca_identity *open_section(struct zca_library *library, const char *name,
                                         struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer uri = {0};
    if (!zca_buffer_format(&uri, err, "zca://%s", name) ||
        !zca_buffer_append(&uri, zca_span_of("", 1), err)) {
        return NULL;
    }
    return open_identity(library, (const char *)uri.data, NULL, err);
}

static size_t choice_of(const struct zca_library *library, const char *name,
                        enum zca_identity_option option)
{
    const struct zca_config *config = zca_library_config((struct zca_library *)library, NULL);
    return config ? zca_config_get_choice(config, "identity", name, &zca_identity_options[option])
                  : 0;
}

static bool make(struct zca_token *token, const char *name, const char **out_origin,
                 struct zca_error *err)
{
    struct identity *state = calloc(1, sizeof(*state));
    if (!state) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    token->state = state;
    (void)pthread_mutex_init(&state->mutex, NULL); /* cannot fail on Linux */
    state->identity = open_section(token->library, name, err);
    if (!state->identity) {
        return zca_error_context(err, "the token of identity '%s' is left out", name);
    }
    state->uri = zca_identity_get_uri(state->identity);
    state->pin_use = (enum zca_pin_use)choice_of(token->library, name, ZCA_IDENTITY_PIN);
    state->when = (enum zca_issue_when)choice_of(token->library, name, ZCA_IDENTITY_ISSUE);
    state->issue = zca_issue_new(token->library);
    state->pin = zca_pin_memory_new();
    state->credential = zca_identity_credential_new();
    if (!state->issue || !state->pin || !state->credential) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    if (!zca_generation_place_find(state->identity, &state->place, err)) {
        return false;
    }
    *out_origin = zca_authority_get_url(zca_identity_get_authority(state->identity));
    return true;
}

static void release(struct zca_token *token)
{
    struct identity *state = token->state;
    if (!state) {
        return;
    }
    zca_generation_clear(&state->current);
    zca_generation_place_clear(&state->place);
    zca_issue_free(state->issue);
    zca_pin_memory_free(state->pin);
    zca_identity_credential_free(state->credential);
    zca_identity_close(state->identity);
    (void)pthread_mutex_destroy(&state->mutex); /* nobody has it */
    free(state);
}

static void after_fork(struct zca_token *token)
{
    struct identity *state = token->state;
    zca_issue_after_fork(state->issue);
    if (token->module->is_strict) { /* then the child begins with nothing */
        zca_identity_credential_drop(state->credential);
    }
}

static CK_FLAGS flags(struct zca_token *token)
{
    const struct identity *state = token->state;
    return CKF_RNG | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED |
           (state->pin_use != ZCA_PIN_NONE ? CKF_LOGIN_REQUIRED : 0);
}

/* ---- what is stored ---- */

/* Between the two steps of a renewal there is a key without its certificate: the pair before it serves on. */
static bool is_step(const struct identity *state, const struct zca_generation *found)
{
    return state->current.chain && !found->chain && zca_chain_valid_now(state->current.chain);
}

/* err: NULL, or where a key that cannot be read is told. What is shown stays then: a worker without rights goes on. */
static CK_RV refresh(struct zca_token *token, struct zca_error *err)
{
    struct identity *state = token->state;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    zca_auto(zca_generation) struct zca_generation found = {0};
    if (zca_generation_is_current(&state->place, &state->current)) {
        return CKR_OK;
    }
    if (!zca_generation_read(state->identity, &state->place, &found, err)) {
        return CKR_OK;
    }
    bool has_nothing = found.public_key.len == 0 && !found.chain;
    if (has_nothing || is_step(state, &found)) {
        return CKR_OK;
    }
    if (zca_generation_same(&state->current, &found)) {
        state->current.key_status = found.key_status;
        state->current.certificate_status = found.certificate_status;
        return CKR_OK;
    }
    CK_RV rv = zca_generation_show(token, state->identity, state->pin_use != ZCA_PIN_NONE,
                                   &state->current, &found);
    if (rv == CKR_OK) {
        zca_generation_clear(&state->current);
        state->current = found;
        found = (struct zca_generation){0};
    }
    return rv;
}

static bool has_key(struct identity *state)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    return state->current.public_key.len != 0;
}

/* May wait for another process's lock, so outside the gate, and with an identity of its own. */
static CK_RV make_key(struct zca_token *token, const struct zca_key_type *type)
{
    struct identity *state = token->state;
    struct zca_error err = {0};
    zca_auto(zca_key) struct zca_key *key = NULL;
    zca_auto(zca_identity) struct zca_identity *identity =
        open_identity(token->library, state->uri, NULL, &err);
    if (identity) {
        zca_module_outside();
        key = zca_identity_make_key(identity, type ? type : zca_identity_get_key_type(identity),
                                    &err);
        zca_module_inside();
    }
    /* another process made one meanwhile, or the authority does: then it comes with the certificate */
    bool is_fine =
        key || (!type && (err.reason == ZCA_ERR_CONFLICT || err.reason == ZCA_ERR_UNSUPPORTED));
    return is_fine ? CKR_OK : zca_pkcs11_fail(token->library, &err);
}

/* ---- who asks the authority ---- */

/* The user, where the PIN is a credential: `copy` has it then. Else the host, by its files: NULL. */
static CK_RV find_asker(const struct identity *state, struct zca_buffer *copy,
                        const struct zca_buffer **out_credential)
{
    bool is_user = state->pin_use == ZCA_PIN_CREDENTIAL;
    *out_credential = is_user ? copy : NULL;
    return is_user ? zca_identity_credential_copy(state->credential, copy) : CKR_OK;
}

/* ---- C_FindObjectsInit ---- */

static bool asks_for(const struct zca_search *search, CK_OBJECT_CLASS class)
{
    return search->has_class && search->class == class;
}

static CK_RV search_keys(struct zca_token *token, const struct zca_search *search)
{
    struct identity *state = token->state;
    if (!search->is_open || state->when == ZCA_ISSUE_MANUAL || has_key(state)) {
        return CKR_OK;
    }
    CK_RV rv = make_key(token, NULL);
    return rv == CKR_OK ? refresh(token, NULL) : rv;
}

enum need { NEED_NOTHING, NEED_RENEWAL, NEED_CERTIFICATE };

static enum need need_of(struct identity *state)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    if (!state->current.chain || !zca_chain_valid_now(state->current.chain)) {
        return NEED_CERTIFICATE;
    }
    return state->current.due_s <= zca_clock_now_s() ? NEED_RENEWAL : NEED_NOTHING;
}

/* A renewal that fails is no failure of the search: what is there is good. */
static CK_RV issue(struct zca_token *token, enum need need, const struct zca_buffer *credential)
{
    struct identity *state = token->state;
    CK_RV rv = zca_issue_run(state->issue, state->uri, credential);
    CK_RV refreshed = refresh(token, NULL);
    return rv != CKR_OK && need == NEED_CERTIFICATE ? rv : refreshed;
}

static CK_RV search_certificates(struct zca_token *token, const struct zca_search *search)
{
    struct identity *state = token->state;
    enum need need = need_of(state);
    if (need == NEED_NOTHING || !search->is_open || state->when != ZCA_ISSUE_ON_DEMAND ||
        !zca_issue_may_run(state->issue)) {
        return CKR_OK;
    }
    zca_auto(zca_buffer) struct zca_buffer copy = ZCA_SECRET_BUFFER;
    const struct zca_buffer *credential = NULL;
    CK_RV rv = find_asker(state, &copy, &credential);
    return rv == CKR_OK ? issue(token, need, credential) : rv;
}

static CK_RV show_status(struct zca_token *token)
{
    struct identity *state = token->state;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    return zca_status_show(token, &state->current, state->issue);
}

static CK_RV search(struct zca_token *token, const struct zca_search *search)
{
    struct zca_error unreadable = {0};
    bool wants_key = asks_for(search, CKO_PRIVATE_KEY) || asks_for(search, CKO_PUBLIC_KEY);
    CK_RV rv = zca_profiles_add(token, profiles, ZCA_COUNT(profiles));
    if (rv == CKR_OK) {
        rv = refresh(token, &unreadable);
    }
    if (rv == CKR_OK && unreadable.reason != ZCA_ERR_NONE && wants_key && !has_key(token->state)) {
        rv = zca_pkcs11_fail(token->library, &unreadable);
    }
    if (rv == CKR_OK && wants_key) {
        rv = search_keys(token, search);
    }
    if (rv == CKR_OK && asks_for(search, CKO_CERTIFICATE)) {
        rv = search_certificates(token, search);
    }
    if (rv == CKR_OK && (!search->has_class || search->class == CKO_DATA)) {
        rv = show_status(token);
    }
    return rv;
}

/* ---- C_Login, C_SetPIN, C_GenerateKeyPair ---- */

static CK_RV check_local(struct identity *state, struct zca_span pin, struct zca_buffer *out_opened)
{
    (void)out_opened; /* nothing but the use of the key */
    return zca_identity_pin_check(state->pin, state->identity, pin);
}

static CK_RV check_credential(struct identity *state, struct zca_span pin,
                              struct zca_buffer *out_opened)
{
    bool is_doubtful = zca_issue_is_refused(state->issue);
    CK_RV rv = zca_identity_credential_check(state->credential, state->identity, pin, is_doubtful);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_issue_resume(state->issue);
    return zca_buffer_append(out_opened, pin, NULL) ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV login(struct zca_token *token, CK_USER_TYPE user, struct zca_span pin,
                   struct zca_buffer *out_opened)
{
    static CK_RV (*const checks[])(struct identity * state, struct zca_span pin,
                                   struct zca_buffer * out_opened) = {
        [ZCA_PIN_LOCAL] = check_local,
        [ZCA_PIN_CREDENTIAL] = check_credential,
    };
    struct identity *state = token->state;
    if (user != CKU_USER || !checks[state->pin_use]) {
        return CKR_USER_TYPE_INVALID;
    }
    CK_RV rv = checks[state->pin_use](state, pin, out_opened);
    if (rv == CKR_OK && state->when == ZCA_ISSUE_ON_LOGIN && need_of(state) != NEED_NOTHING &&
        zca_issue_may_run(state->issue)) {
        bool is_user = state->pin_use == ZCA_PIN_CREDENTIAL;
        (void)issue(token, NEED_RENEWAL, is_user ? out_opened : NULL); /* logged; this is good */
    }
    return rv;
}

static void keep(struct zca_token *token, struct zca_buffer *opened)
{
    struct identity *state = token->state;
    zca_identity_credential_keep(state->credential, opened);
}

static void logout(struct zca_token *token)
{
    struct identity *state = token->state;
    zca_identity_credential_drop(state->credential);
}

/* A credential is the authority's to change, and where none is asked for there is none. */
static CK_RV set_pin(struct zca_token *token, struct zca_span old_pin, struct zca_span new_pin)
{
    struct identity *state = token->state;
    return state->pin_use == ZCA_PIN_LOCAL
               ? zca_identity_pin_change(state->pin, state->identity, old_pin, new_pin)
               : CKR_TOKEN_WRITE_PROTECTED;
}

struct pair {
    struct zca_object *public_key, *private_key;
};

static bool find_pair(void *argument, struct zca_object *object)
{
    struct pair *pair = argument;
    if (object->owner == 0 && !object->is_superseded && object->class == CKO_PUBLIC_KEY) {
        pair->public_key = object;
    }
    if (object->owner == 0 && !object->is_superseded && object->class == CKO_PRIVATE_KEY) {
        pair->private_key = object;
    }
    return true;
}

/* The name of the token is the name of the key: there is one. */
static CK_RV generate(struct zca_token *token, const char *key_type, struct zca_object **out_public,
                      struct zca_object **out_private)
{
    struct pair pair = {0};
    const struct zca_key_type *type = zca_key_type_find(key_type);
    if (!type) {
        return CKR_KEY_SIZE_RANGE;
    }
    CK_RV rv = make_key(token, type);
    if (rv == CKR_OK) {
        rv = refresh(token, NULL);
    }
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    zca_objects_visit(token->objects, NULL, find_pair, &pair);
    if (!pair.public_key || !pair.private_key) {
        return CKR_DEVICE_ERROR;
    }
    *out_public = zca_object_ref(pair.public_key);
    *out_private = zca_object_ref(pair.private_key);
    return CKR_OK;
}

/* ---- C_CreateObject ---- */

struct certificate {
    struct zca_span der;
    struct zca_object *found;
};

static bool find_certificate(void *argument, struct zca_object *object)
{
    struct certificate *certificate = argument;
    struct zca_span value = {0};
    bool is_shown = object->owner == 0 && object->class == CKO_CERTIFICATE && !object->is_hidden &&
                    !object->is_superseded;
    if (is_shown && zca_values_find(object->values, CKA_VALUE, &value) &&
        zca_span_equal(value, certificate->der)) {
        certificate->found = object;
    }
    return !certificate->found;
}

static struct zca_object *ref_certificate(struct zca_token *token, struct zca_span der)
{
    struct certificate certificate = {.der = der};
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    zca_objects_visit(token->objects, NULL, find_certificate, &certificate);
    return certificate.found ? zca_object_ref(certificate.found) : NULL;
}

static CK_RV store_certificate(struct zca_token *token, struct zca_span der)
{
    static const struct zca_pkcs11_code codes[] = {
        {ZCA_ERR_VERIFY,  CKR_ATTRIBUTE_VALUE_INVALID},
        {ZCA_ERR_EXPIRED, CKR_ATTRIBUTE_VALUE_INVALID},
        {ZCA_ERR_INVALID, CKR_ATTRIBUTE_VALUE_INVALID},
    };
    struct identity *state = token->state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer copy = ZCA_SECRET_BUFFER;
    const struct zca_buffer *credential = NULL;
    CK_RV rv = find_asker(state, &copy, &credential);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_module_outside();
    zca_auto(zca_identity) struct zca_identity *identity =
        open_identity(token->library, state->uri, credential, &err);
    bool is_stored = identity && zca_import(identity, der, &err);
    zca_module_inside();
    return is_stored ? refresh(token, NULL)
                     : zca_pkcs11_fail_by(token->library, &err, codes, ZCA_COUNT(codes));
}

/* What the token shows already is no import: programs write the whole chain. */
static CK_RV import(struct zca_token *token, struct zca_span der, struct zca_object **out_object)
{
    CK_RV rv = refresh(token, NULL);
    *out_object = rv == CKR_OK ? ref_certificate(token, der) : NULL;
    if (rv != CKR_OK || *out_object) {
        return rv;
    }
    rv = store_certificate(token, der);
    *out_object = rv == CKR_OK ? ref_certificate(token, der) : NULL;
    return rv == CKR_OK && !*out_object ? CKR_DEVICE_ERROR : rv;
}

const struct zca_token_kind zca_token_identity = {
    .model = "zca identity",
    .min_pin = 4,
    .max_pin = ZCA_MAX_PIN,
    .places = ZCA_ON_LOCAL,
    .make = make,
    .free = release,
    .after_fork = after_fork,
    .flags = flags,
    .search = search,
    .login = login,
    .keep = keep,
    .logout = logout,
    .set_pin = set_pin,
    .generate = generate,
    .import = import,
};
