/* SPDX-License-Identifier: Apache-2.0 */
/* The CRL (RFC 5280, 5) of an organisation's CA, made when it is asked for and out of date. */
#ifndef ZCA_SERVER_CRL_H
#define ZCA_SERVER_CRL_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/state.h"

/** ZCA_CRL_LIFETIME_S: thisUpdate to nextUpdate. A new one is made after half of it, or when a
 * certificate was revoked since. */
#define ZCA_CRL_LIFETIME_S (INT64_C(24) * 3600)

/**
 * zca_crl_get appends the current CRL as PEM, signing a new one when needed: recorded as an intent
 * first, numbered, and kept.
 *
 * err   code CA_NOT_INITIALIZED; CLOCK_WENT_BACK.
 */
ZCA_NODISCARD bool zca_crl_get(struct zca_state *state, const char *org_id,
                               struct zca_buffer *out_pem, struct zca_error *err);

#endif
