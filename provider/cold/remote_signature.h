/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing with a key that is at an authority. The authority sees the whole to-be-signed structure, so
 * its bytes are collected here and sent when the signature itself is asked for.
 */
#ifndef ZCA_PROVIDER_COLD_REMOTE_SIGNATURE_H
#define ZCA_PROVIDER_COLD_REMOTE_SIGNATURE_H

#include <openssl/params.h>

#include "base/buffer.h"
#include "provider/keydata.h"

struct zca_remote_signature;

/** zca_remote_signature_new begins one. digest as the application named it; NULL: the bytes are a bare
 * digest, or the key hashes itself. NULL after ZCA_FAIL. */
ZCA_NODISCARD struct zca_remote_signature *
zca_remote_signature_new(const struct zca_keydata *keydata, const char *digest);

/** zca_remote_signature_dup copies one with what was collected; NULL after ZCA_FAIL. */
ZCA_NODISCARD struct zca_remote_signature *
zca_remote_signature_dup(const struct zca_keydata *keydata,
                         const struct zca_remote_signature *remote);
void zca_remote_signature_free(struct zca_remote_signature *remote);
ZCA_DEFINE_AUTO(zca_remote_signature, struct zca_remote_signature, zca_remote_signature_free);

/** zca_remote_signature_update collects bytes. Returns 1, or 0 after ZCA_FAIL. */
int zca_remote_signature_update(const struct zca_keydata *keydata,
                                struct zca_remote_signature *remote, struct zca_span bytes);

/**
 * zca_remote_signature_sign has the authority sign; with signature NULL it only tells the size, which
 * costs no I/O.
 *
 * tbs         what is to be signed; NULL: what was collected.
 * signature   at least `size` bytes.
 *
 * Returns 1, or 0 after ZCA_FAIL.
 */
int zca_remote_signature_sign(const struct zca_keydata *keydata,
                              const struct zca_remote_signature *remote, const struct zca_span *tbs,
                              unsigned char *signature, size_t *signature_len, size_t size);

/** zca_remote_signature_allows checks parameters: authorities sign RSA with PKCS #1 v1.5 padding only.
 * Returns 1, or 0 after ZCA_FAIL. */
int zca_remote_signature_allows(const struct zca_keydata *keydata, const OSSL_PARAM *params);

#endif
