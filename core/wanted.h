/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an identity wants from its authority: the request, its names and its key. The sources, in
 * this order: ?csr=FILE, the captured request, the certificate it has, its settings.
 */
#ifndef ZCA_CORE_WANTED_H
#define ZCA_CORE_WANTED_H

#include <openssl/x509.h>

#include "core/csr.h"
#include "core/identity.h"
#include "core/order.h"

struct zca_wanted {
    X509_REQ *csr; /* NULL: the authority makes the key */
    struct zca_buffer csr_der;
    struct zca_key *key; /* NULL: made by the authority, or not ours (?csr= of a foreign key) */
    bool new_key;        /* `key` is not in the keystore yet */
    char *common_name;
    char **dns_names; /* NULL-terminated */
    char **ip_addresses;
};

/**
 * zca_wanted_read fills `out_wanted` for a new order. Makes a key when there is none, or when `renew` and
 * the identity does not keep its key. Stores nothing.
 *
 * can_certify   the authority certifies keys made here; otherwise it makes the key.
 * out_wanted    the caller's, zero-initialised.
 * err           ZCA_ERR_CONFLICT when ?csr= names a request of another key than the identity's;
 *               ZCA_ERR_UNSUPPORTED for ?csr= at an authority that takes none.
 */
ZCA_NODISCARD bool zca_wanted_read(struct zca_identity *identity, bool can_certify, bool renew,
                                   struct zca_wanted *out_wanted, struct zca_error *err);

/** zca_wanted_resume fills `out_wanted` for a journalled order. err ZCA_ERR_NOT_FOUND when the order's key
 * is gone: the order is worthless. */
ZCA_NODISCARD bool zca_wanted_resume(struct zca_identity *identity, const struct zca_order *order,
                                     struct zca_wanted *out_wanted, struct zca_error *err);

/** zca_wanted_names borrows the names. */
struct zca_csr_names zca_wanted_names(const struct zca_wanted *wanted);

/** zca_wanted_request borrows it all for the remote table; the caller adds request_id and current. */
struct zca_request zca_wanted_request(const struct zca_identity *identity,
                                      const struct zca_wanted *wanted);

void zca_wanted_clear(struct zca_wanted *wanted);
ZCA_DEFINE_AUTO_CLEAR(zca_wanted, struct zca_wanted, zca_wanted_clear);

#endif
