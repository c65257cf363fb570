/* SPDX-License-Identifier: Apache-2.0 */
/* A small issuer for tests. Whatever fails here is a broken test: it aborts. */
#include "tests/core/forge.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/rand.h>

static const long day_s = 24L * 3600;

static void must(int ok, const char *what)
{
    if (!ok) {
        (void)fprintf(stderr, "forge: %s failed\n", what);
        abort();
    }
}

EVP_PKEY *forge_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    must(key != NULL, "key");
    return key;
}

static void set_serial(X509 *certificate)
{
    unsigned char bytes[16];
    must(RAND_bytes(bytes, sizeof(bytes)), "random");
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(bytes, sizeof(bytes), NULL);
    must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL, "serial");
    BN_free(number);
}

static void add_name(X509_NAME *name, const char *text)
{
    must(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                    (const unsigned char *)text, -1, -1, 0),
         "name");
}

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    must(extension && X509_add_ext(certificate, extension, -1), "extension");
    X509_EXTENSION_free(extension);
}

static void add_value(X509 *certificate, int nid, const void *value)
{
    must(X509_add1_ext_i2d(certificate, nid, (void *)(uintptr_t)value, 0, X509V3_ADD_APPEND) == 1,
         "extension value");
}

static void sign(X509 *certificate, const struct forge_ca *ca, unsigned flaws)
{
    const EVP_MD *digest = (flaws & FORGE_SHA1) != 0 ? EVP_sha1() : EVP_sha256();
    must(X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)), "issuer");
    must(X509_sign(certificate, ca->key, digest) > 0, "signature");
}

static X509 *begin(EVP_PKEY *key, long before_s, long after_s)
{
    X509 *certificate = X509_new();
    must(certificate != NULL, "certificate");
    set_serial(certificate);
    must(X509_gmtime_adj(X509_getm_notBefore(certificate), before_s) != NULL, "date");
    must(X509_gmtime_adj(X509_getm_notAfter(certificate), after_s) != NULL, "date");
    must(X509_set_pubkey(certificate, key), "public key");
    return certificate;
}

void forge_ca_make(struct forge_ca *ca, const char *name, const struct forge_ca *parent)
{
    ca->key = forge_key();
    ca->certificate = begin(ca->key, -3600, 3650 * day_s);
    must(X509_set_version(ca->certificate, X509_VERSION_3), "version");
    add_name(X509_get_subject_name(ca->certificate), name);
    add_extension(ca->certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(ca->certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
    sign(ca->certificate, parent ? parent : ca, 0);
}

void forge_ca_clear(struct forge_ca *ca)
{
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    *ca = (struct forge_ca){0};
}

/* ---- leaves ---- */

static void dates_of(const struct forge_order *order, long *before_s, long *after_s)
{
    static const struct {
        unsigned flaw;
        long before_s;
    } starts[] = {
        {FORGE_EXPIRED, -30 * 24L * 3600},
        {FORGE_FUTURE,  3600            },
        {FORGE_SKEWED,  240             },
    };

    *before_s = -60;
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        *before_s = (order->flaws & starts[i].flaw) != 0 ? starts[i].before_s : *before_s;
    }
    *after_s = *before_s + (order->ttl_s > 0 ? order->ttl_s : day_s) - 1;
    *after_s = (order->flaws & FORGE_LONG_LIFE) != 0 ? 3650 * day_s : *after_s;
    *after_s = (order->flaws & FORGE_EXPIRED) != 0 ? -10 : *after_s;
}

static void add_names(X509 *leaf, const struct forge_order *order)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    for (int i = 0; order->names && i < sk_GENERAL_NAME_num(order->names); i++) {
        must(sk_GENERAL_NAME_push(names, GENERAL_NAME_dup(sk_GENERAL_NAME_value(order->names, i))) >
                 0,
             "names");
    }
    if ((order->flaws & FORGE_EXTRA_NAME) != 0) {
        static const char *const extra[] = {"extra.example", NULL};
        GENERAL_NAMES *more = forge_names(extra);
        must(sk_GENERAL_NAME_push(names, sk_GENERAL_NAME_pop(more)) > 0, "names");
        GENERAL_NAMES_free(more);
    }
    if (sk_GENERAL_NAME_num(names) > 0 && (order->flaws & FORGE_LESS_NAMES) == 0) {
        add_value(leaf, NID_subject_alt_name, names);
    }
    GENERAL_NAMES_free(names);
}

static void add_extensions(X509 *leaf, const struct forge_order *order)
{
    bool ca = (order->flaws & FORGE_CA) != 0;
    bool cert_sign = (order->flaws & FORGE_CERT_SIGN) != 0;
    must(X509_set_version(leaf, X509_VERSION_3), "version");
    add_extension(leaf, NID_basic_constraints, ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    add_extension(leaf, NID_key_usage,
                  cert_sign ? "critical,digitalSignature,keyCertSign"
                            : "critical,digitalSignature,keyEncipherment");
    if ((order->flaws & FORGE_WIDE_USAGE) != 0) {
        add_extension(leaf, NID_ext_key_usage, "anyExtendedKeyUsage");
    } else if (order->usage) {
        add_value(leaf, NID_ext_key_usage, order->usage);
    }
    add_names(leaf, order);
}

X509 *forge_issue(const struct forge_ca *ca, const struct forge_order *order)
{
    long before_s = 0;
    long after_s = 0;
    dates_of(order, &before_s, &after_s);
    EVP_PKEY *other = (order->flaws & FORGE_OTHER_KEY) != 0 ? forge_key() : NULL;
    X509 *leaf = begin(other ? other : order->key, before_s, after_s);
    X509_NAME *subject = X509_get_subject_name(leaf);
    const char *name = order->common_name;
    name = (order->flaws & FORGE_OTHER_NAME) != 0 ? "other.example" : name;
    if (name) {
        add_name(subject, name);
    }
    if ((order->flaws & FORGE_TWO_NAMES) != 0) {
        add_name(subject, "second.example");
    }
    if ((order->flaws & FORGE_VERSION_1) == 0) {
        add_extensions(leaf, order);
    }
    sign(leaf, ca, order->flaws);
    EVP_PKEY_free(other);
    return leaf;
}

X509 *forge_answer(const struct forge_ca *ca, X509_REQ *request, long ttl_s, unsigned flaws)
{
    char name[256] = "";
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    EXTENDED_KEY_USAGE *usage = X509V3_get_d2i(extensions, NID_ext_key_usage, NULL, NULL);
    EVP_PKEY *key = X509_REQ_get_pubkey(request);
    int len = X509_NAME_get_text_by_NID(X509_REQ_get_subject_name(request), NID_commonName, name,
                                        sizeof(name));
    struct forge_order order = {
        .common_name = len > 0 ? name : NULL,
        .names = names,
        .usage = usage,
        .key = key,
        .ttl_s = ttl_s,
        .flaws = flaws,
    };
    X509 *leaf = forge_issue(ca, &order);
    GENERAL_NAMES_free(names);
    EXTENDED_KEY_USAGE_free(usage);
    EVP_PKEY_free(key);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return leaf;
}

X509_REQ *forge_received(X509_REQ *request)
{
    unsigned char *der = NULL;
    int len = i2d_X509_REQ(request, &der);
    const unsigned char *cursor = der;
    X509_REQ *received = d2i_X509_REQ(NULL, &cursor, len);
    must(received != NULL, "request");
    X509_REQ_free(request);
    OPENSSL_free(der);
    return received;
}

GENERAL_NAMES *forge_names(const char *const *dns_names)
{
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    for (; *dns_names; dns_names++) {
        GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, GEN_DNS, *dns_names, 0);
        must(name && sk_GENERAL_NAME_push(names, name) > 0, "names");
    }
    return names;
}

char *forge_pem(X509 *const *certificates)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    for (; *certificates; certificates++) {
        must(PEM_write_bio_X509(bio, *certificates), "PEM");
    }
    long len = BIO_get_mem_data(bio, &data);
    char *text = strndup(data, (size_t)len);
    BIO_free(bio);
    must(text != NULL, "memory");
    return text;
}
