/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kept CRL is given to everybody at once while it is good. Whoever asks first after a revocation
 * makes the next one; others who ask meanwhile wait for it, so that open downloads cannot make the CA
 * sign more often than certificates are revoked.
 */
#include "server/crl.h"

#include <string.h>

#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/authority.h"
#include "server/crl_cache.h"
#include "server/ec_key.h"
#include "server/flight.h"
#include "server/ledger_audit.h"
#include "server/ledger_authority.h"
#include "server/ledger_certificate.h"
#include "server/signing.h"

#define REQUESTER "server"
#define FLIGHT_NAME "crl"

ZCA_DEFINE_AUTO(AUTHORITY_KEYID, AUTHORITY_KEYID, AUTHORITY_KEYID_free);
ZCA_DEFINE_AUTO(ASN1_TIME, ASN1_TIME, ASN1_TIME_free);
ZCA_DEFINE_AUTO(X509_REVOKED, X509_REVOKED, X509_REVOKED_free);

/* ---- is the kept one good? ---- */

/* A revocation that was under way while the kept one was made may be older than it: hence the count. */
static bool find_kept(struct zca_ledger *ledger, const char *authority_id, int64_t now_ms,
                      struct zca_crl_row *kept, bool *out_good, struct zca_error *err)
{
    int64_t newest_ms = 0;
    int64_t count = 0;
    bool found = false;
    if (!zca_ledger_crl_newest_state(ledger, authority_id, kept, &found, err) ||
        !zca_ledger_revocation_newest_time(ledger, authority_id, &newest_ms, err) ||
        !zca_ledger_revocation_count(ledger, authority_id, now_ms, &count, err)) {
        return false;
    }
    int64_t half_ms = (kept->next_update - kept->this_update) / 2;
    *out_good = found && newest_ms < kept->this_update && count == kept->num_entries &&
                now_ms < kept->this_update + half_ms;
    return true;
}

/* ---- building ---- */

static bool add_entry(X509_CRL *crl, const struct zca_revocation *row, struct zca_error *err)
{
    zca_auto(X509_REVOKED) X509_REVOKED *entry = X509_REVOKED_new();
    zca_auto(BIGNUM) BIGNUM *number = BN_bin2bn(row->serial.data, (int)row->serial.len, NULL);
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *serial = number ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    zca_auto(ASN1_TIME) ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)(row->revoked_at / 1000));
    if (!entry || !serial || !time || X509_REVOKED_set_serialNumber(entry, serial) != 1 ||
        X509_REVOKED_set_revocationDate(entry, time) != 1 ||
        X509_CRL_add0_revoked(crl, entry) != 1) {
        return zca_error_set_crypto(err, "adding to a CRL");
    }
    (void)zca_steal(entry); /* the CRL owns it */
    return true;
}

static bool add_entries(struct zca_ledger *ledger, const struct zca_authority *authority,
                        struct zca_crl_row *row, X509_CRL *crl, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list rows = {0};
    if (!zca_ledger_revocation_list(ledger, zca_authority_id(authority), row->this_update, &rows,
                                    err)) {
        return false;
    }
    row->num_entries = (int64_t)rows.num;
    for (size_t i = 0; i < rows.num; i++) {
        if (!add_entry(crl, zca_record_at(&rows, i), err)) {
            return false;
        }
    }
    return X509_CRL_sort(crl) == 1 ? true : zca_error_set_crypto(err, "sorting a CRL");
}

static bool add_extensions(X509 *ca, int64_t number, X509_CRL *crl, struct zca_error *err)
{
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *value = ASN1_INTEGER_new();
    zca_auto(AUTHORITY_KEYID) AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(ca);
    if (!value || !id || ASN1_INTEGER_set_int64(value, number) != 1) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a CRL");
    }
    id->keyid = key_id ? ASN1_OCTET_STRING_dup(key_id) : NULL;
    if ((id->keyid &&
         X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, id, 0, X509V3_ADD_APPEND) != 1) ||
        X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, X509V3_ADD_APPEND) != 1) {
        return zca_error_set_crypto(err, "making a CRL");
    }
    return true;
}

static bool set_fields(X509 *ca, const struct zca_crl_row *row, X509_CRL *crl,
                       struct zca_error *err)
{
    zca_auto(ASN1_TIME) ASN1_TIME *this_update =
        ASN1_TIME_set(NULL, (time_t)(row->this_update / 1000));
    zca_auto(ASN1_TIME) ASN1_TIME *next_update =
        ASN1_TIME_set(NULL, (time_t)(row->next_update / 1000));
    if (!this_update || !next_update || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca)) != 1 ||
        X509_CRL_set1_lastUpdate(crl, this_update) != 1 ||
        X509_CRL_set1_nextUpdate(crl, next_update) != 1) {
        return zca_error_set_crypto(err, "making a CRL");
    }
    return true;
}

static void free_der(uint8_t *der)
{
    OPENSSL_free(der);
}

ZCA_DEFINE_AUTO(der, uint8_t, free_der);

/* OpenSSL has no setter for the algorithm inside a CRL: a key that is thrown away signs it first. */
static bool encode_tbs(X509_CRL *crl, const struct zca_signature_algorithm *algorithm,
                       struct zca_buffer *out_tbs, struct zca_error *err)
{
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = zca_ec_key_make(err);
    zca_auto(der) uint8_t *der = NULL;
    if (!nobody) {
        return false;
    }
    if (X509_CRL_sign(crl, nobody, EVP_get_digestbyname(algorithm->digest)) <= 0) {
        return zca_error_set_crypto(err, "naming a signature algorithm");
    }
    int len = i2d_re_X509_CRL_tbs(crl, &der);
    return len > 0 ? zca_buffer_append(out_tbs, zca_span_of(der, (size_t)len), err)
                   : zca_error_set_crypto(err, "encoding a CRL");
}

static bool build(struct zca_ledger *ledger, const struct zca_authority *authority,
                  struct zca_crl_row *row, struct zca_buffer *out_tbs, struct zca_error *err)
{
    X509 *ca = zca_authority_certificate(authority);
    zca_auto(X509_CRL) X509_CRL *crl = X509_CRL_new();
    if (!crl) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a CRL");
    }
    return set_fields(ca, row, crl, err) && add_entries(ledger, authority, row, crl, err) &&
           add_extensions(ca, row->number, crl, err) &&
           encode_tbs(crl, zca_authority_algorithm(authority, NULL), out_tbs, err);
}

/* ---- signing and keeping ---- */

struct keeping {
    const struct zca_crl_row *row;
    const char *org_id;
};

static bool keep(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct keeping *keeping = context;
    struct zca_audit_event event = {.created_at = keeping->row->this_update,
                                    .org_id = keeping->org_id,
                                    .actor = REQUESTER,
                                    .event = "crl.signed",
                                    .object = keeping->row->authority_id};
    return zca_ledger_crl_insert(ledger, keeping->row, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

static bool make(struct zca_state *state, const struct zca_authority *authority,
                 struct zca_crl_row *row, struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(state);
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    int64_t intent = 0;
    if (!build(ledger, authority, row, &tbs, err)) {
        return false;
    }
    struct zca_signing signing = {.authority = authority,
                                  .algorithm = zca_authority_algorithm(authority, NULL),
                                  .kind = "crl",
                                  .profile = "crl",
                                  .requester = REQUESTER,
                                  .tbs = zca_buffer_span(&tbs),
                                  .now_ms = row->this_update};
    struct keeping keeping = {.row = row, .org_id = zca_authority_org_id(authority)};
    return zca_signing_run(ledger, &signing, &intent, &signature, err) &&
           zca_signing_complete(&signing, zca_buffer_span(&signature), &row->der, err) &&
           zca_ledger_transact(ledger, keep, &keeping, err);
}

static bool give(struct zca_state *state, const struct zca_crl_row *row, struct zca_buffer *out_pem,
                 struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    if (!zca_pem_format("X509 CRL", zca_buffer_span(&row->der), &pem, err)) {
        return false;
    }
    zca_crl_cache_keep(zca_state_crls(state), row->authority_id, row->number,
                       zca_buffer_span(&pem));
    return zca_buffer_append(out_pem, zca_buffer_span(&pem), err);
}

/* The kept one with this number, or one that is newer. */
static bool give_kept(struct zca_state *state, const struct zca_authority *authority,
                      int64_t number, struct zca_buffer *out_pem, struct zca_error *err)
{
    const char *id = zca_authority_id(authority);
    zca_auto(zca_crl_row) struct zca_crl_row row = {0};
    bool found = false;
    if (!zca_crl_cache_find(zca_state_crls(state), id, number, out_pem, &found, err)) {
        return false;
    }
    if (found) {
        return true;
    }
    if (!zca_ledger_crl_newest(zca_state_ledger(state), id, &row, &found, err)) {
        return false;
    }
    return found ? give(state, &row, out_pem, err)
                 : zca_error_set(err, ZCA_ERR_UNAVAILABLE, "the CRL is gone");
}

static bool make_next(struct zca_state *state, const struct zca_authority *authority,
                      int64_t last_number, int64_t now_ms, struct zca_buffer *out_pem,
                      struct zca_error *err)
{
    zca_auto(zca_crl_row) struct zca_crl_row row = {
        .this_update = now_ms, .next_update = now_ms + ZCA_CRL_LIFETIME_S * 1000};
    if (last_number == INT64_MAX) {
        return zca_error_set(err, ZCA_ERR_INVALID, "the CA has no CRL number left: make a new CA");
    }
    row.number = last_number + 1;
    row.authority_id = strdup(zca_authority_id(authority));
    if (!row.authority_id) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "making a CRL");
    }
    return make(state, authority, &row, err) && give(state, &row, out_pem, err);
}

/* One at a time: another request may have made it while this one waited. */
static bool make_alone(struct zca_state *state, const struct zca_authority *authority,
                       struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(zca_flight_seat) struct zca_flight_seat seat = {0};
    zca_auto(zca_crl_row) struct zca_crl_row kept = {0};
    int64_t now_ms = 0;
    bool good = false;
    if (!zca_flight_enter(zca_state_flight(state), zca_authority_id(authority), FLIGHT_NAME, &seat,
                          err) ||
        !zca_state_now(state, &now_ms, err) ||
        !find_kept(zca_state_ledger(state), zca_authority_id(authority), now_ms, &kept, &good,
                   err)) {
        return false;
    }
    return good ? give_kept(state, authority, kept.number, out_pem, err)
                : make_next(state, authority, kept.number, now_ms, out_pem, err);
}

bool zca_crl_get(struct zca_state *state, const char *org_id, struct zca_buffer *out_pem,
                 struct zca_error *err)
{
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(zca_state_authorities(state), org_id, err);
    zca_auto(zca_crl_row) struct zca_crl_row kept = {0};
    int64_t now_ms = 0;
    bool good = false;
    if (!authority || !zca_state_now(state, &now_ms, err) ||
        !find_kept(zca_state_ledger(state), zca_authority_id(authority), now_ms, &kept, &good,
                   err)) {
        return false;
    }
    return good ? give_kept(state, authority, kept.number, out_pem, err)
                : make_alone(state, authority, out_pem, err);
}
