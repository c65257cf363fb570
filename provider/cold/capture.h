/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSR capture: a request that a user's own tool signs with an identity's key becomes that identity's
 * pending request, so that loading its certificate enrols exactly what the tool asked for.
 */
#ifndef ZCA_PROVIDER_COLD_CAPTURE_H
#define ZCA_PROVIDER_COLD_CAPTURE_H

#include "provider/cold.h"

/** zca_capture_request completes the request and keeps it, when what was signed is one. A failure is a
 * warning in the log: the signature is good, and the tool has its request. */
void zca_capture_request(const struct zca_keydata *keydata, const struct zca_signed *finished);

#endif
