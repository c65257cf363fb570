/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stretch of code in which a library that knows only OpenSSL's default context may be called.
 * Inside it the thread's default is a private context with nothing but OpenSSL's own provider:
 * a provider that is active in the process, ours above all, is never entered from there.
 */
#ifndef ZCA_REMOTE_SECTION_H
#define ZCA_REMOTE_SECTION_H

#include <stdbool.h>

#include <openssl/types.h>

#include "base/auto.h"
#include "base/error.h"

/* Zero-initialised: not entered. Belongs to one thread and one block; may be nested. */
struct zca_section {
    OSSL_LIB_CTX *context; /* inside */
    OSSL_LIB_CTX *before;
};

/**
 * zca_section_enter makes a context the thread's default.
 * The thread's OpenSSL errors from here to the end of the section are dropped there.
 *
 * context   private, borrowed until the section ends; NULL: one of our own, made at the process's first need.
 * err       ZCA_ERR_CRYPTO.
 */
ZCA_NODISCARD bool zca_section_enter(struct zca_section *section, OSSL_LIB_CTX *context,
                                     struct zca_error *err);

/** zca_section_leave restores what was before; fine for a section that was not entered. */
void zca_section_leave(struct zca_section *section);
ZCA_DEFINE_AUTO_CLEAR(zca_section, struct zca_section, zca_section_leave);

#endif
