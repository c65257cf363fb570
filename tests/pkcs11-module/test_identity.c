/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates that applications write to the token of an identity. */
#include <string.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/pin.h"
#include "tests/pkcs11-module/bed.h"

static CK_BBOOL yes = CK_TRUE;
static CK_OBJECT_CLASS certificate_class = CKO_CERTIFICATE;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_CERTIFICATE_TYPE x509 = CKC_X_509;

static CK_SESSION_HANDLE start(struct scene *scene, const char *sections, CK_FLAGS flags)
{
    bed_configure(scene, "", "plain", sections);
    scene_plan(scene, "submit: ok\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    return bed_open("web", flags);
}

static void forge(struct scene *scene, CK_SESSION_HANDLE session, unsigned flaws,
                  struct zca_buffer *out_der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(EVP_PKEY) EVP_PKEY *key = bed_key(session, bed_object(session, CKO_PUBLIC_KEY));
    const struct forge_order order = {.common_name = "web", .key = key, .flaws = flaws};
    zca_auto(X509) X509 *certificate = forge_issue(&scene->ca, &order);
    check_ok(zca_der_certificate(certificate, out_der, &err), err);
}

static CK_RV write_value(CK_SESSION_HANDLE session, const struct zca_buffer *der,
                         CK_OBJECT_HANDLE *out_handle)
{
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,            &certificate_class, sizeof(certificate_class)},
        {CKA_CERTIFICATE_TYPE, &x509,              sizeof(x509)             },
        {CKA_TOKEN,            &yes,               sizeof(yes)              },
        {CKA_LABEL,            (void *)"mine",     4                        },
        {CKA_VALUE,            der->data,          der->len                 },
    };
    return C_CreateObject(session, attributes, ZCA_COUNT(attributes), out_handle);
}

/* The handle of the certificate that a search by the token's name finds. */
static CK_OBJECT_HANDLE leaf_of(CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE handle = 0;
    const CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &certificate_class, sizeof(certificate_class)},
        {CKA_LABEL, (void *)"web",      3                        },
    };
    assert_int_equal(bed_find(session, attributes, ZCA_COUNT(attributes), &handle, 1), 1);
    return handle;
}

static void written_certificate_is_the_identitys(void **state)
{
    struct scene *scene = *state;
    CK_OBJECT_HANDLE written = 0;
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    zca_auto(zca_buffer) struct zca_buffer value = {0};
    CK_SESSION_HANDLE session = start(scene, "[identity web]\n", CKF_RW_SESSION);
    forge(scene, session, 0, &der);
    assert_int_equal(write_value(session, &der, &written), CKR_OK);
    assert_int_equal(leaf_of(session), written);
    bed_value(session, written, CKA_VALUE, &value);
    assert_true(zca_span_equal(zca_buffer_span(&value), zca_buffer_span(&der)));
    assert_true(scene_exists(scene, "state/certs/corp/web.pem"));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void certificate_that_is_there_is_written_by_doing_nothing(void **state)
{
    struct scene *scene = *state;
    CK_OBJECT_HANDLE written = 0;
    zca_auto(zca_buffer) struct zca_buffer leaf = {0};
    zca_auto(zca_buffer) struct zca_buffer issuer = {0};
    CK_SESSION_HANDLE session = start(scene, "[identity web]\n", CKF_RW_SESSION);
    CK_OBJECT_HANDLE issued = leaf_of(session); /* by the authority */
    bed_value(session, issued, CKA_VALUE, &leaf);
    check_ok(zca_der_certificate(scene->ca.certificate, &issuer, NULL), (struct zca_error){0});
    assert_int_equal(write_value(session, &leaf, &written), CKR_OK);
    assert_int_equal(written, issued);
    assert_int_equal(write_value(session, &issuer, &written), CKR_OK);
    assert_int_not_equal(written, issued);
    assert_int_equal(leaf_of(session), issued);
    assert_false(scene_exists(scene, "state/certs/corp/web.pem.previous"));
}

static void certificate_for_something_else_is_refused(void **state)
{
    static const unsigned flaws[] = {FORGE_OTHER_KEY, FORGE_OTHER_NAME, FORGE_EXPIRED, FORGE_CA};
    struct scene *scene = *state;
    CK_OBJECT_HANDLE written = 0;
    CK_SESSION_HANDLE session = start(scene, "[identity web]\n", CKF_RW_SESSION);
    for (size_t i = 0; i < ZCA_COUNT(flaws); i++) {
        zca_auto(zca_buffer) struct zca_buffer der = {0};
        forge(scene, session, flaws[i], &der);
        assert_int_equal(write_value(session, &der, &written), CKR_ATTRIBUTE_VALUE_INVALID);
    }
    assert_false(scene_exists(scene, "state/certs/corp/web.pem"));
}

/* The CA's certificates are fetched for it. */
static void writing_carries_the_credential(void **state)
{
    static CK_UTF8CHAR credential[] = "token-1";
    struct scene *scene = *state;
    CK_OBJECT_HANDLE written = 0;
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    CK_SESSION_HANDLE session = start(scene, "[identity web]\npin = credential\n", CKF_RW_SESSION);
    assert_int_equal(C_Login(session, CKU_USER, credential, sizeof(credential) - 1), CKR_OK);
    forge(scene, session, 0, &der);
    assert_int_equal(write_value(session, &der, &written), CKR_OK);
    assert_int_equal(scene_count(scene, "ca_fetch"), 1);
    assert_int_equal(scene_count(scene, "ca_fetch as token-1"), 1);
}

static void session_decides_whether_it_may_write(void **state)
{
    struct scene *scene = *state;
    CK_OBJECT_HANDLE written = 0;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    CK_SESSION_HANDLE session = start(scene, "[identity web]\npin = local\n", 0);
    scene_open(scene, "zca://corp/web");
    check_ok(zca_pin_set(scene->library, "corp", "web", zca_span_text("a secret"), &err), err);
    zca_key_free(zca_identity_key_or_new(scene->identity, &err));
    scene_close(scene);
    forge(scene, session, 0, &der);
    CK_SESSION_HANDLE writer = bed_open("web", CKF_RW_SESSION);
    assert_int_equal(write_value(session, &der, &written), CKR_SESSION_READ_ONLY);
    assert_int_equal(write_value(writer, &der, &written), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(C_Login(writer, CKU_USER, (CK_UTF8CHAR *)"a secret", 8), CKR_OK);
    assert_int_equal(write_value(writer, &der, &written), CKR_OK);
}

static void copy_of_a_session_certificate_is_written(void **state)
{
    struct scene *scene = *state;
    CK_OBJECT_HANDLE passing = 0, written = 0;
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    CK_SESSION_HANDLE session = start(scene, "[identity web]\n", CKF_RW_SESSION);
    forge(scene, session, 0, &der);
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &certificate_class, sizeof(certificate_class)},
        {CKA_VALUE, der.data,           der.len                  },
    };
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, sizeof(yes)};
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &passing), CKR_OK);
    assert_false(scene_exists(scene, "state/certs/corp/web.pem"));
    assert_int_equal(C_CopyObject(session, passing, &token, 1, &written), CKR_OK);
    assert_int_not_equal(passing, written);
    assert_int_equal(leaf_of(session), written);
}

static void nothing_else_is_written(void **state)
{
    struct scene *scene = *state;
    CK_OBJECT_HANDLE handle = 0;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS, &data_class, sizeof(data_class)},
        {CKA_TOKEN, &yes,        sizeof(yes)       },
    };
    CK_SESSION_HANDLE session = start(scene, "[identity web]\n", CKF_RW_SESSION);
    assert_int_equal(C_CreateObject(session, attributes, ZCA_COUNT(attributes), &handle),
                     CKR_TOKEN_WRITE_PROTECTED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, bed_setup, bed_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(written_certificate_is_the_identitys),
        CASE(certificate_that_is_there_is_written_by_doing_nothing),
        CASE(certificate_for_something_else_is_refused),
        CASE(writing_carries_the_credential),
        CASE(session_decides_whether_it_may_write),
        CASE(copy_of_a_session_certificate_is_written),
        CASE(nothing_else_is_written),
    };
    return cmocka_run_group_tests_name("pkcs11-module/identity", tests, NULL, NULL);
}
