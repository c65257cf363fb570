/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made without a decoder are those that OpenSSL's decoders make. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "server/public_key.h"

static void set_text(EVP_PKEY *key, const char *name, const char *value)
{
    if (value) {
        assert_int_equal(EVP_PKEY_set_utf8_string_param(key, name, value), 1);
    }
}

/* Public keys as OpenSSL writes them. */
static const struct form {
    const char *type, *curve;
    const char *points;   /* the form of points; NULL: as usual */
    const char *encoding; /* of the curve */
    const char *named;    /* what zca_public_key_curve tells */
} forms[] = {
    {"EC",      "P-256",     NULL,         NULL,       "prime256v1"},
    {"EC",      "P-384",     NULL,         NULL,       "secp384r1" },
    {"EC",      "P-521",     NULL,         NULL,       "secp521r1" },
    {"EC",      "P-256",     "compressed", NULL,       "prime256v1"},
    {"EC",      "P-256",     NULL,         "explicit", NULL        },
    {"EC",      "secp256k1", NULL,         NULL,       NULL        },
    {"ED25519", NULL,        NULL,         NULL,       NULL        },
    {"RSA",     NULL,        NULL,         NULL,       NULL        },
};

static X509_PUBKEY *make_public(const struct form *form)
{
    static const size_t rsa_bits = 2048;
    X509_PUBKEY *made = NULL;
    bool is_rsa = strcmp(form->type, "RSA") == 0;
    zca_auto(EVP_PKEY) EVP_PKEY *key = NULL;
    if (form->curve) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", form->curve);
    } else {
        key = is_rsa ? EVP_PKEY_Q_keygen(NULL, NULL, "RSA", rsa_bits)
                     : EVP_PKEY_Q_keygen(NULL, NULL, form->type);
    }
    assert_non_null(key);
    set_text(key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, form->points);
    set_text(key, OSSL_PKEY_PARAM_EC_ENCODING, form->encoding);
    assert_int_equal(X509_PUBKEY_set(&made, key), 1);
    return made;
}

static void keys_are_those_of_the_decoders(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(forms); i++) {
        X509_PUBKEY *encoded = make_public(&forms[i]);
        zca_auto(EVP_PKEY) EVP_PKEY *key = zca_public_key_make(encoded);
        const EVP_PKEY *wanted = X509_PUBKEY_get0(encoded);
        assert_non_null(wanted);
        assert_non_null(key);
        assert_int_equal(EVP_PKEY_eq(key, wanted), 1);
        assert_int_equal(EVP_PKEY_get_base_id(key), EVP_PKEY_get_base_id(wanted));
        X509_PUBKEY_free(encoded);
    }
}

static void curves_are_told_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < ZCA_COUNT(forms); i++) {
        X509_PUBKEY *encoded = make_public(&forms[i]);
        const char *curve = zca_public_key_curve(encoded);
        assert_int_equal(curve != NULL, forms[i].named != NULL);
        if (curve) {
            assert_string_equal(curve, forms[i].named);
        }
        X509_PUBKEY_free(encoded);
    }
}

/* Bytes instead of a point: one that is not on the curve, none, half a one. */
static void points_off_the_curve_are_refused(void **state)
{
    (void)state;
    static const size_t lens[] = {65, 0, 33};
    for (size_t i = 0; i < ZCA_COUNT(lens); i++) {
        X509_PUBKEY *encoded = make_public(&forms[0]);
        const size_t room = lens[i] ? lens[i] : 1;
        unsigned char *point = OPENSSL_zalloc(room);
        assert_non_null(point);
        memset(point, 7, room);
        point[0] = 4; /* uncompressed (SEC 1, 2.3.3) */
        assert_int_equal(X509_PUBKEY_set0_param(encoded, OBJ_nid2obj(EVP_PKEY_EC), V_ASN1_OBJECT,
                                                OBJ_nid2obj(NID_X9_62_prime256v1), point,
                                                (int)lens[i]),
                         1);
        assert_null(zca_public_key_make(encoded));
        X509_PUBKEY_free(encoded);
    }
    assert_null(zca_public_key_make(NULL));
}

/* Otherwise a request would be decoded as before, and slowly. */
static void context_of_requests_has_no_algorithms(void **state)
{
    (void)state;
    OSSL_LIB_CTX *context = zca_public_key_context(NULL);
    assert_non_null(context);
    assert_null(EVP_MD_fetch(context, "SHA256", NULL));
    assert_null(EVP_KEYMGMT_fetch(context, "EC", NULL));
    OSSL_LIB_CTX_free(context);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_the_decoders),
        cmocka_unit_test(curves_are_told_by_name),
        cmocka_unit_test(points_off_the_curve_are_refused),
        cmocka_unit_test(context_of_requests_has_no_algorithms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
