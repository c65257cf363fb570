/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of authorities, read-only: the CA's certificates, its public key, and, where the authority signs structures that it
 * can inspect, its private key. Everybody may look; who may have something signed is the authority's to say.
 */
#include "core/authority.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/openssl_auto.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/issuer.h"
#include "pkcs11-module/profile.h"
#include "pkcs11-module/signature.h"
#include "pkcs11-module/turn.h"

/* What is known about what an authority can do. */
enum knowledge { NOT_ASKED, CAN_NOT, CAN };

struct authority {
    char *name;
    char *url;
    char *file; /* the CA's certificates: option issuer, or what was pinned */
    bool is_trusted;
    bool has_trust;
    long timeout_ms;
    struct zca_turn *turn; /* at fetching the certificates */
    _Atomic(enum knowledge) can_sign;
    _Atomic(enum knowledge) can_tell; /* its certificates */

    pthread_mutex_t
        mutex; /* around the reading of the file; inside the gate, never across the network */
    struct stat status; /* of the file when it was read */
    bool is_read;
    bool is_shown, is_key_shown;
};

static const CK_ULONG profiles[] = {
    CKP_BASELINE_PROVIDER,
    CKP_EXTENDED_PROVIDER,
    CKP_PUBLIC_CERTIFICATES_TOKEN,
};

/* ---- making ---- */

static long read_timeout_ms(const struct zca_config *config, const char *name)
{
    long timeout_s = zca_config_get_number(config, "authority", name,
                                           &zca_authority_options[ZCA_AUTHORITY_TIMEOUT]);
    if (timeout_s <= 0) {
        timeout_s =
            zca_config_get_number(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_TIMEOUT]);
    }
    return timeout_s * 1000;
}

static char *find_file(const struct zca_authority *authority, struct zca_error *err)
{
    const char *issuer = zca_authority_get_text(authority, ZCA_AUTHORITY_ISSUER);
    if (!issuer) {
        return zca_library_path(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                                zca_authority_get_name(authority), "ca.pem", "", err);
    }
    char *copy = strdup(issuer);
    if (!copy) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory"); /* NULL tells */
    }
    return copy;
}

static bool fill(struct authority *state, const struct zca_authority *authority,
                 const struct zca_config *config, struct zca_error *err)
{
    const char *name = zca_authority_get_name(authority);
    state->name = strdup(name);
    state->url = strdup(zca_authority_get_url(authority));
    state->turn = zca_turn_new(zca_authority_get_library(authority));
    state->is_trusted = zca_authority_get_text(authority, ZCA_AUTHORITY_ISSUER) != NULL;
    state->has_trust = zca_config_get_boolean(config, "authority", name,
                                              &zca_authority_options[ZCA_AUTHORITY_NSS_TRUST]);
    state->timeout_ms = read_timeout_ms(config, name);
    if (!state->name || !state->url || !state->turn) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    state->file = find_file(authority, err);
    return state->file;
}

static bool make(struct zca_token *token, const char *name, const char **out_origin,
                 struct zca_error *err)
{
    struct authority *state = calloc(1, sizeof(*state));
    if (!state) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
    }
    token->state = state;
    (void)pthread_mutex_init(&state->mutex, NULL); /* cannot fail on Linux */
    const struct zca_config *config = zca_library_config(token->library, err);
    zca_auto(zca_authority) struct zca_authority *authority =
        config ? zca_authority_open(token->library, name, err) : NULL;
    if (!authority || !fill(state, authority, config, err)) {
        return zca_error_context(err, "the token of authority '%s' is left out", name);
    }
    *out_origin = state->url;
    return true;
}

static void release(struct zca_token *token)
{
    struct authority *state = token->state;
    if (state) {
        zca_turn_free(state->turn);
        (void)pthread_mutex_destroy(&state->mutex); /* nobody has it */
        free(state->name);
        free(state->url);
        free(state->file);
        free(state);
    }
}

static void after_fork(struct zca_token *token)
{
    struct authority *state = token->state;
    zca_turn_after_fork(state->turn);
}

static CK_FLAGS flags(struct zca_token *token)
{
    (void)token; /* all are alike */
    return CKF_RNG | CKF_WRITE_PROTECTED | CKF_TOKEN_INITIALIZED;
}

/* ---- what the authority can do ---- */

/* Opens zca-remote.so, which takes milliseconds and reaches nobody. A failure is told once, and is an answer. */
static void learn(struct zca_token *token)
{
    struct authority *state = token->state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    unsigned capabilities = 0;
    if (state->can_sign != NOT_ASKED) {
        return;
    }
    zca_module_outside();
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(token->library, state->name, &err);
    bool is_known = authority && zca_authority_capabilities(authority, &capabilities, &err);
    zca_module_inside();
    if (!is_known && err.reason != ZCA_ERR_UNSUPPORTED) { /* which is `remote = off` */
        zca_pkcs11_warn(token->library, &err);
    }
    state->can_tell = (capabilities & ZCA_CAP_CHAIN) != 0 ? CAN : CAN_NOT;
    state->can_sign = (capabilities & ZCA_CAP_TBS_SIGN) != 0 ? CAN : CAN_NOT;
}

/* ---- what is stored ---- */

/* A file that cannot be read is told once; what is shown stays. */
static CK_RV read_file(struct zca_token *token, bool only_key)
{
    struct authority *state = token->state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(token->library, state->name, &err);
    if (!authority || !zca_authority_certificates(authority, true, &certificates, &err)) {
        return zca_pkcs11_fail(token->library, &err);
    }
    const struct zca_issuer issuer = {
        .name = state->name,
        .certificates = certificates,
        .is_trusted = state->is_trusted,
        .has_trust = state->has_trust,
        .can_sign = state->can_sign == CAN,
    };
    CK_RV rv = only_key ? zca_issuer_show_key(token, &issuer) : zca_issuer_show(token, &issuer);
    if (rv == CKR_OK) {
        state->is_shown = true;
        state->is_key_shown = issuer.can_sign;
    }
    return rv;
}

/* No file: nothing is pinned yet, or this process may not see it any more and goes on with what it has. */
static CK_RV refresh(struct zca_token *token)
{
    struct stat status = {0};
    struct authority *state = token->state;
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    if (stat(state->file, &status) != 0) {
        return CKR_OK;
    }
    bool is_same = state->is_read && zca_file_same(&state->status, &status);
    bool lacks_key = state->is_shown && !state->is_key_shown && state->can_sign == CAN;
    state->status = status;
    state->is_read = true;
    return is_same && !lacks_key ? CKR_OK : read_file(token, is_same);
}

/* ---- what is fetched ---- */

static bool fetch(void *argument, struct zca_error *err)
{
    const struct zca_token *token = argument;
    const struct authority *state = token->state;
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(token->library, state->name, err);
    return authority && zca_authority_certificates(authority, false, &certificates, err);
}

static bool has_something(struct authority *state)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    return state->is_read || state->is_shown;
}

/* The first use pins (core/authority.h); once for all threads that look, and not again before a pause. */
static CK_RV fetch_once(struct zca_token *token)
{
    struct authority *state = token->state;
    const struct zca_turn_work work = {
        .run = fetch, .argument = token, .timeout_ms = state->timeout_ms};
    if (has_something(state)) {
        return CKR_OK;
    }
    learn(token);
    if (state->can_tell != CAN && !state->is_trusted) {
        return CKR_OK; /* `zca ca init`, or option issuer */
    }
    CK_RV rv = zca_turn_run(state->turn, &work);
    return rv == CKR_OK ? refresh(token) : rv;
}

static CK_RV search(struct zca_token *token, const struct zca_search *search)
{
    CK_RV rv = zca_profiles_add(token, profiles, ZCA_COUNT(profiles));
    if (!search->has_class || search->class == CKO_PRIVATE_KEY) {
        learn(token);
    }
    if (rv == CKR_OK) {
        rv = refresh(token);
    }
    if (rv == CKR_OK && search->has_class && search->class == CKO_CERTIFICATE) {
        rv = fetch_once(token);
    }
    return rv;
}

/* ---- C_Sign ---- */

/* r and s, each as long as the order of the curve. */
static CK_RV split_signature(struct zca_token *token, struct zca_authority *authority,
                             struct zca_span der, struct zca_buffer *out_signature)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    if (!zca_authority_certificates(authority, true, &certificates, &err)) {
        return zca_pkcs11_fail(token->library, &err);
    }
    const EVP_PKEY *key = X509_get0_pubkey(sk_X509_value(certificates, 0));
    size_t len = key ? 2 * (((size_t)EVP_PKEY_get_bits(key) + 7) / 8) : 0;
    return zca_buffer_resize(out_signature, len, NULL) &&
                   zca_signature_from_der(der, out_signature->data, len)
               ? CKR_OK
               : CKR_DEVICE_ERROR;
}

/* Refused here because nobody can inspect it; a refusal of the authority has a status. */
static bool is_not_for_authorities(struct zca_span message, const struct zca_error *err)
{
    return err->reason == ZCA_ERR_POLICY && err->http_status == 0 &&
           zca_tbs_classify(message) == ZCA_TBS_UNKNOWN;
}

static CK_RV sign(struct zca_token *token, const struct zca_mechanism *mechanism,
                  struct zca_span message, struct zca_buffer *out_signature)
{
    const struct authority *state = token->state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    zca_module_outside();
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(token->library, state->name, &err);
    bool is_signed =
        authority && zca_authority_sign(authority, mechanism->digest, message, &signature, &err);
    zca_module_inside();
    if (!is_signed) {
        bool is_foreign = is_not_for_authorities(message, &err);
        CK_RV rv = zca_pkcs11_fail(token->library, &err);
        return is_foreign ? CKR_DATA_INVALID : rv;
    }
    if (mechanism->key_type == CKK_EC) {
        return split_signature(token, authority, zca_buffer_span(&signature), out_signature);
    }
    zca_buffer_move(out_signature, &signature);
    return CKR_OK;
}

const struct zca_token_kind zca_token_authority = {
    .model = "zca org-ca",
    .places = ZCA_ON_AUTHORITY,
    .make = make,
    .free = release,
    .after_fork = after_fork,
    .flags = flags,
    .search = search,
    .sign = sign,
};
