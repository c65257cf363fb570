/* SPDX-License-Identifier: Apache-2.0 */
/* The only source of time, and RFC 3339 text. Wall time in seconds, durations monotonic. */
#ifndef ZCA_BASE_CLOCK_H
#define ZCA_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/asn1.h>

#include "base/auto.h"
#include "base/error.h"

/** ZCA_RFC3339_SIZE holds "2026-03-17T12:34:56.789Z" and its NUL. */
#define ZCA_RFC3339_SIZE 25

/** zca_clock_now_s returns seconds since 1970-01-01T00:00:00Z; zca_clock_now_ms milliseconds. */
int64_t zca_clock_now_s(void);
int64_t zca_clock_now_ms(void);

/** zca_clock_monotonic_ms returns milliseconds that never step; only differences mean anything. */
int64_t zca_clock_monotonic_ms(void);

/** zca_clock_monotonic_us is for what takes less. */
int64_t zca_clock_monotonic_us(void);

/** zca_clock_format writes RFC 3339, UTC, with milliseconds; years 0000 to 9999, else "invalid". */
void zca_clock_format(int64_t time_ms, char out_text[ZCA_RFC3339_SIZE]);

/** zca_clock_parse reads RFC 3339 (section 5.6) with any offset and fraction into milliseconds. */
ZCA_NODISCARD bool zca_clock_parse(const char *text, int64_t *out_time_ms, struct zca_error *err);

/** zca_clock_from_asn1 converts an ASN1_TIME (RFC 5280, 4.1.2.5) to seconds. */
ZCA_NODISCARD bool zca_clock_from_asn1(const ASN1_TIME *time, int64_t *out_time_s,
                                       struct zca_error *err);

#endif
