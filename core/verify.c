/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of what an authority returned (RFC 5280, 6.1 and 4.2). Trust begins at the authority's own
 * certificates and nowhere else; they may be intermediates, so a path may end at one that is
 * not self-signed. Text from certificates is quoted without control characters.
 */
#include "core/verify.h"

#include <limits.h>
#include <string.h>
#include <strings.h>

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/openssl_auto.h"

static const int64_t lifetime_slack_s = 3600; /* authorities back-date and round */
static const int security_level = 2;          /* 112 bits: no SHA-1, no RSA under 2048 */

static void extensions_free(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

ZCA_DEFINE_AUTO(extensions, STACK_OF(X509_EXTENSION), extensions_free);
ZCA_DEFINE_AUTO(purposes, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);

static int64_t seconds_of(const ASN1_TIME *time)
{
    int64_t time_s = 0;
    return zca_clock_from_asn1(time, &time_s, NULL) ? time_s : INT64_MIN;
}

/* ---- quoting ---- */

/* At most 64 printable characters; what is not one becomes '?'. */
static char *quote(const unsigned char *text, size_t len)
{
    size_t shown = len < 64 ? len : 64;
    char *quoted = strndup(text ? (const char *)text : "", text ? shown : 0);
    for (char *c = quoted; c && *c; c++) {
        *c = (unsigned char)*c < 0x20 || *c == 0x7f ? '?' : *c;
    }
    return quoted;
}

static char *quote_string(const ASN1_STRING *string)
{
    unsigned char *utf8 = NULL;
    int len = string ? ASN1_STRING_to_UTF8(&utf8, string) : -1;
    char *quoted = quote(utf8, len > 0 ? (size_t)len : 0);
    OPENSSL_free(utf8);
    return quoted;
}

static char *quote_subject(const X509 *certificate)
{
    zca_auto(BIO) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                                   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        return quote(NULL, 0);
    }
    long len = BIO_get_mem_data(bio, &text);
    return quote((const unsigned char *)text, len > 0 ? (size_t)len : 0);
}

static char *quote_name(const GENERAL_NAME *name)
{
    int type = 0;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI) {
        return quote_string(value);
    }
    zca_auto(BIO) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    GENERAL_NAME *borrowed = (GENERAL_NAME *)(uintptr_t)name; /* printing does not change it */
    if (!bio || GENERAL_NAME_print(bio, borrowed) != 1) {
        return quote(NULL, 0);
    }
    long len = BIO_get_mem_data(bio, &text);
    return quote((const unsigned char *)text, len > 0 ? (size_t)len : 0);
}

static const char *shown(const char *quoted)
{
    return quoted ? quoted : "";
}

/* ---- key ---- */

static bool verify_key(const X509 *leaf, struct zca_span public_key, struct zca_error *err)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
    bool same = len > 0 && zca_span_equal(zca_span_of(der, (size_t)len), public_key);
    OPENSSL_free(der);
    zca_auto(text) char *subject = same ? NULL : quote_subject(leaf);
    return same || zca_error_set(err, ZCA_ERR_VERIFY,
                                 "the certificate of '%s' holds another key than asked for",
                                 shown(subject));
}

/* ---- not a CA ---- */

static bool verify_end_entity(X509 *leaf, struct zca_error *err)
{
    uint32_t flags = X509_get_extension_flags(leaf);
    zca_auto(text) char *subject = quote_subject(leaf);
    if (X509_get_version(leaf) != X509_VERSION_3) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' has version %ld instead of 3", shown(subject),
                             X509_get_version(leaf) + 1);
    }
    if ((flags & EXFLAG_INVALID) != 0) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' has extensions that cannot be read",
                             shown(subject));
    }
    bool signs_certificates =
        (flags & EXFLAG_KUSAGE) != 0 && (X509_get_key_usage(leaf) & KU_KEY_CERT_SIGN) != 0;
    if ((flags & EXFLAG_CA) != 0 || signs_certificates) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate of '%s' is a CA certificate, which nobody asked for",
                             shown(subject));
    }
    return true;
}

/* ---- dates ---- */

bool zca_verify_valid_now(const X509 *certificate, struct zca_error *err)
{
    int64_t now_s = zca_clock_now_s();
    int64_t before_s = seconds_of(X509_get0_notBefore(certificate));
    int64_t after_s = seconds_of(X509_get0_notAfter(certificate));
    char when[ZCA_RFC3339_SIZE];
    if (before_s == INT64_MIN || after_s == INT64_MIN || after_s < before_s) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the certificate's dates make no sense");
    }
    if (before_s > now_s + ZCA_CLOCK_SKEW_S) {
        zca_clock_format(before_s * 1000, when);
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate is not valid before %s, in %lld s: check the clock",
                             when, (long long)(before_s - now_s));
    }
    if (now_s > after_s) {
        zca_clock_format(after_s * 1000, when);
        return zca_error_set(err, ZCA_ERR_EXPIRED, "the certificate is not valid after %s", when);
    }
    return true;
}

static bool verify_lifetime(const X509 *leaf, long ttl_s, struct zca_error *err)
{
    int64_t life_s =
        seconds_of(X509_get0_notAfter(leaf)) - seconds_of(X509_get0_notBefore(leaf)) + 1;
    if (ttl_s > 0 && life_s > ttl_s + lifetime_slack_s) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate lives %lld s, longer than the %ld s asked for",
                             (long long)life_s, ttl_s);
    }
    if (ttl_s > 0 && life_s < ttl_s) {
        zca_log(ZCA_LOG_DEBUG, "verify: the certificate lives %lld s of the %ld s asked for",
                (long long)life_s, ttl_s);
    }
    return true;
}

/* ---- names ---- */

/* What was asked for, from a request or from a list. */
struct asked {
    const X509_NAME *subject; /* NULL: */
    const char *common_name;
    GENERAL_NAMES *names; /* NULL: none */
    EXTENDED_KEY_USAGE *purposes;
};

static void asked_clear(struct asked *asked)
{
    GENERAL_NAMES_free(asked->names);
    EXTENDED_KEY_USAGE_free(asked->purposes);
}

ZCA_DEFINE_AUTO_CLEAR(asked, struct asked, asked_clear);

static bool read_request(const X509_REQ *request, struct asked *asked, struct zca_error *err)
{
    X509_REQ *borrowed = (X509_REQ *)(uintptr_t)request; /* reading does not change it */
    zca_auto(extensions) STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(borrowed);
    int names_found = -1;
    int purposes_found = -1;
    asked->subject = X509_REQ_get_subject_name(request);
    asked->names = X509V3_get_d2i(extensions, NID_subject_alt_name, &names_found, NULL);
    asked->purposes = X509V3_get_d2i(extensions, NID_ext_key_usage, &purposes_found, NULL);
    bool readable = (asked->names || names_found == -1) &&
                    (asked->purposes || purposes_found == -1); /* -1: absent; else why not */
    return readable ||
           zca_error_set(err, ZCA_ERR_INVALID, "the request's extensions cannot be read");
}

static bool read_asked(const struct zca_expectation *expectation, struct asked *asked,
                       struct zca_error *err)
{
    if (expectation->request) {
        return read_request(expectation->request, asked, err);
    }
    asked->common_name = expectation->names->common_name;
    asked->names = zca_csr_alternative_names(expectation->names, err);
    return asked->names != NULL;
}

static const ASN1_STRING *common_name_at(const X509_NAME *subject, int *position)
{
    *position = X509_NAME_get_index_by_NID(subject, NID_commonName, *position);
    return *position < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, *position));
}

/* Strings of different types may be the same text. */
static bool is_text(const ASN1_STRING *string, const unsigned char *text, size_t text_len)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, string);
    bool same =
        len >= 0 && zca_span_equal(zca_span_of(utf8, (size_t)len), zca_span_of(text, text_len));
    OPENSSL_free(utf8);
    return same;
}

static bool is_same_text(const ASN1_STRING *left, const ASN1_STRING *right)
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, right);
    bool same = len >= 0 && is_text(left, utf8, (size_t)len);
    OPENSSL_free(utf8);
    return same;
}

static bool is_same_name(const GENERAL_NAME *left, const GENERAL_NAME *right)
{
    int left_type = 0;
    int right_type = 0;
    const ASN1_STRING *left_value = GENERAL_NAME_get0_value(left, &left_type);
    const ASN1_STRING *right_value = GENERAL_NAME_get0_value(right, &right_type);
    if (left_type != right_type) {
        return false;
    }
    if (left_type != GEN_DNS) {
        return GENERAL_NAME_cmp((GENERAL_NAME *)(uintptr_t)left,
                                (GENERAL_NAME *)(uintptr_t)right) == 0; /* unchanged by it */
    }
    int len = ASN1_STRING_length(left_value); /* DNS names have no case (RFC 4343) */
    return len == ASN1_STRING_length(right_value) &&
           strncasecmp((const char *)ASN1_STRING_get0_data(left_value),
                       (const char *)ASN1_STRING_get0_data(right_value), (size_t)len) == 0;
}

static bool has_name(const GENERAL_NAMES *names, const GENERAL_NAME *name)
{
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        if (is_same_name(sk_GENERAL_NAME_value(names, i), name)) {
            return true;
        }
    }
    return false;
}

/* A DNS name that equals the certificate's CN adds nothing: many authorities put it there. */
static bool is_common_name(const X509 *leaf, const GENERAL_NAME *name)
{
    int type = 0;
    int position = -1;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    const ASN1_STRING *common = common_name_at(X509_get_subject_name(leaf), &position);
    return type == GEN_DNS && common && is_same_text(common, value);
}

static bool names_text(const GENERAL_NAMES *names, const ASN1_STRING *text)
{
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        int type = 0;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
        if (type == GEN_DNS && is_same_text(value, text)) {
            return true;
        }
    }
    return false;
}

/* Is the n-th CN of the leaf the one asked for? NULL: the leaf has no n-th CN. */
static bool is_common_name_asked(const struct asked *asked, const ASN1_STRING *found, int *position)
{
    const ASN1_STRING *wanted = asked->subject ? common_name_at(asked->subject, position) : NULL;
    bool first = *position < 0;
    if (asked->subject) {
        return wanted && found ? is_same_text(found, wanted) : !wanted && !found;
    }
    *position = 0;
    const char *text = first ? asked->common_name : NULL; /* a list asks for one */
    return text && found ? is_text(found, (const unsigned char *)text, strlen(text))
                         : !text && !found;
}

static bool verify_common_name(const X509 *leaf, const struct asked *asked, struct zca_error *err)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    int leaf_position = -1;
    int asked_position = -1;
    const ASN1_STRING *found = NULL;
    do {
        found = common_name_at(subject, &leaf_position);
        bool ok = is_common_name_asked(asked, found, &asked_position) ||
                  (found && asked_position < 0 && names_text(asked->names, found));
        if (!ok) {
            zca_auto(text) char *quoted = quote_string(found);
            return zca_error_set(err, ZCA_ERR_VERIFY,
                                 "the certificate is for other names: its CN is '%s'",
                                 shown(quoted));
        }
    } while (found);
    return true;
}

static bool refuse_name(const GENERAL_NAME *name, const char *what, struct zca_error *err)
{
    zca_auto(text) char *quoted = quote_name(name);
    return zca_error_set(err, ZCA_ERR_VERIFY, "the certificate is for other names: %s '%s'", what,
                         shown(quoted));
}

static bool verify_alternative_names(const X509 *leaf, const struct asked *asked, bool may_shrink,
                                     struct zca_error *err)
{
    int found = -1;
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names =
        X509_get_ext_d2i(leaf, NID_subject_alt_name, &found, NULL);
    if (!names && found != -1) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the certificate's names cannot be read");
    }
    for (int i = 0; names && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (!has_name(asked->names, name) && !is_common_name(leaf, name)) {
            return refuse_name(name, "nobody asked for", err);
        }
    }
    for (int i = 0; !may_shrink && i < sk_GENERAL_NAME_num(asked->names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(asked->names, i);
        if (!has_name(names, name)) {
            return refuse_name(name, "missing is", err);
        }
    }
    return true;
}

/* ---- purposes ---- */

static bool has_purpose(const EXTENDED_KEY_USAGE *purposes, const ASN1_OBJECT *purpose)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
        if (OBJ_cmp(sk_ASN1_OBJECT_value(purposes, i), purpose) == 0) {
            return true;
        }
    }
    return false;
}

/* Policy may leave out purposes; it may not add any, and no list at all would mean all of them. */
static bool verify_purposes(const X509 *leaf, const struct asked *asked, struct zca_error *err)
{
    if (!asked->purposes || sk_ASN1_OBJECT_num(asked->purposes) == 0) {
        return true;
    }
    zca_auto(purposes) EXTENDED_KEY_USAGE *granted =
        X509_get_ext_d2i(leaf, NID_ext_key_usage, NULL, NULL);
    if (!granted || sk_ASN1_OBJECT_num(granted) == 0) {
        return zca_error_set(err, ZCA_ERR_VERIFY,
                             "the certificate lacks the extended key usage asked for");
    }
    for (int i = 0; i < sk_ASN1_OBJECT_num(granted); i++) {
        const ASN1_OBJECT *purpose = sk_ASN1_OBJECT_value(granted, i);
        if (!has_purpose(asked->purposes, purpose)) {
            return zca_error_set(err, ZCA_ERR_VERIFY,
                                 "the certificate is for a purpose nobody asked for: %s",
                                 OBJ_nid2sn(OBJ_obj2nid(purpose)));
        }
    }
    return true;
}

/* ---- chain ---- */

/* What was sent must be a line, each certificate issued by the next, also above the anchors. */
static bool verify_line(STACK_OF(X509) * chain, struct zca_error *err)
{
    for (int i = 0; i + 1 < sk_X509_num(chain); i++) {
        X509 *subject = sk_X509_value(chain, i);
        X509 *issuer = sk_X509_value(chain, i + 1);
        EVP_PKEY *key = X509_get0_pubkey(issuer);
        if (X509_check_issued(issuer, subject) != X509_V_OK || !key ||
            X509_verify(subject, key) != 1) {
            zca_auto(text) char *quoted = quote_subject(issuer);
            return zca_error_set(err, ZCA_ERR_VERIFY,
                                 "chain: certificate %d ('%s') does not belong to it", i + 2,
                                 shown(quoted));
        }
    }
    return true;
}

static X509_STORE *make_store(const STACK_OF(X509) * anchors)
{
    zca_auto(X509_STORE) X509_STORE *store = X509_STORE_new();
    for (int i = 0; store && i < sk_X509_num(anchors); i++) {
        if (X509_STORE_add_cert(store, sk_X509_value(anchors, i)) != 1) {
            return NULL;
        }
    }
    return zca_steal(store);
}

static void set_parameters(X509_STORE_CTX *operation, const X509 *leaf)
{
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(operation);
    int64_t now_s = zca_clock_now_s();
    int64_t before_s = seconds_of(X509_get0_notBefore(leaf)); /* checked: at most the skew ahead */
    X509_VERIFY_PARAM_set_time(parameters, (time_t)(before_s > now_s ? before_s : now_s));
    (void)X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_PARTIAL_CHAIN); /* cannot fail */
    X509_VERIFY_PARAM_set_auth_level(parameters, security_level);
}

static bool refuse_chain(X509_STORE_CTX *operation, struct zca_error *err)
{
    int code = X509_STORE_CTX_get_error(operation);
    const X509 *culprit = X509_STORE_CTX_get_current_cert(operation);
    zca_auto(text) char *subject = culprit ? quote_subject(culprit) : NULL;
    return zca_error_set(err, ZCA_ERR_VERIFY, "chain: certificate %d ('%s'): %s",
                         X509_STORE_CTX_get_error_depth(operation) + 1, shown(subject),
                         X509_verify_cert_error_string(code));
}

static bool take_path(X509_STORE_CTX *operation, STACK_OF(X509) * *out_path, struct zca_error *err)
{
    STACK_OF(X509) *path = X509_STORE_CTX_get1_chain(operation);
    if (!path) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "verifying a chain");
    }
    int last = sk_X509_num(path) - 1;
    if (last > 0 && X509_self_signed(sk_X509_value(path, last), 0) == 1) {
        X509_free(sk_X509_pop(path)); /* who trusts the root has it */
    }
    *out_path = path;
    return true;
}

static bool verify_path(OSSL_LIB_CTX *context, STACK_OF(X509) * chain,
                        const STACK_OF(X509) * anchors, STACK_OF(X509) * *out_path,
                        struct zca_error *err)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    zca_auto(X509_STORE) X509_STORE *store = make_store(anchors);
    zca_auto(X509_STORE_CTX) X509_STORE_CTX *operation =
        store ? X509_STORE_CTX_new_ex(context, NULL) : NULL;
    X509 *leaf = sk_X509_value(chain, 0);
    if (!operation || X509_STORE_CTX_init(operation, store, leaf, chain) != 1) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "verifying a chain");
    }
    set_parameters(operation, leaf);
    if (X509_verify_cert(operation) != 1) {
        return refuse_chain(operation, err);
    }
    return !out_path || take_path(operation, out_path, err);
}

/* ---- public ---- */

bool zca_verify_issued(struct zca_library *library, STACK_OF(X509) * chain,
                       const struct zca_expectation *expectation, STACK_OF(X509) * *out_path,
                       struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    zca_auto(asked) struct asked asked = {.subject = NULL};
    if (!context || !read_asked(expectation, &asked, err)) {
        return false;
    }
    X509 *leaf = sk_X509_value(chain, 0);
    if (!leaf) {
        return zca_error_set(err, ZCA_ERR_VERIFY, "the authority returned no certificate");
    }
    return verify_key(leaf, expectation->public_key, err) && verify_end_entity(leaf, err) &&
           verify_common_name(leaf, &asked, err) &&
           verify_alternative_names(leaf, &asked, expectation->names_may_shrink, err) &&
           verify_purposes(leaf, &asked, err) && zca_verify_valid_now(leaf, err) &&
           verify_lifetime(leaf, expectation->ttl_s, err) && verify_line(chain, err) &&
           verify_path(context, chain, expectation->anchors, out_path, err);
}
