/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11 URIs (RFC 7512) as other names of identities, for programs that hand no other scheme to a store:
 * "pkcs11:token=corp;object=web;type=cert" is "zca://corp/web?type=cert".
 */
#ifndef ZCA_CORE_PKCS11_URI_H
#define ZCA_CORE_PKCS11_URI_H

#include "core/uri.h"

/** zca_pkcs11_uri_is tells whether `text` has the scheme pkcs11. */
bool zca_pkcs11_uri_is(const char *text);

/**
 * zca_pkcs11_uri_parse reads a pkcs11 URI, at most 2048 bytes.
 *
 * `object` is the identity and must be there, `token` its authority, `type` is private, public or cert. Every
 * other attribute is an error, and so is every query: a value that selects nothing here must not seem to.
 * err ZCA_ERR_INVALID names the part, never a value of the query, which may be a PIN.
 *
 * Returns a new object or NULL.
 */
ZCA_NODISCARD struct zca_uri *zca_pkcs11_uri_parse(const char *text, struct zca_error *err);

#endif
