/* SPDX-License-Identifier: Apache-2.0 */
#include "core/import.h"

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/candidate.h"
#include "core/captured.h"
#include "core/certificate.h"
#include "core/failure.h"
#include "core/flight.h"
#include "core/verify.h"
#include "core/wanted.h"

/* An open order would put its own certificate in place, perhaps with another key. One that was answered is ended. */
static bool check_no_order(struct zca_identity *identity, struct zca_error *err)
{
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    if (!zca_order_load(zca_identity_get_library(identity),
                        zca_identity_get_authority_name(identity), zca_identity_get_name(identity),
                        &order, err)) {
        return false;
    }
    if (zca_candidate_is_decided(identity, &order)) {
        return zca_candidate_switch(identity, NULL, NULL, &order, err);
    }
    return order.state == ZCA_ORDER_NONE ||
           zca_error_set(err, ZCA_ERR_CONFLICT,
                         "an order is in progress: its certificate comes first");
}

static STACK_OF(X509) *
    parse(struct zca_identity *identity, struct zca_span der, struct zca_error *err)
{
    OSSL_LIB_CTX *context = zca_library_context(zca_identity_get_library(identity), err);
    zca_auto(X509) X509 *leaf = context ? zca_der_parse_certificate(context, der, err) : NULL;
    STACK_OF(X509) *chain = leaf ? sk_X509_new_null() : NULL;
    if (leaf && (!chain || sk_X509_push(chain, leaf) == 0)) {
        sk_X509_free(chain);
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "reading a certificate"); /* NULL tells */
        return NULL;
    }
    (void)zca_steal(leaf); /* the stack has it */
    return chain;
}

static bool read_wanted(struct zca_identity *identity, struct zca_wanted *out_wanted,
                        struct zca_error *err)
{
    if (!zca_wanted_read(identity, true, false, out_wanted, err)) {
        return false;
    }
    return (out_wanted->key && !out_wanted->new_key) ||
           zca_error_set(err, ZCA_ERR_VERIFY, "there is no key that it could be for");
}

static bool verify(struct zca_identity *identity, STACK_OF(X509) * chain,
                   const struct zca_wanted *wanted, STACK_OF(X509) * *out_path,
                   struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *anchors = NULL;
    if (!zca_authority_certificates(zca_identity_get_authority(identity),
                                    zca_identity_get_offline(identity), &anchors, err)) {
        return false;
    }
    struct zca_csr_names names = zca_wanted_names(wanted);
    const struct zca_expectation expectation = {
        .public_key = zca_key_get_public(wanted->key),
        .request = wanted->csr,
        .names = &names,
        .anchors = anchors,
        .ttl_s = zca_identity_get_ttl_s(identity),
    };
    return zca_verify_issued(zca_identity_get_library(identity), chain, &expectation, out_path,
                             err);
}

/* The certificate first: a request that is captured still asks again after a crash. */
static bool store(struct zca_identity *identity, const STACK_OF(X509) * path,
                  struct zca_span request, struct zca_error *err)
{
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_of(path, err);
    if (!chain || !zca_certificate_store(zca_identity_get_library(identity),
                                         zca_identity_get_authority_name(identity),
                                         zca_identity_get_name(identity), chain, err)) {
        return false;
    }
    zca_failure_forget(identity);
    return zca_captured_drop_known(identity, request, err);
}

static bool import(struct zca_identity *identity, struct zca_span der, struct zca_error *err)
{
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    zca_auto(X509_STACK) STACK_OF(X509) *path = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *chain = parse(identity, der, err);
    zca_auto(zca_flight) struct zca_flight *flight =
        chain ? zca_flight_enter(
                    zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
                    zca_identity_get_name(identity), zca_identity_get_wait_ms(identity), err)
              : NULL;
    return flight && check_no_order(identity, err) && read_wanted(identity, &wanted, err) &&
           verify(identity, chain, &wanted, &path, err) &&
           store(identity, path, zca_buffer_span(&wanted.csr_der), err);
}

bool zca_import(struct zca_identity *identity, struct zca_span der, struct zca_error *err)
{
    return import(identity, der, err) || zca_error_context(err, "importing a certificate for '%s'",
                                                           zca_identity_get_uri(identity));
}
