/* SPDX-License-Identifier: Apache-2.0 */
/* The public halves of key records that were read last: a certificate is compared with its key each time it is loaded. */
#ifndef ZCA_CORE_PUBLICS_H
#define ZCA_CORE_PUBLICS_H

#include <sys/stat.h>

#include "core/library.h"

/** zca_publics_find appends what was kept for a file that has this status, and tells whether there was something.
 * zca_publics_keep keeps a SubjectPublicKeyInfo in the place of another. Thread-safe. */
ZCA_NODISCARD bool zca_publics_find(struct zca_library *library, const struct stat *status,
                                    struct zca_buffer *out_public);
void zca_publics_keep(struct zca_library *library, const struct stat *status,
                      struct zca_span public_key);

#endif
