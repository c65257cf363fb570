/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only maker of certificates: the CA's own, certificates for a key made here or for a CSR, and,
 * in countersign.c, those that a client built and the CA only signs.
 */
#ifndef ZCA_SERVER_ISSUE_H
#define ZCA_SERVER_ISSUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger_authority.h"
#include "server/ledger_certificate.h"
#include "server/policy.h"
#include "server/state.h"

/** ZCA_CA_LIFETIME_S: 3650 days. */
#define ZCA_CA_LIFETIME_S (INT64_C(3650) * 24 * 3600)

/* What is asked for; everything borrowed. */
struct zca_issue_request {
    const char *org_id;
    const char *requester;  /* for records */
    const char *subject_cn; /* NULL: machine_id, or "unknown" */
    const char *machine_id; /* NULL: none */
    struct zca_ttl ttl;
    struct zca_span csr;             /* PEM or DER; empty: a key is made */
    const char *const *dns_names;    /* NULL-terminated; NULL: none */
    const char *const *ip_addresses; /* as above */
    const char *request_id;          /* NULL: none; 32 hexadecimal digits */
    bool plain;                      /* QuickZTNA's profile, which has the common name only */
};

struct zca_issued {
    struct zca_certificate certificate;
    struct zca_buffer private_key; /* PEM, secret; empty when a CSR was given. Nowhere else */
    struct zca_buffer issuer;      /* DER of the CA certificate */
    int64_t ttl_s;                 /* granted */
};

void zca_issued_clear(struct zca_issued *issued);
ZCA_DEFINE_AUTO_CLEAR(zca_issued, struct zca_issued, zca_issued_clear);

/**
 * zca_issue_certificate makes a certificate. The caller's role was checked.
 *
 * The same request_id with the same contents gives the same certificate again, also after a crash.
 * Refusals are recorded in the audit log.
 *
 * out_issued  zero-initialised; durable in the ledger when the function returns true.
 * err         the codes of policy.h and csr.h, CA_NOT_INITIALIZED, CONFLICT, CLOCK_WENT_BACK.
 */
ZCA_NODISCARD bool zca_issue_certificate(struct zca_state *state,
                                         const struct zca_issue_request *request,
                                         struct zca_issued *out_issued, struct zca_error *err);

/** zca_issue_authority makes a CA key and its self-signed certificate; the organisation's earlier
 * authority is retired. out_row zero-initialised. */
ZCA_NODISCARD bool zca_issue_authority(struct zca_state *state, const char *org_id,
                                       const char *requester, struct zca_authority_row *out_row,
                                       struct zca_error *err);

/** zca_audit_refusal records that `event` was refused to `requester`, when `err` is a refusal by
 * policy; failures of the server itself are not recorded. `err` is not changed. */
void zca_audit_refusal(struct zca_state *state, const char *org_id, const char *requester,
                       const char *event, const struct zca_error *err);

#endif
