/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates as clients build them, for what the CA countersigns. */
#ifndef ZCA_TESTS_SERVER_PLAN_H
#define ZCA_TESTS_SERVER_PLAN_H

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/tbs.h"
#include "server/countersign.h"
#include "world.h"

/* A certificate to be built; members that are zero or NULL are the good ones. */
struct plan {
    const char *common_name;
    const char *attribute, *value; /* stands before the common name */
    const char *issuer;            /* another issuer's common name */
    const char *extensions[4][2];
    const EVP_MD *(*digest)(void);
    bool version1;
    int serial;
    int from_s;   /* added to now */
    int length_s; /* 0: a day */
    const char *curve;
    const char *code; /* what it is refused with; NULL: signed */
};

/** plan_draft makes the certificate, unsigned. */
X509 *plan_draft(struct world *world, const struct plan *plan);

/** plan_take appends the body of a certificate, encoded anew. */
void plan_take(X509 *certificate, struct zca_buffer *out);

/** plan_build appends the body of the plan's certificate. */
void plan_build(struct world *world, const struct plan *plan, struct zca_buffer *out);

/** plan_sign has the organisation's CA sign `tbs`. */
bool plan_sign(struct world *world, struct zca_span tbs, enum zca_tbs_kind kind,
               struct zca_countersigned *out, struct zca_error *err);

/** plan_allow sets what the organisation allows; its domain is corp.test. */
void plan_allow(struct world *world, bool allow_intermediate, bool allow_version1,
                const char *usages);

#endif
