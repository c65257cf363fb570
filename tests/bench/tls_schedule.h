/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key schedule of TLS 1.3 with SHA-256 (RFC 8446, 7.1) for tls_client.c. Everything stops the process when
 * libcrypto fails: a measurement has no use for an error.
 */
#ifndef ZCA_TESTS_BENCH_TLS_SCHEDULE_H
#define ZCA_TESTS_BENCH_TLS_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#define TLS_HASH_LEN 32
#define TLS_KEY_LEN 16
#define TLS_IV_LEN 12

struct tls_schedule {
    EVP_MAC_CTX *hmac;
    EVP_MD *sha256;
    unsigned char empty_hash[TLS_HASH_LEN];
    unsigned char early_derived[TLS_HASH_LEN]; /* salt of the handshake secret without PSK */
};

/* One direction's protection of records (RFC 8446, 5.3). */
struct tls_traffic {
    unsigned char key[TLS_KEY_LEN], iv[TLS_IV_LEN];
    uint64_t sequence;
};

/** tls_must stops the process, saying what failed, unless `holds`. */
void tls_must(bool holds, const char *what);

void tls_schedule_init(struct tls_schedule *schedule);
void tls_schedule_clear(struct tls_schedule *schedule);

/** tls_hmac is HMAC-SHA-256, and so HKDF-Extract; `out` may be `key`. */
void tls_hmac(struct tls_schedule *schedule, const unsigned char key[TLS_HASH_LEN],
              const unsigned char *data, size_t data_len, unsigned char out[TLS_HASH_LEN]);

/** tls_expand is HKDF-Expand-Label of at most TLS_HASH_LEN bytes; hash NULL: an empty context. */
void tls_expand(struct tls_schedule *schedule, const unsigned char secret[TLS_HASH_LEN],
                const char *label, const unsigned char *hash, unsigned char *out, size_t out_len);

/** tls_expand_traffic derives key and IV, and begins at record 0. */
void tls_expand_traffic(struct tls_schedule *schedule, const unsigned char secret[TLS_HASH_LEN],
                        struct tls_traffic *out_traffic);

#endif
