/* SPDX-License-Identifier: Apache-2.0 */
/* The end of libcrypto. */
#include "pkcs11-module/lifetime.h"

#include <stdatomic.h>

#include <openssl/crypto.h>

static atomic_bool is_over;

static void at_end(void)
{
    atomic_store(&is_over, true);
}

void zca_lifetime_watch(void)
{
    (void)OPENSSL_atexit(at_end); /* without memory for it: as other modules are */
}

bool zca_lifetime_is_over(void)
{
    return atomic_load_explicit(&is_over, memory_order_relaxed);
}
