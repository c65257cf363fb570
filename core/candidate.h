/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key and the certificate that wait in the journal until both are in place. The journal goes
 * last: whoever finds it finishes the switch.
 */
#ifndef ZCA_CORE_CANDIDATE_H
#define ZCA_CORE_CANDIDATE_H

#include "core/chain.h"
#include "core/identity.h"
#include "core/order.h"

/** zca_candidate_seal puts `key` into the order as its new key, sealed; a key that lives in memory only
 * leaves no record. */
ZCA_NODISCARD bool zca_candidate_seal(struct zca_identity *identity, struct zca_key *key,
                                      struct zca_order *order, struct zca_error *err);

/** zca_candidate_unseal returns the order's new key. err ZCA_ERR_NOT_FOUND when it was in memory only or
 * on a file system that is gone with its sealing key; ZCA_ERR_SEALED. */
ZCA_NODISCARD struct zca_key *zca_candidate_unseal(struct zca_identity *identity,
                                                   const struct zca_order *order,
                                                   struct zca_error *err);

/** zca_candidate_note writes into an order that keeps its key which certificate it is to replace. A damaged one, which
 * can never be the answer, counts as none; one that cannot be read is an error. */
ZCA_NODISCARD bool zca_candidate_note(struct zca_identity *identity, struct zca_order *order,
                                      struct zca_error *err);

/**
 * zca_candidate_is_decided tells whether zca_candidate_switch ends the order: it is confirmed, or it keeps its
 * key and the certificate that answers it is stored, which is one for the key of its request and not the one
 * that was noted. Nothing else stores certificates while an order is open, so neither lock nor network is needed.
 */
bool zca_candidate_is_decided(struct zca_identity *identity, const struct zca_order *order);

/**
 * zca_candidate_switch puts the candidates of an order in place: key, certificate, then the captured
 * request and the journal go: durably, unless it would be known as decided if it were back after a loss of
 * power. May be repeated after a crash at any point.
 *
 * memory_key   the new key when it lives in memory only; else NULL.
 * verified     the certificates; NULL: those of the journal, or they are stored already.
 * order        empty afterwards. Needs the identity's lock.
 */
ZCA_NODISCARD bool zca_candidate_switch(struct zca_identity *identity, struct zca_key *memory_key,
                                        struct zca_chain *verified, struct zca_order *order,
                                        struct zca_error *err);

#endif
