/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation of an identity: its key pair and certificates as objects. They come to be seen, and are replaced, all at
 * once. Objects of an older generation keep their handles.
 */
#ifndef ZCA_PKCS11_MODULE_GENERATION_H
#define ZCA_PKCS11_MODULE_GENERATION_H

#include <sys/stat.h>

#include "core/chain.h"
#include "core/identity.h"
#include "pkcs11-module/token.h"

/* What an identity has on disk or in memory at one moment. Zero: nothing. */
struct zca_generation {
    struct zca_buffer public_key;               /* SubjectPublicKeyInfo; empty: no key */
    struct stat key_status, certificate_status; /* of their files when they were read; zero: none */
    struct zca_chain *chain;                    /* of this key; NULL: none */
    int64_t due_s;                              /* when the leaf should be renewed */
};

/* Where it is stored: paths are put together once, not for each search. */
struct zca_generation_place {
    char *key; /* NULL: in memory */
    char *certificate;
};

/** zca_generation_place_find fills an empty place. err ZCA_ERR_MEMORY. */
ZCA_NODISCARD bool zca_generation_place_find(struct zca_identity *identity,
                                             struct zca_generation_place *out_place,
                                             struct zca_error *err);
void zca_generation_place_clear(struct zca_generation_place *place);

/** zca_generation_is_current tells whether both files are those that were read, by two calls of stat(2). */
bool zca_generation_is_current(const struct zca_generation_place *place,
                               const struct zca_generation *known);

void zca_generation_clear(struct zca_generation *generation);
ZCA_DEFINE_AUTO_CLEAR(zca_generation, struct zca_generation, zca_generation_clear);

/**
 * zca_generation_read finds out what is stored; no network, no key is opened.
 *
 * place            of the identity.
 * out_generation   zeroed by the caller. A certificate of another key than the stored one is left out: a renewal is
 *                  between its two steps.
 * err              a key that is there but cannot be read. No key at all is none.
 */
ZCA_NODISCARD bool zca_generation_read(struct zca_identity *identity,
                                       const struct zca_generation_place *place,
                                       struct zca_generation *out_generation,
                                       struct zca_error *err);

/** zca_generation_same tells whether two readings found the same. */
bool zca_generation_same(const struct zca_generation *left, const struct zca_generation *right);

/**
 * zca_generation_show makes the objects of `fresh` and puts them in the place of those of `old`. The key pair stays the
 * same objects when it is the same key. Takes the module's lock for the switch only.
 *
 * fresh        due_s is filled in.
 * is_private   CKA_PRIVATE of the private key: the token asks for a PIN.
 */
ZCA_NODISCARD CK_RV zca_generation_show(struct zca_token *token, struct zca_identity *identity,
                                        bool is_private, const struct zca_generation *old,
                                        struct zca_generation *fresh);

#endif
