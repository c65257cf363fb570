/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate requests (RFC 2986) in the library's context, signed through OpenSSL's own builder. */
#include "core/csr.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/der.h"
#include "base/file.h"
#include "base/gate.h"
#include "base/openssl_auto.h"
#include "base/pem.h"

static const size_t max_request = 64 * 1024;

static void extensions_free(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

ZCA_DEFINE_AUTO(extensions, STACK_OF(X509_EXTENSION), extensions_free);
ZCA_DEFINE_AUTO(algorithm, X509_ALGOR, X509_ALGOR_free);

/* ---- names ---- */

static bool push_name(GENERAL_NAMES *names, int type, ASN1_STRING *value)
{
    GENERAL_NAME *name = value ? GENERAL_NAME_new() : NULL;
    if (!name) {
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) <= 0) {
        GENERAL_NAME_free(name);
        return false;
    }
    return true;
}

/* Letters, digits and hyphens (RFC 5280, 4.2.1.6), wildcards, and the underscore that some use. */
static bool push_dns(GENERAL_NAMES *names, const char *text, struct zca_error *err)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789-._*";
    if (*text == '\0' || text[strspn(text, allowed)] != '\0') {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is not a host name", text);
    }
    ASN1_IA5STRING *value = ASN1_IA5STRING_new();
    if (value && ASN1_STRING_set(value, text, -1) != 1) {
        ASN1_IA5STRING_free(value);
        value = NULL;
    }
    return push_name(names, GEN_DNS, value) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "adding the name '%s'", text);
}

static bool push_ip(GENERAL_NAMES *names, const char *text, struct zca_error *err)
{
    ASN1_OCTET_STRING *value = a2i_IPADDRESS(text);
    if (!value) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is not an IP address", text);
    }
    return push_name(names, GEN_IPADD, value) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "adding the name '%s'", text);
}

typedef bool push_text(GENERAL_NAMES *names, const char *text, struct zca_error *err);

static bool push_all(GENERAL_NAMES *names, const char *const *texts, push_text *push,
                     struct zca_error *err)
{
    for (; texts && *texts; texts++) {
        if (!push(names, *texts, err)) {
            return false;
        }
    }
    return true;
}

GENERAL_NAMES *zca_csr_alternative_names(const struct zca_csr_names *names, struct zca_error *err)
{
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *general = GENERAL_NAMES_new();
    if (!general) {
        zca_error_set(err, ZCA_ERR_MEMORY, "making a list of names");
        return NULL;
    }
    bool ok = push_all(general, names->dns_names, push_dns, err) &&
              push_all(general, names->ip_addresses, push_ip, err);
    return ok ? zca_steal(general) : NULL;
}

static bool add_extension(STACK_OF(X509_EXTENSION) * *extensions, int nid, void *value,
                          struct zca_error *err)
{
    return X509V3_add1_i2d(extensions, nid, value, 0, X509V3_ADD_APPEND) == 1 ||
           zca_error_set_crypto(err, "adding %s to a certificate request", OBJ_nid2sn(nid));
}

static bool add_names(STACK_OF(X509_EXTENSION) * *extensions, const struct zca_csr_names *names,
                      struct zca_error *err)
{
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *general = zca_csr_alternative_names(names, err);
    if (!general) {
        return false;
    }
    return sk_GENERAL_NAME_num(general) == 0 || /* an empty SEQUENCE is not allowed */
           add_extension(extensions, NID_subject_alt_name, general, err);
}

static X509_NAME *make_subject(const char *common_name, struct zca_error *err)
{
    zca_auto(X509_NAME) X509_NAME *subject = X509_NAME_new();
    if (!subject) {
        zca_error_set(err, ZCA_ERR_MEMORY, "making a certificate request");
        return NULL;
    }
    if (common_name &&
        X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)common_name, -1, -1, 0) != 1) {
        zca_error_set(err, ZCA_ERR_INVALID,
                      "'%s' cannot be a common name (1 to 64 characters): set option common-name",
                      common_name);
        return NULL;
    }
    return zca_steal(subject);
}

/* ---- making ---- */

static bool sign_request(X509_REQ *request, struct zca_key *key, EVP_PKEY *pkey,
                         OSSL_LIB_CTX *context, struct zca_error *err)
{
    const char *digest = zca_key_get_type(key)->digest;
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
    if (!operation ||
        EVP_DigestSignInit_ex(operation, NULL, digest, context, NULL, pkey, NULL) != 1 ||
        X509_REQ_sign_ctx(request, operation) <= 0) {
        return zca_error_set_crypto(err, "signing a certificate request");
    }
    return true;
}

/* SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) as algorithm and bits: X509_REQ_set_pubkey would encode the key and have
 * OpenSSL set up a decoder for it, which costs more than the signature. */
static bool set_public(X509_REQ *request, struct zca_span public_key)
{
    struct zca_der_element info;
    struct zca_der_element algorithm;
    struct zca_der_element bits;
    if (!zca_der_take_of(&public_key, V_ASN1_SEQUENCE, &info) ||
        !zca_der_take_of(&info.content, V_ASN1_SEQUENCE, &algorithm) ||
        !zca_der_take_of(&info.content, V_ASN1_BIT_STRING, &bits) || bits.content.len < 2) {
        return false;
    }
    const unsigned char *cursor = algorithm.whole.data;
    zca_auto(algorithm) X509_ALGOR *parsed =
        d2i_X509_ALGOR(NULL, &cursor, (long)algorithm.whole.len);
    if (!parsed) {
        return false;
    }
    const ASN1_OBJECT *name = NULL;
    const void *value = NULL;
    int type = V_ASN1_UNDEF;
    X509_ALGOR_get0(&name, &type, &value, parsed);
    /* objects of OpenSSL's table need no owner; a curve is one, other parameters are NULL or absent */
    ASN1_OBJECT *curve = type == V_ASN1_OBJECT ? OBJ_nid2obj(OBJ_obj2nid(value)) : NULL;
    size_t len = bits.content.len - 1; /* behind the number of unused bits, which is 0 */
    unsigned char *copy = OPENSSL_memdup(bits.content.data + 1, len);
    if (!copy ||
        X509_PUBKEY_set0_param(X509_REQ_get_X509_PUBKEY(request), OBJ_nid2obj(OBJ_obj2nid(name)),
                               type, curve, copy, (int)len) != 1) {
        OPENSSL_free(copy);
        return false;
    }
    return true;
}

/* extensions NULL: none. */
static X509_REQ *make_request(struct zca_library *library, struct zca_key *key,
                              const X509_NAME *subject, STACK_OF(X509_EXTENSION) * extensions,
                              struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = context ? zca_key_pkey(key, err) : NULL;
    if (!pkey) {
        return NULL;
    }
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new_ex(context, NULL);
    if (!request || X509_REQ_set_version(request, X509_REQ_VERSION_1) != 1 ||
        X509_REQ_set_subject_name(request, subject) != 1 ||
        !set_public(request, zca_key_get_public(key)) ||
        (extensions && X509_REQ_add_extensions(request, extensions) != 1)) {
        zca_error_set_crypto(err, "making a certificate request");
        return NULL;
    }
    return sign_request(request, key, pkey, context, err) ? zca_steal(request) : NULL;
}

X509_REQ *zca_csr_new(struct zca_library *library, struct zca_key *key,
                      const struct zca_csr_names *names, struct zca_error *err)
{
    zca_auto(extensions) STACK_OF(X509_EXTENSION) *extensions = NULL;
    zca_auto(X509_NAME) X509_NAME *subject = make_subject(names->common_name, err);
    if (!subject || !add_names(&extensions, names, err)) {
        return NULL;
    }
    return make_request(library, key, subject, extensions, err);
}

/* ---- renewal ---- */

static bool copy_extension(const X509 *certificate, int nid, STACK_OF(X509_EXTENSION) * *extensions,
                           struct zca_error *err)
{
    int index = X509_get_ext_by_NID(certificate, nid, -1);
    if (index < 0) {
        return true;
    }
    zca_auto(X509_EXTENSION) X509_EXTENSION *extension =
        X509_EXTENSION_dup(X509_get_ext(certificate, index));
    if (!*extensions) {
        *extensions = sk_X509_EXTENSION_new_null();
    }
    if (!extension || !*extensions || sk_X509_EXTENSION_push(*extensions, extension) <= 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a certificate request");
    }
    (void)zca_steal(extension); /* the stack has it */
    return true;
}

X509_REQ *zca_csr_renewal(struct zca_library *library, struct zca_key *key, const X509 *certificate,
                          struct zca_error *err)
{
    zca_auto(extensions) STACK_OF(X509_EXTENSION) *extensions = NULL;
    if (!copy_extension(certificate, NID_subject_alt_name, &extensions, err) ||
        !copy_extension(certificate, NID_ext_key_usage, &extensions, err)) {
        return NULL;
    }
    return make_request(library, key, X509_get_subject_name(certificate), extensions, err);
}

/* ---- loading ---- */

/* Sizes before arithmetic: hostile keys make verification slow. */
static bool has_sane_key(EVP_PKEY *key)
{
    return key && zca_key_type_of(key) != NULL;
}

X509_REQ *zca_csr_load(struct zca_library *library, const char *path, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(zca_buffer) struct zca_buffer bytes = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !zca_file_load(path, max_request, &bytes, NULL, err)) {
        return NULL;
    }
    zca_auto(X509_REQ) X509_REQ *request =
        zca_pem_parse_request(context, zca_buffer_span(&bytes), err);
    if (!request) {
        zca_error_context(err, "certificate request '%s'", path);
        return NULL;
    }
    EVP_PKEY *key = X509_REQ_get0_pubkey(request);
    if (!has_sane_key(key)) {
        zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                      "certificate request '%s' has a key of an unknown kind or size", path);
        return NULL;
    }
    zca_auto(error_mark) int mark = ERR_set_mark();
    if (X509_REQ_verify_ex(request, key, context, NULL) != 1) {
        zca_error_set(err, ZCA_ERR_INVALID, "certificate request '%s' is not signed by its own key",
                      path);
        return NULL;
    }
    return zca_steal(request);
}
