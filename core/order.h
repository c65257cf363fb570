/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal of an order: written durably before and after each remote step, so that a crash at
 * any line leaves a state that the next process can go on from. DER, one file an identity.
 *
 *   (none) -> submitting -> accepted -> received -> confirmed -> (none)
 *
 * submitting: the authority may or may not have acted: recover, then submit again.
 * accepted:   a pending ticket with an id: poll.
 * received:   verified and stored as candidate (NAME.candidate: sealed key if new, certificates):
 *             confirm where the dialect has two phases, then switch.
 */
#ifndef ZCA_CORE_ORDER_H
#define ZCA_CORE_ORDER_H

#include <stdint.h>

#include "core/library.h"

enum zca_order_state {
    ZCA_ORDER_NONE,
    ZCA_ORDER_SUBMITTING,
    ZCA_ORDER_ACCEPTED,
    ZCA_ORDER_RECEIVED
};

struct zca_order {
    enum zca_order_state state;
    char request_id[33]; /* 32 hex digits, made when the order begins */
    int64_t started_at_s;
    char *ticket_id;                          /* NULL until accepted */
    struct zca_buffer csr;                    /* DER as sent; empty for server-made keys */
    bool new_key;                             /* a candidate key waits in orders/ */
    struct zca_buffer candidate_key;          /* sealed key record, empty if the key stays */
    struct zca_buffer candidate_certificates; /* PEM, in state received */
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

/** zca_order_begin fills request_id and started_at_s of a new order. */
ZCA_NODISCARD bool zca_order_begin(struct zca_order *order, struct zca_error *err);

void zca_order_clear(struct zca_order *order);
ZCA_DEFINE_AUTO_CLEAR(zca_order, struct zca_order, zca_order_clear);

#endif
