/* SPDX-License-Identifier: Apache-2.0 */
/* The size of the whole comes first, then the key, then the signature: what is cheap to refuse costs least. */
#include "server/csr.h"

#include <openssl/err.h>

#include "base/algorithm.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/public_key.h"
#include "server/refusal.h"

#define MAX_CSR 16384u

ZCA_DEFINE_AUTO(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
ZCA_DEFINE_AUTO(ASN1_BIT_STRING, ASN1_BIT_STRING, ASN1_BIT_STRING_free);

static inline void free_extensions(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

ZCA_DEFINE_AUTO(extensions, STACK_OF(X509_EXTENSION), free_extensions);

void zca_csr_clear(struct zca_csr *csr)
{
    X509_REQ_free(csr->request);
    EVP_PKEY_free(csr->key);
    GENERAL_NAMES_free(csr->names);
    EXTENDED_KEY_USAGE_free(csr->usage);
    *csr = (struct zca_csr){0};
}

/* ---- the request itself ---- */

/* OpenSSL 3.0 decodes its key in the thread's default context, whatever context the request has. */
static X509_REQ *read_request(OSSL_LIB_CTX *context, struct zca_span text)
{
    OSSL_LIB_CTX *before = context ? OSSL_LIB_CTX_set0_default(context) : NULL;
    X509_REQ *request = zca_pem_parse_request(context, text, NULL);
    if (before) {
        (void)OSSL_LIB_CTX_set0_default(before); /* returns ours */
    }
    return request;
}

static bool check_form(const X509_REQ *request, struct zca_error *err)
{
    int num_requests = 0;
    if (X509_REQ_get_version(request) != X509_REQ_VERSION_1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR, "csr has an unknown version");
    }
    for (int i = 0; i < X509_REQ_get_attr_count(request); i++) {
        const X509_ATTRIBUTE *attribute = X509_REQ_get_attr(request, i);
        int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object((X509_ATTRIBUTE *)(uintptr_t)attribute));
        num_requests += nid == NID_ext_req || nid == NID_ms_ext_req;
    }
    return num_requests <= 1
               ? true
               : zca_refuse(err, ZCA_REFUSE_INVALID_CSR, "csr asks for extensions twice");
}

static bool check_key(struct zca_csr *csr, const EVP_PKEY *own, struct zca_error *err)
{
    const X509_PUBKEY *public_key = X509_REQ_get_X509_PUBKEY(csr->request);
    csr->key = zca_public_key_make(public_key); /* NULL is refused */
    return zca_policy_check_key(public_key, csr->key, own, err);
}

static bool check_signature(const struct zca_csr *csr, struct zca_error *err)
{
    X509_REQ *request = csr->request;
    const X509_ALGOR *algorithm = NULL;
    X509_REQ_get0_signature(request, NULL, &algorithm);
    const struct zca_signature_algorithm *row =
        zca_signature_algorithm_by_nid(OBJ_obj2nid(algorithm->algorithm));
    if (!row || !row->acceptable) {
        return zca_refuse(err, ZCA_REFUSE_WEAK_DIGEST,
                          "csr is signed with an algorithm that is not accepted");
    }
    if (X509_REQ_verify(request, csr->key) != 1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR,
                          "csr is not signed with the key that it holds");
    }
    return true;
}

/* ---- what it asks for ---- */

static const struct extension_kind {
    int nid;
    bool used; /* else looked at by nobody, and harmless */
} extension_kinds[] = {
    {NID_subject_alt_name,         true },
    {NID_ext_key_usage,            true },
    {NID_key_usage,                true },
    {NID_basic_constraints,        true },
    {NID_subject_key_identifier,   false},
    {NID_authority_key_identifier, false},
};

static bool is_known(int nid)
{
    for (size_t i = 0; i < ZCA_COUNT(extension_kinds); i++) {
        if (extension_kinds[i].nid == nid) {
            return true;
        }
    }
    return false;
}

static bool check_extension(const STACK_OF(X509_EXTENSION) * extensions, int index,
                            struct zca_error *err)
{
    X509_EXTENSION *extension = sk_X509_EXTENSION_value(extensions, index);
    const ASN1_OBJECT *object = X509_EXTENSION_get_object(extension);
    int nid = OBJ_obj2nid(object);
    if (X509v3_get_ext_by_OBJ(extensions, object, index) != -1) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR, "csr has an extension twice");
    }
    if (!is_known(nid) && X509_EXTENSION_get_critical(extension)) {
        return zca_refuse(err, ZCA_REFUSE_EXTENSION, "csr has an unknown critical extension");
    }
    return true;
}

/* The decoded extension; *out_bad when it is there but cannot be decoded. */
static void *get_extension(const STACK_OF(X509_EXTENSION) * extensions, int nid, bool *out_bad)
{
    int critical = -1;
    void *value = X509V3_get_d2i(extensions, nid, &critical, NULL);
    *out_bad |= !value && critical != -1;
    return value;
}

static unsigned usage_bits(const ASN1_BIT_STRING *bits)
{
    unsigned value = 0;
    if (bits && bits->length > 0) {
        value = bits->data[0];
    }
    if (bits && bits->length > 1) {
        value |= (unsigned)bits->data[1] << 8;
    }
    return value;
}

static bool read_extensions(struct zca_csr *csr, struct zca_error *err)
{
    zca_auto(extensions) STACK_OF(X509_EXTENSION) *extensions =
        X509_REQ_get_extensions(csr->request);
    bool bad = false;
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++) {
        if (!check_extension(extensions, i, err)) {
            return false;
        }
    }
    csr->names = get_extension(extensions, NID_subject_alt_name, &bad);
    csr->usage = get_extension(extensions, NID_ext_key_usage, &bad);
    zca_auto(ASN1_BIT_STRING) ASN1_BIT_STRING *key_usage =
        get_extension(extensions, NID_key_usage, &bad);
    zca_auto(BASIC_CONSTRAINTS) BASIC_CONSTRAINTS *constraints =
        get_extension(extensions, NID_basic_constraints, &bad);
    if (bad) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR, "an extension of csr cannot be read");
    }
    csr->key_usage = usage_bits(key_usage);
    csr->is_ca = (constraints && constraints->ca) ||
                 (csr->key_usage & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0;
    return true;
}

static bool check_wishes(const struct zca_csr *csr, const struct zca_policy *policy,
                         struct zca_error *err)
{
    if (csr->is_ca && !policy->org.allow_intermediate) {
        return zca_refuse(err, ZCA_REFUSE_CA, NULL);
    }
    return (!csr->names || zca_policy_check_names(policy, csr->names, err)) &&
           (!csr->usage || zca_policy_check_usage(policy, csr->usage, err));
}

bool zca_csr_parse(OSSL_LIB_CTX *context, struct zca_span text, const struct zca_policy *policy,
                   const EVP_PKEY *own, struct zca_csr *out_csr, struct zca_error *err)
{
    zca_auto(zca_csr) struct zca_csr csr = {0};
    if (text.len == 0 || text.len > MAX_CSR) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR, "csr must have 1 to %u bytes", MAX_CSR);
    }
    csr.request = read_request(context, text);
    if (!csr.request) {
        ERR_clear_error();
        return zca_refuse(err, ZCA_REFUSE_INVALID_CSR, NULL);
    }
    bool ok = check_form(csr.request, err) && check_key(&csr, own, err) &&
              read_extensions(&csr, err) && check_wishes(&csr, policy, err) &&
              check_signature(&csr, err);
    if (!ok) {
        ERR_clear_error();
        return false;
    }
    *out_csr = csr;
    csr = (struct zca_csr){0};
    return true;
}
