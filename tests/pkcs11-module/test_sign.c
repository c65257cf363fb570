/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include "base/openssl_auto.h"
#include "tests/pkcs11-module/bed.h"

static uint8_t message[] = "to be signed, every byte of it";
static const size_t message_len = sizeof(message) - 1;

/* A session on the identity token with a key pair of its own. */
struct keys {
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE public_key, private_key;
};

static struct keys make_keys(struct scene *scene, CK_MECHANISM_TYPE generation)
{
    bed_start(scene);
    struct keys keys = {.session = bed_open("web", 0)};
    bed_generate(keys.session, generation, false, &keys.public_key, &keys.private_key);
    return keys;
}

static CK_RV sign_init(const struct keys *keys, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM mechanism = {.mechanism = type};
    return C_SignInit(keys->session, &mechanism, keys->private_key);
}

/* ---- what OpenSSL says ---- */

struct row {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_TYPE generation;
    const char *digest;  /* that the signature is over; NULL: the message */
    const char *padding; /* RSA */
    size_t len;          /* of the signature */
    CK_RSA_PKCS_PSS_PARAMS pss;
    bool is_bare; /* the application hashes */
};

#define EC_ROW(number, hash, bare)                                                                 \
    {                                                                                              \
        .type = number, .generation = CKM_EC_KEY_PAIR_GEN, .digest = hash, .len = 64,              \
        .is_bare = bare                                                                            \
    }
#define RSA_ROW(number, hash, pad, bare, ...)                                                      \
    {                                                                                              \
        .type = number, .generation = CKM_RSA_PKCS_KEY_PAIR_GEN, .digest = hash, .padding = pad,   \
        .len = 256, .is_bare = bare, .pss = {                                                      \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define EDWARDS_ROW(number)                                                                        \
    {                                                                                              \
        .type = number, .generation = CKM_EC_EDWARDS_KEY_PAIR_GEN, .len = 64                       \
    }

static const struct row rows[] = {
    EC_ROW(CKM_ECDSA, "SHA256", true),
    EC_ROW(CKM_ECDSA_SHA256, "SHA256", false),
    EC_ROW(CKM_ECDSA_SHA384, "SHA384", false),
    EC_ROW(CKM_ECDSA_SHA512, "SHA512", false),
    EDWARDS_ROW(CKM_EDDSA),
    RSA_ROW(CKM_SHA256_RSA_PKCS, "SHA256", "pkcs1", false, 0),
    RSA_ROW(CKM_SHA384_RSA_PKCS, "SHA384", "pkcs1", false, 0),
    RSA_ROW(CKM_SHA512_RSA_PKCS, "SHA512", "pkcs1", false, 0),
    RSA_ROW(CKM_RSA_PKCS_PSS, "SHA256", "pss", true, CKM_SHA256, CKG_MGF1_SHA256, 32),
    RSA_ROW(CKM_RSA_PKCS_PSS, "SHA384", "pss", true, CKM_SHA384, CKG_MGF1_SHA384, 48),
    RSA_ROW(CKM_SHA256_RSA_PKCS_PSS, "SHA256", "pss", false, CKM_SHA256, CKG_MGF1_SHA256, 32),
    RSA_ROW(CKM_SHA384_RSA_PKCS_PSS, "SHA384", "pss", false, CKM_SHA384, CKG_MGF1_SHA384, 7),
    RSA_ROW(CKM_SHA512_RSA_PKCS_PSS, "SHA512", "pss", false, CKM_SHA512, CKG_MGF1_SHA512, 0),
};

static CK_MECHANISM mechanism_of(const struct row *row)
{
    CK_MECHANISM mechanism = {.mechanism = row->type};
    if (row->pss.hashAlg != 0) {
        mechanism.pParameter = (void *)&row->pss;
        mechanism.ulParameterLen = sizeof(row->pss);
    }
    return mechanism;
}

/* What the application passes. */
static struct zca_span input_of(const struct row *row, uint8_t digest[EVP_MAX_MD_SIZE])
{
    if (!row->is_bare) {
        return zca_span_of(message, message_len);
    }
    size_t len = 0;
    assert_int_equal(EVP_Q_digest(NULL, row->digest, NULL, message, message_len, digest, &len), 1);
    return zca_span_of(digest, len);
}

/* r and s as OpenSSL wants them, with its own functions. */
static void to_der(struct zca_span raw, struct zca_buffer *out_der)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    size_t half = raw.len / 2;
    BIGNUM *r = BN_bin2bn(raw.data, (int)half, NULL);
    BIGNUM *s = BN_bin2bn(raw.data + half, (int)half, NULL);
    assert_int_equal(ECDSA_SIG_set0(pair, r, s), 1);
    unsigned char *der = NULL;
    int len = i2d_ECDSA_SIG(pair, &der);
    assert_true(len > 0 && zca_buffer_append(out_der, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
}

static bool openssl_accepts(const struct row *row, EVP_PKEY *key, struct zca_span signature)
{
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *context = EVP_MD_CTX_new();
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    EVP_PKEY_CTX *inner = NULL;
    assert_int_equal(EVP_DigestVerifyInit_ex(context, &inner, row->digest, NULL, NULL, key, NULL),
                     1);
    if (row->padding) {
        OSSL_PARAM padding[] = {
            OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, (char *)row->padding,
                                             0),
            OSSL_PARAM_construct_end(),
        };
        assert_int_equal(EVP_PKEY_CTX_set_params(inner, padding), 1);
    }
    if (row->pss.hashAlg != 0) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, (int)row->pss.sLen), 1);
    }
    if (row->generation == CKM_EC_KEY_PAIR_GEN) {
        to_der(signature, &der);
        signature = zca_buffer_span(&der);
    }
    return EVP_DigestVerify(context, signature.data, signature.len, message, message_len) == 1;
}

static void sign_whole_or_in_parts(const struct keys *keys, const struct row *row, bool in_parts,
                                   uint8_t signature[1024], CK_ULONG *out_len)
{
    CK_MECHANISM mechanism = mechanism_of(row);
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct zca_span input = input_of(row, digest);
    CK_BYTE *data = (CK_BYTE *)input.data;
    *out_len = 1024;
    assert_int_equal(C_SignInit(keys->session, &mechanism, keys->private_key), CKR_OK);
    if (in_parts) {
        assert_int_equal(C_SignUpdate(keys->session, data, 5), CKR_OK);
        assert_int_equal(C_SignUpdate(keys->session, NULL, 0), CKR_OK);
        assert_int_equal(C_SignUpdate(keys->session, data + 5, input.len - 5), CKR_OK);
        assert_int_equal(C_SignFinal(keys->session, signature, out_len), CKR_OK);
    } else {
        assert_int_equal(C_Sign(keys->session, data, input.len, signature, out_len), CKR_OK);
    }
}

static void check_rows(struct scene *scene, CK_MECHANISM_TYPE generation)
{
    struct keys keys = make_keys(scene, generation);
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(keys.session, keys.public_key);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        for (int parts = 0; rows[i].generation == generation && parts < 4; parts++) {
            uint8_t signature[1024];
            CK_ULONG len = 0;
            sign_whole_or_in_parts(&keys, &rows[i], parts % 2 == 1, signature, &len);
            assert_int_equal(len, rows[i].len);
            assert_true(openssl_accepts(&rows[i], key, zca_span_of(signature, len)));
            signature[len - 1] ^= 1;
            assert_false(openssl_accepts(&rows[i], key, zca_span_of(signature, len)));
        }
    }
}

static void sign_with_ec_is_accepted_by_openssl(void **state)
{
    check_rows(*state, CKM_EC_KEY_PAIR_GEN);
}

static void sign_with_rsa_is_accepted_by_openssl(void **state)
{
    check_rows(*state, CKM_RSA_PKCS_KEY_PAIR_GEN);
}

static void sign_with_ed25519_is_accepted_by_openssl(void **state)
{
    check_rows(*state, CKM_EC_EDWARDS_KEY_PAIR_GEN);
}

/* CKM_RSA_PKCS pads what it is given: a DigestInfo makes it the signature that CKM_SHA256_RSA_PKCS makes. */
static void sign_rsa_pkcs_leaves_the_digest_info_to_the_application(void **state)
{
    static const uint8_t prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                     0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    struct keys keys = make_keys(*state, CKM_RSA_PKCS_KEY_PAIR_GEN);
    uint8_t info[sizeof(prefix) + 32], bare[256], hashed[256];
    CK_ULONG bare_len = sizeof(bare), hashed_len = sizeof(hashed);
    memcpy(info, prefix, sizeof(prefix));
    assert_int_equal(
        EVP_Q_digest(NULL, "SHA256", NULL, message, message_len, info + sizeof(prefix), NULL), 1);

    assert_int_equal(sign_init(&keys, CKM_RSA_PKCS), CKR_OK);
    assert_int_equal(C_Sign(keys.session, info, sizeof(info), bare, &bare_len), CKR_OK);
    assert_int_equal(sign_init(&keys, CKM_SHA256_RSA_PKCS), CKR_OK);
    assert_int_equal(C_Sign(keys.session, message, message_len, hashed, &hashed_len), CKR_OK);

    assert_int_equal(bare_len, hashed_len);
    assert_memory_equal(bare, hashed, bare_len);
}

/* ---- lengths ---- */

static void sign_tells_the_length_and_goes_on(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = 0;
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);

    assert_int_equal(C_Sign(keys.session, message, message_len, NULL, &len), CKR_OK);
    assert_int_equal(len, 64);
    len = 63;
    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 64);

    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len), CKR_OK);
    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_final_tells_the_length_and_goes_on(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = 0;
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_SignUpdate(keys.session, message, message_len), CKR_OK);

    assert_int_equal(C_SignFinal(keys.session, NULL, &len), CKR_OK);
    len = 1;
    assert_int_equal(C_SignFinal(keys.session, signature, &len), CKR_BUFFER_TOO_SMALL);

    assert_int_equal(C_SignFinal(keys.session, signature, &len), CKR_OK);
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(keys.session, keys.public_key);
    assert_true(openssl_accepts(&rows[1], key, zca_span_of(signature, len)));
}

/* pkcs11-tool does so: C_Sign with too little room, then C_SignFinal, then C_SignInit. */
static void sign_final_ends_what_was_too_short(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = 44;
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_BUFFER_TOO_SMALL);

    assert_int_equal(C_SignFinal(keys.session, signature, &len), CKR_OPERATION_ACTIVE);

    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
}

static void sign_refuses_lengths_that_do_not_fit(void **state)
{
    static uint8_t data[300];
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    CK_MECHANISM with_pss = {CKM_RSA_PKCS_PSS, &pss, sizeof(pss)};
    CK_MECHANISM with_pkcs1 = {.mechanism = CKM_RSA_PKCS};

    const struct {
        CK_MECHANISM *mechanism;
        CK_ULONG len;
        CK_RV rv;
    } cases[] = {
        {&with_pkcs1, 0,   CKR_OK            },
        {&with_pkcs1, 245, CKR_OK            },
        {&with_pkcs1, 246, CKR_DATA_LEN_RANGE},
        {&with_pss,   32,  CKR_OK            },
        {&with_pss,   31,  CKR_DATA_LEN_RANGE},
        {&with_pss,   0,   CKR_DATA_LEN_RANGE},
        {&with_pss,   33,  CKR_DATA_LEN_RANGE},
    };
    struct keys keys = make_keys(*state, CKM_RSA_PKCS_KEY_PAIR_GEN);
    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        uint8_t signature[256];
        CK_ULONG len = sizeof(signature);
        assert_int_equal(C_SignInit(keys.session, cases[i].mechanism, keys.private_key), CKR_OK);
        assert_int_equal(C_Sign(keys.session, data, cases[i].len, signature, &len), cases[i].rv);
        assert_int_equal(C_SignInit(keys.session, cases[i].mechanism, keys.private_key), CKR_OK);
        CK_RV rv = C_SignUpdate(keys.session, data, cases[i].len);
        rv = rv ? rv : C_SignFinal(keys.session, signature, &len);
        assert_int_equal(rv, cases[i].rv);
    }
}

/* FIPS 186-4, 6.4: of a longer digest the leftmost bits count. */
static void sign_ecdsa_shortens_long_digests(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(keys.session, keys.public_key);
    const struct row whole = {.generation = CKM_EC_KEY_PAIR_GEN, .digest = "SHA512"};
    uint8_t digest[64], signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(EVP_Q_digest(NULL, "SHA512", NULL, message, message_len, digest, NULL), 1);

    assert_int_equal(sign_init(&keys, CKM_ECDSA), CKR_OK);
    assert_int_equal(C_Sign(keys.session, digest, sizeof(digest), signature, &len), CKR_OK);
    assert_true(openssl_accepts(&whole, key, zca_span_of(signature, len)));

    assert_int_equal(sign_init(&keys, CKM_ECDSA), CKR_OK);
    assert_int_equal(C_Sign(keys.session, digest, 0, signature, &len), CKR_DATA_LEN_RANGE);
}

/* ---- states ---- */

static void sign_ends_on_failure(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_Sign(keys.session, message, message_len, signature, NULL),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_OPERATION_NOT_INITIALIZED);

    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_SignUpdate(keys.session, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignUpdate(keys.session, message, 3), CKR_OPERATION_NOT_INITIALIZED);

    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_Sign(keys.session, message, (CK_ULONG)-1, signature, &len),
                     CKR_DATA_LEN_RANGE);
    assert_int_equal(C_SignFinal(keys.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_at_once_after_a_part_is_refused(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(C_SignUpdate(keys.session, message, 3), CKR_OK);

    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_OPERATION_ACTIVE);
    assert_int_equal(C_SignFinal(keys.session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_init_twice_is_refused_and_cancelled_by_none(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_SignInit(keys.session, NULL, keys.private_key), CKR_ARGUMENTS_BAD);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OPERATION_ACTIVE);

    assert_int_equal(C_SignInit(keys.session, NULL, 0), CKR_OK);

    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len),
                     CKR_OPERATION_NOT_INITIALIZED);
}

static void sign_goes_on_when_its_key_is_destroyed(void **state)
{
    struct keys keys = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(keys.session, keys.public_key);
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_OK);

    assert_int_equal(C_DestroyObject(keys.session, keys.private_key), CKR_OK);

    assert_int_equal(C_Sign(keys.session, message, message_len, signature, &len), CKR_OK);
    assert_true(openssl_accepts(&rows[1], key, zca_span_of(signature, len)));
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_KEY_HANDLE_INVALID);
}

/* Contexts are kept from one signature to the next: another key, mechanism or parameter must get its own. */
static void sign_with_two_keys_by_turns(void **state)
{
    struct keys first = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    struct keys second = {.session = first.session};
    bed_generate(second.session, CKM_EC_KEY_PAIR_GEN, false, &second.public_key,
                 &second.private_key);
    zca_auto(EVP_PKEY) EVP_PKEY *first_key = bed_key(first.session, first.public_key);
    zca_auto(EVP_PKEY) EVP_PKEY *second_key = bed_key(first.session, second.public_key);
    for (size_t i = 0; i < 4; i++) {
        uint8_t signature[1024];
        CK_ULONG len = 0;
        sign_whole_or_in_parts(i % 2 ? &first : &second, &rows[i / 2], false, signature, &len);
        struct zca_span made = zca_span_of(signature, len);
        assert_true(openssl_accepts(&rows[i / 2], i % 2 ? first_key : second_key, made));
        assert_false(openssl_accepts(&rows[i / 2], i % 2 ? second_key : first_key, made));
    }
}

/* ---- what is refused ---- */

static void sign_init_refuses_what_does_not_fit(void **state)
{
    struct keys ec = make_keys(*state, CKM_EC_KEY_PAIR_GEN);
    struct keys rsa = {.session = ec.session};
    bed_generate(rsa.session, CKM_RSA_PKCS_KEY_PAIR_GEN, false, &rsa.public_key, &rsa.private_key);

    const struct {
        CK_MECHANISM_TYPE type;
        CK_OBJECT_HANDLE key;
        CK_RV rv;
    } cases[] = {
        {CKM_ECDSA,           rsa.private_key, CKR_KEY_TYPE_INCONSISTENT     },
        {CKM_SHA256_RSA_PKCS, ec.private_key,  CKR_KEY_TYPE_INCONSISTENT     },
        {CKM_EDDSA,           ec.private_key,  CKR_KEY_TYPE_INCONSISTENT     },
        {CKM_ECDSA,           ec.public_key,   CKR_KEY_FUNCTION_NOT_PERMITTED},
        {CKM_ECDSA,           77777,           CKR_KEY_HANDLE_INVALID        },
        {CKM_ECDSA,           0,               CKR_KEY_HANDLE_INVALID        },
        {CKM_SHA256,          ec.private_key,  CKR_MECHANISM_INVALID         },
        {CKM_ECDH1_DERIVE,    ec.private_key,  CKR_MECHANISM_INVALID         },
        {CKM_SHA256_HMAC,     ec.private_key,  CKR_MECHANISM_INVALID         },
        {CKM_ECDSA_SHA1,      ec.private_key,  CKR_MECHANISM_INVALID         },
        {CKM_RSA_PKCS_OAEP,   rsa.private_key, CKR_MECHANISM_INVALID         },
        {(CK_ULONG)-1,        ec.private_key,  CKR_MECHANISM_INVALID         },
    };

    for (size_t i = 0; i < ZCA_COUNT(cases); i++) {
        CK_MECHANISM mechanism = {.mechanism = cases[i].type};
        assert_int_equal(C_SignInit(ec.session, &mechanism, cases[i].key), cases[i].rv);
    }
}

static void sign_init_minds_the_attributes_of_the_key(void **state)
{
    static CK_BBOOL no = CK_FALSE;
    static CK_MECHANISM_TYPE allowed[] = {CKM_ECDSA_SHA256, CKM_ECDSA_SHA384};
    static uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE public_part = {CKA_EC_PARAMS, curve, sizeof(curve)};
    CK_ATTRIBUTE not_to_sign = {CKA_SIGN, &no, sizeof(no)};
    CK_ATTRIBUTE two_ways = {CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed)};
    CK_MECHANISM generation = {.mechanism = CKM_EC_KEY_PAIR_GEN};
    bed_start(*state);
    struct keys keys = {.session = bed_open("web", 0)};

    assert_int_equal(C_GenerateKeyPair(keys.session, &generation, &public_part, 1, &not_to_sign, 1,
                                       &keys.public_key, &keys.private_key),
                     CKR_OK);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA256), CKR_KEY_FUNCTION_NOT_PERMITTED);

    assert_int_equal(C_GenerateKeyPair(keys.session, &generation, &public_part, 1, &two_ways, 1,
                                       &keys.public_key, &keys.private_key),
                     CKR_OK);
    assert_int_equal(sign_init(&keys, CKM_ECDSA), CKR_MECHANISM_INVALID);
    assert_int_equal(sign_init(&keys, CKM_ECDSA_SHA384), CKR_OK);
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(sign_with_ec_is_accepted_by_openssl),
        ROW(sign_with_rsa_is_accepted_by_openssl),
        ROW(sign_with_ed25519_is_accepted_by_openssl),
        ROW(sign_rsa_pkcs_leaves_the_digest_info_to_the_application),
        ROW(sign_tells_the_length_and_goes_on),
        ROW(sign_final_tells_the_length_and_goes_on),
        ROW(sign_final_ends_what_was_too_short),
        ROW(sign_refuses_lengths_that_do_not_fit),
        ROW(sign_ecdsa_shortens_long_digests),
        ROW(sign_ends_on_failure),
        ROW(sign_at_once_after_a_part_is_refused),
        ROW(sign_init_twice_is_refused_and_cancelled_by_none),
        ROW(sign_goes_on_when_its_key_is_destroyed),
        ROW(sign_with_two_keys_by_turns),
        ROW(sign_init_refuses_what_does_not_fit),
        ROW(sign_init_minds_the_attributes_of_the_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
