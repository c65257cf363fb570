/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong last with an identity (orders/AUTHORITY/NAME.failed): spares a crowd of waiting
 * processes the same refusal one by one, and paces renewal. Gone with the next success.
 */
#ifndef ZCA_CORE_FAILURE_H
#define ZCA_CORE_FAILURE_H

#include <stdint.h>

#include "base/error.h"
#include "core/identity.h"

/* What a reason says about the request that failed; a refusal is none of these. */
enum zca_failure_kind {
    ZCA_FAILURE_PASSING = 1 << 0, /* worth trying again */
    ZCA_FAILURE_OURS = 1 << 1,    /* on this host: the authority said nothing */
    ZCA_FAILURE_UNSURE = 1 << 2,  /* a request that was sent may have been acted upon */
    ZCA_FAILURE_SILENT = 1 << 3   /* about who asks: nothing is said of what was sent before */
};

/** zca_failure_kind returns bits of the enumeration, 0 for a refusal. */
unsigned zca_failure_kind(enum zca_reason reason);

/** zca_failure_leaves_doubt tells whether a request may have been acted upon, now that sending it failed for this reason.
 * was_in_doubt   so it was before: it was sent already, and no answer came. */
bool zca_failure_leaves_doubt(enum zca_reason reason, bool was_in_doubt);

struct zca_failure {
    int64_t at_ms;       /* when, since 1970; 0: there is none */
    int64_t next_s;      /* renewal does not try again before */
    unsigned num;        /* failures since the last success */
    uint8_t subject[32]; /* SHA-256 over what was asked of whom */
    struct zca_error error;
};

/** zca_failure_load reads the record; a missing or unreadable one gives zeros. */
void zca_failure_load(struct zca_library *library, const char *authority, const char *name,
                      struct zca_failure *out_failure);

/** zca_failure_store writes the record, replacing an older one; at_ms 0 removes it. */
ZCA_NODISCARD bool zca_failure_store(struct zca_library *library, const char *authority,
                                     const char *name, const struct zca_failure *failure,
                                     struct zca_error *err);

/** zca_failure_last reads what an identity has to go by: the record, or zeros as well where the authority is asked with a
 * credential of this process (zca_authority_use_credential), of which others' failures say nothing. */
void zca_failure_last(const struct zca_identity *identity, struct zca_failure *out_failure);

/** zca_failure_note records what went wrong now, with when renewal may try again: exponential from 30 s
 * with full jitter, at most an eighth of the certificate's remaining life or 6 h, at least 10 s. Nothing is recorded where
 * the authority is asked with a credential of this process. */
void zca_failure_note(struct zca_identity *identity, const struct zca_error *error);

/** zca_failure_forget removes the record after a success. */
void zca_failure_forget(struct zca_identity *identity);

/** zca_failure_repeats tells whether asking now would only repeat a failure: the same question failed for
 * another process after `began_ms` (wall clock), while the caller waited for the lock, and no more than a few
 * seconds ago. Fills `err` then. */
bool zca_failure_repeats(struct zca_identity *identity, int64_t began_ms, struct zca_error *err);

#endif
