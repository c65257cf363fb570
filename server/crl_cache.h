/* SPDX-License-Identifier: Apache-2.0 */
/* The newest CRL of each CA as its downloads have it, so that they neither read nor encode it. */
#ifndef ZCA_SERVER_CRL_CACHE_H
#define ZCA_SERVER_CRL_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/state.h"

ZCA_NODISCARD struct zca_crl_cache *zca_crl_cache_new(struct zca_error *err);
void zca_crl_cache_free(struct zca_crl_cache *cache);
ZCA_DEFINE_AUTO(zca_crl_cache, struct zca_crl_cache, zca_crl_cache_free);

/** zca_crl_cache_find appends the text of a CA's CRL with this number, if it is kept; *out_found tells.
 * Safe from several threads, as all functions here. err ZCA_ERR_MEMORY. */
ZCA_NODISCARD bool zca_crl_cache_find(struct zca_crl_cache *cache, const char *authority_id,
                                      int64_t number, struct zca_buffer *out_pem, bool *out_found,
                                      struct zca_error *err);

/** zca_crl_cache_keep keeps a copy of a text in the place of the CA's last one, or of the one kept
 * longest. Without memory nothing is kept. */
void zca_crl_cache_keep(struct zca_crl_cache *cache, const char *authority_id, int64_t number,
                        struct zca_span pem);

#endif
