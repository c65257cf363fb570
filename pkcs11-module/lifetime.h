/* SPDX-License-Identifier: Apache-2.0 */
/* exit(3) cleans up libcrypto while applications, and their exit handlers, may still call us. */
#ifndef ZCA_PKCS11_MODULE_LIFETIME_H
#define ZCA_PKCS11_MODULE_LIFETIME_H

#include <stdbool.h>

/** zca_lifetime_watch asks libcrypto to tell us of its end; once a process. */
void zca_lifetime_watch(void);

/** zca_lifetime_is_over tells whether libcrypto has been cleaned up: then nothing of it is freed any more. */
bool zca_lifetime_is_over(void);

#endif
