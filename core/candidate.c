/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates: sealed into the journal before the authority is asked, so that no crash can lose a
 * certified key; switched in an order that can be repeated. */
#include "core/candidate.h"

#include "base/log.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "base/tbs.h"
#include "core/captured.h"
#include "core/certificate.h"
#include "core/keystore.h"

static bool format_label(const struct zca_identity *identity, struct zca_buffer *out_label,
                         struct zca_error *err)
{
    return zca_buffer_format(out_label, err, "%s/%s", zca_identity_get_authority_name(identity),
                             zca_identity_get_name(identity));
}

/* ---- sealing ---- */

bool zca_candidate_seal(struct zca_identity *identity, struct zca_key *key, struct zca_order *order,
                        struct zca_error *err)
{
    enum zca_keystore_kind kind = zca_identity_get_keystore(identity);
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer label = {.len = 0};
    order->new_key = true;
    if (kind == ZCA_KEYSTORE_MEMORY) {
        return true;
    }
    zca_buffer_clear(&order->candidate_key);
    return zca_sealing_key_load(zca_identity_get_library(identity), kind, true, &sealing_key,
                                err) &&
           format_label(identity, &label, err) &&
           zca_key_seal(key, (const char *)label.data, zca_buffer_span(&sealing_key),
                        &order->candidate_key, err);
}

/* The sealing key of the runtime keystore goes with a reboot: what it sealed is gone, too. */
static bool load_sealing_key(struct zca_identity *identity, struct zca_buffer *out_key,
                             struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    enum zca_keystore_kind kind = zca_identity_get_keystore(identity);
    struct zca_library *library = zca_identity_get_library(identity);
    if (zca_sealing_key_load(library, kind, false, out_key, &failure)) {
        return true;
    }
    bool gone = kind == ZCA_KEYSTORE_RUNTIME;
    return zca_error_set(err, gone ? ZCA_ERR_NOT_FOUND : failure.reason, "%s", failure.message);
}

struct zca_key *zca_candidate_unseal(struct zca_identity *identity, const struct zca_order *order,
                                     struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer label = {.len = 0};
    if (order->candidate_key.len == 0) {
        zca_error_set(err, ZCA_ERR_NOT_FOUND, "the new key of an order was in memory only");
        return NULL;
    }
    if (!load_sealing_key(identity, &sealing_key, err) || !format_label(identity, &label, err)) {
        return NULL;
    }
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    struct zca_key *key = zca_key_unseal(zca_identity_get_library(identity),
                                         (const char *)label.data, zca_buffer_span(&sealing_key),
                                         zca_buffer_span(&order->candidate_key), &failure);
    if (!key) {
        bool gone = zca_identity_get_keystore(identity) == ZCA_KEYSTORE_RUNTIME;
        zca_error_set(err, gone ? ZCA_ERR_NOT_FOUND : failure.reason, "%s", failure.message);
    }
    return key;
}

/* ---- orders that keep their key ---- */

static struct zca_chain *load_stored(struct zca_identity *identity, struct zca_error *err)
{
    return zca_certificate_load_chain(zca_identity_get_library(identity),
                                      zca_identity_get_authority_name(identity),
                                      zca_identity_get_name(identity), err);
}

/* One that cannot be read now may be read later, and would then look like the answer. */
bool zca_candidate_note(struct zca_identity *identity, struct zca_order *order,
                        struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (order->new_key || order->csr.len == 0) {
        return true;
    }
    zca_auto(zca_chain) struct zca_chain *stored = load_stored(identity, &failure);
    if (stored) {
        return zca_buffer_append(&order->replaces, zca_chain_get_der(stored, 0), err);
    }
    return failure.reason == ZCA_ERR_NOT_FOUND || failure.reason == ZCA_ERR_INVALID ||
           zca_error_set(err, failure.reason, "what is stored: %s", failure.message);
}

static bool is_stored(struct zca_identity *identity, const struct zca_order *order)
{
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    zca_auto(zca_chain) struct zca_chain *stored = load_stored(identity, NULL);
    return stored && zca_tbs_request_public(zca_buffer_span(&order->csr), &public_key, NULL) &&
           zca_span_equal(zca_chain_get_public(stored), zca_buffer_span(&public_key)) &&
           !zca_span_equal(zca_chain_get_der(stored, 0), zca_buffer_span(&order->replaces));
}

/* Of the journal as it was stored last, which may be there again. */
static bool is_answered(struct zca_identity *identity, const struct zca_order *order)
{
    bool is_asked = order->state == ZCA_ORDER_SUBMITTING || order->state == ZCA_ORDER_ACCEPTED;
    bool keeps_key = !order->new_key && order->csr.len > 0;
    return is_asked && keeps_key && is_stored(identity, order);
}

bool zca_candidate_is_decided(struct zca_identity *identity, const struct zca_order *order)
{
    return order->state == ZCA_ORDER_CONFIRMED || is_answered(identity, order);
}

/* ---- switching ---- */

static bool has_key(struct zca_identity *identity, const struct zca_key *key)
{
    zca_auto(zca_key) struct zca_key *stored = zca_identity_key(identity, NULL);
    return stored && zca_span_equal(zca_key_get_public(stored), zca_key_get_public(key));
}

/* Storing a key twice would lose the previous generation. */
static bool switch_key(struct zca_identity *identity, struct zca_key *key, struct zca_error *err)
{
    return has_key(identity, key) || zca_keystore_store(zca_identity_get_library(identity),
                                                        zca_identity_get_keystore(identity),
                                                        zca_identity_get_authority_name(identity),
                                                        zca_identity_get_name(identity), key, err);
}

static bool has_certificate(struct zca_identity *identity, const struct zca_chain *chain)
{
    zca_auto(zca_chain) struct zca_chain *stored = load_stored(identity, NULL);
    return stored && zca_chain_get_length(stored) == zca_chain_get_length(chain) &&
           zca_span_equal(zca_chain_get_der(stored, 0), zca_chain_get_der(chain, 0));
}

static bool store_certificate(struct zca_identity *identity, struct zca_chain *chain,
                              struct zca_error *err)
{
    return has_certificate(identity, chain) ||
           zca_certificate_store(zca_identity_get_library(identity),
                                 zca_identity_get_authority_name(identity),
                                 zca_identity_get_name(identity), chain, err);
}

static bool switch_certificate(struct zca_identity *identity, struct zca_chain *verified,
                               const struct zca_order *order, struct zca_error *err)
{
    struct zca_span pem = zca_buffer_span(&order->candidate_certificates);
    if (verified || pem.len == 0) {
        return !verified || store_certificate(identity, verified, err);
    }
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_parse(pem, err);
    return chain ? store_certificate(identity, chain, err)
                 : zca_error_context(err, "the journal of '%s'", zca_identity_get_name(identity));
}

static bool end_order(struct zca_identity *identity, struct zca_order *order, struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    const char *authority = zca_identity_get_authority_name(identity);
    const char *name = zca_identity_get_name(identity);
    bool may_be_back = is_answered(identity, order);
    zca_order_clear(order);
    return may_be_back ? zca_order_end(library, authority, name, err)
                       : zca_order_store(library, authority, name, order, err);
}

bool zca_candidate_switch(struct zca_identity *identity, struct zca_key *memory_key,
                          struct zca_chain *verified, struct zca_order *order,
                          struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = NULL;
    if (order->new_key) {
        key =
            memory_key ? zca_key_ref(memory_key) : zca_candidate_unseal(identity, order, &failure);
    }
    if (order->new_key && !key && failure.reason == ZCA_ERR_NOT_FOUND) {
        zca_log(ZCA_LOG_DEBUG, "enrol '%s': the order is dropped: %s",
                zca_identity_get_name(identity), failure.message);
        return end_order(identity, order, err);
    }
    if (order->new_key && !key) {
        return zca_error_set(err, failure.reason, "finishing an order: %s", failure.message);
    }
    return (!key || switch_key(identity, key, err)) &&
           switch_certificate(identity, verified, order, err) &&
           zca_captured_drop_known(identity, zca_buffer_span(&order->csr), err) &&
           end_order(identity, order, err);
}
