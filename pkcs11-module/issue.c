/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates on demand. Renewal happens here only where nothing has to follow: an identity with files or a reload command
 * is renewed by `zca renew`, which does all of it, and not from inside somebody's search.
 */
#include "pkcs11-module/issue.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/renew.h"
#include "core/stored.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/identity_credential.h"
#include "pkcs11-module/turn.h"

/* An order that is pending is asked for again, not waited for: it is journalled, and goes on. */
static const long pending_wait_s = 2;

struct zca_issue {
    struct zca_library *library;
    struct zca_turn *turn;
};

struct zca_issue *zca_issue_new(struct zca_library *library)
{
    zca_auto(zca_issue) struct zca_issue *issue = calloc(1, sizeof(*issue));
    if (!issue) {
        return NULL;
    }
    issue->library = library;
    issue->turn = zca_turn_new(library);
    return issue->turn ? zca_steal(issue) : NULL;
}

void zca_issue_free(struct zca_issue *issue)
{
    if (issue) {
        zca_turn_free(issue->turn);
        free(issue);
    }
}

void zca_issue_after_fork(struct zca_issue *issue)
{
    zca_turn_after_fork(issue->turn);
}

bool zca_issue_may_run(struct zca_issue *issue)
{
    return zca_turn_may_run(issue->turn);
}

/* What another credential may change. */
static const enum zca_reason refusals[] = {ZCA_ERR_AUTH, ZCA_ERR_MFA_REQUIRED, ZCA_ERR_FORBIDDEN};

bool zca_issue_is_refused(struct zca_issue *issue)
{
    struct zca_turn_status status;
    zca_turn_status(issue->turn, &status);
    size_t i = 0;
    while (i < ZCA_COUNT(refusals) && refusals[i] != status.last.reason) {
        i++;
    }
    return i < ZCA_COUNT(refusals);
}

void zca_issue_resume(struct zca_issue *issue)
{
    if (zca_issue_is_refused(issue)) {
        zca_turn_resume(issue->turn);
    }
}

/* ---- what is to be done ---- */

static struct zca_identity *open_identity(struct zca_issue *issue, const char *uri,
                                          const struct zca_buffer *credential,
                                          struct zca_error *err)
{
    struct zca_turn_status status;
    zca_auto(zca_uri) struct zca_uri *parsed = zca_uri_parse(uri, err);
    if (!parsed) {
        return NULL;
    }
    zca_turn_status(issue->turn, &status);
    if (status.is_pending && parsed->wait_s < 0) {
        parsed->wait_s = pending_wait_s;
    }
    return zca_identity_open_as(issue->library, parsed, credential, err);
}

/* The settings, not the moment: a request that may not be made is no failure. */
static bool may_request(struct zca_identity *identity)
{
    enum zca_auto_enrol allowed = zca_identity_get_auto_enrol(identity);
    bool has_request = zca_identity_get_csr_file(identity) || zca_stored_has_captured(identity);
    return !zca_identity_get_offline(identity) &&
           (allowed == ZCA_AUTO_ENROL_LOAD || (allowed == ZCA_AUTO_ENROL_CSR && has_request));
}

static bool is_followed_by_more(const struct zca_identity *identity)
{
    static const enum zca_identity_option options[] = {
        ZCA_IDENTITY_RELOAD, ZCA_IDENTITY_CERTIFICATE_FILE, ZCA_IDENTITY_KEY_FILE,
        ZCA_IDENTITY_BUNDLE_FILE};

    for (size_t i = 0; i < ZCA_COUNT(options); i++) {
        const char *text = zca_identity_get_text(identity, options[i]);
        if (text && *text != '\0') {
            return true;
        }
    }
    return false;
}

static bool request(void *argument, struct zca_error *err)
{
    zca_auto(zca_chain) struct zca_chain *chain = zca_identity_chain_or_enrol(argument, err);
    return chain;
}

static bool renew(void *argument, struct zca_error *err)
{
    bool is_renewed = false;
    return zca_renew(argument, false, &is_renewed, err);
}

/* Nobody waits for a renewal but the thread that does it: what is there is good. */
static void renew_if_due(struct zca_issue *issue, struct zca_identity *identity)
{
    const struct zca_turn_work work = {.run = renew, .argument = identity};
    if (may_request(identity) && !is_followed_by_more(identity) &&
        zca_renew_is_past_due(identity) && zca_turn_run(issue->turn, &work) != CKR_OK) {
        zca_log(ZCA_LOG_DEBUG, "'%s' goes on with what it has", zca_identity_get_uri(identity));
    }
}

/* ---- public ---- */

CK_RV zca_issue_run(struct zca_issue *issue, const char *uri, const struct zca_buffer *credential)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_identity) struct zca_identity *identity =
        open_identity(issue, uri, credential, &err);
    if (!identity) {
        return zca_pkcs11_fail(issue->library, &err);
    }
    if (zca_stored_serves(identity, NULL)) {
        renew_if_due(issue, identity);
        return CKR_OK;
    }
    if (!may_request(identity)) {
        return CKR_OK;
    }
    const struct zca_turn_work work = {
        .run = request,
        .argument = identity,
        .timeout_ms = zca_identity_get_wait_ms(identity),
    };
    return zca_turn_run(issue->turn, &work);
}

static bool add_text(struct zca_buffer *json, const char *name, const char *text,
                     struct zca_error *err)
{
    return zca_buffer_format(json, err, ",\"%s\":", name) &&
           (*text == '\0' ? zca_buffer_append_text(json, "null", err)
                          : zca_json_quote(zca_span_text(text), json, err));
}

bool zca_issue_status(struct zca_issue *issue, struct zca_buffer *out_json, struct zca_error *err)
{
    struct zca_turn_status status;
    char next[ZCA_RFC3339_SIZE] = "";
    zca_turn_status(issue->turn, &status);
    bool is_good = status.last.reason == ZCA_ERR_NONE;
    const char *failed = is_good ? "idle" : "failed";
    if (status.next_at_ms != 0) {
        zca_clock_format(status.next_at_ms, next);
    }
    return zca_buffer_format(out_json, err, "\"state\":\"%s\"",
                             status.is_pending ? "pending" : failed) &&
           add_text(out_json, "last_error", is_good ? "" : status.last.message, err) &&
           add_text(out_json, "next_attempt", next, err);
}
