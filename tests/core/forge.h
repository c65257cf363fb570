/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as an authority would issue them, and as none should. */
#ifndef ZCA_TESTS_CORE_FORGE_H
#define ZCA_TESTS_CORE_FORGE_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* What is wrong with a certificate. */
enum forge_flaw {
    FORGE_OTHER_KEY = 1 << 0,
    FORGE_OTHER_NAME = 1 << 1, /* another CN */
    FORGE_EXTRA_NAME = 1 << 2, /* one SAN more */
    FORGE_LESS_NAMES = 1 << 3, /* no SAN at all */
    FORGE_CA = 1 << 4,
    FORGE_EXPIRED = 1 << 5,
    FORGE_FUTURE = 1 << 6,      /* begins in an hour */
    FORGE_SKEWED = 1 << 7,      /* begins in four minutes: not a flaw */
    FORGE_LONG_LIFE = 1 << 8,   /* ten years */
    FORGE_VERSION_1 = 1 << 9,   /* no extensions at all */
    FORGE_WIDE_USAGE = 1 << 10, /* any extended key usage */
    FORGE_TWO_NAMES = 1 << 11,  /* a second CN */
    FORGE_CERT_SIGN = 1 << 12,  /* not CA:TRUE, but keyCertSign */
    FORGE_SHA1 = 1 << 13
};

struct forge_ca {
    X509 *certificate;
    EVP_PKEY *key;
};

struct forge_order {
    const char *common_name; /* NULL: none */
    const GENERAL_NAMES *names;
    const EXTENDED_KEY_USAGE *usage;
    EVP_PKEY *key;
    long ttl_s; /* 0: one day */
    unsigned flaws;
};

EVP_PKEY *forge_key(void);

/** forge_ca_make makes a CA, self-signed or issued by `parent`; forge_ca_clear releases it. */
void forge_ca_make(struct forge_ca *ca, const char *name, const struct forge_ca *parent);
void forge_ca_clear(struct forge_ca *ca);

/** forge_issue never fails: tests abort. Caller frees. */
X509 *forge_issue(const struct forge_ca *ca, const struct forge_order *order);

/** forge_answer issues what a request asks for. */
X509 *forge_answer(const struct forge_ca *ca, X509_REQ *request, long ttl_s, unsigned flaws);

/** forge_received takes a request and returns it as its receiver decodes it, with a key to verify with. */
X509_REQ *forge_received(X509_REQ *request);

/** forge_names returns DNS names from a list that ends with NULL. */
GENERAL_NAMES *forge_names(const char *const *dns_names);

/** forge_pem appends to nothing: the PEM text of certificates, NULL-terminated list; caller frees. */
char *forge_pem(X509 *const *certificates);

#endif
