/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Core makes the key, in place in secret memory, so what the tool says about it is reduced to a row of the
 * algorithm table. What no row has is refused: it would be another key than the tool thinks.
 */
#include "provider/cold/new_key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

#include "base/algorithm.h"
#include "core/identity.h"
#include "provider/cold/error.h"
#include "provider/cold/loan.h"

struct zca_new_key {
    char *uri;
    char *group;
    size_t bits;
    size_t primes;
    uint64_t exponent;
};

void zca_new_key_free(struct zca_new_key *new_key)
{
    if (new_key) {
        OPENSSL_free(new_key->uri);
        OPENSSL_free(new_key->group);
        OPENSSL_free(new_key);
    }
}

static struct zca_new_key *ensure(struct zca_new_key **new_key)
{
    if (!*new_key) {
        *new_key = OPENSSL_zalloc(sizeof(**new_key));
    }
    if (*new_key && (*new_key)->bits == 0) { /* what the default provider takes for granted */
        (*new_key)->bits = 2048;
        (*new_key)->primes = 2;
        (*new_key)->exponent = 65537;
    }
    return *new_key;
}

static int set_text(const OSSL_PARAM *params, const char *name, char **out_text)
{
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, name);
    char *text = NULL;
    if (!param) {
        return 1;
    }
    if (!OSSL_PARAM_get_utf8_string(param, &text, 0)) {
        return 0;
    }
    OPENSSL_free(*out_text);
    *out_text = text;
    return 1;
}

static int set_size(const OSSL_PARAM *params, const char *name, size_t *out_size)
{
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, name);
    return !param || OSSL_PARAM_get_size_t(param, out_size);
}

/* One that is too long for a number is not the usual one, whatever it is. */
static void set_exponent(const OSSL_PARAM *params, uint64_t *out_exponent)
{
    const OSSL_PARAM *param = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_RSA_E);
    if (param && !OSSL_PARAM_get_uint64(param, out_exponent)) {
        *out_exponent = 0;
    }
}

int zca_new_key_set(struct zca_new_key **new_key, const OSSL_PARAM *params)
{
    struct zca_new_key *set = ensure(new_key);
    if (!set || !set_text(params, ZCA_PARAM_URI, &set->uri) ||
        !set_text(params, OSSL_PKEY_PARAM_GROUP_NAME, &set->group) ||
        !set_size(params, OSSL_PKEY_PARAM_RSA_BITS, &set->bits) ||
        !set_size(params, OSSL_PKEY_PARAM_RSA_PRIMES, &set->primes)) {
        return 0;
    }
    set_exponent(params, &set->exponent);
    return 1;
}

bool zca_new_key_named(const struct zca_new_key *new_key)
{
    return new_key->uri;
}

/* The curve of a parameters file, when there is one. */
static bool template_group(const struct zca_keydata *template, char *out_name, size_t size)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, out_name, size),
        OSSL_PARAM_construct_end()};
    return template && ZCA_KEYMGMT(get_params, GET_PARAMS,
                                   zca_keydata_functions(template))(template->inner, params);
}

static const struct zca_key_type *find_type(enum zca_kind kind, const struct zca_new_key *new_key,
                                            const struct zca_keydata *template,
                                            struct zca_error *err)
{
    char name[64] = ""; /* curves have shorter names (EC_get_builtin_curves) */
    const char *group = new_key->group;
    if (!group && template_group(template, name, sizeof(name))) {
        group = name;
    }
    const struct zca_key_type *type =
        zca_key_type_by(zca_kinds[kind].keymgmt, kind == ZCA_KIND_EC && group ? group : NULL,
                        new_key->bits < 100000 ? (int)new_key->bits : 0);
    bool usual = kind != ZCA_KIND_RSA || (new_key->primes == 2 && new_key->exponent == 65537);
    if (!type || !usual) {
        (void)zca_error_set(
            err, ZCA_ERR_UNSUPPORTED,
            "'%s' cannot have this kind of key: EC keys are of P-256, P-384 or P-521, RSA keys "
            "have 2048, 3072 or 4096 bits, two primes and the exponent 65537",
            new_key->uri);
        return NULL;
    }
    return type;
}

static struct zca_identity *open_identity(struct zca_provider *provider, const char *text,
                                          struct zca_error *err)
{
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(text, err);
    if (!uri) {
        return NULL;
    }
    if (!uri->name) {
        (void)zca_error_set(err, ZCA_ERR_INVALID,
                            "'%s' names an authority; a new key needs an identity: zca://NAME",
                            text);
        return NULL;
    }
    return zca_identity_open(provider->library, uri, err);
}

static struct zca_keydata *make(struct zca_provider *provider, enum zca_kind kind,
                                const struct zca_new_key *new_key,
                                const struct zca_keydata *template, struct zca_error *err)
{
    const struct zca_key_type *type = find_type(kind, new_key, template, err);
    zca_auto(zca_identity) struct zca_identity *identity =
        type ? open_identity(provider, new_key->uri, err) : NULL;
    zca_auto(zca_key) struct zca_key *key =
        identity ? zca_identity_make_key(identity, type, err) : NULL;
    if (!key) {
        return NULL;
    }
    struct zca_loan loan = zca_loan_of(provider);
    loan.uri = zca_identity_get_uri(identity);
    loan.key = key;
    return zca_loan_take(kind, &loan, sizeof(loan)); /* reports its own failures */
}

struct zca_keydata *zca_new_key_make(struct zca_provider *provider, enum zca_kind kind,
                                     const struct zca_new_key *new_key,
                                     const struct zca_keydata *template)
{
    zca_auto(errno) int saved_errno = errno;
    struct zca_error err = {0};
    zca_library_enter(provider->library);
    struct zca_keydata *keydata = make(provider, kind, new_key, template, &err);
    if (!keydata && err.reason != ZCA_ERR_NONE) {
        (void)zca_error_context(&err, "making the key of '%s'", new_key->uri); /* returns false */
        (void)ZCA_FAIL(provider, &err); /* NULL says the same */
    }
    return keydata;
}
