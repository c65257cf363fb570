/* SPDX-License-Identifier: Apache-2.0 */
/* ZCA_P11_TRACE=stderr or a path: one line a call, with its name, slot or session, result and time. */
#ifndef ZCA_PKCS11_MODULE_TRACE_H
#define ZCA_PKCS11_MODULE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkcs11-module/cryptoki.h"

/** zca_trace_enabled is cheap; the environment is read once a process (secure_getenv). */
bool zca_trace_enabled(void);

/** zca_trace_now_ns returns monotonic time. */
int64_t zca_trace_now_ns(void);

/** zca_trace_write writes the line of one call; errno is kept. Nothing of the application's data is in it. */
void zca_trace_write(const char *name, CK_ULONG subject, CK_RV rv, int64_t duration_ns);

#endif
