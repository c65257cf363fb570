/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The private context lives as long as the process: connections keep it, and so may libraries.
 */
#include "remote/section.h"

#include <pthread.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static OSSL_LIB_CTX *private_context; /* written once; NULL: could not be made */

static void make_context(void)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    if (context && !OSSL_PROVIDER_load(context, "default")) {
        OSSL_LIB_CTX_free(context);
        context = NULL;
    }
    private_context = context;
}

bool zca_section_enter(struct zca_section *section, struct zca_error *err)
{
    (void)ERR_set_mark(); /* fails for an empty queue; then the pop empties it again */
    if (pthread_once(&once, make_context) == 0 && private_context) {
        section->before = OSSL_LIB_CTX_set0_default(private_context);
    }
    if (!section->before) {
        (void)ERR_pop_to_mark(); /* as above */
        return zca_error_set(err, ZCA_ERR_CRYPTO,
                             "making a library context with OpenSSL's default provider");
    }
    return true;
}

void zca_section_leave(struct zca_section *section)
{
    if (section->before) {
        (void)OSSL_LIB_CTX_set0_default(section->before); /* returns ours */
        (void)ERR_pop_to_mark();                          /* as above */
        section->before = NULL;
    }
}

OSSL_LIB_CTX *zca_section_context(void)
{
    return private_context;
}
