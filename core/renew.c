/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewal and what follows it. Files that lag behind the stored certificate are brought up to date
 * also when nothing is due, and a reload that was cut short is repeated (NAME.reload marks it):
 * a crash between renewal and reload heals with the next run of the timer.
 */
#include "core/renew.h"

#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/deploy.h"
#include "core/enrol.h"
#include "core/failure.h"
#include "core/reload.h"
#include "core/stored.h"

static const int reload_timeout_ms = 60 * 1000;
static const int64_t short_life_s = INT64_C(10) * 24 * 3600;

/* ---- when ---- */

/* FNV-1a: spreads, protects nothing. */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t len)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ byte[i]) * UINT32_C(16777619);
    }
    return hash;
}

/* Hosts with identities of one name have certificates of different serial numbers. */
static int64_t due_s(int64_t before_s, int64_t after_s, uint32_t hash)
{
    int64_t life_s = after_s - before_s;
    int64_t share_s = life_s < short_life_s ? life_s / 2 : life_s / 3 * 2;
    return before_s + share_s + (int64_t)((double)life_s / 10 * hash / UINT32_MAX);
}

int64_t zca_renew_due_s(const X509 *certificate, const char *name)
{
    int64_t before_s = 0;
    int64_t after_s = 0;
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    if (!zca_clock_from_asn1(X509_get0_notBefore(certificate), &before_s, NULL) ||
        !zca_clock_from_asn1(X509_get0_notAfter(certificate), &after_s, NULL) ||
        after_s < before_s) {
        return 0; /* long ago */
    }
    uint32_t hash = hash_bytes(UINT32_C(2166136261), name, strlen(name));
    hash = hash_bytes(hash, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
    return due_s(before_s, after_s, hash);
}

bool zca_renew_is_past_due(struct zca_identity *identity)
{
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    return zca_certificate_load(zca_identity_get_library(identity),
                                zca_identity_get_authority_name(identity),
                                zca_identity_get_name(identity), &chain, NULL) &&
           zca_clock_now_s() >=
               zca_renew_due_s(sk_X509_value(chain, 0), zca_identity_get_name(identity));
}

static bool is_due(struct zca_identity *identity)
{
    return !zca_stored_serves(identity, NULL) || zca_renew_is_past_due(identity) ||
           !zca_stored_stands(identity);
}

/* A certificate for a request of a key that is elsewhere (?csr=): a new key here would not replace it.
 * A key of the runtime keystore that is missing went with a reboot. */
static bool is_of_foreign_key(struct zca_identity *identity)
{
    struct zca_error missing = {.reason = ZCA_ERR_NONE};
    enum zca_keystore_kind kind = zca_identity_get_keystore(identity);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, &missing);
    zca_auto(zca_chain) struct zca_chain *chain = zca_certificate_load_chain(
        zca_identity_get_library(identity), zca_identity_get_authority_name(identity),
        zca_identity_get_name(identity), NULL);
    return !key && missing.reason == ZCA_ERR_NOT_FOUND && chain && kind != ZCA_KEYSTORE_RUNTIME &&
           !zca_identity_get_csr_file(identity);
}

/* Nothing is to be done until it is due, and then nothing can be. */
static bool leave_foreign_key(struct zca_identity *identity, bool force, bool *out_renewed,
                              struct zca_error *err)
{
    if (force || zca_renew_is_past_due(identity) || !zca_stored_stands(identity)) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "the key of '%s' is not here: ask anew with '%s?csr=FILE'",
                             zca_identity_get_uri(identity), zca_identity_get_uri(identity));
    }
    *out_renewed = false;
    return true;
}

/* Failures are paced: the timer may run every minute, the authority is not asked each time. */
static bool check_pace(const struct zca_identity *identity, struct zca_error *err)
{
    struct zca_failure last;
    zca_failure_last(identity, &last);
    int64_t left_s = last.next_s - zca_clock_now_s();
    bool is_of_the_future = last.at_ms > zca_clock_now_ms(); /* the clock was wrong then */
    if (last.num == 0 || left_s <= 0 || is_of_the_future) {
        return true;
    }
    if (err) {
        *err = last.error;
    }
    return zca_error_context(err, "failure %u, next attempt in %lld s", last.num,
                             (long long)left_s);
}

/* ---- what follows ---- */

static bool mark(struct zca_identity *identity, const char *path, struct zca_error *err)
{
    return zca_library_prepare(zca_identity_get_library(identity), ZCA_PLACE_ORDERS,
                               zca_identity_get_authority_name(identity), err) &&
           zca_file_store(path, 0600, zca_span_text("reload\n"), err);
}

static bool run_reload(struct zca_identity *identity, const char *marker, struct zca_error *err)
{
    const char *command = zca_identity_get_text(identity, ZCA_IDENTITY_RELOAD);
    bool none = !command || *command == '\0';
    return (none ||
            zca_reload_run(command, zca_identity_get_uri(identity), reload_timeout_ms, err)) &&
           zca_file_remove(marker, err);
}

/* Files and reload, when they are behind. `renewed`: a server may read the identity itself. */
static bool publish(struct zca_identity *identity, bool renewed, bool *out_published,
                    struct zca_error *err)
{
    struct zca_deploy deploy;
    struct stat status;
    bool lagging = false;
    bool files = zca_deploy_settings(identity, &deploy);
    zca_auto(text) char *marker = zca_identity_order_path(identity, ".reload", err);
    if (!marker || (files && !zca_deploy_differs(identity, &deploy, &lagging, err))) {
        return false;
    }
    bool marked = stat(marker, &status) == 0;
    *out_published = renewed || lagging || marked;
    if (!*out_published) {
        return true;
    }
    return (marked || mark(identity, marker, err)) &&
           (!files || zca_deploy_write(identity, &deploy, err)) &&
           run_reload(identity, marker, err);
}

/* ---- public ---- */

bool zca_renew(struct zca_identity *identity, bool force, bool *out_renewed, struct zca_error *err)
{
    bool published = false;
    if (is_of_foreign_key(identity)) {
        return leave_foreign_key(identity, force, out_renewed, err);
    }
    bool renew = force || is_due(identity);
    if ((renew && !force && !check_pace(identity, err)) ||
        (renew && !zca_enrol(identity, ZCA_ENROL_RENEW, NULL, err)) ||
        !publish(identity, renew, &published, err)) {
        return zca_error_context(err, "renewing '%s'", zca_identity_get_uri(identity));
    }
    *out_renewed = published;
    return true;
}
