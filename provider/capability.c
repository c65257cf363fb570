/* SPDX-License-Identifier: Apache-2.0 */
/* TLS groups (provider-base(7), TLS-GROUP): numbers of RFC 8446, 4.2.7; names as libssl knows them. */
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/auto.h"
#include "provider/provider.h"

struct group {
    const char *tls_name;
    const char *name;
    unsigned id;
    unsigned bits; /* of security */
};

/* Each group under both names that users write (openssl s_server -groups P-256). */
static const struct group groups[] = {
    {"secp256r1", "prime256v1", 23, 128},
    {"P-256",     "prime256v1", 23, 128},
    {"secp384r1", "secp384r1",  24, 192},
    {"P-384",     "secp384r1",  24, 192},
    {"secp521r1", "secp521r1",  25, 256},
    {"P-521",     "secp521r1",  25, 256},
};

static OSSL_PARAM text(const char *key, const char *value)
{
    /* only read */
    return (OSSL_PARAM)OSSL_PARAM_utf8_string(key, (char *)(uintptr_t)value, strlen(value));
}

static int give_group(const struct group *group, OSSL_CALLBACK *callback, void *argument)
{
    unsigned id = group->id;
    unsigned bits = group->bits;
    int tls_version = 0x0301;  /* TLS 1.0 and later */
    int dtls_version = 0xFEFF; /* DTLS 1.0 and later */
    int no_maximum = 0;
    const OSSL_PARAM params[] = {text(OSSL_CAPABILITY_TLS_GROUP_NAME, group->tls_name),
                                 text(OSSL_CAPABILITY_TLS_GROUP_NAME_INTERNAL, group->name),
                                 text(OSSL_CAPABILITY_TLS_GROUP_ALG, "EC"),
                                 OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_ID, &id),
                                 OSSL_PARAM_uint(OSSL_CAPABILITY_TLS_GROUP_SECURITY_BITS, &bits),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_TLS, &tls_version),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_TLS, &no_maximum),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MIN_DTLS, &dtls_version),
                                 OSSL_PARAM_int(OSSL_CAPABILITY_TLS_GROUP_MAX_DTLS, &no_maximum),
                                 OSSL_PARAM_END};
    return callback(params, argument);
}

int zca_capability_get(void *provider, const char *capability, OSSL_CALLBACK *callback,
                       void *argument)
{
    (void)provider; /* the same for all */
    if (strcasecmp(capability, "TLS-GROUP") != 0) {
        return 0;
    }
    for (size_t i = 0; i < ZCA_COUNT(groups); i++) {
        if (!give_group(&groups[i], callback, argument)) {
            return 0;
        }
    }
    return 1;
}
