/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSR capture: a request that a user's own tool signs with an identity's key becomes that identity's
 * pending request, so that loading its certificate enrols exactly what the tool asked for.
 */
#ifndef ZCA_PROVIDER_CAPTURE_H
#define ZCA_PROVIDER_CAPTURE_H

#include "base/buffer.h"
#include "provider/keydata.h"

/** zca_capture_wanted tells from the first bytes whether `tbs` may be a CertificationRequestInfo signed
 * by an identity's key. No call, no allocation: handshakes ask, too. */
bool zca_capture_wanted(const struct zca_keydata *keydata, struct zca_span tbs);

/** zca_capture_request completes the request and keeps it. A failure is a warning in the log: the
 * signature is good, and the tool has its request.
 *
 * algorithm   DER AlgorithmIdentifier. */
void zca_capture_request(const struct zca_keydata *keydata, struct zca_span tbs,
                         struct zca_span algorithm, struct zca_span signature);

#endif
