/* SPDX-License-Identifier: Apache-2.0 */
/* Where the default provider's functions come from. */
#ifndef ZCA_PROVIDER_COLD_OVERLAY_H
#define ZCA_PROVIDER_COLD_OVERLAY_H

#include "base/auto.h"
#include "base/error.h"
#include "provider/overlay.h"

/** zca_overlay_make finds the functions in the library's crypto provider (zca_library_crypto) and
 * keeps them in `provider`. NULL after ZCA_FAIL. Thread-safe. */
const struct zca_overlay *zca_overlay_make(struct zca_provider *provider);

/** zca_overlay_ensure makes them where they are missing, and tells why it cannot; reports nothing.
 * err   what zca.conf or the crypto provider lacks. */
ZCA_NODISCARD bool zca_overlay_ensure(struct zca_provider *provider, struct zca_error *err);

/** zca_overlay_encoder copies the functions of an encoder to `out_functions`; false when there is none. Not
 * kept: encoding is rare.
 *
 * form  the end of its property definition: "output=pem,structure=PrivateKeyInfo", "output=text".
 */
ZCA_NODISCARD bool zca_overlay_encoder(struct zca_provider *provider, enum zca_kind kind,
                                       const char *form, struct zca_functions *out_functions);

/** zca_overlay_free releases the tables; the context belongs to the library. */
void zca_overlay_free(struct zca_overlay *overlay);

#endif
