/* SPDX-License-Identifier: Apache-2.0 */
/* What a file made for a server holds: each kind of block, in any order, and none that is broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tool/pem_file.h"

/* Made once. */
static char *reference;
static char *certificate;
static char *plain;

static char *text_of(const struct zca_buffer *buffer)
{
    return strndup((const char *)buffer->data, buffer->len);
}

static char *make_reference(EVP_PKEY *key)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);
    assert_true(len > 0);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(zca_reference) struct zca_reference block = {.uri = strdup("zca://corp/web")};
    assert_true(zca_buffer_append(&block.public_key, zca_span_of(spki, (size_t)len), NULL));
    OPENSSL_free(spki);
    assert_true(zca_reference_format(&block, &der, NULL));
    assert_true(zca_pem_format(ZCA_REFERENCE_LABEL, zca_buffer_span(&der), &pem, NULL));
    return text_of(&pem);
}

static char *make_certificate(EVP_PKEY *key)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(X509) X509 *leaf = X509_new();
    assert_true(leaf && X509_set_pubkey(leaf, key) == 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(leaf), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(leaf), 3600));
    assert_true(X509_sign(leaf, key, EVP_sha256()) > 0);
    assert_true(zca_pem_format_certificate(leaf, &pem, NULL));
    return text_of(&pem);
}

static int make(void **state)
{
    (void)state;
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    reference = make_reference(key);
    certificate = make_certificate(key);
    assert_true(zca_pem_format("PRIVATE KEY", zca_span_text("0"), &pem, NULL));
    plain = text_of(&pem);
    return reference && certificate && plain ? 0 : 1;
}

static int drop(void **state)
{
    (void)state;
    free(reference);
    free(certificate);
    free(plain);
    return 0;
}

/* Reads the texts one behind the other; the caller clears out_file. */
static bool read_texts(const char *first, const char *second, struct zca_pem_file *out_file,
                       struct zca_error *err)
{
    char path[] = "/tmp/zca-test-pem.XXXXXX";
    zca_auto(text) char *text = NULL;
    int fd = mkstemp(path);
    assert_true(fd >= 0 && asprintf(&text, "%s%s", first, second) >= 0);
    (void)close(fd);
    assert_true(zca_file_store(path, 0640, zca_span_text(text), NULL));
    bool ok = zca_pem_file_read(path, out_file, err);
    (void)unlink(path);
    return ok;
}

static void bundle_is_read_in_both_orders(void **state)
{
    (void)state;
    const char *const orders[2][2] = {
        {reference,   certificate},
        {certificate, reference  }
    };
    for (size_t i = 0; i < ZCA_COUNT(orders); i++) {
        zca_auto(zca_pem_file) struct zca_pem_file file = {.chain = NULL};
        assert_true(read_texts(orders[i][0], orders[i][1], &file, NULL));
        assert_string_equal(file.reference.uri, "zca://corp/web");
        assert_true(zca_span_equal(zca_chain_get_public(file.chain),
                                   zca_buffer_span(&file.reference.public_key)));
        assert_false(file.has_plain_key);
        assert_int_equal(file.mode, 0640);
    }
}

static void plain_key_is_seen(void **state)
{
    (void)state;
    zca_auto(zca_pem_file) struct zca_pem_file file = {.chain = NULL};
    assert_true(read_texts(certificate, plain, &file, NULL));
    assert_true(file.has_plain_key && file.chain && !file.reference.uri);
    assert_true(zca_span_equal(zca_buffer_span(&file.plain_key), zca_span_text("0")));
}

static void text_without_blocks_is_empty(void **state)
{
    (void)state;
    zca_auto(zca_pem_file) struct zca_pem_file file = {.chain = NULL};
    assert_true(read_texts("", "nothing\n", &file, NULL));
    assert_true(!file.has_plain_key && !file.chain && !file.reference.uri);
}

static void broken_block_is_refused(void **state)
{
    (void)state;
    static const char foreign[] =
        "-----BEGIN ZCA PRIVATE KEY-----\nMAA=\n-----END ZCA PRIVATE KEY-----\n";
    static const char garbled[] =
        "-----BEGIN ZCA PRIVATE KEY-----\n!!!!\n-----END ZCA PRIVATE KEY-----\n";
    static const char cut[] = "-----BEGIN ZCA PRIVATE KEY-----\nMAA=\n";
    static const char no_certificate[] =
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    const char *const texts[] = {foreign, garbled, cut, no_certificate};
    for (size_t i = 0; i < ZCA_COUNT(texts); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_pem_file file = {.chain = NULL};
        assert_false(read_texts(certificate, texts[i], &file, &err));
        assert_int_equal(err.reason, ZCA_ERR_INVALID);
        assert_true(*err.message != '\0' && !file.chain && !file.reference.uri);
    }
}

static void missing_file_is_not_found(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_pem_file file = {.chain = NULL};
    assert_false(zca_pem_file_read("/nowhere/web.pem", &file, &err));
    assert_int_equal(err.reason, ZCA_ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_is_read_in_both_orders), cmocka_unit_test(plain_key_is_seen),
        cmocka_unit_test(text_without_blocks_is_empty),  cmocka_unit_test(broken_block_is_refused),
        cmocka_unit_test(missing_file_is_not_found),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
