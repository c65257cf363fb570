/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/tls_schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>

#define PREFIX "tls13 "

void tls_must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "TLS client: %s failed\n", what);
        exit(1);
    }
}

void tls_hmac(struct tls_schedule *schedule, const unsigned char key[TLS_HASH_LEN],
              const unsigned char *data, size_t data_len, unsigned char out[TLS_HASH_LEN])
{
    size_t len = 0;
    tls_must(EVP_MAC_init(schedule->hmac, key, TLS_HASH_LEN, NULL) == 1 &&
                 EVP_MAC_update(schedule->hmac, data, data_len) == 1 &&
                 EVP_MAC_final(schedule->hmac, out, &len, TLS_HASH_LEN) == 1,
             "HMAC");
}

void tls_expand(struct tls_schedule *schedule, const unsigned char secret[TLS_HASH_LEN],
                const char *label, const unsigned char *hash, unsigned char *out, size_t out_len)
{
    unsigned char info[64] = {0, (unsigned char)out_len};
    unsigned char block[TLS_HASH_LEN];
    size_t prefix_len = strlen(PREFIX);
    size_t label_len = strlen(label);
    size_t len = 2;
    info[len++] = (unsigned char)(prefix_len + label_len);
    memcpy(info + len, PREFIX, prefix_len);
    memcpy(info + len + prefix_len, label, label_len);
    len += prefix_len + label_len;
    info[len++] = hash ? TLS_HASH_LEN : 0;
    if (hash) {
        memcpy(info + len, hash, TLS_HASH_LEN);
        len += TLS_HASH_LEN;
    }
    info[len++] = 1; /* the counter of RFC 5869, 2.3 */
    tls_hmac(schedule, secret, info, len, block);
    memcpy(out, block, out_len);
}

void tls_expand_traffic(struct tls_schedule *schedule, const unsigned char secret[TLS_HASH_LEN],
                        struct tls_traffic *out_traffic)
{
    tls_expand(schedule, secret, "key", NULL, out_traffic->key, TLS_KEY_LEN);
    tls_expand(schedule, secret, "iv", NULL, out_traffic->iv, TLS_IV_LEN);
    out_traffic->sequence = 0;
}

void tls_schedule_init(struct tls_schedule *schedule)
{
    static const unsigned char zeros[TLS_HASH_LEN];
    unsigned char early[TLS_HASH_LEN];
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    schedule->hmac = EVP_MAC_CTX_new(mac);
    schedule->sha256 = EVP_MD_fetch(NULL, digest, NULL);
    EVP_MAC_free(mac);
    tls_must(schedule->hmac && EVP_MAC_CTX_set_params(schedule->hmac, params) == 1 &&
                 schedule->sha256 &&
                 EVP_Digest("", 0, schedule->empty_hash, NULL, schedule->sha256, NULL) == 1,
             "HMAC-SHA-256");
    tls_hmac(schedule, zeros, zeros, TLS_HASH_LEN, early);
    tls_expand(schedule, early, "derived", schedule->empty_hash, schedule->early_derived,
               TLS_HASH_LEN);
}

void tls_schedule_clear(struct tls_schedule *schedule)
{
    EVP_MAC_CTX_free(schedule->hmac);
    EVP_MD_free(schedule->sha256);
}
