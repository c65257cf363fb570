/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN that was right in this process, for whoever can no longer ask whether it is: without right to read a file, or
 * without an authority.
 */
#ifndef ZCA_PKCS11_MODULE_PIN_MEMORY_H
#define ZCA_PKCS11_MODULE_PIN_MEMORY_H

#include "base/buffer.h"
#include "pkcs11-module/cryptoki.h"

struct zca_pin_memory; /* safe from several threads */

/** zca_pin_memory_new: NULL is out of memory. */
struct zca_pin_memory *zca_pin_memory_new(void);
void zca_pin_memory_free(struct zca_pin_memory *memory);

/** zca_pin_memory_keep remembers a PIN that was right. Without memory or random numbers for it the next one is asked, too. */
void zca_pin_memory_keep(struct zca_pin_memory *memory, OSSL_LIB_CTX *context, struct zca_span pin);
void zca_pin_memory_forget(struct zca_pin_memory *memory);

/** zca_pin_memory_knows tells whether it is the PIN that is remembered. Nothing is counted: for long secrets. */
bool zca_pin_memory_knows(struct zca_pin_memory *memory, OSSL_LIB_CTX *context,
                          struct zca_span pin);

/** zca_pin_memory_guess is that for PINs. CKR_PIN_INCORRECT, which is counted, CKR_PIN_LOCKED after ZCA_PIN_MAX_FAILURES of
 * them; CKR_FUNCTION_FAILED: nothing is remembered. */
ZCA_NODISCARD CK_RV zca_pin_memory_guess(struct zca_pin_memory *memory, OSSL_LIB_CTX *context,
                                         struct zca_span pin);

#endif
