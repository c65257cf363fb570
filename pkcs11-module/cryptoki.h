/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PKCS#11: p11-kit's header (2.40 in Debian 12) and what OASIS added in 3.0 to 3.2 that we use.
 * The C_ functions are what zca-pkcs11.so exports.
 */
#ifndef ZCA_PKCS11_MODULE_CRYPTOKI_H
#define ZCA_PKCS11_MODULE_CRYPTOKI_H

#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#include <p11-kit/pkcs11x.h>
#pragma GCC visibility pop

#include "pkcs11-module/cryptoki3.h"

#endif
