/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEM and DER of certificates, requests and CRLs. OpenSSL's reader skips text around blocks;
 * a block it cannot decode is an error here, never skipped.
 */
#include "base/pem.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/gate.h"
#include "base/openssl_auto.h"

static const int max_certificates = 16;

/* One block as PEM_read_bio fills it. */
struct block {
    char *label;
    char *header;
    unsigned char *data;
    long len;
};

/* Skipped blocks may hold keys. */
static void block_clear(struct block *block)
{
    OPENSSL_free(block->label);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, block->len > 0 ? (size_t)block->len : 0);
    *block = (struct block){.label = NULL};
}

ZCA_DEFINE_AUTO_CLEAR(block, struct block, block_clear);

static BIO *open_text(struct zca_span text, struct zca_error *err)
{
    if (text.len == 0 || text.len > INT_MAX) {
        zca_error_set(err, ZCA_ERR_INVALID, "PEM text of %zu bytes", text.len);
        return NULL;
    }
    BIO *bio = BIO_new_mem_buf(text.data, (int)text.len);
    if (!bio) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading PEM text");
    }
    return bio;
}

enum step { STEP_BLOCK, STEP_END, STEP_BROKEN };

static enum step read_block(BIO *bio, struct block *block)
{
    block_clear(block);
    if (PEM_read_bio(bio, &block->label, &block->header, &block->data, &block->len) == 1) {
        return STEP_BLOCK;
    }
    return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? STEP_END : STEP_BROKEN;
}

static bool has_label(const struct block *block, const char *const *labels)
{
    for (; *labels; labels++) {
        if (strcmp(block->label, *labels) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- DER to objects: the whole span, nothing behind ---- */

static X509 *decode_certificate(OSSL_LIB_CTX *libctx, struct zca_span der)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(X509) X509 *certificate = X509_new_ex(libctx, NULL);
    const unsigned char *end = der.data;
    if (!certificate || der.len > LONG_MAX || !d2i_X509(&certificate, &end, (long)der.len) ||
        end != der.data + der.len) {
        return NULL;
    }
    return zca_steal(certificate);
}

static X509_REQ *decode_request(OSSL_LIB_CTX *libctx, struct zca_span der)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new_ex(libctx, NULL);
    const unsigned char *end = der.data;
    if (!request || der.len > LONG_MAX || !d2i_X509_REQ(&request, &end, (long)der.len) ||
        end != der.data + der.len) {
        return NULL;
    }
    return zca_steal(request);
}

static X509_CRL *decode_crl(OSSL_LIB_CTX *libctx, struct zca_span der)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(X509_CRL) X509_CRL *crl = X509_CRL_new_ex(libctx, NULL);
    const unsigned char *end = der.data;
    if (!crl || der.len > LONG_MAX || !d2i_X509_CRL(&crl, &end, (long)der.len) ||
        end != der.data + der.len) {
        return NULL;
    }
    return zca_steal(crl);
}

/* ---- certificates ---- */

X509 *zca_der_parse_certificate(OSSL_LIB_CTX *libctx, struct zca_span der, struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    X509 *certificate = decode_certificate(libctx, der);
    if (!certificate) {
        zca_error_set(err, ZCA_ERR_INVALID, "the certificate cannot be decoded");
    }
    return certificate;
}

static bool add_certificate(OSSL_LIB_CTX *libctx, const struct block *block,
                            STACK_OF(X509) * certificates, struct zca_error *err)
{
    int number = sk_X509_num(certificates) + 1;
    if (number > max_certificates) {
        return zca_error_set(err, ZCA_ERR_INVALID, "more than %d certificates", max_certificates);
    }
    struct zca_span der = zca_span_of(block->data, (size_t)block->len);
    zca_auto(X509) X509 *certificate = zca_der_parse_certificate(libctx, der, err);
    if (!certificate) {
        return zca_error_context(err, "certificate %d", number);
    }
    if (sk_X509_push(certificates, certificate) == 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
    }
    (void)zca_steal(certificate); /* the stack owns it now */
    return true;
}

static bool read_certificates(OSSL_LIB_CTX *libctx, BIO *bio, STACK_OF(X509) * certificates,
                              struct zca_error *err)
{
    static const char *const labels[] = {PEM_STRING_X509, PEM_STRING_X509_OLD, NULL};
    zca_auto(block) struct block block = {.label = NULL};
    enum step step = read_block(bio, &block);
    for (; step == STEP_BLOCK; step = read_block(bio, &block)) {
        if (has_label(&block, labels) && !add_certificate(libctx, &block, certificates, err)) {
            return false;
        }
    }
    if (step == STEP_BROKEN) {
        return zca_error_set(err, ZCA_ERR_INVALID, "a PEM block is broken");
    }
    return sk_X509_num(certificates) > 0 ||
           zca_error_set(err, ZCA_ERR_INVALID, "no certificate in the PEM text");
}

STACK_OF(X509) *
    zca_pem_parse_certificates(OSSL_LIB_CTX *libctx, struct zca_span text, struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(BIO) BIO *bio = open_text(text, err);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = sk_X509_new_null();
    if (!certificates) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
    }
    if (!bio || !certificates || !read_certificates(libctx, bio, certificates, err)) {
        return NULL;
    }
    return zca_steal(certificates);
}

/* ---- one object, PEM or DER ---- */

bool zca_der_is_sequence(struct zca_span bytes)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    const unsigned char *cursor = bytes.data;
    long len = 0;
    int tag = 0;
    int class = 0;
    if (bytes.len < 2 || bytes.len > LONG_MAX) {
        return false;
    }
    int rc = ASN1_get_object(&cursor, &len, &tag, &class, (long)bytes.len);
    return rc == V_ASN1_CONSTRUCTED && tag == V_ASN1_SEQUENCE && class == V_ASN1_UNIVERSAL &&
           cursor + len == bytes.data + bytes.len;
}

/* Borrows from `text`, or from `block` when a PEM block is decoded into it. */
static bool find_der(struct zca_span text, const char *const *labels, struct block *block,
                     struct zca_span *out_der, struct zca_error *err)
{
    if (zca_der_is_sequence(text)) {
        *out_der = text;
        return true;
    }
    zca_auto(BIO) BIO *bio = open_text(text, err);
    if (!bio) {
        return false;
    }
    enum step step = read_block(bio, block);
    while (step == STEP_BLOCK && !has_label(block, labels)) {
        step = read_block(bio, block);
    }
    if (step != STEP_BLOCK) {
        return zca_error_set(err, ZCA_ERR_INVALID, "no PEM block '%s', or a broken one", labels[0]);
    }
    *out_der = zca_span_of(block->data, (size_t)block->len);
    return true;
}

X509_REQ *zca_pem_parse_request(OSSL_LIB_CTX *libctx, struct zca_span text, struct zca_error *err)
{
    static const char *const labels[] = {PEM_STRING_X509_REQ, PEM_STRING_X509_REQ_OLD, NULL};
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(block) struct block block = {.label = NULL};
    struct zca_span der = {.data = NULL};
    if (!find_der(text, labels, &block, &der, err)) {
        return NULL;
    }
    X509_REQ *request = decode_request(libctx, der);
    if (!request) {
        zca_error_set(err, ZCA_ERR_INVALID, "the certificate request cannot be decoded");
    }
    return request;
}

X509_CRL *zca_pem_parse_crl(OSSL_LIB_CTX *libctx, struct zca_span text, struct zca_error *err)
{
    static const char *const labels[] = {PEM_STRING_X509_CRL, NULL};
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(block) struct block block = {.label = NULL};
    struct zca_span der = {.data = NULL};
    if (!find_der(text, labels, &block, &der, err)) {
        return NULL;
    }
    X509_CRL *crl = decode_crl(libctx, der);
    if (!crl) {
        zca_error_set(err, ZCA_ERR_INVALID, "the certificate revocation list cannot be decoded");
    }
    return crl;
}

/* ---- writing ---- */

/* RFC 7468, section 2: 64 characters a line. */
static bool append_lines(struct zca_buffer *text, struct zca_span base64, struct zca_error *err)
{
    static const size_t line_len = 64;
    for (size_t i = 0; i < base64.len; i += line_len) {
        size_t rest = base64.len - i;
        struct zca_span line = zca_span_of(base64.data + i, rest < line_len ? rest : line_len);
        if (!zca_buffer_append(text, line, err) || !zca_buffer_append_text(text, "\n", err)) {
            return false;
        }
    }
    return true;
}

bool zca_pem_format(const char *label, struct zca_span der, struct zca_buffer *out_text,
                    struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer base64 = {.secret = out_text->secret};
    zca_auto(zca_buffer) struct zca_buffer text = {.secret = out_text->secret};
    return zca_base64_encode(der, false, &base64, err) &&
           zca_buffer_format(&text, err, "-----BEGIN %s-----\n", label) &&
           append_lines(&text, zca_buffer_span(&base64), err) &&
           zca_buffer_format(&text, err, "-----END %s-----\n", label) &&
           zca_buffer_append(out_text, zca_buffer_span(&text), err);
}

bool zca_pem_format_certificate(const X509 *certificate, struct zca_buffer *out_text,
                                struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    return zca_der_certificate(certificate, &der, err) &&
           zca_pem_format(PEM_STRING_X509, zca_buffer_span(&der), out_text, err);
}

bool zca_pem_format_certificates(const STACK_OF(X509) * certificates, struct zca_buffer *out_text,
                                 struct zca_error *err)
{
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        if (!zca_pem_format_certificate(sk_X509_value(certificates, i), out_text, err)) {
            return false;
        }
    }
    return true;
}

/* Appends what one of OpenSSL's i2d functions allocated; `len` is its result. */
static bool append_der(unsigned char *der, int len, struct zca_buffer *out_der,
                       struct zca_error *err)
{
    if (len <= 0) {
        return zca_error_set_crypto(err, "encoding DER");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

bool zca_der_certificate(const X509 *certificate, struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    return append_der(der, len, out_der, err);
}

bool zca_der_request(const X509_REQ *request, struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(request, &der);
    return append_der(der, len, out_der, err);
}

bool zca_fingerprint(OSSL_LIB_CTX *libctx, struct zca_span der, struct zca_buffer *out_text,
                     struct zca_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    if (EVP_Q_digest(libctx, "SHA256", NULL, der.data, der.len, digest, &len) != 1) {
        return zca_error_set_crypto(err, "hashing for a fingerprint");
    }
    return zca_hex_encode(zca_span_of(digest, len), ':', out_text, err);
}

/* ASN1_INTEGER keeps the magnitude as bytes; a negative serial has no hexadecimal form here. */
bool zca_serial_format(const ASN1_INTEGER *serial, size_t min_digits, struct zca_buffer *out_text,
                       struct zca_error *err)
{
    struct zca_span bytes =
        zca_span_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    if (ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the serial number is negative");
    }
    zca_auto(zca_buffer) struct zca_buffer text = {.data = NULL};
    for (size_t digits = 2 * bytes.len; digits < min_digits; digits++) {
        if (!zca_buffer_append_text(&text, "0", err)) {
            return false;
        }
    }
    return zca_hex_encode(bytes, '\0', &text, err) &&
           zca_buffer_append(out_text, zca_buffer_span(&text), err);
}
