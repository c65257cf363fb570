/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/err.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "base/tbs.h"
#include "tests/base/check.h"
#include "tests/base/sample.h"

/* One signed object of every kind and what was signed for it. */
struct fixture {
    EVP_PKEY *key;
    X509 *certificate;
    X509_CRL *crl;
    X509_REQ *request;
    struct zca_buffer tbs[ZCA_TBS_REQUEST + 1];
};

static void append_bytes(struct zca_buffer *buffer, unsigned char *der, int len)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    assert_true(len > 0);
    check_ok(zca_buffer_append(buffer, zca_span_of(der, (size_t)len), &err), err);
    OPENSSL_free(der);
}

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->key = sample_key("P-256");
    fixture->certificate = sample_certificate(fixture->key, "web");
    fixture->crl = sample_crl(fixture->key, fixture->certificate);
    fixture->request = sample_request(fixture->key, "web");
    unsigned char *der = NULL;
    int len = i2d_re_X509_tbs(fixture->certificate, &der);
    append_bytes(&fixture->tbs[ZCA_TBS_CERTIFICATE], der, len);
    der = NULL;
    len = i2d_re_X509_CRL_tbs(fixture->crl, &der);
    append_bytes(&fixture->tbs[ZCA_TBS_CRL], der, len);
    der = NULL;
    len = i2d_re_X509_REQ_tbs(fixture->request, &der);
    append_bytes(&fixture->tbs[ZCA_TBS_REQUEST], der, len);
    sample_ocsp_tbs(fixture->key, fixture->certificate, &fixture->tbs[ZCA_TBS_OCSP]);
    *state = fixture;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *fixture = *state;
    EVP_PKEY_free(fixture->key);
    X509_free(fixture->certificate);
    X509_CRL_free(fixture->crl);
    X509_REQ_free(fixture->request);
    for (size_t i = 0; i < ZCA_COUNT(fixture->tbs); i++) {
        zca_buffer_clear(&fixture->tbs[i]);
    }
    free(fixture);
    return 0;
}

static enum zca_tbs_kind classify(const struct zca_buffer *buffer)
{
    enum zca_tbs_kind kind = zca_tbs_classify(zca_buffer_span(buffer));
    assert_int_equal(zca_tbs_is_request(zca_buffer_span(buffer)), kind == ZCA_TBS_REQUEST);
    return kind;
}

static void every_kind_is_told_apart(void **state)
{
    const struct fixture *fixture = *state;
    for (int kind = ZCA_TBS_CERTIFICATE; kind <= ZCA_TBS_REQUEST; kind++) {
        assert_int_equal(classify(&fixture->tbs[kind]), kind);
    }
}

static void every_kind_of_key_is_read(void **state)
{
    (void)state;
    static const char *const types[] = {"P-384", "P-521", "RSA-2048", "Ed25519"};
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *key = sample_key(types[i]);
        zca_auto(X509) X509 *certificate = sample_certificate(key, "x");
        zca_auto(zca_buffer) struct zca_buffer tbs = {.data = NULL};
        unsigned char *der = NULL;
        int len = i2d_re_X509_tbs(certificate, &der);
        append_bytes(&tbs, der, len);
        assert_int_equal(classify(&tbs), ZCA_TBS_CERTIFICATE);
    }
}

static void certificate_of_version_1_is_one(void **state)
{
    const struct fixture *fixture = *state;
    zca_auto(X509) X509 *certificate = X509_dup(fixture->certificate);
    zca_auto(zca_buffer) struct zca_buffer tbs = {.data = NULL};
    unsigned char *der = NULL;
    while (X509_get_ext_count(certificate) > 0) {
        X509_EXTENSION_free(X509_delete_ext(certificate, 0));
    }
    assert_int_equal(X509_set_version(certificate, X509_VERSION_1), 1);
    int len = i2d_re_X509_tbs(certificate, &der);
    append_bytes(&tbs, der, len);
    assert_int_equal(classify(&tbs), ZCA_TBS_CERTIFICATE);
}

static void no_prefix_of_a_structure_is_one(void **state)
{
    const struct fixture *fixture = *state;
    ERR_clear_error();
    for (int kind = ZCA_TBS_CERTIFICATE; kind <= ZCA_TBS_REQUEST; kind++) {
        for (size_t len = 0; len < fixture->tbs[kind].len; len++) {
            struct zca_span part = zca_span_of(fixture->tbs[kind].data, len);
            assert_int_equal(zca_tbs_classify(part), ZCA_TBS_UNKNOWN);
        }
    }
    assert_int_equal(ERR_peek_error(), 0);
}

static void errors_that_were_queued_before_stay(void **state)
{
    const struct fixture *fixture = *state;
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 7);
    assert_int_equal(classify(&fixture->tbs[ZCA_TBS_REQUEST]), ZCA_TBS_REQUEST);
    assert_int_equal(zca_tbs_classify(zca_span_of("0\x02\x02\x05", 4)), ZCA_TBS_UNKNOWN);
    assert_int_equal(ERR_GET_REASON(ERR_get_error()), 7);
    assert_int_equal(ERR_get_error(), 0);
}

static void nothing_may_stand_behind_a_structure(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    for (int kind = ZCA_TBS_CERTIFICATE; kind <= ZCA_TBS_REQUEST; kind++) {
        zca_auto(zca_buffer) struct zca_buffer longer = {.data = NULL};
        check_ok(zca_buffer_append(&longer, zca_buffer_span(&fixture->tbs[kind]), &err), err);
        check_ok(zca_buffer_append(&longer, zca_span_of("", 1), &err), err);
        assert_int_equal(classify(&longer), ZCA_TBS_UNKNOWN);
    }
}

static void complete_objects_and_other_data_are_unknown(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer certificate = {.data = NULL};
    check_ok(zca_der_certificate(fixture->certificate, &certificate, &err), err);
    assert_int_equal(classify(&certificate), ZCA_TBS_UNKNOWN);
    assert_int_equal(zca_tbs_classify(zca_span_of(NULL, 0)), ZCA_TBS_UNKNOWN);
    assert_int_equal(zca_tbs_classify(zca_span_text("0")), ZCA_TBS_UNKNOWN);
    assert_int_equal(zca_tbs_classify(zca_span_of("0\0", 2)), ZCA_TBS_UNKNOWN);
    assert_int_equal(zca_tbs_classify(zca_span_of("0\x80\0\0", 4)), ZCA_TBS_UNKNOWN);
    assert_int_equal(zca_tbs_classify(zca_span_text("TLS 1.3, server CertificateVerify")),
                     ZCA_TBS_UNKNOWN);
}

/* Wraps the contents of `tbs` into a SEQUENCE whose length has one octet more than it needs. */
static void lengthen_header(const struct zca_buffer *tbs, struct zca_buffer *out_bytes)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    size_t header = tbs->data[1] == 0x81 ? 3 : 4;
    size_t len = tbs->len - header;
    uint8_t longer[5] = {0x30, 0x83, 0, (uint8_t)(len >> 8), (uint8_t)len};
    check_ok(zca_buffer_append(out_bytes, zca_span_of(longer, sizeof(longer)), &err), err);
    check_ok(zca_buffer_append(out_bytes, zca_span_of(tbs->data + header, len), &err), err);
}

static void structures_that_are_not_der_are_unknown(void **state)
{
    const struct fixture *fixture = *state;
    for (int kind = ZCA_TBS_CERTIFICATE; kind <= ZCA_TBS_REQUEST; kind++) {
        zca_auto(zca_buffer) struct zca_buffer longer = {.data = NULL};
        lengthen_header(&fixture->tbs[kind], &longer);
        assert_true(zca_der_is_sequence(zca_buffer_span(&longer)));
        assert_int_equal(classify(&longer), ZCA_TBS_UNKNOWN);
    }
}

/* Returns where `pattern` starts in the buffer; the test fails when it does not occur. */
static uint8_t *find_bytes(struct zca_buffer *buffer, const char *pattern, size_t len)
{
    uint8_t *found = memmem(buffer->data, buffer->len, pattern, len);
    assert_non_null(found);
    return found;
}

struct change {
    enum zca_tbs_kind kind;
    const char *pattern;
    size_t len;
    size_t offset;
    uint8_t value;
};

/* Each keeps all lengths: only what is between them is wrong. */
static const struct change changes[] = {
    {ZCA_TBS_CERTIFICATE, "\xa0\x03\x02\x01\x02", 5, 4, 0}, /* version 1 written out */
    {ZCA_TBS_CERTIFICATE, "\xa0\x03\x02\x01\x02", 5, 4, 3}, /* version 4 */
    {ZCA_TBS_CERTIFICATE, "\x02\x02\x12\x34",     4, 2, 0}, /* serial with a leading zero */
    {ZCA_TBS_CRL,         "\x02\x01\x01",         3, 2, 0}, /* version 1 written out */
    {ZCA_TBS_REQUEST,     "\x02\x01\x00\x30",     4, 2, 1}, /* version 2 */
};

static void structures_with_wrong_details_are_unknown(void **state)
{
    const struct fixture *fixture = *state;
    for (size_t i = 0; i < ZCA_COUNT(changes); i++) {
        const struct change *change = &changes[i];
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer bytes = {.data = NULL};
        struct zca_span tbs = zca_buffer_span(&fixture->tbs[change->kind]);
        check_ok(zca_buffer_append(&bytes, tbs, &err), err);
        assert_int_equal(classify(&bytes), change->kind);
        find_bytes(&bytes, change->pattern, change->len)[change->offset] = change->value;
        assert_int_equal(classify(&bytes), ZCA_TBS_UNKNOWN);
    }
}

static void kinds_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"unknown", "certificate", "crl", "ocsp", "request"};
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        assert_string_equal(zca_tbs_kind_name((enum zca_tbs_kind)i), names[i]);
        assert_int_equal(zca_tbs_kind_find(names[i]), i);
    }
    assert_int_equal(zca_tbs_kind_find("CRL"), ZCA_TBS_UNKNOWN);
    assert_string_equal(zca_tbs_kind_name((enum zca_tbs_kind)99), "unknown");
}

static void structure_completed_is_the_signed_object(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    const ASN1_BIT_STRING *signature = NULL;
    const X509_ALGOR *algorithm = NULL;
    unsigned char *der = NULL;
    zca_auto(zca_buffer) struct zca_buffer algorithm_der = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer wanted = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer made = {.data = NULL};
    X509_get0_signature(&signature, &algorithm, fixture->certificate);
    int len = i2d_X509_ALGOR(algorithm, &der);
    append_bytes(&algorithm_der, der, len);
    check_ok(zca_der_certificate(fixture->certificate, &wanted, &err), err);
    check_ok(zca_tbs_complete(zca_buffer_span(&fixture->tbs[ZCA_TBS_CERTIFICATE]),
                              zca_buffer_span(&algorithm_der),
                              zca_span_of(signature->data, (size_t)signature->length), &made, &err),
             err);
    assert_true(zca_span_equal(zca_buffer_span(&made), zca_buffer_span(&wanted)));
}

static void certificate_to_be_signed_can_be_inspected(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509) X509 *certificate =
        zca_tbs_certificate(NULL, zca_buffer_span(&fixture->tbs[ZCA_TBS_CERTIFICATE]), &err);
    check_ok(certificate != NULL, err);
    const ASN1_BIT_STRING *signature = NULL;
    X509_get0_signature(&signature, NULL, certificate);
    assert_int_equal(signature->length, 0);
    assert_int_equal(X509_get_signature_nid(certificate), NID_ecdsa_with_SHA256);
    assert_int_equal(X509_NAME_cmp(X509_get_subject_name(certificate),
                                   X509_get_subject_name(fixture->certificate)),
                     0);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), fixture->key), 1);
}

static void crl_to_be_signed_can_be_inspected(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_CRL) X509_CRL *crl =
        zca_tbs_crl(NULL, zca_buffer_span(&fixture->tbs[ZCA_TBS_CRL]), &err);
    check_ok(crl != NULL, err);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
    assert_int_equal(X509_CRL_get_signature_nid(crl), NID_ecdsa_with_SHA256);
}

static void inspecting_another_kind_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_span certificate = zca_buffer_span(&fixture->tbs[ZCA_TBS_CERTIFICATE]);
    struct zca_span crl = zca_buffer_span(&fixture->tbs[ZCA_TBS_CRL]);
    check_refused(zca_tbs_certificate(NULL, crl, &err) != NULL, err, ZCA_ERR_INVALID);
    check_refused(zca_tbs_crl(NULL, certificate, &err) != NULL, err, ZCA_ERR_INVALID);
    check_refused(zca_tbs_crl(NULL, zca_span_of(NULL, 0), &err) != NULL, err, ZCA_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_told_apart),
        cmocka_unit_test(every_kind_of_key_is_read),
        cmocka_unit_test(certificate_of_version_1_is_one),
        cmocka_unit_test(no_prefix_of_a_structure_is_one),
        cmocka_unit_test(errors_that_were_queued_before_stay),
        cmocka_unit_test(nothing_may_stand_behind_a_structure),
        cmocka_unit_test(complete_objects_and_other_data_are_unknown),
        cmocka_unit_test(structures_that_are_not_der_are_unknown),
        cmocka_unit_test(structures_with_wrong_details_are_unknown),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(structure_completed_is_the_signed_object),
        cmocka_unit_test(certificate_to_be_signed_can_be_inspected),
        cmocka_unit_test(crl_to_be_signed_can_be_inspected),
        cmocka_unit_test(inspecting_another_kind_is_refused),
    };
    return cmocka_run_group_tests_name("base/tbs", tests, make_fixture, drop_fixture);
}
