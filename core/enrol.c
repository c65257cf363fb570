/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a request into a stored certificate: submit, wait, verify, store. The journal (core/order.h) is on the disk
 * before the authority is asked for one and before it is confirmed. This is the one place that waits and retries; a
 * request that may have been acted upon is never sent again unasked.
 */
#include "core/enrol.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/openssl_auto.h"
#include "core/backoff.h"
#include "core/candidate.h"
#include "core/captured.h"
#include "core/certificate.h"
#include "core/failure.h"
#include "core/flight.h"
#include "core/order.h"
#include "core/receipt.h"
#include "core/stored.h"
#include "core/wanted.h"

static const struct zca_backoff retry_pace = {.floor_ms = 100, .first_ms = 1000, .cap_ms = 30000};
static const unsigned max_tries = 4; /* of a call: a person may be waiting for the answer */
static const struct zca_backoff poll_pace = {.floor_ms = 100, .first_ms = 200, .cap_ms = 5000};

/* An order that may have been acted upon is asked after for so long, then given up. */
static const int64_t unsure_limit_s = 3600;

/* One call of zca_enrol. */
struct run {
    struct zca_identity *identity;
    struct zca_library *library;
    struct zca_authority *authority;
    const char *authority_name;
    const char *name;
    enum zca_enrol_reason reason;
    int64_t began_ms;         /* wall clock */
    int64_t deadline_ms;      /* monotonic clock */
    struct zca_chain *before; /* what was stored before the lock was taken; NULL: nothing */
    bool switched;            /* an order was completed */
    unsigned capabilities;
    STACK_OF(X509) * anchors;
    struct zca_order order;
    struct zca_wanted wanted;
    bool unsure; /* an earlier submit may have been acted upon */
    struct zca_ticket ticket;
    struct zca_issued issued;
    struct zca_chain *verified; /* what was issued, once it was checked */
};

static void run_clear(struct run *run)
{
    zca_chain_free(run->before);
    zca_x509_stack_free(run->anchors);
    zca_order_clear(&run->order);
    zca_wanted_clear(&run->wanted);
    zca_ticket_clear(&run->ticket);
    zca_issued_clear(&run->issued);
    zca_chain_free(run->verified);
}

ZCA_DEFINE_AUTO_CLEAR(run, struct run, run_clear);

/* A refused order is over; one whose fate is open stays in the journal for the next process. */
static bool stays_open(const struct run *run, enum zca_reason reason)
{
    bool young = zca_clock_now_s() - run->order.started_at_s < unsure_limit_s;
    bool in_doubt =
        run->unsure || (reason == ZCA_ERR_PROTOCOL && run->order.state == ZCA_ORDER_ACCEPTED);
    unsigned open = ZCA_FAILURE_PASSING | ZCA_FAILURE_OURS;
    open |= run->order.state > ZCA_ORDER_SUBMITTING ? ZCA_FAILURE_SILENT : 0; /* it was accepted */
    return run->order.state != ZCA_ORDER_NONE &&
           ((zca_failure_kind(reason) & open) != 0 || (young && in_doubt));
}

/* ---- waiting ---- */

/* False when the deadline would pass first. */
static bool wait_before(struct run *run, const struct zca_backoff *pace, unsigned num_tries,
                        long retry_after_s)
{
    int64_t delay_ms =
        zca_backoff_delay_ms(pace, num_tries, retry_after_s, zca_backoff_random(run->library));
    if (zca_clock_monotonic_ms() + delay_ms >= run->deadline_ms) {
        return false;
    }
    zca_log(ZCA_LOG_DEBUG, "enrol '%s': waiting %lld ms", run->name, (long long)delay_ms);
    struct timespec left = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
        /* the rest is in `left` */
    }
    return true;
}

/* ---- remote steps: each is one call of the table ---- */

typedef bool remote_step(struct run *run, const struct zca_remote *remote,
                         struct zca_client *client, struct zca_error *err);

static struct zca_request make_request(const struct run *run)
{
    struct zca_request request = zca_wanted_request(run->identity, &run->wanted);
    request.request_id = run->order.request_id;
    request.current = run->before ? zca_chain_get_der(run->before, 0) : zca_span_of(NULL, 0);
    return request;
}

/* Looks for what a lost submit issued. False with ZCA_ERR_NOT_FOUND: nothing, submit again. */
static bool step_recover(struct run *run, const struct zca_remote *remote,
                         struct zca_client *client, struct zca_error *err)
{
    struct zca_request request = make_request(run);
    if (remote->recover(client, &request, run->order.started_at_s, &run->ticket, err)) {
        return true;
    }
    if (err->reason == ZCA_ERR_UNSUPPORTED) {
        err->reason = ZCA_ERR_NOT_FOUND; /* nobody can tell: ask again */
    }
    return false;
}

static bool step_submit(struct run *run, const struct zca_remote *remote, struct zca_client *client,
                        struct zca_error *err)
{
    struct zca_request request = make_request(run);
    if (run->unsure && (run->capabilities & ZCA_CAP_IDEMPOTENT) == 0) {
        if (step_recover(run, remote, client, err)) {
            run->unsure = false;
            return true;
        }
        if (err->reason != ZCA_ERR_NOT_FOUND) {
            return false;
        }
        zca_error_clear(err);
    }
    bool ok = remote->submit(client, &request, &run->ticket, err);
    run->unsure = !ok && zca_failure_leaves_doubt(err->reason, run->unsure);
    return ok;
}

static bool step_poll(struct run *run, const struct zca_remote *remote, struct zca_client *client,
                      struct zca_error *err)
{
    return remote->poll(client, &run->ticket, err);
}

static bool step_fetch(struct run *run, const struct zca_remote *remote, struct zca_client *client,
                       struct zca_error *err)
{
    return remote->fetch(client, &run->ticket, &run->issued, err);
}

static bool step_confirm(struct run *run, const struct zca_remote *remote,
                         struct zca_client *client, struct zca_error *err)
{
    return remote->confirm(client, &run->ticket, &run->issued, err);
}

static bool call_once(struct run *run, const char *what, remote_step *step, struct zca_error *err)
{
    const struct zca_remote *remote = zca_library_remote(run->library, err);
    struct zca_client *client = remote ? zca_authority_client(run->authority, err) : NULL;
    if (!client || !zca_library_network_begin(run->library, err)) {
        return false;
    }
    int64_t start_us = zca_clock_monotonic_us();
    bool ok = step(run, remote, client, err);
    zca_library_network_end(run->library);
    zca_log(ZCA_LOG_DEBUG, "enrol '%s': %s at '%s': %s in %.2f ms", run->name, what,
            run->authority_name, ok ? "done" : err->message,
            (double)(zca_clock_monotonic_us() - start_us) / 1000);
    return ok;
}

/* Repeats a step that failed for a passing reason: a few times, and never past the deadline. */
static bool call_step(struct run *run, const char *what, remote_step *step, struct zca_error *err)
{
    for (unsigned num_tries = 1;; num_tries++) {
        zca_error_clear(err);
        if (call_once(run, what, step, err)) {
            return true;
        }
        if ((zca_failure_kind(err->reason) & ZCA_FAILURE_PASSING) == 0 || num_tries >= max_tries ||
            !wait_before(run, &retry_pace, num_tries, err->retry_after_s)) {
            return false;
        }
    }
}

/* ---- the journal ---- */

static bool store_order(struct run *run, enum zca_order_state state, struct zca_error *err)
{
    run->order.state = state;
    return zca_order_store(run->library, run->authority_name, run->name, &run->order, err);
}

/* After a definite failure nothing is left to go on from. Keeps the error that led here. */
static void drop_order(struct run *run)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_order_clear(&run->order);
    if (!zca_order_store(run->library, run->authority_name, run->name, &run->order, &failure)) {
        zca_log(ZCA_LOG_DEBUG, "enrol '%s': the journal stays: %s", run->name, failure.message);
    }
}

/* ---- the order, step by step ---- */

static bool place_order(struct run *run, struct zca_error *err)
{
    if (!call_step(run, "submit", step_submit, err)) {
        return false;
    }
    if (run->ticket.state == ZCA_TICKET_COMPLETE || !run->ticket.id || *run->ticket.id == '\0') {
        return true; /* what came with the answer cannot be polled for after a crash */
    }
    free(run->order.ticket_id);
    run->order.ticket_id = strdup(run->ticket.id);
    return run->order.ticket_id ? store_order(run, ZCA_ORDER_ACCEPTED, err)
                                : zca_error_set(err, ZCA_ERR_MEMORY, "accepting an order");
}

static bool await_completion(struct run *run, struct zca_error *err)
{
    for (unsigned num_polls = 1; run->ticket.state == ZCA_TICKET_PENDING; num_polls++) {
        if (!wait_before(run, &poll_pace, num_polls, run->ticket.retry_after_s)) {
            return zca_error_set(err, ZCA_ERR_PENDING,
                                 "order '%s' is still pending at authority '%s': the next use asks "
                                 "again",
                                 run->ticket.id ? run->ticket.id : "", run->authority_name);
        }
        if (!call_step(run, "poll", step_poll, err)) {
            return false;
        }
    }
    return run->ticket.state == ZCA_TICKET_COMPLETE ||
           zca_error_set(err, ZCA_ERR_POLICY, "authority '%s' gave up order '%s'",
                         run->authority_name, run->ticket.id ? run->ticket.id : "");
}

/* Verified candidates, into the journal where a key or a confirmation waits beside them. */
static bool receive(struct run *run, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *path = NULL;
    bool two_phases = (run->capabilities & ZCA_CAP_TWO_PHASE) != 0;
    if (!zca_receipt_check(run->identity, run->anchors, &run->issued, &run->wanted, &path, err)) {
        return false;
    }
    if (!run->wanted.csr && !zca_candidate_seal(run->identity, run->wanted.key, &run->order, err)) {
        return false;
    }
    free(run->order.issued_id);
    run->order.issued_id = strdup(run->issued.id ? run->issued.id : "");
    zca_buffer_clear(&run->order.candidate_certificates);
    if (!run->order.issued_id) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "receiving a certificate");
    }
    run->verified = zca_chain_of(path, err);
    if (!run->verified || (!two_phases && !run->order.new_key)) {
        return run->verified;
    }
    return zca_chain_format(run->verified, &run->order.candidate_certificates, err) &&
           store_order(run, two_phases ? ZCA_ORDER_RECEIVED : ZCA_ORDER_CONFIRMED, err);
}

static bool confirm(struct run *run, struct zca_error *err)
{
    if (run->order.state != ZCA_ORDER_RECEIVED) {
        return true;
    }
    return call_step(run, "confirm", step_confirm, err) &&
           store_order(run, ZCA_ORDER_CONFIRMED, err);
}

static bool switch_over(struct run *run, struct zca_error *err)
{
    bool in_memory =
        run->wanted.new_key && zca_identity_get_keystore(run->identity) == ZCA_KEYSTORE_MEMORY;
    run->switched = zca_candidate_switch(run->identity, in_memory ? run->wanted.key : NULL,
                                         run->verified, &run->order, err);
    return run->switched;
}

/* From an order that was placed to stored certificates. */
static bool complete(struct run *run, struct zca_error *err)
{
    zca_issued_clear(&run->issued);
    zca_chain_free(zca_steal(run->verified)); /* of an order of before */
    return await_completion(run, err) && call_step(run, "fetch", step_fetch, err) &&
           receive(run, err) && confirm(run, err) && switch_over(run, err);
}

static bool begin(struct run *run, struct zca_error *err)
{
    bool renew = run->reason == ZCA_ENROL_RENEW;
    bool can_certify = (run->capabilities & ZCA_CAP_CSR_ISSUE) != 0;
    zca_wanted_clear(&run->wanted); /* an order of before may have left something */
    zca_ticket_clear(&run->ticket);
    zca_issued_clear(&run->issued);
    if (!zca_wanted_read(run->identity, can_certify, renew, &run->wanted, err) ||
        !zca_order_begin(run->library, &run->order, err)) {
        return false;
    }
    run->unsure = false;
    return (!run->wanted.new_key ||
            zca_candidate_seal(run->identity, run->wanted.key, &run->order, err)) &&
           zca_buffer_append(&run->order.csr, zca_buffer_span(&run->wanted.csr_der), err) &&
           zca_candidate_note(run->identity, &run->order, err) &&
           store_order(run, ZCA_ORDER_SUBMITTING, err) && place_order(run, err) &&
           complete(run, err);
}

/* The ticket and the answer of a journalled order, as far as they survive. */
static bool restore_ticket(struct run *run, struct zca_error *err)
{
    const struct zca_order *order = &run->order;
    run->ticket.state = ZCA_TICKET_PENDING;
    run->ticket.id = strdup(order->ticket_id ? order->ticket_id : "");
    run->issued.id = strdup(order->issued_id ? order->issued_id : "");
    if (!run->ticket.id || !run->issued.id) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "resuming an order");
    }
    return zca_buffer_append(&run->issued.certificates,
                             zca_buffer_span(&order->candidate_certificates), err);
}

static bool resume(struct run *run, struct zca_error *err)
{
    enum zca_order_state state = run->order.state;
    zca_log(ZCA_LOG_DEBUG, "enrol '%s': resuming an order", run->name);
    if (!zca_wanted_resume(run->identity, &run->order, &run->wanted, err)) {
        return false;
    }
    if (state == ZCA_ORDER_SUBMITTING) {
        run->unsure = true;
        return place_order(run, err) && complete(run, err);
    }
    if (!restore_ticket(run, err)) {
        return false;
    }
    if (state == ZCA_ORDER_ACCEPTED) {
        return complete(run, err);
    }
    return confirm(run, err) && switch_over(run, err);
}

/* ---- the run ---- */

/* Whoever renews is served by a certificate that came while it waited for the lock. */
static bool stored_serves(const struct run *run)
{
    bool renew = run->reason == ZCA_ENROL_RENEW && !run->switched;
    return zca_stored_serves(run->identity, renew ? run->before : NULL);
}

static bool check_online(const struct run *run, struct zca_error *err)
{
    return !zca_identity_get_offline(run->identity) ||
           zca_error_set(err, ZCA_ERR_UNAVAILABLE,
                         "there is no valid certificate and the network is off (offline=yes or "
                         "remote = off)");
}

/* An authority that makes the keys cannot answer a request: the identity's certificate counts. */
static bool drop_unanswerable(struct run *run, struct zca_error *err)
{
    if ((run->capabilities & ZCA_CAP_CSR_ISSUE) != 0 || !zca_stored_has_captured(run->identity)) {
        return true;
    }
    zca_log(ZCA_LOG_DEBUG, "enrol '%s': '%s' takes no requests, the captured one is dropped",
            run->name, run->authority_name);
    return zca_captured_drop(run->identity, err);
}

static bool prepare(struct run *run, struct zca_error *err)
{
    return zca_authority_capabilities(run->authority, &run->capabilities, err) &&
           zca_authority_certificates(run->authority, false, &run->anchors, err) &&
           drop_unanswerable(run, err);
}

/* Ends an order of before. False when it stays open. */
static bool settle_order(struct run *run, struct zca_error *err)
{
    if (run->order.state == ZCA_ORDER_NONE || resume(run, err)) {
        return true;
    }
    if (stays_open(run, err->reason)) {
        return false;
    }
    zca_log(ZCA_LOG_DEBUG, "enrol '%s': the old order is dropped: %s", run->name, err->message);
    drop_order(run);
    return true;
}

static bool ask_authority(struct run *run, struct zca_error *err)
{
    if (!prepare(run, err) || !settle_order(run, err)) {
        return false;
    }
    if (stored_serves(run)) {
        return true;
    }
    bool ok = begin(run, err);
    if (!ok && !stays_open(run, err->reason)) {
        drop_order(run);
    }
    return ok;
}

/* With the lock held. */
static bool run_locked(struct run *run, struct zca_error *err)
{
    if (!zca_order_load(run->library, run->authority_name, run->name, &run->order, err) ||
        (zca_candidate_is_decided(run->identity, &run->order) && !switch_over(run, err))) {
        return false;
    }
    if (stored_serves(run)) {
        return true;
    }
    if (!check_online(run, err) || (run->reason == ZCA_ENROL_IF_NEEDED &&
                                    zca_failure_repeats(run->identity, run->began_ms, err))) {
        return false;
    }
    if (!ask_authority(run, err)) {
        zca_failure_note(run->identity, err);
        return false;
    }
    zca_failure_forget(run->identity);
    return true;
}

static struct run make_run(struct zca_identity *identity, enum zca_enrol_reason reason)
{
    struct zca_authority *authority = zca_identity_get_authority(identity);
    return (struct run){
        identity,
        zca_identity_get_library(identity),
        .authority = authority,
        .authority_name = zca_authority_get_name(authority),
        .name = zca_identity_get_name(identity),
        .reason = reason,
        .began_ms = zca_clock_now_ms(),
        .deadline_ms = zca_clock_monotonic_ms() + zca_identity_get_wait_ms(identity),
        .ticket = {.reply = ZCA_SECRET_BUFFER},
        .issued = {.private_key = ZCA_SECRET_BUFFER},
    };
}

/* ---- public ---- */

bool zca_enrol(struct zca_identity *identity, enum zca_enrol_reason reason,
               STACK_OF(X509) * *out_certificates, struct zca_error *err)
{
    struct zca_error own = {.reason = ZCA_ERR_NONE};
    struct zca_error *failure = err ? err : &own; /* its reason decides what is retried */
    zca_auto(run) struct run run = make_run(identity, reason);
    struct zca_library *library = zca_identity_get_library(identity);
    run.before = zca_certificate_load_chain(library, run.authority_name, run.name, NULL);
    zca_auto(zca_flight) struct zca_flight *flight = zca_flight_enter(
        library, run.authority_name, run.name, zca_identity_get_wait_ms(identity), failure);
    return (flight && run_locked(&run, failure) &&
            (!out_certificates ||
             zca_identity_certificates(identity, out_certificates, failure))) ||
           zca_error_context(failure, "enrolling '%s'", zca_identity_get_uri(identity));
}

/* Without the lock: a reader must not wait for a process that waits for the authority. */
static bool needs_finishing(const struct run *run)
{
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    return zca_order_load(run->library, run->authority_name, run->name, &order, NULL) &&
           zca_candidate_is_decided(run->identity, &order);
}

bool zca_enrol_finish(struct zca_identity *identity, bool *out_finished, struct zca_error *err)
{
    zca_auto(run) struct run run = make_run(identity, ZCA_ENROL_IF_NEEDED);
    if (!needs_finishing(&run)) {
        *out_finished = false;
        return true;
    }
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_flight) struct zca_flight *flight = zca_flight_enter(
        library, run.authority_name, run.name, zca_identity_get_wait_ms(identity), err);
    if (!flight || !zca_order_load(library, run.authority_name, run.name, &run.order, err) ||
        (zca_candidate_is_decided(identity, &run.order) && !switch_over(&run, err))) {
        return zca_error_context(err, "finishing the order of '%s'",
                                 zca_identity_get_uri(identity));
    }
    *out_finished = run.switched;
    return true;
}
