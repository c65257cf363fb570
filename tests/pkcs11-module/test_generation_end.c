/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of an identity's old keys when the certificate that was for them has ended. */
#include <openssl/core_names.h>

#include "base/clock.h"
#include "core/renew.h"
#include "pkcs11-module/token.h"
#include "tests/base/scan.h"
#include "tests/pkcs11-module/bed.h"

/* The clock of the module, which is linked to this one. */
int64_t __real_zca_clock_now_ms(void);
int64_t __wrap_zca_clock_now_ms(void);

static int64_t later_ms;

int64_t __wrap_zca_clock_now_ms(void)
{
    return __real_zca_clock_now_ms() + later_ms;
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session)
{
    return bed_object(session, CKO_PRIVATE_KEY);
}

static void renew(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool is_renewed = false;
    scene_open(scene, "zca://corp/web");
    check_ok(zca_renew(scene->identity, true, &is_renewed, &err), err);
    scene_close(scene);
}

static void sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[32] = {1};
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    assert_int_equal(C_SignInit(session, &ecdsa, key), CKR_OK);
    assert_int_equal(C_Sign(session, digest, sizeof(digest), signature, &len), CKR_OK);
}

static void remember(CK_OBJECT_HANDLE key, struct scan_pattern *out_pattern)
{
    uint8_t bytes[32];
    BIGNUM *value = NULL;
    const struct zca_token *token = zca_token_of_slot(zca_module_get(), bed_slot("web"));
    const struct zca_object *object = zca_objects_find(token->objects, key);
    assert_non_null(object);
    assert_int_equal(EVP_PKEY_get_bn_param(object->key, OSSL_PKEY_PARAM_PRIV_KEY, &value), 1);
    assert_int_equal(BN_bn2binpad(value, bytes, sizeof(bytes)), sizeof(bytes));
    scan_remember(zca_span_of(bytes, sizeof(bytes)), out_pattern);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    BN_clear_free(value);
}

static void key_of_an_ended_certificate_leaves_no_copy(void **state)
{
    CK_ULONG count = 0;
    struct scan_pattern pattern;
    struct scene *scene = *state;
    later_ms = 0;
    bed_configure(scene, "", "plain", "[identity web]\n");
    scene_plan(scene, "submit: ok\n");
    assert_int_equal(bed_initialise(scene), CKR_OK);
    CK_SESSION_HANDLE session = bed_open("web", 0);
    assert_int_equal(bed_look(session, CKO_CERTIFICATE, &count), CKR_OK);
    CK_OBJECT_HANDLE old = find_key(session);
    sign(session, old);
    remember(old, &pattern);
    if (!CRYPTO_secure_malloc_initialized()) {
        skip(); /* sanitizers, which keep more, are run without a secure heap */
    }
    renew(scene);
    assert_int_not_equal(find_key(session), old);
    sign(session, old); /* the certificate before is good */
    assert_int_equal(scan_memory(&pattern).copies, 1);
    renew(scene);
    later_ms = (int64_t)1000 * 24 * 3600 * 1000; /* a thousand days */
    (void)find_key(session);
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    assert_int_equal(scan_memory(&pattern).copies, 0);
    assert_int_equal(C_SignInit(session, &ecdsa, old), CKR_KEY_HANDLE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(key_of_an_ended_certificate_leaves_no_copy, bed_setup,
                                        bed_teardown),
    };
    return cmocka_run_group_tests_name("pkcs11-module/generation_end", tests, NULL, NULL);
}
