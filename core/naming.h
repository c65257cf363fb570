/* SPDX-License-Identifier: Apache-2.0 */
/* Names and purposes of a certificate held against those asked for. */
#ifndef ZCA_CORE_NAMING_H
#define ZCA_CORE_NAMING_H

#include <openssl/x509.h>

#include "core/verify.h"

/**
 * zca_naming_check tells whether a certificate has the common name, the alternative names and, as far as
 * policy granted them, the purposes that were asked for, and no others. A DNS name that repeats the CN adds
 * nothing; a CN that repeats an asked DNS name does not either.
 *
 * err   ZCA_ERR_VERIFY quotes the first difference.
 */
ZCA_NODISCARD bool zca_naming_check(const X509 *leaf, const struct zca_expectation *expectation,
                                    struct zca_error *err);

#endif
