/* SPDX-License-Identifier: Apache-2.0 */
/* Why the server says no: the codes of its APIs, with their HTTP status and text, in one table. */
#ifndef ZCA_SERVER_REFUSAL_H
#define ZCA_SERVER_REFUSAL_H

#include <stdbool.h>

#include "base/error.h"

enum zca_refusal {
    /* requests */
    ZCA_REFUSE_VALIDATION,
    ZCA_REFUSE_MISSING_FIELDS,
    ZCA_REFUSE_UNKNOWN_ACTION,
    ZCA_REFUSE_UNSAFE_WRITE,
    ZCA_REFUSE_NOT_FOUND,
    ZCA_REFUSE_CONFLICT,
    /* accounts */
    ZCA_REFUSE_UNAUTHORIZED,
    ZCA_REFUSE_FORBIDDEN,
    ZCA_REFUSE_INVALID_CREDENTIALS,
    ZCA_REFUSE_ACCOUNT_LOCKED,
    ZCA_REFUSE_MISSING_TOKEN,
    ZCA_REFUSE_INVALID_TOKEN,
    ZCA_REFUSE_INVALID_SCOPES,
    ZCA_REFUSE_INVALID_AUTH_KEY,
    ZCA_REFUSE_RATE_LIMITED,
    /* certificates */
    ZCA_REFUSE_CA_NOT_INITIALIZED,
    ZCA_REFUSE_INVALID_TTL,
    ZCA_REFUSE_TTL_EXCEEDS_POLICY,
    ZCA_REFUSE_MACHINE_QUARANTINED,
    ZCA_REFUSE_MACHINE_NOT_ONLINE,
    ZCA_REFUSE_POSTURE,
    ZCA_REFUSE_MISSING_CERT,
    ZCA_REFUSE_INVALID_CSR,
    ZCA_REFUSE_INVALID_TBS,
    ZCA_REFUSE_WEAK_KEY,
    ZCA_REFUSE_WEAK_DIGEST,
    ZCA_REFUSE_NAME,
    ZCA_REFUSE_CA,
    ZCA_REFUSE_EXTENSION,
    ZCA_REFUSE_USAGE,
    ZCA_REFUSE_VERSION,
    ZCA_REFUSE_WRONG_ISSUER,
    ZCA_REFUSE_VALIDITY,
    ZCA_REFUSE_SERIAL,
    ZCA_REFUSE_CRL_NUMBER,
    ZCA_REFUSE_CRL_CONTENT,
    ZCA_REFUSE_OCSP_CONTENT,
    ZCA_REFUSE_CLOCK,
    ZCA_NUM_REFUSALS
};

/**
 * zca_refuse fills `err` with a row of the table: reason, HTTP status, code and message.
 *
 * format   NULL: the row's own text. Otherwise what the client is told; never a secret.
 *
 * Returns false.
 */
bool zca_refuse(struct zca_error *err, enum zca_refusal refusal, const char *format, ...)
    ZCA_PRINTF(3, 4);

/** zca_refusal_is tells whether an error carries the code of a row. */
bool zca_refusal_is(const struct zca_error *err, enum zca_refusal refusal);

#endif
