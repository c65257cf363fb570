/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign text for messages: at most 64 characters, control characters replaced. */
#ifndef ZCA_CORE_QUOTE_H
#define ZCA_CORE_QUOTE_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/auto.h"

/** zca_quote_string, zca_quote_subject and zca_quote_name return printable text in new memory: of a string, of
 * a certificate's subject (RFC 4514), of an alternative name. NULL and what cannot be read give "".
 * Returns NULL without memory; zca_quoted makes that "" too. */
char *zca_quote_string(const ASN1_STRING *string);
char *zca_quote_subject(const X509 *certificate);
char *zca_quote_name(const GENERAL_NAME *name);

static inline const char *zca_quoted(const char *text)
{
    return text ? text : "";
}

#endif
