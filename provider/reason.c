/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reason table. stunnel prints the reason without its data, so each is a sentence that stands
 * alone.
 */
#include <assert.h>
#include <stdint.h>

#include "base/error.h"
#include "provider/provider.h"

#define REASON(number, text) [(number)-1] = {(number), (char *)(uintptr_t)(text)}

const OSSL_ITEM zca_reason_items[] = {
    REASON(ZCA_ERR_MEMORY, "out of memory"),
    REASON(ZCA_ERR_SYSTEM, "the operating system refused a file, socket or lock operation"),
    REASON(ZCA_ERR_CRYPTO, "a cryptographic operation failed"),
    REASON(ZCA_ERR_CONFIG, "the configuration is wrong"),
    REASON(ZCA_ERR_INVALID, "the input is not valid"),
    REASON(ZCA_ERR_NOT_FOUND, "there is no such object"),
    REASON(ZCA_ERR_UNSUPPORTED, "this authority, key or build cannot do that"),
    REASON(ZCA_ERR_AUTH, "not logged in at the authority, or the login was refused"),
    REASON(ZCA_ERR_MFA_REQUIRED, "the authority asks for a one-time code"),
    REASON(ZCA_ERR_FORBIDDEN, "the role held at the authority does not allow that"),
    REASON(ZCA_ERR_POLICY, "the authority refused the request by policy"),
    REASON(ZCA_ERR_NOT_INITIALISED, "the authority has no CA yet"),
    REASON(ZCA_ERR_QUARANTINED, "the authority has quarantined this machine"),
    REASON(ZCA_ERR_POSTURE, "this machine does not meet the authority's requirements"),
    REASON(ZCA_ERR_CONFLICT, "the object exists already or is in another state"),
    REASON(ZCA_ERR_PENDING, "the request is pending at the authority, ask again later"),
    REASON(ZCA_ERR_RATE_LIMITED, "the authority received too many requests"),
    REASON(ZCA_ERR_UNAVAILABLE, "the authority cannot be reached"),
    REASON(ZCA_ERR_PROTOCOL, "the authority's answer cannot be understood"),
    REASON(ZCA_ERR_VERIFY, "the authority's answer is not what was asked for"),
    REASON(ZCA_ERR_SEALED, "a sealed key cannot be opened"),
    REASON(ZCA_ERR_EXPIRED, "the certificate has expired"),
    REASON(ZCA_ERR_BUSY, "the operation is running already"),
    {0, NULL},
};
static_assert(ZCA_COUNT(zca_reason_items) == ZCA_NUM_REASONS, "every reason but NONE has a row");
