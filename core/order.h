/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of an order: written durably with each state that it enters, so that a crash at any
 * line leaves one that the next process can go on from. DER, one file an identity.
 *
 *   (none) -> submitting -> [accepted ->] [received ->] [confirmed ->] (none)
 *
 * submitting: the authority may or may not have acted: recover, then submit again.
 * accepted:   a pending ticket with an id: poll.
 * received:   verified, the candidates are in the journal, the authority waits for confirm.
 * confirmed:  the candidates count: switch to them; needs no network.
 *
 * Received is for authorities that want a confirmation. Where none is wanted and the key stays, an order
 * goes from submitting or accepted to its end: the stored certificate says that it was answered
 * (core/candidate.h).
 */
#ifndef ZCA_CORE_ORDER_H
#define ZCA_CORE_ORDER_H

#include <stdint.h>

#include "core/library.h"

enum zca_order_state {
    ZCA_ORDER_NONE,
    ZCA_ORDER_SUBMITTING,
    ZCA_ORDER_ACCEPTED,
    ZCA_ORDER_RECEIVED,
    ZCA_ORDER_CONFIRMED
};

struct zca_order {
    enum zca_order_state state;
    char request_id[33]; /* 32 hex digits, made when the order begins */
    int64_t started_at_s;
    char *ticket_id;       /* NULL until accepted */
    char *issued_id;       /* NULL until received */
    struct zca_buffer csr; /* DER as sent; empty for server-made keys */
    /* DER of the certificate that was stored when an order began that keeps its key; empty: there was none */
    struct zca_buffer replaces;
    bool new_key; /* the certificate is for a key that waits here */
    /* sealed key record; empty when the key stays, and for keys that live in memory only */
    struct zca_buffer candidate_key;
    struct zca_buffer candidate_certificates; /* PEM, from state received on */
};

/** zca_order_load reads the journal of authority/name; a missing file gives ZCA_ORDER_NONE.
 * A damaged file is ZCA_ERR_INVALID and names the file. out_order is zero-initialised. */
ZCA_NODISCARD bool zca_order_load(struct zca_library *library, const char *authority,
                                  const char *name, struct zca_order *out_order,
                                  struct zca_error *err);

/** zca_order_store writes the journal durably; ZCA_ORDER_NONE removes it. */
ZCA_NODISCARD bool zca_order_store(struct zca_library *library, const char *authority,
                                   const char *name, const struct zca_order *order,
                                   struct zca_error *err);

/** zca_order_end removes the journal without waiting for the disk: after a loss of power it may be back. */
ZCA_NODISCARD bool zca_order_end(struct zca_library *library, const char *authority,
                                 const char *name, struct zca_error *err);

/** zca_order_begin fills request_id and started_at_s of a new order. */
ZCA_NODISCARD bool zca_order_begin(struct zca_library *library, struct zca_order *order,
                                   struct zca_error *err);

void zca_order_clear(struct zca_order *order);
ZCA_DEFINE_AUTO_CLEAR(zca_order, struct zca_order, zca_order_clear);

#endif
