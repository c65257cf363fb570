/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last gate before a certificate is used: what came back is what was asked for.
 * Key, chain, dates, names, basic constraints; each refusal says which and what was found.
 */
#ifndef ZCA_CORE_VERIFY_H
#define ZCA_CORE_VERIFY_H

#include <openssl/x509.h>

#include "core/csr.h"
#include "core/key.h"

struct zca_expectation {
    struct zca_span public_key; /* DER SubjectPublicKeyInfo the leaf must hold */
    const X509_REQ *request;    /* names asked for by a request; NULL: */
    const struct zca_csr_names
        *names;            /* names asked for; SANs are required only when the dialect can */
    bool names_may_shrink; /* the dialect writes no SAN: only the CN is compared */
    const STACK_OF(X509) * anchors; /* the authority's CA certificates */
    long ttl_s;                     /* longest lifetime asked for; 0: any */
};

/**
 * zca_verify_issued checks a chain, leaf first, as returned by an authority.
 *
 * chain      leaf first, each certificate issued by the next; others are refused.
 * out_path   what to store: the verified path, leaf first, without a self-signed root; NULL: not
 *            wanted. Caller frees the stack.
 * err     ZCA_ERR_VERIFY: "another key", "other names", "CA certificate", "not valid before/after",
 *         "chain"; ZCA_ERR_EXPIRED.
 */
ZCA_NODISCARD bool zca_verify_issued(struct zca_library *library, STACK_OF(X509) * chain,
                                     const struct zca_expectation *expectation,
                                     STACK_OF(X509) * *out_path, struct zca_error *err);

/**
 * zca_verify_chain checks only that a chain, leaf first, leads to one of `anchors`, now.
 *
 * err   ZCA_ERR_VERIFY names the certificate.
 */
ZCA_NODISCARD bool zca_verify_chain(struct zca_library *library, STACK_OF(X509) * chain,
                                    const STACK_OF(X509) * anchors, struct zca_error *err);

/* A certificate may begin this much in the future: clocks differ. */
#define ZCA_CLOCK_SKEW_S 300

/** zca_verify_valid_now tells whether the certificate's dates include the present, with the skew above. */
ZCA_NODISCARD bool zca_verify_valid_now(const X509 *certificate, struct zca_error *err);

#endif
