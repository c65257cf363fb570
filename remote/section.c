/* SPDX-License-Identifier: Apache-2.0 */
/* A context of our own, for who has none, lives as long as the process: connections keep it. */
#include "remote/section.h"

#include <stdatomic.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "base/view.h"

/* No lock, because a fork could find it held: of threads that come together the first one's context stays. */
static _Atomic(OSSL_LIB_CTX *) private_context;

/* Want of memory is no reason to give up for the rest of the process's life. */
static OSSL_LIB_CTX *get_context(void)
{
    OSSL_LIB_CTX *known = atomic_load(&private_context);
    if (known) {
        return known;
    }
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *standard = context ? zca_view_load(context, "default", false, NULL) : NULL;
    if (standard && atomic_compare_exchange_strong(&private_context, &known, context)) {
        return context;
    }
    if (standard) {
        (void)OSSL_PROVIDER_unload(standard); /* nothing can be done about a failure */
    }
    OSSL_LIB_CTX_free(context);
    return known; /* another thread's, or none */
}

bool zca_section_enter(struct zca_section *section, OSSL_LIB_CTX *context, struct zca_error *err)
{
    (void)ERR_set_mark(); /* fails for an empty queue; then the pop empties it again */
    section->context = context ? context : get_context();
    if (section->context) {
        section->before = OSSL_LIB_CTX_set0_default(section->context);
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
