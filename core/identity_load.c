/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loading an identity serves: key and certificates from disk while they serve, without lock
 * or network; made or requested under the identity's lock when they do not and settings allow it.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/enrol.h"
#include "core/flight.h"
#include "core/identity.h"
#include "core/keystore.h"

/* ---- keys ---- */

/* Offline nobody can be asked; then keys are made here. */
static bool authority_makes_keys(struct zca_identity *identity, bool *out_makes_keys,
                                 struct zca_error *err)
{
    unsigned capabilities = 0;
    *out_makes_keys = false;
    if (zca_identity_get_offline(identity)) {
        return true;
    }
    if (!zca_authority_capabilities(zca_identity_get_authority(identity), &capabilities, err)) {
        return false;
    }
    *out_makes_keys =
        (capabilities & ZCA_CAP_SERVER_KEYGEN) != 0 && (capabilities & ZCA_CAP_CSR_ISSUE) == 0;
    return true;
}

static struct zca_key *fetch_key(struct zca_identity *identity, struct zca_error *err)
{
    if (zca_identity_get_auto_enrol(identity) != ZCA_AUTO_ENROL_LOAD) {
        (void)zca_error_set(
            err, ZCA_ERR_NOT_FOUND,
            "'%s' has no key; its authority makes the keys, and auto-enrol does not "
            "allow to ask it now: run 'zca cert %s'",
            zca_identity_get_uri(identity), zca_identity_get_name(identity));
        return NULL;
    }
    return zca_enrol(identity, ZCA_ENROL_IF_NEEDED, NULL, err) ? zca_identity_key(identity, err)
                                                               : NULL;
}

/* Under the lock. */
static struct zca_key *generate_key(struct zca_identity *identity, const struct zca_key_type *type,
                                    struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_key) struct zca_key *key = zca_key_generate(library, type, err);
    if (!key || !zca_keystore_store_new(library, zca_identity_get_keystore(identity),
                                        zca_identity_get_authority_name(identity),
                                        zca_identity_get_name(identity), key, err)) {
        return NULL;
    }
    return zca_steal(key);
}

static struct zca_flight *enter(struct zca_identity *identity, struct zca_error *err)
{
    return zca_flight_enter(
        zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
        zca_identity_get_name(identity), zca_identity_get_wait_ms(identity), err);
}

static struct zca_key *make_key(struct zca_identity *identity, struct zca_error *err)
{
    struct zca_error missing = {0};
    zca_auto(zca_flight) struct zca_flight *flight = enter(identity, err);
    if (!flight) {
        return NULL;
    }
    struct zca_key *first = zca_identity_key(identity, &missing);
    if (first || missing.reason != ZCA_ERR_NOT_FOUND) { /* somebody made one, or it is broken */
        if (!first && err) {
            *err = missing;
        }
        return first;
    }
    return generate_key(identity, zca_identity_get_key_type(identity), err);
}

struct zca_key *zca_identity_make_key(struct zca_identity *identity,
                                      const struct zca_key_type *type, struct zca_error *err)
{
    bool makes_keys = false;
    if (!authority_makes_keys(identity, &makes_keys, err)) {
        return NULL;
    }
    if (makes_keys) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "the authority of '%s' makes the keys itself: run 'zca cert %s'",
                            zca_identity_get_uri(identity), zca_identity_get_name(identity));
        return NULL;
    }
    struct zca_error missing = {0};
    zca_auto(zca_flight) struct zca_flight *flight = enter(identity, err);
    if (!flight) {
        return NULL;
    }
    zca_auto(zca_key) struct zca_key *present = zca_identity_key(identity, &missing);
    if (present) {
        (void)zca_error_set(err, ZCA_ERR_CONFLICT,
                            "'%s' has a key, which is not replaced: use it by its URI",
                            zca_identity_get_uri(identity));
        return NULL;
    }
    if (missing.reason != ZCA_ERR_NOT_FOUND) { /* it is there, and broken */
        if (err) {
            *err = missing;
        }
        return NULL;
    }
    return generate_key(identity, type, err);
}

struct zca_key *zca_identity_key_or_new(struct zca_identity *identity, struct zca_error *err)
{
    struct zca_error missing = {0};
    bool makes_keys = false;
    struct zca_key *key = zca_identity_key(identity, &missing);
    if (key) {
        return key;
    }
    if (missing.reason != ZCA_ERR_NOT_FOUND) {
        if (err) {
            *err = missing;
        }
        return NULL;
    }
    if (!authority_makes_keys(identity, &makes_keys, err)) {
        return NULL;
    }
    return makes_keys ? fetch_key(identity, err) : make_key(identity, err);
}

/* ---- certificates ---- */

/* A file that this process may not see is none: workers without privileges serve what is stored. */
static bool order_file_exists(const struct zca_identity *identity, const char *suffix)
{
    zca_auto(text) char *path = zca_identity_order_path(identity, suffix, NULL);
    return path && access(path, F_OK) == 0;
}

static struct zca_chain *stored_chain(struct zca_identity *identity, struct zca_error *err)
{
    return zca_certificate_load_chain(zca_identity_get_library(identity),
                                      zca_identity_get_authority_name(identity),
                                      zca_identity_get_name(identity), err);
}

/* Finishes an interrupted switch, so that key and certificate are of one generation. */
static bool finish_order(struct zca_identity *identity, struct zca_error *err)
{
    bool finished = false;
    return !order_file_exists(identity, ".order") || zca_enrol_finish(identity, &finished, err);
}

/* Valid now, and not of another key than the identity's. Without a key, or one that this process may
 * not see, the certificate speaks for itself. */
static bool serves(struct zca_identity *identity, const struct zca_chain *chain)
{
    zca_auto(zca_buffer) struct zca_buffer key = {0};
    return chain && zca_chain_valid_now(chain) &&
           (!zca_keystore_public(zca_identity_get_library(identity),
                                 zca_identity_get_keystore(identity),
                                 zca_identity_get_authority_name(identity),
                                 zca_identity_get_name(identity), &key, NULL) ||
            zca_span_equal(zca_buffer_span(&key), zca_chain_get_public(chain)));
}

/* chain: what is stored and does not serve; NULL: nothing */
static bool may_enrol(struct zca_identity *identity, bool has_request,
                      const struct zca_chain *chain, struct zca_error *err)
{
    enum zca_auto_enrol allowed = zca_identity_get_auto_enrol(identity);
    const char *name = zca_identity_get_name(identity);
    int64_t until_s = chain ? zca_chain_get_not_after_s(chain) : INT64_MAX;
    if (allowed == ZCA_AUTO_ENROL_LOAD || (allowed == ZCA_AUTO_ENROL_CSR && has_request)) {
        return true;
    }
    if (until_s < zca_clock_now_s()) {
        char when[ZCA_RFC3339_SIZE];
        zca_clock_format(until_s * 1000, when);
        return zca_error_set(err, ZCA_ERR_EXPIRED,
                             "the certificate of '%s' expired at %s, and auto-enrol does not allow "
                             "to ask for one now: run 'zca renew %s'",
                             zca_identity_get_uri(identity), when, name);
    }
    return zca_error_set(
        err, ZCA_ERR_NOT_FOUND,
        "'%s' has no valid certificate, and auto-enrol does not allow to ask for one "
        "now: run 'zca cert %s'",
        zca_identity_get_uri(identity), name);
}

/* A request that somebody made and that may be sent. */
static bool has_request(struct zca_identity *identity)
{
    return zca_identity_get_csr_file(identity) ||
           (zca_identity_get_auto_enrol(identity) != ZCA_AUTO_ENROL_NO &&
            !zca_identity_get_offline(identity) && order_file_exists(identity, ".csr"));
}

struct zca_chain *zca_identity_chain_or_enrol(struct zca_identity *identity, struct zca_error *err)
{
    struct zca_error unfinished = {0};
    zca_library_enter(zca_identity_get_library(identity));
    bool requested = has_request(identity);
    bool finished = finish_order(identity, &unfinished);
    zca_auto(zca_chain) struct zca_chain *chain = stored_chain(identity, NULL);
    if (!requested && serves(identity, chain)) {
        return zca_steal(chain);
    }
    if (!finished) {
        if (err) {
            *err = unfinished;
        }
        return NULL;
    }
    if (!may_enrol(identity, requested, chain, err) ||
        !zca_enrol(identity, ZCA_ENROL_IF_NEEDED, NULL, err)) {
        return NULL;
    }
    return stored_chain(identity, err);
}
