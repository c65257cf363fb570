/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ecdsa.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "tests/pkcs11-module/bed.h"

#define PINNED "state/authorities/corp/ca.pem"

static void start(struct scene *scene, const char *dialect, const char *options, const char *plan)
{
    bed_configure(scene, "", dialect, options);
    scene_plan(scene, plan);
    assert_int_equal(bed_initialise(scene), CKR_OK);
}

static void pin(struct scene *scene, const char *source)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    zca_auto(text) char *directory = scene_path(scene, "state/authorities/corp");
    scene_read(scene, source, &pem);
    check_ok(zca_directory_make(directory, 0755, &err), err);
    scene_write(scene, PINNED, (const char *)pem.data);
}

/* The CA is here already, as after the first use. */
static void start_pinned(struct scene *scene, const char *dialect, const char *options,
                         const char *plan)
{
    pin(scene, "fake/ca.pem");
    start(scene, dialect, options, plan);
}

static size_t count(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class)
{
    const CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    return bed_find(session, &attribute, 1, NULL, 0);
}

static CK_ULONG number(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value = 0;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    assert_int_equal(C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    return value;
}

static bool flag(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = CK_FALSE;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    assert_int_equal(C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    return value == CK_TRUE;
}

static void check_certificate(CK_SESSION_HANDLE session, const struct forge_ca *ca)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    bed_value(session, bed_object(session, CKO_CERTIFICATE), CKA_VALUE, &der);
    const uint8_t *at = der.data;
    zca_auto(X509) X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    assert_non_null(certificate);
    assert_int_equal(X509_cmp(certificate, ca->certificate), 0);
}

/* ---- certificates ---- */

static void certificate_is_fetched_once_by_who_names_certificates(void **state)
{
    struct scene *scene = *state;
    start(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_equal(bed_find(session, NULL, 0, NULL, 0), 3); /* profiles */
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
    check_certificate(session, &scene->ca);
    check_certificate(session, &scene->ca);
    assert_int_equal(scene_count(scene, "ca_fetch"), 1);
    assert_true(scene_exists(scene, PINNED));
}

static void pinned_certificate_needs_no_network(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    check_certificate(session, &scene->ca);
    assert_int_equal(count(session, CKO_PUBLIC_KEY), 1);
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
    assert_int_equal(scene_count(scene, "open"), 0);
}

static void failed_fetch_is_told_once_and_not_repeated(void **state)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    struct scene *scene = *state;
    start(scene, "plain", "", "ca_fetch: unavailable\n");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_equal(C_FindObjectsInit(session, &attribute, 1), CKR_DEVICE_ERROR);
    assert_int_equal(count(session, CKO_CERTIFICATE), 0);
    assert_int_equal(count(session, CKO_CERTIFICATE), 0);
    assert_int_equal(scene_count(scene, "ca_fetch"), 1);
}

static void authority_that_tells_no_certificate_has_none(void **state)
{
    struct scene *scene = *state;
    start(scene, "mute", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_equal(count(session, CKO_CERTIFICATE), 0);
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
}

static void option_issuer_is_shown_and_trusted(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *option = NULL;
    assert_true(asprintf(&option, "issuer = %s/fake/rogue.pem\n", scene->directory) > 0);
    start(scene, "mute", option, "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    check_certificate(session, &scene->rogue);
    CK_OBJECT_HANDLE certificate = bed_object(session, CKO_CERTIFICATE);
    assert_true(flag(session, certificate, CKA_TRUSTED));
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
}

static void certificate_pinned_at_first_use_is_not_called_trusted(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    CK_OBJECT_HANDLE certificate = bed_object(session, CKO_CERTIFICATE);
    assert_false(flag(session, certificate, CKA_TRUSTED));
    assert_false(flag(session, certificate, CKA_MODIFIABLE));
    assert_false(flag(session, certificate, CKA_PRIVATE));
    assert_int_equal(number(session, certificate, CKA_CERTIFICATE_CATEGORY),
                     CK_CERTIFICATE_CATEGORY_AUTHORITY);
}

static void another_pinned_file_is_noticed(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    check_certificate(session, &scene->ca);
    assert_int_equal(count(session, CKO_PRIVATE_KEY), 1);
    pin(scene, "fake/rogue.pem");
    check_certificate(session, &scene->rogue);
    assert_int_equal(count(session, CKO_PRIVATE_KEY), 1);
    assert_int_equal(count(session, CKO_PUBLIC_KEY), 1);
}

static void pinned_file_out_of_reach_leaves_what_is_shown(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *path = scene_path(scene, PINNED);
    start_pinned(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    check_certificate(session, &scene->ca);
    assert_int_equal(unlink(path), 0);
    check_certificate(session, &scene->ca);
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
}

static void damaged_file_is_told_once(void **state)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    struct scene *scene = *state;
    pin(scene, "fake/ca.pem");
    scene_write(scene, PINNED, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    start(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_not_equal(C_FindObjectsInit(session, &attribute, 1), CKR_OK);
    assert_int_equal(count(session, CKO_PUBLIC_KEY), 0);
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
}

static void handles_stay_while_the_ca_does(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    CK_OBJECT_HANDLE certificate = bed_object(session, CKO_CERTIFICATE);
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY); /* learned of only now */
    assert_int_equal(bed_object(session, CKO_CERTIFICATE), certificate);
    assert_int_equal(bed_object(session, CKO_PRIVATE_KEY), key);
}

/* ---- keys ---- */

static void key_and_certificate_have_one_id(void **state)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY};
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer first = {0};
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    bed_value(session, bed_object(session, CKO_CERTIFICATE), CKA_ID, &first);
    assert_int_equal(first.len, 20);
    for (size_t i = 0; i < ZCA_COUNT(classes); i++) {
        zca_auto(zca_buffer) struct zca_buffer id = {0};
        bed_value(session, bed_object(session, classes[i]), CKA_ID, &id);
        assert_true(zca_span_equal(zca_buffer_span(&id), zca_buffer_span(&first)));
    }
}

static void private_key_is_there_only_where_the_authority_signs(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "plain", "", "");
    assert_int_equal(count(bed_open("corp", 0), CKO_PRIVATE_KEY), 0);
}

static void private_key_claims_nothing_and_names_its_mechanisms(void **state)
{
    static const CK_MECHANISM_TYPE wanted[] = {CKM_ECDSA_SHA256, CKM_ECDSA_SHA384,
                                               CKM_ECDSA_SHA512};

    static const struct {
        CK_ATTRIBUTE_TYPE type;
        bool value;
    } rows[] = {
        {CKA_SIGN,              true },
        {CKA_SENSITIVE,         true },
        {CKA_EXTRACTABLE,       false},
        {CKA_LOCAL,             false},
        {CKA_NEVER_EXTRACTABLE, false},
        {CKA_ALWAYS_SENSITIVE,  false},
        {CKA_DECRYPT,           false},
        {CKA_DERIVE,            false},
    };
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer types = {0};
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        assert_int_equal(flag(session, key, rows[i].type), rows[i].value);
    }
    bed_value(session, key, CKA_ALLOWED_MECHANISMS, &types);
    assert_int_equal(types.len, sizeof(wanted));
    assert_memory_equal(types.data, wanted, sizeof(wanted));
}

static void token_is_read_only(void **state)
{
    CK_SESSION_HANDLE session = 0;
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    assert_int_equal(
        C_OpenSession(bed_slot("corp"), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
        CKR_TOKEN_WRITE_PROTECTED);
}

/* ---- signing ---- */

/* A certificate's to-be-signed part, as `openssl x509 -req` would hand it over. */
static struct zca_buffer make_tbs(const struct scene *scene)
{
    struct zca_buffer tbs = {0};
    unsigned char *der = NULL;
    EVP_PKEY *key = forge_key();
    const struct forge_order order = {.common_name = "leaf", .key = key};
    X509 *leaf = forge_issue(&scene->ca, &order);
    int len = i2d_re_X509_tbs(leaf, &der);
    assert_true(len > 0);
    assert_true(zca_buffer_append(&tbs, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
    X509_free(leaf);
    EVP_PKEY_free(key);
    return tbs;
}

static CK_RV sign_in_parts(CK_SESSION_HANDLE session, struct zca_span tbs, uint8_t *signature,
                           CK_ULONG *len)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    CK_ULONG wanted_len = 0;
    CK_BYTE *data = (CK_BYTE *)(uintptr_t)tbs.data;
    assert_int_equal(C_SignInit(session, &mechanism, bed_object(session, CKO_PRIVATE_KEY)), CKR_OK);
    assert_int_equal(C_SignUpdate(session, data, tbs.len / 2), CKR_OK);
    assert_int_equal(C_SignUpdate(session, data + tbs.len / 2, tbs.len - tbs.len / 2), CKR_OK);
    assert_int_equal(C_SignFinal(session, NULL, &wanted_len), CKR_OK);
    assert_int_equal(wanted_len, 64);
    return C_SignFinal(session, signature, len);
}

static bool verifies(EVP_PKEY *key, struct zca_span data, const uint8_t *signature)
{
    unsigned char *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(
        ECDSA_SIG_set0(pair, BN_bin2bn(signature, 32, NULL), BN_bin2bn(signature + 32, 32, NULL)),
        1);
    int len = i2d_ECDSA_SIG(pair, &der);
    bool fits = EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(context, der, (size_t)len, data.data, data.len) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    return fits;
}

static void structure_is_signed_by_the_authority(void **state)
{
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    zca_auto(zca_buffer) struct zca_buffer tbs = make_tbs(scene);
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_equal(sign_in_parts(session, zca_buffer_span(&tbs), signature, &len), CKR_OK);
    assert_int_equal(len, 64);
    assert_true(
        verifies(X509_get0_pubkey(scene->ca.certificate), zca_buffer_span(&tbs), signature));
    assert_int_equal(scene_count(scene, "sign"), 1); /* the question about the size was none */
}

static void public_key_verifies_here(void **state)
{
    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    zca_auto(zca_buffer) struct zca_buffer tbs = make_tbs(scene);
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    assert_int_equal(sign_in_parts(session, zca_buffer_span(&tbs), signature, &len), CKR_OK);
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PUBLIC_KEY);
    assert_int_equal(C_VerifyInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(C_Verify(session, tbs.data, tbs.len, signature, len), CKR_OK);
    signature[5] ^= 1;
    assert_int_equal(C_VerifyInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(C_Verify(session, tbs.data, tbs.len, signature, len), CKR_SIGNATURE_INVALID);
}

static void other_data_are_refused_here(void **state)
{
    static const struct zca_span data[] = {
        {(const uint8_t *)"a line of text",       14},
        {(const uint8_t *)"\x30\x03\x02\x01\x05", 5 }, /* a SEQUENCE, but of nothing */
    };
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    for (size_t i = 0; i < ZCA_COUNT(data); i++) {
        uint8_t signature[64];
        CK_ULONG len = sizeof(signature);
        assert_int_equal(sign_in_parts(session, data[i], signature, &len), CKR_DATA_INVALID);
    }
    assert_int_equal(scene_count(scene, "sign"), 0);
}

static void refusals_become_codes_and_end_the_operation(void **state)
{
    static const struct {
        const char *plan;
        CK_RV rv;
    } rows[] = {
        {"sign: refuse\n",       CKR_FUNCTION_REJECTED },
        {"sign: unauthorised\n", CKR_USER_NOT_LOGGED_IN},
        {"sign: unavailable\n",  CKR_DEVICE_ERROR      },
        {"sign: rogue\n",        CKR_DEVICE_ERROR      },
    };

    uint8_t signature[64];
    CK_ULONG len = sizeof(signature);
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    zca_auto(zca_buffer) struct zca_buffer tbs = make_tbs(scene);
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        scene_plan(scene, rows[i].plan);
        len = sizeof(signature);
        assert_int_equal(sign_in_parts(session, zca_buffer_span(&tbs), signature, &len),
                         rows[i].rv);
        assert_int_equal(C_SignUpdate(session, tbs.data, 1), CKR_OPERATION_NOT_INITIALIZED);
    }
}

static void digests_and_paddings_are_not_offered(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_ECDSA,
        CKM_RSA_PKCS,
        CKM_RSA_PKCS_PSS,
        CKM_SHA256_RSA_PKCS_PSS,
        CKM_ECDSA_SHA1,
        CKM_SHA384_RSA_PKCS_PSS,
        CKM_SHA512_RSA_PKCS_PSS,
    };
    CK_MECHANISM_INFO info;
    struct scene *scene = *state;
    start_pinned(scene, "signing", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    CK_OBJECT_HANDLE key = bed_object(session, CKO_PRIVATE_KEY);
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        CK_MECHANISM mechanism = {.mechanism = types[i]};
        assert_int_equal(C_SignInit(session, &mechanism, key), CKR_MECHANISM_INVALID);
        assert_int_equal(C_GetMechanismInfo(bed_slot("corp"), types[i], &info),
                         CKR_MECHANISM_INVALID);
    }
}

/* ---- profiles and trust ---- */

static void profiles_are_those_of_a_token_to_look_at(void **state)
{
    static const CK_ULONG wanted[] = {CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER,
                                      CKP_PUBLIC_CERTIFICATES_TOKEN};
    struct scene *scene = *state;
    start(scene, "plain", "", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    for (size_t i = 0; i < ZCA_COUNT(wanted); i++) {
        const CK_ATTRIBUTE attribute = {CKA_PROFILE_ID, (void *)(uintptr_t)&wanted[i],
                                        sizeof(wanted[i])};
        assert_int_equal(bed_find(session, &attribute, 1, NULL, 0), 1);
    }
    assert_int_equal(count(session, CKO_PROFILE), ZCA_COUNT(wanted));
}

static void nobody_is_trusted_unasked(void **state)
{
    struct scene *scene = *state;
    start_pinned(scene, "plain", "", "");
    assert_int_equal(count(bed_open("corp", 0), CKO_NSS_TRUST), 0);
}

static void nss_finds_trust_by_issuer_and_serial_number(void **state)
{
    static const CK_ATTRIBUTE_TYPE uses[] = {CKA_TRUST_SERVER_AUTH, CKA_TRUST_CLIENT_AUTH,
                                             CKA_TRUST_CODE_SIGNING, CKA_TRUST_EMAIL_PROTECTION};
    CK_OBJECT_CLASS class = CKO_NSS_TRUST;
    CK_OBJECT_HANDLE trust = 0;
    uint8_t sha1[20];
    unsigned len = 0;
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer issuer = {0};
    zca_auto(zca_buffer) struct zca_buffer serial = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    start_pinned(scene, "plain", "nss-trust = yes\n", "");
    CK_SESSION_HANDLE session = bed_open("corp", 0);
    CK_OBJECT_HANDLE certificate = bed_object(session, CKO_CERTIFICATE);
    bed_value(session, certificate, CKA_ISSUER, &issuer);
    bed_value(session, certificate, CKA_SERIAL_NUMBER, &serial);
    const CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,         &class,      sizeof(class)},
        {CKA_ISSUER,        issuer.data, issuer.len   },
        {CKA_SERIAL_NUMBER, serial.data, serial.len   },
    };
    assert_int_equal(bed_find(session, attributes, 3, &trust, 1), 1);
    for (size_t i = 0; i < ZCA_COUNT(uses); i++) {
        assert_int_equal(number(session, trust, uses[i]), CKT_NSS_TRUSTED_DELEGATOR);
    }
    bed_value(session, trust, CKA_CERT_SHA1_HASH, &hash);
    assert_int_equal(X509_digest(scene->ca.certificate, EVP_sha1(), sha1, &len), 1);
    assert_int_equal(hash.len, len);
    assert_memory_equal(hash.data, sha1, len);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(certificate_is_fetched_once_by_who_names_certificates),
        CASE(pinned_certificate_needs_no_network),
        CASE(failed_fetch_is_told_once_and_not_repeated),
        CASE(authority_that_tells_no_certificate_has_none),
        CASE(option_issuer_is_shown_and_trusted),
        CASE(certificate_pinned_at_first_use_is_not_called_trusted),
        CASE(another_pinned_file_is_noticed),
        CASE(pinned_file_out_of_reach_leaves_what_is_shown),
        CASE(damaged_file_is_told_once),
        CASE(handles_stay_while_the_ca_does),
        CASE(key_and_certificate_have_one_id),
        CASE(private_key_is_there_only_where_the_authority_signs),
        CASE(private_key_claims_nothing_and_names_its_mechanisms),
        CASE(token_is_read_only),
        CASE(structure_is_signed_by_the_authority),
        CASE(public_key_verifies_here),
        CASE(other_data_are_refused_here),
        CASE(refusals_become_codes_and_end_the_operation),
        CASE(digests_and_paddings_are_not_offered),
        CASE(profiles_are_those_of_a_token_to_look_at),
        CASE(nobody_is_trusted_unasked),
        CASE(nss_finds_trust_by_issuer_and_serial_number),
    };
    return cmocka_run_group_tests_name("pkcs11-module/authority", tests, NULL, NULL);
}
