/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tests/base/check.h"
#include "tests/base/sample.h"

struct fixture {
    EVP_PKEY *key;
    X509 *certificate;
    X509_REQ *request;
    X509_CRL *crl;
};

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->key = sample_key("P-256");
    fixture->certificate = sample_certificate(fixture->key, "one");
    fixture->request = sample_request(fixture->key, "one");
    fixture->crl = sample_crl(fixture->key, fixture->certificate);
    *state = fixture;
    return 0;
}

static int drop_fixture(void **state)
{
    struct fixture *fixture = *state;
    EVP_PKEY_free(fixture->key);
    X509_free(fixture->certificate);
    X509_REQ_free(fixture->request);
    X509_CRL_free(fixture->crl);
    free(fixture);
    return 0;
}

/* Appends what one of OpenSSL's PEM writers put into a memory BIO. */
static void append_bio(struct zca_buffer *text, BIO *bio)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    assert_true(len > 0);
    check_ok(zca_buffer_append(text, zca_span_of(data, (size_t)len), &err), err);
    BIO_free(bio);
}

static void append_certificate(struct zca_buffer *text, const X509 *certificate)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_pem_format_certificate(certificate, text, &err), err);
}

static void append_text(struct zca_buffer *text, const char *more)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_buffer_append_text(text, more, &err), err);
}

static void check_certificates_refused(const struct zca_buffer *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    ERR_clear_error();
    check_refused(zca_pem_parse_certificates(NULL, zca_buffer_span(text), &err) != NULL, err,
                  ZCA_ERR_INVALID);
    assert_int_equal(ERR_peek_error(), 0);
}

static void pem_is_written_as_openssl_writes_it(void **state)
{
    const struct fixture *fixture = *state;
    zca_auto(zca_buffer) struct zca_buffer ours = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer theirs = {.data = NULL};
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, fixture->certificate), 1);
    append_bio(&theirs, bio);
    append_certificate(&ours, fixture->certificate);
    assert_true(zca_span_equal(zca_buffer_span(&ours), zca_buffer_span(&theirs)));
}

static void certificates_are_read_in_their_order(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509) X509 *second = sample_certificate(fixture->key, "two");
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    append_text(&text, "subject=one\r\n");
    append_certificate(&text, fixture->certificate);
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, fixture->key, NULL, NULL, 0, NULL, NULL), 1);
    append_bio(&text, bio);
    append_certificate(&text, second);
    ERR_clear_error();
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&text), &err);
    check_ok(certificates != NULL, err);
    assert_int_equal(sk_X509_num(certificates), 2);
    assert_int_equal(X509_cmp(sk_X509_value(certificates, 0), fixture->certificate), 0);
    assert_int_equal(X509_cmp(sk_X509_value(certificates, 1), second), 0);
    assert_int_equal(ERR_peek_error(), 0);
    zca_auto(zca_buffer) struct zca_buffer written = {.data = NULL};
    check_ok(zca_pem_format_certificates(certificates, &written, &err), err);
    assert_true(strstr((const char *)written.data, "BEGIN CERTIFICATE"));
    assert_null(strstr((const char *)written.data, "PRIVATE"));
}

static void certificates_with_crlf_are_read(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer crlf = {.data = NULL};
    append_certificate(&text, fixture->certificate);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n') {
            append_text(&crlf, "\r");
        }
        check_ok(zca_buffer_append(&crlf, zca_span_of(text.data + i, 1), &err), err);
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&crlf), &err);
    check_ok(certificates != NULL, err);
}

static void certificates_that_are_none_or_broken_are_refused(void **state)
{
    const struct fixture *fixture = *state;
    zca_auto(zca_buffer) struct zca_buffer empty = {.data = NULL};
    check_certificates_refused(&empty);
    zca_auto(zca_buffer) struct zca_buffer none = {.data = NULL};
    append_text(&none, "no certificate here\n");
    check_certificates_refused(&none);
    zca_auto(zca_buffer) struct zca_buffer half = {.data = NULL};
    append_certificate(&half, fixture->certificate);
    append_certificate(&half, fixture->certificate);
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_buffer_resize(&half, half.len - 40, &err), err);
    check_certificates_refused(&half);
    zca_auto(zca_buffer) struct zca_buffer wrong = {.data = NULL};
    check_ok(zca_pem_format("CERTIFICATE", zca_span_text("no DER"), &wrong, &err), err);
    check_certificates_refused(&wrong);
}

static void certificate_with_something_behind_it_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_der_certificate(fixture->certificate, &der, &err), err);
    zca_auto(X509) X509 *good = zca_der_parse_certificate(NULL, zca_buffer_span(&der), &err);
    check_ok(good != NULL, err);
    check_ok(zca_buffer_append(&der, zca_span_of("", 1), &err), err);
    check_refused(zca_der_parse_certificate(NULL, zca_buffer_span(&der), &err) != NULL, err,
                  ZCA_ERR_INVALID);
    check_ok(zca_pem_format("CERTIFICATE", zca_buffer_span(&der), &text, &err), err);
    check_certificates_refused(&text);
}

static void sixteen_certificates_are_enough(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    for (int i = 0; i < 16; i++) {
        append_certificate(&text, fixture->certificate);
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&text), &err);
    check_ok(certificates != NULL, err);
    append_certificate(&text, fixture->certificate);
    check_certificates_refused(&text);
}

static void check_request(struct zca_span text, const X509_REQ *wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer left = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer right = {.data = NULL};
    zca_auto(X509_REQ) X509_REQ *request = zca_pem_parse_request(NULL, text, &err);
    check_ok(request != NULL, err);
    check_ok(zca_der_request(request, &left, &err), err);
    check_ok(zca_der_request(wanted, &right, &err), err);
    assert_true(zca_span_equal(zca_buffer_span(&left), zca_buffer_span(&right)));
}

static void request_is_read_from_either_label_and_from_der(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    check_ok(zca_der_request(fixture->request, &der, &err), err);
    check_request(zca_buffer_span(&der), fixture->request);
    for (size_t i = 0; i < ZCA_COUNT(labels); i++) {
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        check_ok(zca_pem_format(labels[i], zca_buffer_span(&der), &text, &err), err);
        check_request(zca_buffer_span(&text), fixture->request);
    }
}

static void request_with_something_behind_it_is_refused(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_der_request(fixture->request, &der, &err), err);
    check_ok(zca_buffer_append(&der, zca_span_of("", 1), &err), err);
    check_refused(zca_pem_parse_request(NULL, zca_buffer_span(&der), &err) != NULL, err,
                  ZCA_ERR_INVALID);
    check_ok(zca_pem_format("CERTIFICATE REQUEST", zca_buffer_span(&der), &text, &err), err);
    check_refused(zca_pem_parse_request(NULL, zca_buffer_span(&text), &err) != NULL, err,
                  ZCA_ERR_INVALID);
    append_certificate(&text, fixture->certificate);
    check_refused(zca_pem_parse_crl(NULL, zca_buffer_span(&text), &err) != NULL, err,
                  ZCA_ERR_INVALID);
}

static void crl_is_read_from_pem_and_der(void **state)
{
    const struct fixture *fixture = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(fixture->crl, &der);
    assert_true(len > 0);
    struct zca_span span = zca_span_of(der, (size_t)len);
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_pem_format("X509 CRL", span, &text, &err), err);
    zca_auto(X509_CRL) X509_CRL *from_der = zca_pem_parse_crl(NULL, span, &err);
    check_ok(from_der != NULL, err);
    zca_auto(X509_CRL) X509_CRL *from_pem = zca_pem_parse_crl(NULL, zca_buffer_span(&text), &err);
    check_ok(from_pem != NULL, err);
    assert_int_equal(X509_CRL_cmp(from_der, fixture->crl), 0);
    assert_int_equal(X509_CRL_match(from_pem, from_der), 0);
    OPENSSL_free(der);
}

static void pem_of_a_secret_stays_secret(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    check_ok(zca_pem_format("PRIVATE KEY", zca_span_text("x"), &text, &err), err);
    check_text(text, "-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n");
    zca_auto(zca_buffer) struct zca_buffer small = {.limit = 50};
    check_refused(zca_pem_format("PRIVATE KEY", zca_span_text("x"), &small, &err), err,
                  ZCA_ERR_INVALID);
    assert_int_equal(small.len, 0);
}

static void fingerprint_is_sha256_with_colons(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    check_ok(zca_fingerprint(NULL, zca_span_text("abc"), &text, &err), err);
    check_text(text, "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:"
                     "B4:10:FF:61:F2:00:15:AD");
}

static void sequence_is_recognised_by_its_length(void **state)
{
    (void)state;
    assert_true(zca_der_is_sequence(zca_span_of("\x30\x00", 2)));
    assert_true(zca_der_is_sequence(zca_span_of("\x30\x02\x05\x00", 4)));
    assert_false(zca_der_is_sequence(zca_span_of("\x30\x02\x05\x00\x00", 5)));
    assert_false(zca_der_is_sequence(zca_span_of("\x30\x03\x05\x00", 4)));
    assert_false(zca_der_is_sequence(zca_span_of("\x31\x02\x05\x00", 4)));
    assert_false(zca_der_is_sequence(zca_span_of("\x30\x80\x00\x00", 4)));
    assert_false(zca_der_is_sequence(zca_span_of(NULL, 0)));
}

static void serial_has_at_least_the_digits_asked_for(void **state)
{
    (void)state;

    static const struct {
        const char *serial;
        size_t min_digits;
        const char *wanted;
    } rows[] = {
        {"0",          0,  "00"                              },
        {"1",          0,  "01"                              },
        {"0xABCDEF",   0,  "abcdef"                          },
        {"0xABCDEF",   32, "00000000000000000000000000abcdef"},
        {"0x80000000", 9,  "080000000"                       },
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
        zca_auto(ASN1_INTEGER) ASN1_INTEGER *serial = s2i_ASN1_INTEGER(NULL, rows[i].serial);
        check_ok(zca_serial_format(serial, rows[i].min_digits, &text, &err), err);
        check_text(text, rows[i].wanted);
    }
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *serial = s2i_ASN1_INTEGER(NULL, "-5");
    check_refused(zca_serial_format(serial, 2, &text, &err), err, ZCA_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_is_written_as_openssl_writes_it),
        cmocka_unit_test(certificates_are_read_in_their_order),
        cmocka_unit_test(certificates_with_crlf_are_read),
        cmocka_unit_test(certificates_that_are_none_or_broken_are_refused),
        cmocka_unit_test(certificate_with_something_behind_it_is_refused),
        cmocka_unit_test(sixteen_certificates_are_enough),
        cmocka_unit_test(request_is_read_from_either_label_and_from_der),
        cmocka_unit_test(request_with_something_behind_it_is_refused),
        cmocka_unit_test(crl_is_read_from_pem_and_der),
        cmocka_unit_test(pem_of_a_secret_stays_secret),
        cmocka_unit_test(fingerprint_is_sha256_with_colons),
        cmocka_unit_test(sequence_is_recognised_by_its_length),
        cmocka_unit_test(serial_has_at_least_the_digits_asked_for),
    };
    return cmocka_run_group_tests_name("base/pem", tests, make_fixture, drop_fixture);
}
