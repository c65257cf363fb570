/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a certificate: from a request's fields, from a CSR, or from both. */
#ifndef ZCA_SERVER_SUBJECT_H
#define ZCA_SERVER_SUBJECT_H

#include <stdbool.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "base/error.h"
#include "server/csr.h"
#include "server/policy.h"

struct zca_subject {
    X509_NAME *name;
    GENERAL_NAMES *names; /* NULL: none */
    char *title;          /* how lists call it: the common name, or the first name */
};

/* What a request says about names; everything borrowed. */
struct zca_subject_input {
    const char *common_name;   /* where the CSR has no subject. NULL: a DNS name, else "unknown" */
    const struct zca_csr *csr; /* NULL: none */
    const char *const *dns_names; /* NULL-terminated; NULL: none */
    const char *const *ip_addresses;
    bool plain; /* QuickZTNA's profile: the common name and nothing else */
};

/**
 * zca_subject_make joins the names and checks each against the policy.
 *
 * From a CSR: CN, O, OU, C, L, ST of its subject, and its alternative names. Its subject, where there is
 * one, counts and `common_name` does not: tools name an order and a holder differently. A common name
 * that is a host name stands among the alternative names too.
 *
 * out_subject  zero-initialised; cleared by the caller with zca_subject_clear.
 * err          code NAME_NOT_ALLOWED.
 */
ZCA_NODISCARD bool zca_subject_make(const struct zca_policy *policy,
                                    const struct zca_subject_input *input,
                                    struct zca_subject *out_subject, struct zca_error *err);

void zca_subject_clear(struct zca_subject *subject);
ZCA_DEFINE_AUTO_CLEAR(zca_subject, struct zca_subject, zca_subject_clear);

/** zca_subject_check_holder tells whether a subject is another's than the CA's: equal as RFC 5280, 7.1,
 * compares names would make a certificate self-issued. err code NAME_NOT_ALLOWED. */
ZCA_NODISCARD bool zca_subject_check_holder(const X509_NAME *subject, const X509 *ca,
                                            struct zca_error *err);

/** zca_subject_title returns how lists call a certificate: its common name, else its first DNS name,
 * else "unknown"; malloc'd. NULL with ZCA_ERR_MEMORY. */
ZCA_NODISCARD char *zca_subject_title(const X509_NAME *name, const GENERAL_NAMES *names,
                                      struct zca_error *err);

#endif
