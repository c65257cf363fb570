/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To-be-signed structures as OpenSSL templates. OpenSSL's own would decode public keys with
 * every provider and keep the encoding they read; these do neither, so what they encode again
 * is DER, or differs from what was given. (Booleans keep their octet: no reader is misled.)
 */
#include "base/tbs.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/openssl_auto.h"
#include "base/pem.h"

/* Members that nobody looks at are ASN1_VALUE: they are read to be written again. */

struct public_key {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *bits;
};

struct certificate {
    ASN1_INTEGER *version; /* first in each of the four */
    ASN1_INTEGER *serial;
    X509_ALGOR *algorithm;
    ASN1_VALUE *issuer;
    X509_VAL *validity;
    ASN1_VALUE *subject;
    struct public_key *key;
    ASN1_BIT_STRING *issuer_id;
    ASN1_BIT_STRING *subject_id;
    STACK_OF(X509_EXTENSION) * extensions;
};

struct crl {
    ASN1_INTEGER *version;
    X509_ALGOR *algorithm;
    ASN1_VALUE *issuer;
    ASN1_TIME *this_update;
    ASN1_TIME *next_update;
    STACK_OF(X509_REVOKED) * revoked;
    STACK_OF(X509_EXTENSION) * extensions;
};

struct responder {
    int type;

    union {
        ASN1_VALUE *name;
        ASN1_OCTET_STRING *key_hash;
    } id;
};

struct ocsp {
    ASN1_INTEGER *version;
    struct responder *responder;
    ASN1_GENERALIZEDTIME *produced_at;
    STACK_OF(OCSP_SINGLERESP) * responses;
    STACK_OF(X509_EXTENSION) * extensions;
};

struct request {
    ASN1_INTEGER *version;
    ASN1_VALUE *subject;
    struct public_key *key;
    STACK_OF(X509_ATTRIBUTE) * attributes;
};

/* RFC 2986, 4.2 */
struct signed_request {
    struct request *info;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
};

/* clang-format off: the macros have no semicolons */
ASN1_ITEM_TEMPLATE(rdn) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_OF, 0, rdn, X509_NAME_ENTRY)
static_ASN1_ITEM_TEMPLATE_END(rdn)

ASN1_ITEM_TEMPLATE(name) =
    ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF, 0, name, rdn)
static_ASN1_ITEM_TEMPLATE_END(name)

ASN1_SEQUENCE(public_key) = {
    ASN1_SIMPLE(struct public_key, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct public_key, bits, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct public_key, public_key)

ASN1_SEQUENCE(certificate) = {
    ASN1_EXP_OPT(struct certificate, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(struct certificate, serial, ASN1_INTEGER),
    ASN1_SIMPLE(struct certificate, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct certificate, issuer, name),
    ASN1_SIMPLE(struct certificate, validity, X509_VAL),
    ASN1_SIMPLE(struct certificate, subject, name),
    ASN1_SIMPLE(struct certificate, key, public_key),
    ASN1_IMP_OPT(struct certificate, issuer_id, ASN1_BIT_STRING, 1),
    ASN1_IMP_OPT(struct certificate, subject_id, ASN1_BIT_STRING, 2),
    ASN1_EXP_SEQUENCE_OF_OPT(struct certificate, extensions, X509_EXTENSION, 3),
} static_ASN1_SEQUENCE_END_name(struct certificate, certificate)

ASN1_SEQUENCE(crl) = {
    ASN1_OPT(struct crl, version, ASN1_INTEGER),
    ASN1_SIMPLE(struct crl, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct crl, issuer, name),
    ASN1_SIMPLE(struct crl, this_update, ASN1_TIME),
    ASN1_OPT(struct crl, next_update, ASN1_TIME),
    ASN1_SEQUENCE_OF_OPT(struct crl, revoked, X509_REVOKED),
    ASN1_EXP_SEQUENCE_OF_OPT(struct crl, extensions, X509_EXTENSION, 0),
} static_ASN1_SEQUENCE_END_name(struct crl, crl)

ASN1_CHOICE(responder) = {
    ASN1_EXP(struct responder, id.name, name, 1),
    ASN1_EXP(struct responder, id.key_hash, ASN1_OCTET_STRING, 2),
} static_ASN1_CHOICE_END_name(struct responder, responder)

ASN1_SEQUENCE(ocsp) = {
    ASN1_EXP_OPT(struct ocsp, version, ASN1_INTEGER, 0),
    ASN1_SIMPLE(struct ocsp, responder, responder),
    ASN1_SIMPLE(struct ocsp, produced_at, ASN1_GENERALIZEDTIME),
    ASN1_SEQUENCE_OF(struct ocsp, responses, OCSP_SINGLERESP),
    ASN1_EXP_SEQUENCE_OF_OPT(struct ocsp, extensions, X509_EXTENSION, 1),
} static_ASN1_SEQUENCE_END_name(struct ocsp, ocsp)

ASN1_SEQUENCE(request) = {
    ASN1_SIMPLE(struct request, version, ASN1_INTEGER),
    ASN1_SIMPLE(struct request, subject, name),
    ASN1_SIMPLE(struct request, key, public_key),
    ASN1_IMP_SET_OF_OPT(struct request, attributes, X509_ATTRIBUTE, 0),
} static_ASN1_SEQUENCE_END_name(struct request, request)

ASN1_SEQUENCE(signed_request) = {
    ASN1_SIMPLE(struct signed_request, info, request),
    ASN1_SIMPLE(struct signed_request, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct signed_request, signature, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct signed_request, signed_request)
/* clang-format on */

/* A version that stands there; DER leaves out the default, so OCSP's only one never does. */
struct kind_row {
    const char *name;
    const ASN1_ITEM *(*item)(void);
    int64_t min_version;
    int64_t max_version;
};

static const struct kind_row kinds[] = {
    [ZCA_TBS_UNKNOWN] = {"unknown",     NULL,           0, 0},
    [ZCA_TBS_CERTIFICATE] = {"certificate", certificate_it, 1, 2},
    [ZCA_TBS_CRL] = {"crl",         crl_it,         1, 1},
    [ZCA_TBS_OCSP] = {"ocsp",        ocsp_it,        1, 0},
    [ZCA_TBS_REQUEST] = {"request",     request_it,     0, 0},
};

static bool has_good_version(const struct kind_row *kind, ASN1_VALUE *value)
{
    const ASN1_INTEGER *version = *(ASN1_INTEGER **)(void *)value;
    int64_t number = 0;
    return !version || (ASN1_INTEGER_get_int64(&number, version) == 1 &&
                        number >= kind->min_version && number <= kind->max_version);
}

static bool encodes_to(const ASN1_ITEM *item, ASN1_VALUE *value, struct zca_span tbs)
{
    unsigned char *der = NULL;
    int len = ASN1_item_i2d(value, &der, item);
    bool same = len >= 0 && (size_t)len == tbs.len && memcmp(der, tbs.data, tbs.len) == 0;
    OPENSSL_free(der);
    return same;
}

static bool is_kind(const struct kind_row *kind, struct zca_span tbs)
{
    const ASN1_ITEM *item = kind->item();
    const unsigned char *cursor = tbs.data;
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &cursor, (long)tbs.len, item);
    bool same = value && has_good_version(kind, value) && encodes_to(item, value, tbs);
    ASN1_item_free(value, item);
    return same;
}

enum zca_tbs_kind zca_tbs_classify(struct zca_span tbs)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* not being one kind is no error */
    if (!zca_der_is_sequence(tbs)) {
        return ZCA_TBS_UNKNOWN;
    }
    for (size_t i = ZCA_TBS_UNKNOWN + 1; i < ZCA_COUNT(kinds); i++) {
        if (is_kind(&kinds[i], tbs)) {
            return (enum zca_tbs_kind)i;
        }
    }
    return ZCA_TBS_UNKNOWN;
}

bool zca_tbs_is_request(struct zca_span tbs)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* as above */
    return zca_der_is_sequence(tbs) && is_kind(&kinds[ZCA_TBS_REQUEST], tbs);
}

const char *zca_tbs_kind_name(enum zca_tbs_kind kind)
{
    return kinds[(size_t)kind < ZCA_COUNT(kinds) ? kind : ZCA_TBS_UNKNOWN].name;
}

enum zca_tbs_kind zca_tbs_kind_find(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(kinds); i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            return (enum zca_tbs_kind)i;
        }
    }
    return ZCA_TBS_UNKNOWN;
}

/* Appends tag and length of a value of `len` bytes. */
static bool append_header(struct zca_buffer *der, int tag, size_t len, struct zca_error *err)
{
    int constructed = tag == V_ASN1_SEQUENCE;
    int total = len < INT_MAX / 2 ? ASN1_object_size(constructed, (int)len, tag) : -1;
    size_t before = der->len;
    if (total < 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "too long for DER: %zu bytes", len);
    }
    if (!zca_buffer_resize(der, before + (size_t)total - len, err)) {
        return false;
    }
    unsigned char *cursor = der->data + before;
    ASN1_put_object(&cursor, constructed, (int)len, tag, V_ASN1_UNIVERSAL);
    return true;
}

bool zca_tbs_complete(struct zca_span tbs, struct zca_span algorithm, struct zca_span signature,
                      struct zca_buffer *out_der, struct zca_error *err)
{
    static const uint8_t no_unused_bits = 0;
    zca_auto(zca_buffer) struct zca_buffer bits = {.data = NULL};
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    return append_header(&bits, V_ASN1_BIT_STRING, signature.len + 1, err) &&
           zca_buffer_append(&bits, zca_span_of(&no_unused_bits, 1), err) &&
           zca_buffer_append(&bits, signature, err) &&
           append_header(&der, V_ASN1_SEQUENCE, tbs.len + algorithm.len + bits.len, err) &&
           zca_buffer_append(&der, tbs, err) && zca_buffer_append(&der, algorithm, err) &&
           zca_buffer_append(&der, zca_buffer_span(&bits), err) &&
           zca_buffer_append(out_der, zca_buffer_span(&der), err);
}

/* Completes with the algorithm that the structure itself names, and no signature. */
static bool complete_unsigned(struct zca_span tbs, const X509_ALGOR *algorithm,
                              struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_ALGOR(algorithm, &der);
    bool ok = len > 0 && zca_tbs_complete(tbs, zca_span_of(der, (size_t)len), zca_span_of(NULL, 0),
                                          out_der, err);
    OPENSSL_free(der);
    return ok || len > 0 || zca_error_set_crypto(err, "encoding an AlgorithmIdentifier");
}

static ASN1_VALUE *decode(enum zca_tbs_kind kind, struct zca_span tbs, struct zca_error *err)
{
    const unsigned char *cursor = tbs.data;
    if (zca_tbs_classify(tbs) != kind) {
        zca_error_set(err, ZCA_ERR_INVALID, "the structure to be signed is not a %s",
                      zca_tbs_kind_name(kind));
        return NULL;
    }
    ASN1_VALUE *value = ASN1_item_d2i(NULL, &cursor, (long)tbs.len, kinds[kind].item());
    if (!value) {
        zca_error_set(err, ZCA_ERR_MEMORY, "decoding a %s", zca_tbs_kind_name(kind));
    }
    return value;
}

X509 *zca_tbs_certificate(OSSL_LIB_CTX *libctx, struct zca_span tbs, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    ASN1_VALUE *value = decode(ZCA_TBS_CERTIFICATE, tbs, err);
    if (!value) {
        return NULL;
    }
    const struct certificate *certificate = (const void *)value;
    bool ok = complete_unsigned(tbs, certificate->algorithm, &der, err);
    ASN1_item_free(value, certificate_it());
    return ok ? zca_der_parse_certificate(libctx, zca_buffer_span(&der), err) : NULL;
}

X509_CRL *zca_tbs_crl(OSSL_LIB_CTX *libctx, struct zca_span tbs, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer der = {.data = NULL};
    ASN1_VALUE *value = decode(ZCA_TBS_CRL, tbs, err);
    if (!value) {
        return NULL;
    }
    const struct crl *crl = (const void *)value;
    bool ok = complete_unsigned(tbs, crl->algorithm, &der, err);
    ASN1_item_free(value, crl_it());
    return ok ? zca_pem_parse_crl(libctx, zca_buffer_span(&der), err) : NULL;
}

bool zca_tbs_request_public(struct zca_span request, struct zca_buffer *out_public,
                            struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark(); /* the words below say it */
    const unsigned char *cursor = request.data;
    unsigned char *der = NULL;
    ASN1_VALUE *value = request.len <= LONG_MAX
                            ? ASN1_item_d2i(NULL, &cursor, (long)request.len, signed_request_it())
                            : NULL;
    const struct signed_request *parsed = (const void *)value;
    bool whole = parsed && cursor == request.data + request.len;
    int len =
        whole ? ASN1_item_i2d((const ASN1_VALUE *)parsed->info->key, &der, public_key_it()) : -1;
    ASN1_item_free(value, signed_request_it());
    bool ok = len > 0 ? zca_buffer_append(out_public, zca_span_of(der, (size_t)len), err)
                      : zca_error_set(err, ZCA_ERR_INVALID, "the bytes are no certificate request");
    OPENSSL_free(der);
    return ok;
}
