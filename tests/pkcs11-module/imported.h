/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of standards' examples as session objects, from their hexadecimal digits. */
#ifndef ZCA_TESTS_PKCS11_MODULE_IMPORTED_H
#define ZCA_TESTS_PKCS11_MODULE_IMPORTED_H

#include "tests/pkcs11-module/bed.h"

/** imported_bytes appends the bytes of hexadecimal digits. */
void imported_bytes(const char *digits, struct zca_buffer *out_bytes);

/** imported_p256 and imported_ed25519 create a key that may be used for `permission`: CKO_PRIVATE_KEY from the digits of its
 * secret number, CKO_PUBLIC_KEY from those of its point (04 x y; the 32 bytes of RFC 8032). */
CK_OBJECT_HANDLE imported_p256(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                               CK_ATTRIBUTE_TYPE permission, const char *digits);
CK_OBJECT_HANDLE imported_ed25519(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class,
                                  CK_ATTRIBUTE_TYPE permission, const char *digits);

#endif
