/* SPDX-License-Identifier: Apache-2.0 */
/* What an authority wrote must not move the cursor of who reads it. */
#include "core/quote.h"

#include <stdint.h>
#include <string.h>

#include "base/openssl_auto.h"

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

char *zca_quote_string(const ASN1_STRING *string)
{
    unsigned char *utf8 = NULL;
    int len = string ? ASN1_STRING_to_UTF8(&utf8, string) : -1;
    char *quoted = quote(utf8, len > 0 ? (size_t)len : 0);
    OPENSSL_free(utf8);
    return quoted;
}

char *zca_quote_subject(const X509 *certificate)
{
    zca_auto(BIO) BIO *bio = certificate ? BIO_new(BIO_s_mem()) : NULL;
    char *text = NULL;
    if (!bio || X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
                                   XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) {
        return quote(NULL, 0);
    }
    long len = BIO_get_mem_data(bio, &text);
    return quote((const unsigned char *)text, len > 0 ? (size_t)len : 0);
}

char *zca_quote_name(const GENERAL_NAME *name)
{
    int type = 0;
    const void *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_DNS || type == GEN_EMAIL || type == GEN_URI) {
        return zca_quote_string(value);
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
