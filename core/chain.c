/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A certificate and its issuers as DER (RFC 5280, 4.1). The leaf is walked to its dates and its
 * public key and no further: what else it holds was verified before it was stored.
 */
#include "core/chain.h"

#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/der.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/anchor.h"
#include "core/verify.h"

static const size_t max_certificates = 16;

struct zca_chain {
    atomic_uint references;
    struct zca_buffer bytes; /* all certificates, one behind the other */
    size_t ends[16];         /* max_certificates: where each ends in `bytes` */
    size_t length;
    STACK_OF(X509) * certificates; /* the same as objects; NULL: made by whoever asks */
    struct zca_span public_key;    /* in `bytes` */
    int64_t not_before_s;
    int64_t not_after_s;
};

/* ---- walking the leaf ---- */

static bool take_time(struct zca_span *rest, int64_t *out_time_s)
{
    struct zca_der_element element;
    if (!zca_der_take(rest, &element)) {
        return false;
    }
    const unsigned char *cursor = element.whole.data;
    ASN1_TIME *time = d2i_ASN1_TIME(NULL, &cursor, (long)element.whole.len);
    bool ok = zca_clock_from_asn1(time, out_time_s, NULL);
    ASN1_TIME_free(time);
    return ok;
}

/* version [0], serial INTEGER, signature SEQUENCE, issuer SEQUENCE: nothing to see. */
static bool skip_to_validity(struct zca_span *rest)
{
    struct zca_der_element element;
    return zca_der_take(rest, &element) &&
           (element.tag == V_ASN1_INTEGER || zca_der_take_of(rest, V_ASN1_INTEGER, &element)) &&
           zca_der_take_of(rest, V_ASN1_SEQUENCE, &element) &&
           zca_der_take_of(rest, V_ASN1_SEQUENCE, &element);
}

static bool walk_leaf(struct zca_chain *chain)
{
    struct zca_span rest = zca_span_of(chain->bytes.data, chain->ends[0]);
    struct zca_der_element certificate;
    struct zca_der_element tbs;
    struct zca_der_element validity;
    struct zca_der_element subject;
    struct zca_der_element key;
    if (!zca_der_take_of(&rest, V_ASN1_SEQUENCE, &certificate) || rest.len != 0 ||
        !zca_der_take_of(&certificate.content, V_ASN1_SEQUENCE, &tbs) ||
        !skip_to_validity(&tbs.content) ||
        !zca_der_take_of(&tbs.content, V_ASN1_SEQUENCE, &validity) ||
        !zca_der_take_of(&tbs.content, V_ASN1_SEQUENCE, &subject) ||
        !zca_der_take_of(&tbs.content, V_ASN1_SEQUENCE, &key)) {
        return false;
    }
    chain->public_key = key.whole;
    return take_time(&validity.content, &chain->not_before_s) &&
           take_time(&validity.content, &chain->not_after_s);
}

/* ---- making ---- */

static struct zca_chain *chain_new(struct zca_error *err)
{
    struct zca_chain *chain = calloc(1, sizeof(*chain));
    if (!chain) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
        return NULL;
    }
    atomic_init(&chain->references, 1);
    return chain;
}

static bool add_der(struct zca_chain *chain, struct zca_span der, struct zca_error *err)
{
    if (chain->length == max_certificates) {
        return zca_error_set(err, ZCA_ERR_INVALID, "more than %zu certificates", max_certificates);
    }
    if (!zca_der_is_sequence(der)) {
        return zca_error_set(err, ZCA_ERR_INVALID, "certificate %zu is damaged", chain->length + 1);
    }
    if (!zca_buffer_append(&chain->bytes, der, err)) {
        return false;
    }
    chain->ends[chain->length++] = chain->bytes.len;
    return true;
}

/* The chain when it is one, else freed. */
static struct zca_chain *finish(struct zca_chain *chain, struct zca_error *err)
{
    if (!walk_leaf(chain)) {
        zca_error_set(err, ZCA_ERR_INVALID, "the first certificate is damaged");
        zca_chain_free(chain);
        return NULL;
    }
    return chain;
}

struct zca_chain *zca_chain_of(const STACK_OF(X509) * certificates, struct zca_error *err)
{
    STACK_OF(X509) *borrowed = (STACK_OF(X509) *)(uintptr_t)certificates; /* only counted */
    zca_auto(zca_chain) struct zca_chain *chain = chain_new(err);
    if (!chain) {
        return NULL;
    }
    for (int i = 0; i < sk_X509_num(certificates); i++) {
        zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
        if (!zca_der_certificate(sk_X509_value(certificates, i), &der, err) ||
            !add_der(chain, zca_buffer_span(&der), err)) {
            return NULL;
        }
    }
    if (chain->length == 0) {
        zca_error_set(err, ZCA_ERR_INVALID, "no certificate in a chain");
        return NULL;
    }
    chain->certificates = X509_chain_up_ref(borrowed);
    if (!chain->certificates) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
        return NULL;
    }
    return finish(zca_steal(chain), err);
}

/* ---- reading PEM ---- */

struct block {
    char *label;
    char *header;
    unsigned char *data;
    long len;
};

static void block_clear(struct block *block)
{
    OPENSSL_free(block->label);
    OPENSSL_free(block->header);
    OPENSSL_clear_free(block->data, block->len > 0 ? (size_t)block->len : 0); /* may be a key */
}

ZCA_DEFINE_AUTO_CLEAR(block, struct block, block_clear);

static bool add_block(struct zca_chain *chain, const struct block *block, struct zca_error *err)
{
    struct zca_span der = zca_span_of(block->data, (size_t)block->len);
    if (strcmp(block->label, PEM_STRING_X509) != 0 &&
        strcmp(block->label, PEM_STRING_X509_OLD) != 0) {
        return true;
    }
    return add_der(chain, der, err);
}

static bool read_blocks(BIO *bio, struct zca_chain *chain, struct zca_error *err)
{
    for (;;) {
        zca_auto(block) struct block block = {.label = NULL};
        if (PEM_read_bio(bio, &block.label, &block.header, &block.data, &block.len) != 1) {
            break;
        }
        if (!add_block(chain, &block, err)) {
            return false;
        }
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
        return zca_error_set(err, ZCA_ERR_INVALID, "a PEM block is damaged");
    }
    return chain->length > 0 || zca_error_set(err, ZCA_ERR_INVALID, "no certificate in it");
}

struct zca_chain *zca_chain_parse(struct zca_span pem, struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the end of a file is an entry, too */
    if (pem.len > INT_MAX) {
        zca_error_set(err, ZCA_ERR_INVALID, "a file of %zu bytes", pem.len);
        return NULL;
    }
    zca_auto(zca_chain) struct zca_chain *chain = chain_new(err);
    zca_auto(BIO) BIO *bio =
        BIO_new_mem_buf(pem.len > 0 ? (const void *)pem.data : "", (int)pem.len);
    if (!chain || !bio) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
        return NULL;
    }
    return read_blocks(bio, chain, err) ? finish(zca_steal(chain), err) : NULL;
}

struct zca_chain *zca_chain_ref(struct zca_chain *chain)
{
    atomic_fetch_add_explicit(&chain->references, 1, memory_order_relaxed);
    return chain;
}

void zca_chain_free(struct zca_chain *chain)
{
    if (chain && atomic_fetch_sub_explicit(&chain->references, 1, memory_order_acq_rel) <= 1) {
        zca_buffer_clear(&chain->bytes);
        zca_x509_stack_free(chain->certificates);
        free(chain);
    }
}

/* ---- what readers ask ---- */

size_t zca_chain_get_length(const struct zca_chain *chain)
{
    return chain->length;
}

struct zca_span zca_chain_get_der(const struct zca_chain *chain, size_t index)
{
    size_t start = index == 0 ? 0 : chain->ends[index - 1];
    return zca_span_of(chain->bytes.data + start, chain->ends[index] - start);
}

struct zca_span zca_chain_get_public(const struct zca_chain *chain)
{
    return chain->public_key;
}

int64_t zca_chain_get_not_before_s(const struct zca_chain *chain)
{
    return chain->not_before_s;
}

int64_t zca_chain_get_not_after_s(const struct zca_chain *chain)
{
    return chain->not_after_s;
}

bool zca_chain_valid_now(const struct zca_chain *chain)
{
    int64_t now_s = zca_clock_now_s();
    return chain->not_before_s <= now_s + ZCA_CLOCK_SKEW_S && now_s <= chain->not_after_s;
}

bool zca_chain_same(const struct zca_chain *left, const struct zca_chain *right)
{
    return zca_span_equal(zca_buffer_span(&left->bytes), zca_buffer_span(&right->bytes));
}

bool zca_chain_matches(const struct zca_chain *chain, const struct zca_key *key)
{
    return zca_span_equal(chain->public_key, zca_key_get_public(key));
}

static STACK_OF(X509) * decode(const struct zca_chain *chain, struct zca_library *library,
                               const STACK_OF(X509) * anchors, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = sk_X509_new_null();
    for (size_t i = 0; i < chain->length; i++) {
        zca_auto(X509) X509 *certificate =
            zca_anchor_decode(library, anchors, zca_chain_get_der(chain, i), err);
        if (!certificate) {
            return NULL;
        }
        if (!certificates || sk_X509_push(certificates, certificate) <= 0) {
            zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
            return NULL;
        }
        (void)zca_steal(certificate); /* the stack has it */
    }
    return zca_steal(certificates);
}

STACK_OF(X509) * zca_chain_certificates(const struct zca_chain *chain, struct zca_library *library,
                                        const STACK_OF(X509) * anchors, struct zca_error *err)
{
    if (!chain->certificates) {
        return decode(chain, library, anchors, err);
    }
    STACK_OF(X509) *certificates = X509_chain_up_ref(chain->certificates);
    if (!certificates) {
        zca_error_set(err, ZCA_ERR_MEMORY, "reading certificates");
    }
    return certificates;
}

bool zca_chain_format(const struct zca_chain *chain, struct zca_buffer *out_pem,
                      struct zca_error *err)
{
    for (size_t i = 0; i < chain->length; i++) {
        if (!zca_pem_format(PEM_STRING_X509, zca_chain_get_der(chain, i), out_pem, err)) {
            return false;
        }
    }
    return true;
}
