/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/chain.h"
#include "tests/core/scene.h"

static char *leaf_pem(struct scene *scene, unsigned flaws, X509 **out_leaf)
{
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "web.example", .key = key, .flaws = flaws};
    X509 *leaf = forge_issue(&scene->ca, &order);
    char *pem = forge_pem((X509 *const[]){leaf, scene->ca.certificate, NULL});
    EVP_PKEY_free(key);
    *out_leaf = leaf;
    return pem;
}

static void chain_holds_what_the_file_holds(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509) X509 *leaf = NULL;
    zca_auto(text) char *pem = leaf_pem(scene, 0, &leaf);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_span_text(pem), &err);
    check_ok(chain, err);
    assert_int_equal(zca_chain_get_length(chain), 2);
    check_ok(zca_der_certificate(leaf, &der, &err), err);
    assert_true(zca_span_equal(zca_chain_get_der(chain, 0), zca_buffer_span(&der)));
    zca_buffer_clear(&der);
    check_ok(zca_der_certificate(scene->ca.certificate, &der, &err), err);
    assert_true(zca_span_equal(zca_chain_get_der(chain, 1), zca_buffer_span(&der)));
}

/* The objects that a chain was made of are not decoded again. */
static void chain_of_objects_hands_them_out(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509) X509 *leaf = NULL;
    zca_auto(text) char *pem = leaf_pem(scene, 0, &leaf);
    zca_auto(X509_STACK) STACK_OF(X509) *objects = sk_X509_new_null();
    assert_true(X509_up_ref(leaf) == 1 && sk_X509_push(objects, leaf) > 0);
    zca_auto(zca_chain) struct zca_chain *none = zca_chain_of(NULL, &err);
    check_refused(none, err, ZCA_ERR_INVALID);
    err = (struct zca_error){.reason = ZCA_ERR_NONE};
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_of(objects, &err);
    check_ok(chain, err);
    zca_auto(X509_STACK) STACK_OF(X509) *out =
        zca_chain_certificates(chain, scene->library, NULL, &err);
    assert_int_equal(sk_X509_num(out), 1);
    assert_ptr_equal(sk_X509_value(out, 0), leaf);
    assert_true(zca_chain_valid_now(chain));
    zca_auto(zca_chain) struct zca_chain *parsed = zca_chain_parse(zca_span_text(pem), &err);
    check_ok(parsed, err);
    assert_false(zca_chain_same(chain, parsed)); /* it has the CA, too */
    assert_true(zca_span_equal(zca_chain_get_der(chain, 0), zca_chain_get_der(parsed, 0)));
    assert_true(zca_span_equal(zca_chain_get_public(chain), zca_chain_get_public(parsed)));
}

/* What the walk reads is what OpenSSL reads. */
static void dates_and_key_are_those_of_the_leaf(void **state)
{
    struct scene *scene = *state;
    static const unsigned kinds[] = {0, FORGE_VERSION_1, FORGE_EXPIRED, FORGE_FUTURE, FORGE_SKEWED};
    static const bool valid[] = {true, true, false, false, true};
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        struct tm when;
        zca_auto(X509) X509 *leaf = NULL;
        zca_auto(text) char *pem = leaf_pem(scene, kinds[i], &leaf);
        zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_span_text(pem), NULL);
        assert_non_null(chain);
        assert_int_equal(ASN1_TIME_to_tm(X509_get0_notBefore(leaf), &when), 1);
        assert_int_equal(zca_chain_get_not_before_s(chain), timegm(&when));
        assert_int_equal(ASN1_TIME_to_tm(X509_get0_notAfter(leaf), &when), 1);
        assert_int_equal(zca_chain_get_not_after_s(chain), timegm(&when));
        assert_int_equal(zca_chain_valid_now(chain), valid[i]);
        unsigned char *spki = NULL;
        int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
        assert_true(zca_span_equal(zca_chain_get_public(chain), zca_span_of(spki, (size_t)len)));
        OPENSSL_free(spki);
    }
}

static void other_blocks_are_skipped(void **state)
{
    struct scene *scene = *state;
    zca_auto(X509) X509 *leaf = NULL;
    zca_auto(text) char *pem = leaf_pem(scene, 0, &leaf);
    zca_auto(text) char *text = NULL;
    assert_true(asprintf(&text,
                         "words\r\n-----BEGIN ZCA PRIVATE KEY-----\nMAA=\n"
                         "-----END ZCA PRIVATE KEY-----\n%s",
                         pem) > 0);
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_span_text(text), NULL);
    assert_non_null(chain);
    assert_int_equal(zca_chain_get_length(chain), 2);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "nonsense",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMAA=\n",
    };
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_chain_parse(zca_span_text(texts[i]), &err), err, ZCA_ERR_INVALID);
    }
    assert_int_equal(ERR_peek_error(), 0); /* the application's queue is left as it was */
}

static void seventeen_certificates_are_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    X509 *certificates[18] = {NULL};
    for (size_t i = 0; i < 17; i++) {
        certificates[i] = scene->ca.certificate;
    }
    zca_auto(text) char *pem = forge_pem(certificates);
    check_refused(zca_chain_parse(zca_span_text(pem), &err), err, ZCA_ERR_INVALID);
    certificates[16] = NULL;
    zca_auto(text) char *fewer = forge_pem(certificates);
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_span_text(fewer), &err);
    check_ok(chain, err);
    assert_int_equal(zca_chain_get_length(chain), 16);
}

/* Each byte of the leaf changed: a chain or a refusal, and never a read outside (run with ASan). */
static void changed_bytes_do_no_harm(void **state)
{
    struct scene *scene = *state;
    zca_auto(X509) X509 *leaf = NULL;
    zca_auto(text) char *unused = leaf_pem(scene, 0, &leaf);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    assert_true(zca_der_certificate(leaf, &der, NULL));
    for (size_t i = 0; i < der.len; i++) {
        zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
        uint8_t saved = der.data[i];
        der.data[i] = (uint8_t)(saved ^ 0x85);
        assert_true(zca_pem_format("CERTIFICATE", zca_buffer_span(&der), &pem, NULL));
        zca_chain_free(zca_chain_parse(zca_buffer_span(&pem), NULL));
        der.data[i] = saved;
    }
}

static void objects_are_the_same_certificates(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509) X509 *leaf = NULL;
    zca_auto(text) char *pem = leaf_pem(scene, 0, &leaf);
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(zca_span_text(pem), &err);
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
    zca_auto(X509_STACK) STACK_OF(X509) *stack =
        zca_chain_certificates(chain, scene->library, NULL, &err);
    check_ok(stack, err);
    assert_int_equal(sk_X509_num(stack), 2);
    assert_int_equal(X509_cmp(sk_X509_value(stack, 0), leaf), 0);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(chain_holds_what_the_file_holds),    SCENE(dates_and_key_are_those_of_the_leaf),
        SCENE(other_blocks_are_skipped),           SCENE(nonsense_is_refused),
        SCENE(seventeen_certificates_are_refused), SCENE(changed_bytes_do_no_harm),
        SCENE(objects_are_the_same_certificates),  SCENE(chain_of_objects_hands_them_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
