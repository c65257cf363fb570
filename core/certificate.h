/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of identities on disk: one PEM file each, leaf first, then the chain.
 * Readable by all, written atomically, the previous generation kept.
 */
#ifndef ZCA_CORE_CERTIFICATE_H
#define ZCA_CORE_CERTIFICATE_H

#include <openssl/x509.h>

#include "core/chain.h"
#include "core/library.h"

/** zca_certificate_load_chain returns leaf and chain of authority/name as bytes, kept in memory and checked
 * against the file's device, inode, size and time. Needs no OpenSSL context. err ZCA_ERR_NOT_FOUND,
 * ZCA_ERR_INVALID names the file. Returns a new reference or NULL. */
ZCA_NODISCARD struct zca_chain *zca_certificate_load_chain(struct zca_library *library,
                                                           const char *authority, const char *name,
                                                           struct zca_error *err);

/** zca_certificate_load does the same with objects. Caller frees the stack. */
ZCA_NODISCARD bool zca_certificate_load(struct zca_library *library, const char *authority,
                                        const char *name, STACK_OF(X509) * *out_chain,
                                        struct zca_error *err);

/** zca_certificate_store writes leaf and chain; the file before it becomes "NAME.pem.previous". Whoever loads the
 * same bytes from the file gets this chain, with the objects it holds. */
ZCA_NODISCARD bool zca_certificate_store(struct zca_library *library, const char *authority,
                                         const char *name, struct zca_chain *chain,
                                         struct zca_error *err);

/** zca_certificate_names calls `visit` for each identity of an authority that has a certificate. */
ZCA_NODISCARD bool zca_certificate_names(struct zca_library *library, const char *authority,
                                         bool (*visit)(void *argument, const char *name),
                                         void *argument, struct zca_error *err);

#endif
