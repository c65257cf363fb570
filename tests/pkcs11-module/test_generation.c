/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/ecdsa.h>

#include "core/renew.h"
#include "tests/pkcs11-module/bed.h"

static void start(struct scene *scene, const char *dialect, const char *sections, const char *plan)
{
    bed_configure(scene, "", dialect, sections);
    scene_plan(scene, plan);
    assert_int_equal(bed_initialise(scene), CKR_OK);
}

#define NUM_ROTATIONS 100

struct rotation {
    atomic_bool is_over;
    atomic_uint num_signatures, num_errors, num_mismatches;
    CK_SLOT_ID slot;
};

static CK_RV find_one(CK_SESSION_HANDLE session, CK_ATTRIBUTE *attributes, CK_ULONG num,
                      CK_OBJECT_HANDLE *out_handle)
{
    CK_OBJECT_HANDLE handles[2];
    CK_ULONG count = 0;
    CK_RV rv = C_FindObjectsInit(session, attributes, num);
    if (rv == CKR_OK) {
        rv = C_FindObjects(session, handles, ZCA_COUNT(handles), &count);
        (void)C_FindObjectsFinal(session);
    }
    *out_handle = handles[0];
    return rv == CKR_OK && count != 1 ? CKR_OBJECT_HANDLE_INVALID : rv;
}

/* The public key of the certificate that an application finds, its CKA_ID, and the private key with that. */
static CK_RV find_pair(CK_SESSION_HANDLE session, X509 **out_certificate, CK_OBJECT_HANDLE *out_key)
{
    static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;
    static CK_OBJECT_CLASS key_class = CKO_PRIVATE_KEY;
    uint8_t id[64];
    uint8_t der[4096];
    CK_OBJECT_HANDLE certificate = 0;
    CK_ATTRIBUTE by_label[] = {
        {CKA_CLASS, &certificate_class, sizeof(certificate_class)},
        {CKA_LABEL, (void *)"web",      3                        },
    };
    CK_ATTRIBUTE values[] = {
        {CKA_ID,    id,  sizeof(id) },
        {CKA_VALUE, der, sizeof(der)},
    };
    CK_RV rv = find_one(session, by_label, 2, &certificate);
    rv = rv ? rv : C_GetAttributeValue(session, certificate, values, ZCA_COUNT(values));
    if (rv != CKR_OK) {
        return rv;
    }
    CK_ATTRIBUTE by_id[] = {
        {CKA_CLASS, &key_class, sizeof(key_class)   },
        {CKA_ID,    id,         values[0].ulValueLen},
    };
    const uint8_t *at = der;
    *out_certificate = d2i_X509(NULL, &at, (long)values[1].ulValueLen);
    return find_one(session, by_id, 2, out_key);
}

static bool signature_fits(X509 *certificate, const uint8_t *signature, size_t len)
{
    static const uint8_t data[] = "data";
    unsigned char *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fits = ECDSA_SIG_set0(pair, BN_bin2bn(signature, (int)len / 2, NULL),
                               BN_bin2bn(signature + len / 2, (int)len / 2, NULL)) == 1;
    int der_len = i2d_ECDSA_SIG(pair, &der);
    fits = fits && der_len > 0 &&
           EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, X509_get0_pubkey(certificate)) ==
               1 &&
           EVP_DigestVerify(context, der, (size_t)der_len, data, sizeof(data)) == 1;
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    EVP_MD_CTX_free(context);
    return fits;
}

static void sign_once(struct rotation *rotation, CK_SESSION_HANDLE session)
{
    static uint8_t data[] = "data";
    uint8_t signature[128];
    CK_ULONG len = sizeof(signature);
    X509 *certificate = NULL;
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM mechanism = {.mechanism = CKM_ECDSA_SHA256};
    CK_RV rv = find_pair(session, &certificate, &key);
    rv = rv ? rv : C_SignInit(session, &mechanism, key);
    rv = rv ? rv : C_Sign(session, data, sizeof(data), signature, &len);
    if (rv != CKR_OK) {
        atomic_fetch_add(&rotation->num_errors, 1);
    } else if (!signature_fits(certificate, signature, len)) {
        atomic_fetch_add(&rotation->num_mismatches, 1);
    } else {
        atomic_fetch_add(&rotation->num_signatures, 1);
    }
    X509_free(certificate);
}

static void *keep_signing(void *argument)
{
    struct rotation *rotation = argument;
    CK_SESSION_HANDLE session = 0;
    if (C_OpenSession(rotation->slot, CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK) {
        atomic_fetch_add(&rotation->num_errors, 1);
        return NULL;
    }
    while (!atomic_load(&rotation->is_over)) {
        sign_once(rotation, session);
    }
    (void)C_CloseSession(session);
    return NULL;
}

static void rotations_never_show_a_pair_that_is_none(void **state)
{
    pthread_t threads[2];
    struct scene *scene = *state;
    struct rotation rotation = {.num_errors = 0};
    start(scene, "plain", "[identity web]\n", "submit: ok\n");
    CK_ULONG count = 0;
    assert_int_equal(bed_look(bed_open("web", 0), CKO_CERTIFICATE, &count), CKR_OK);
    assert_int_equal(count, 1);
    scene_open(scene, "zca://corp/web");
    rotation.slot = bed_slot("web");
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, keep_signing, &rotation), 0);
    }
    for (size_t i = 0; i < NUM_ROTATIONS; i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        bool is_renewed = false;
        check_ok(zca_renew(scene->identity, true, &is_renewed, &err), err);
    }
    atomic_store(&rotation.is_over, true);
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    scene_close(scene);
    assert_int_equal(rotation.num_errors, 0);
    assert_int_equal(rotation.num_mismatches, 0);
    assert_true(rotation.num_signatures > NUM_ROTATIONS);
    assert_int_equal(scene_count(scene, "submit"), NUM_ROTATIONS + 1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(rotations_never_show_a_pair_that_is_none),
    };
    return cmocka_run_group_tests_name("pkcs11-module/generation", tests, NULL, NULL);
}
