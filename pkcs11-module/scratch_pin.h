/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a scratch token knows of itself: its label, and its master key, sealed once under each PIN. A sealing key is made
 * of the PIN (PBKDF2, RFC 8018) and the host's sealing key, so that a copy of the file does not let anybody try PINs.
 */
#ifndef ZCA_PKCS11_MODULE_SCRATCH_PIN_H
#define ZCA_PKCS11_MODULE_SCRATCH_PIN_H

#include <sys/stat.h>

#include "base/buffer.h"
#include "core/library.h"
#include "pkcs11-module/cryptoki.h"

enum zca_scratch_pin { ZCA_SCRATCH_USER, ZCA_SCRATCH_SO, ZCA_SCRATCH_NUM_PINS };

#define ZCA_SCRATCH_SALT_LEN 16
#define ZCA_SCRATCH_INSTANCE_LEN 16
#define ZCA_SCRATCH_MASTER_LEN 32
#define ZCA_SCRATCH_LABEL_LEN 32
#define ZCA_SCRATCH_BOX_LEN (12 + ZCA_SCRATCH_MASTER_LEN + 16) /* nonce, ciphertext, tag */

/* As many wrong PINs in a row lock one. */
#define ZCA_SCRATCH_MOST_FAILURES 10

/* One PIN, and the master key under it. */
struct zca_scratch_lock {
    bool is_set;
    uint8_t salt[ZCA_SCRATCH_SALT_LEN];
    int64_t iterations;
    int64_t failures; /* since the last right PIN */
    uint8_t box[ZCA_SCRATCH_BOX_LEN];
};

/* The file `token`. No secret is in it that is not sealed. */
struct zca_scratch_token {
    uint8_t instance[ZCA_SCRATCH_INSTANCE_LEN]; /* another after each C_InitToken */
    uint8_t label[ZCA_SCRATCH_LABEL_LEN];       /* padded with blanks */
    struct zca_scratch_lock locks[ZCA_SCRATCH_NUM_PINS];
};

/** zca_scratch_token_load reads the file. err ZCA_ERR_NOT_FOUND: the token is not initialised; ZCA_ERR_SEALED: damaged. */
ZCA_NODISCARD bool zca_scratch_token_load(const char *path, struct zca_scratch_token *out_token,
                                          struct stat *out_status, struct zca_error *err);

/** zca_scratch_token_store replaces the file durably. */
ZCA_NODISCARD bool zca_scratch_token_store(const char *path, const struct zca_scratch_token *token,
                                           struct zca_error *err);

/** zca_scratch_pin_set seals the master key under a new PIN, whose failures are forgotten. Makes the host's sealing key
 * when there is none. */
ZCA_NODISCARD bool zca_scratch_pin_set(struct zca_library *library, struct zca_scratch_token *token,
                                       enum zca_scratch_pin which, struct zca_span pin,
                                       struct zca_span master, struct zca_error *err);

/** zca_scratch_pin_open appends the master key to a secret buffer. It counts nothing.
 * err ZCA_ERR_AUTH: the wrong PIN, or none is set. */
ZCA_NODISCARD bool zca_scratch_pin_open(struct zca_library *library,
                                        const struct zca_scratch_token *token,
                                        enum zca_scratch_pin which, struct zca_span pin,
                                        struct zca_buffer *out_master, struct zca_error *err);

/** zca_scratch_open_key appends the key of objects that need no login (CKA_PRIVATE false): made of the host's sealing key
 * and the token's instance alone. */
ZCA_NODISCARD bool zca_scratch_open_key(struct zca_library *library,
                                        const struct zca_scratch_token *token,
                                        struct zca_buffer *out_key, struct zca_error *err);

#endif
