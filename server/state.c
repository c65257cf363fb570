/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the parts in the order they need one another, and keeps the clock. */
#include "server/state.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "server/authority.h"
#include "server/crl_cache.h"
#include "server/flight.h"
#include "server/ledger.h"
#include "server/ledger_certificate.h"
#include "server/public_key.h"
#include "server/rate.h"
#include "server/refusal.h"
#include "server/seal.h"
#include "server/token.h"

/* How far the wall clock may be behind what was seen before issuing stops. */
#define MAX_STEP_BACK_MS (5 * 60 * 1000)

struct zca_state {
    char *directory;
    struct zca_ledger *ledger;
    struct zca_seal *seal;
    struct zca_token_key *token_key;
    struct zca_authority_cache *authorities;
    struct zca_flight *flight;
    struct zca_crl_cache *crls;
    struct zca_rate *rate;
    OSSL_LIB_CTX *request_context;
    pthread_mutex_t mutex; /* guards newest_ms */
    int64_t newest_ms;
};

static bool open_parts(struct zca_state *state, const struct zca_state_options *options,
                       struct zca_error *err)
{
    state->directory = strdup(options->directory);
    if (!state->directory) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "opening the state");
    }
    char *path = zca_path_join(options->directory, "ledger", ".db", err);
    if (!path) {
        return false;
    }
    state->ledger = zca_ledger_open(path, err);
    free(path);
    state->seal = state->ledger ? zca_seal_open(state->ledger, options, err) : NULL;
    state->token_key = state->seal ? zca_token_key_open(state->ledger, state->seal, err) : NULL;
    state->authorities =
        state->token_key ? zca_authority_cache_new(state->ledger, state->seal, err) : NULL;
    state->flight = state->authorities ? zca_flight_new(err) : NULL;
    state->crls = state->flight ? zca_crl_cache_new(err) : NULL;
    state->rate = state->crls ? zca_rate_new(err) : NULL;
    state->request_context = state->rate ? zca_public_key_context(err) : NULL;
    return state->request_context &&
           zca_ledger_intent_newest_time(state->ledger, &state->newest_ms, err);
}

struct zca_state *zca_state_open(const struct zca_state_options *options, struct zca_error *err)
{
    struct zca_state *state = calloc(1, sizeof(*state));
    if (!state) {
        zca_error_set(err, ZCA_ERR_MEMORY, "opening the state");
        return NULL;
    }
    (void)pthread_mutex_init(&state->mutex, NULL); /* a default mutex: cannot fail */
    if (!open_parts(state, options, err)) {
        zca_state_close(state);
        return NULL;
    }
    return state;
}

void zca_state_close(struct zca_state *state)
{
    if (!state) {
        return;
    }
    OSSL_LIB_CTX_free(state->request_context);
    zca_rate_free(state->rate);
    zca_crl_cache_free(state->crls);
    zca_flight_free(state->flight);
    zca_authority_cache_free(state->authorities);
    zca_token_key_free(state->token_key);
    zca_seal_free(state->seal);
    zca_ledger_close(state->ledger);
    (void)pthread_mutex_destroy(&state->mutex); /* nobody holds it */
    free(state->directory);
    free(state);
}

struct zca_ledger *zca_state_ledger(struct zca_state *state)
{
    return state->ledger;
}

const struct zca_seal *zca_state_seal(const struct zca_state *state)
{
    return state->seal;
}

struct zca_token_key *zca_state_token_key(struct zca_state *state)
{
    return state->token_key;
}

struct zca_authority_cache *zca_state_authorities(struct zca_state *state)
{
    return state->authorities;
}

struct zca_flight *zca_state_flight(struct zca_state *state)
{
    return state->flight;
}

struct zca_crl_cache *zca_state_crls(struct zca_state *state)
{
    return state->crls;
}

struct zca_rate *zca_state_rate(struct zca_state *state)
{
    return state->rate;
}

OSSL_LIB_CTX *zca_state_request_context(const struct zca_state *state)
{
    return state->request_context;
}

const char *zca_state_directory(const struct zca_state *state)
{
    return state->directory;
}

bool zca_state_now(struct zca_state *state, int64_t *out_now_ms, struct zca_error *err)
{
    int64_t wall_ms = zca_clock_now_ms();
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&state->mutex);
    if (wall_ms + MAX_STEP_BACK_MS < state->newest_ms) {
        return zca_refuse(err, ZCA_REFUSE_CLOCK, NULL);
    }
    if (wall_ms > state->newest_ms) {
        state->newest_ms = wall_ms;
    }
    *out_now_ms = state->newest_ms;
    return true;
}
