/* SPDX-License-Identifier: Apache-2.0 */
/* Names (RFC 5280, 4.1.2.6 and 4.2.1.6) and extended key usage (4.2.1.12), asked and granted. */
#include "core/naming.h"

#include <string.h>
#include <strings.h>

#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "core/quote.h"

static void extensions_free(STACK_OF(X509_EXTENSION) * extensions)
{
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

ZCA_DEFINE_AUTO(extensions, STACK_OF(X509_EXTENSION), extensions_free);
ZCA_DEFINE_AUTO(purposes, EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);

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

/* The CN behind *position, which moves there; NULL and a negative position behind the last. */
static const ASN1_STRING *next_common_name(const X509_NAME *subject, int *position)
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
    const ASN1_STRING *common = next_common_name(X509_get_subject_name(leaf), &position);
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

static bool asks_for_common_name(const struct asked *asked, const ASN1_STRING *found)
{
    int position = -1;
    if (!asked->subject) {
        const unsigned char *text = (const unsigned char *)asked->common_name;
        return text && is_text(found, text, strlen(asked->common_name));
    }
    for (;;) {
        const ASN1_STRING *wanted = next_common_name(asked->subject, &position);
        if (!wanted || is_same_text(found, wanted)) {
            return wanted;
        }
    }
}

static int count_common_names(const X509_NAME *subject)
{
    int position = -1;
    int count = 0;
    while (next_common_name(subject, &position)) {
        count++;
    }
    return count;
}

/* Each CN was asked for, and as many as were asked for: OpenSSL takes any of them for a host name. */
static bool verify_common_name(const X509 *leaf, const struct asked *asked, struct zca_error *err)
{
    const X509_NAME *subject = X509_get_subject_name(leaf);
    int wanted = asked->subject ? count_common_names(asked->subject) : asked->common_name != NULL;
    int position = -1;
    for (const ASN1_STRING *found = next_common_name(subject, &position); found;
         found = next_common_name(subject, &position)) {
        bool repeats = wanted == 0 && names_text(asked->names, found);
        if (!repeats && !asks_for_common_name(asked, found)) {
            zca_auto(text) char *quoted = zca_quote_string(found);
            return zca_error_set(err, ZCA_ERR_VERIFY,
                                 "the certificate is for other names: its CN is '%s'",
                                 zca_quoted(quoted));
        }
    }
    int count = count_common_names(subject);
    return count == wanted || (wanted == 0 && count == 1) ||
           zca_error_set(err, ZCA_ERR_VERIFY,
                         "the certificate is for other names: it has %d CNs instead of %d", count,
                         wanted);
}

static bool refuse_name(const GENERAL_NAME *name, const char *what, struct zca_error *err)
{
    zca_auto(text) char *quoted = zca_quote_name(name);
    return zca_error_set(err, ZCA_ERR_VERIFY, "the certificate is for other names: %s '%s'", what,
                         zca_quoted(quoted));
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

bool zca_naming_check(const X509 *leaf, const struct zca_expectation *expectation,
                      struct zca_error *err)
{
    zca_auto(asked) struct asked asked = {.subject = NULL};
    return read_asked(expectation, &asked, err) && verify_common_name(leaf, &asked, err) &&
           verify_alternative_names(leaf, &asked, expectation->names_may_shrink, err) &&
           verify_purposes(leaf, &asked, err);
}
