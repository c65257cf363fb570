/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CA certificates of files, decoded once: OpenSSL sets up a decoder for each public key, which costs more than
 * a signature. Kept in the library by path and file status; whoever takes them checks their dates anew.
 */
#ifndef ZCA_CORE_ANCHOR_H
#define ZCA_CORE_ANCHOR_H

#include <sys/stat.h>

#include <openssl/x509.h>

#include "core/library.h"

/** zca_anchors_find returns what was kept for the file of this status, or NULL. Caller frees the stack. */
ZCA_NODISCARD STACK_OF(X509) *
    zca_anchors_find(struct zca_library *library, const char *path, const struct stat *status);

/** zca_anchors_keep keeps certificates that were read from the file of this status and checked. Without memory
 * for it they are read again next time. */
void zca_anchors_keep(struct zca_library *library, const char *path, const struct stat *status,
                      const STACK_OF(X509) * certificates);

/** zca_anchor_decode returns the certificate of this encoding, of `anchors` when it is one of them. Caller frees.
 * err   ZCA_ERR_INVALID. */
ZCA_NODISCARD X509 *zca_anchor_decode(struct zca_library *library, const STACK_OF(X509) * anchors,
                                      struct zca_span der, struct zca_error *err);

#endif
