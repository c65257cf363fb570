/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PIN of an identity's PKCS#11 token (`pin = local`): state-dir/tokens/AUTHORITY/NAME.pin holds a hash that only
 * this host can compute, because its sealing key goes into it, and how often somebody guessed wrong.
 */
#ifndef ZCA_CORE_PIN_H
#define ZCA_CORE_PIN_H

#include "core/library.h"

/* Bytes of a PIN that is set. */
#define ZCA_PIN_MIN_LEN 4u
#define ZCA_PIN_MAX_LEN 1024u

/* Wrong tries in a row after which no PIN is right any more, until zca_pin_set. */
#define ZCA_PIN_MAX_FAILURES 10u

struct zca_pin_status {
    bool is_set;
    unsigned num_failures; /* since the last right PIN; at most ZCA_PIN_MAX_FAILURES: locked */
};

/** zca_pin_status reads how things stand: one small file, no cryptography, so not authenticated. A file that cannot be
 * read counts as none. */
void zca_pin_status(struct zca_library *library, const char *authority, const char *name,
                    struct zca_pin_status *out_status);

/** zca_pin_set writes a PIN, replacing an older or a locked one, durably and atomically (0600).
 * err ZCA_ERR_INVALID for its length; ZCA_ERR_BUSY when others hold the lock for seconds; file errors. */
ZCA_NODISCARD bool zca_pin_set(struct zca_library *library, const char *authority, const char *name,
                               struct zca_span pin, struct zca_error *err);

/**
 * zca_pin_check tells whether this is the PIN. A wrong one is counted durably before the function returns, a right one
 * sets the count back. Takes some 50 ms on purpose; waits for other processes' checks; not inside the gate (base/gate.h).
 *
 * err   ZCA_ERR_AUTH (wrong), ZCA_ERR_FORBIDDEN (locked), ZCA_ERR_NOT_FOUND (none set), ZCA_ERR_SEALED (of another host,
 *       or changed), ZCA_ERR_BUSY, ZCA_ERR_SYSTEM.
 */
ZCA_NODISCARD bool zca_pin_check(struct zca_library *library, const char *authority,
                                 const char *name, struct zca_span pin, struct zca_error *err);

/** zca_pin_change is zca_pin_check of `old_pin` and zca_pin_set of `new_pin` in one turn: nobody sets another between them.
 * The length of the new one comes first, so that it costs no try. err as theirs. */
ZCA_NODISCARD bool zca_pin_change(struct zca_library *library, const char *authority,
                                  const char *name, struct zca_span old_pin,
                                  struct zca_span new_pin, struct zca_error *err);

/** zca_pin_remove deletes the PIN. Not there is success. */
ZCA_NODISCARD bool zca_pin_remove(struct zca_library *library, const char *authority,
                                  const char *name, struct zca_error *err);

#endif
