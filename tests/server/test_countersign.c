/* SPDX-License-Identifier: Apache-2.0 */
/* What a client built: one good structure of each kind, and one change at a time that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "plan.h"
#include "server/authority.h"
#include "server/countersign.h"
#include "server/crl.h"
#include "server/issue.h"
#include "server/ledger_account.h"
#include "server/ledger_audit.h"
#include "server/ledger_certificate.h"
#include "server/verify.h"
#include "world.h"

#define DAY_S (24 * 3600)

static void init_ca(struct world *world)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
}

/* ---- certificates ---- */

static void signature_makes_a_certificate_that_verifies(void **state)
{
    struct world *world = *state;
    const struct plan plan = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(zca_certificate) struct zca_certificate row = {0};
    zca_auto(zca_verification) struct zca_verification verification = {0};
    bool found = false;
    init_ca(world);
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_UNKNOWN, &result, NULL));
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    assert_true(zca_ledger_certificate_find_by_serial(
        ledger, world->org, zca_buffer_span(&result.serial), &row, &found, NULL));
    assert_true(found);
    assert_non_null(memmem(row.der.data, row.der.len, tbs.data, tbs.len));
    assert_non_null(memmem(row.der.data, row.der.len, result.signature.data, result.signature.len));
    assert_true(zca_verify(ledger, &verification, NULL));
    assert_int_equal(verification.num_certificates, 1);
}

static void same_bytes_give_the_same_signature(void **state)
{
    struct world *world = *state;
    const struct plan plan = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned first = {0};
    zca_auto(zca_countersigned) struct zca_countersigned second = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &first, NULL));
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &second, NULL));
    assert_true(
        zca_span_equal(zca_buffer_span(&first.signature), zca_buffer_span(&second.signature)));
}

/* Let's Encrypt, 2023: two contents under one serial. */
static void one_serial_has_one_content(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.serial = 77};
    const struct plan other = {.serial = 77, .common_name = "other.corp.test"};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_buffer) struct zca_buffer other_tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(zca_countersigned) struct zca_countersigned unused = {0};
    struct zca_error err = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    plan_build(world, &other, &other_tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
    assert_false(plan_sign(world, zca_buffer_span(&other_tbs), ZCA_TBS_CERTIFICATE, &unused, &err));
    assert_string_equal(err.code, "SERIAL_IN_USE");
}

static int64_t count_crl_intents(struct world *world)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    zca_auto(text) char *path = zca_path_join(world->directory, "ledger", ".db", NULL);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, "SELECT count(*) FROM intent WHERE kind = 'crl'",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t count = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return count;
}

static void run_sql(struct world *world, const char *sql)
{
    sqlite3 *database = NULL;
    zca_auto(text) char *path = zca_path_join(world->directory, "ledger", ".db", NULL);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* Another process takes the request id between our look and our record: the serial stays free. */
static void conflict_of_a_request_id_is_not_one_of_the_serial(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.serial = 77};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned unused = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_error err = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    struct zca_countersign_request request = {.org_id = world->org,
                                              .requester = "test",
                                              .tbs = zca_buffer_span(&tbs),
                                              .request_id = "0123456789abcdef0123456789abcdef"};
    run_sql(world, "CREATE TRIGGER faster BEFORE INSERT ON intent WHEN NEW.serial IS NOT NULL BEGIN"
                   " INSERT INTO intent (org_id, authority_id, kind, tbs_sha256, requester,"
                   " profile, request_id, created_at) VALUES (NEW.org_id, NEW.authority_id, 'ocsp',"
                   " x'00', 'other', 'ocsp', NEW.request_id, 1); END");

    assert_false(zca_countersign(world->server.state, &request, &unused, &err));

    assert_int_equal(err.reason, ZCA_ERR_CONFLICT);
    assert_string_not_equal(err.code, "SERIAL_IN_USE");
    run_sql(world, "DROP TRIGGER faster");
    assert_true(zca_countersign(world->server.state, &request, &result, NULL));
}

/* A kill between the two commits leaves the intent alone: the same bytes continue it. */
static void crash_is_continued_under_the_same_intent(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.serial = 78};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned first = {0};
    zca_auto(zca_countersigned) struct zca_countersigned second = {0};
    zca_auto(zca_verification) struct zca_verification verification = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &first, NULL));
    run_sql(world, "DELETE FROM certificate;"
                   "DELETE FROM audit WHERE event = 'certificate.countersigned';"
                   "UPDATE audit_head SET (number, hash) ="
                   " (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)");
    world_reopen(world);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &second, NULL));
    assert_true(zca_verify(zca_state_ledger(world->server.state), &verification, NULL));
    assert_int_equal(verification.num_certificates, 1);
}

static void verify_finds_a_changed_certificate(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.serial = 79};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(zca_verification) struct zca_verification verification = {0};
    struct zca_error err = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
    run_sql(world, "UPDATE intent SET tbs_sha256 = x'00' WHERE kind = 'certificate'");
    assert_false(zca_verify(zca_state_ledger(world->server.state), &verification, &err));
    assert_int_equal(err.reason, ZCA_ERR_VERIFY);
}

/* As api/certificate.c does it: the mark and its entry in the log. */
static void revoke(struct world *world, struct zca_span serial)
{
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    zca_auto(zca_certificate) struct zca_certificate row = {0};
    bool found = false;
    bool changed = false;
    assert_true(
        zca_ledger_certificate_find_by_serial(ledger, world->org, serial, &row, &found, NULL));
    assert_true(found);
    const struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                          .org_id = world->org,
                                          .actor = "test",
                                          .event = "certificate.revoked",
                                          .object = row.id};
    assert_true(zca_ledger_certificate_revoke(ledger, world->org, row.id, event.created_at, "x",
                                              &changed, NULL));
    assert_true(changed);
    assert_true(zca_ledger_audit_append(ledger, &event, NULL));
}

/* What the chain of the log does not cover: rows that it speaks of. */
static void verify_finds_what_the_log_remembers(void **state)
{
    static const char *const changes[] = {
        "DELETE FROM certificate",
        "UPDATE certificate SET revoked_at = NULL, revoke_reason = NULL",
        "UPDATE certificate SET revoked_at = revoked_at + 1",
    };
    struct world *world = *state;
    const struct plan plan = {.serial = 80};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(zca_verification) struct zca_verification whole = {0};
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    init_ca(world);
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
    revoke(world, zca_buffer_span(&result.serial));
    assert_true(zca_verify(ledger, &whole, NULL));
    for (size_t i = 0; i < ZCA_COUNT(changes); i++) {
        zca_auto(zca_verification) struct zca_verification verification = {0};
        struct zca_error err = {0};
        run_sql(world, "CREATE TABLE kept AS SELECT * FROM certificate");
        run_sql(world, changes[i]);
        assert_false(zca_verify(ledger, &verification, &err));
        assert_int_equal(err.reason, ZCA_ERR_VERIFY);
        run_sql(world, "DELETE FROM certificate; INSERT INTO certificate SELECT * FROM kept;"
                       "DROP TABLE kept");
    }
    zca_auto(zca_verification) struct zca_verification restored = {0};
    assert_true(zca_verify(ledger, &restored, NULL));
}

static void what_is_no_structure_is_refused(void **state)
{
    struct world *world = *state;
    const struct plan plan = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    init_ca(world);
    plan_build(world, &plan, &tbs);
    for (size_t len = 0; len < tbs.len; len += 3) {
        zca_auto(zca_countersigned) struct zca_countersigned result = {0};
        struct zca_error err = {0};
        assert_false(plan_sign(world, zca_span_of(tbs.data, len), ZCA_TBS_UNKNOWN, &result, &err));
        assert_string_equal(err.code, "INVALID_TBS");
    }
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    assert_false(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CRL, &result, NULL));
}

/* ---- CRLs ---- */

static void build_crl(struct world *world, int64_t number, const struct zca_buffer *serial,
                      struct zca_buffer *out)
{
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(zca_state_authorities(world->server.state), world->org, NULL);
    zca_auto(X509_CRL) X509_CRL *crl = X509_CRL_new();
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = EVP_EC_gen("P-256");
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *value = ASN1_INTEGER_new();
    ASN1_TIME *now = ASN1_TIME_set(NULL, time(NULL));
    ASN1_TIME *next = ASN1_TIME_set(NULL, time(NULL) + DAY_S);
    uint8_t *der = NULL;
    assert_int_equal(X509_CRL_set_version(crl, 1), 1);
    assert_int_equal(
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(zca_authority_certificate(authority))),
        1);
    assert_int_equal(X509_CRL_set1_lastUpdate(crl, now), 1);
    assert_int_equal(X509_CRL_set1_nextUpdate(crl, next), 1);
    if (serial) {
        X509_REVOKED *entry = X509_REVOKED_new();
        zca_auto(BIGNUM) BIGNUM *bytes = BN_bin2bn(serial->data, (int)serial->len, NULL);
        zca_auto(ASN1_INTEGER) ASN1_INTEGER *integer = BN_to_ASN1_INTEGER(bytes, NULL);
        assert_int_equal(X509_REVOKED_set_serialNumber(entry, integer), 1);
        assert_int_equal(X509_REVOKED_set_revocationDate(entry, now), 1);
        assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    }
    assert_int_equal(ASN1_INTEGER_set_int64(value, number), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0), 1);
    assert_true(X509_CRL_sign(crl, nobody, EVP_sha256()) > 0);
    int len = i2d_re_X509_CRL_tbs(crl, &der);
    assert_true(zca_buffer_append(out, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
}

static void assert_crl(struct world *world, int64_t number, const struct zca_buffer *serial,
                       const char *code)
{
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_error err = {0};
    build_crl(world, number, serial, &tbs);
    assert_int_equal(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CRL, &result, &err), !*code);
    assert_string_equal(err.code, code);
}

static void crl_must_be_complete_and_its_number_new(void **state)
{
    struct world *world = *state;
    const struct plan plan = {.serial = 80};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned signed_one = {0};
    init_ca(world);
    assert_crl(world, 5, NULL, "");
    assert_crl(world, 4, NULL, "CRL_NUMBER_IN_USE");
    plan_build(world, &plan, &tbs);
    assert_true(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &signed_one, NULL));
    run_sql(world, "UPDATE certificate SET revoked_at = 1, revoke_reason = 'x'");
    assert_crl(world, 6, NULL, "CRL_INCOMPLETE");
    assert_crl(world, 6, &signed_one.serial, "");
}

/* A number at the end of the range would leave the CA without CRLs for good. */
static void crl_number_takes_no_leap(void **state)
{
    struct world *world = *state;
    zca_auto(zca_buffer) struct zca_buffer crl = {0};
    init_ca(world);
    assert_crl(world, INT64_MAX, NULL, "INVALID_TBS");
    assert_crl(world, (INT64_C(1) << 32) + 1, NULL, "INVALID_TBS");
    assert_crl(world, INT64_C(1) << 32, NULL, "");
    assert_crl(world, INT64_C(1) << 33, NULL, "");
    assert_crl(world, (INT64_C(1) << 33) + (INT64_C(1) << 32) + 1, NULL, "INVALID_TBS");
    /* what a server without this check left behind: nothing is signed for it */
    run_sql(world, "UPDATE crl SET number = 9223372036854775807 WHERE number = 8589934592;"
                   "UPDATE crl SET this_update = 0, next_update = 1");
    assert_false(zca_crl_get(world->server.state, world->org, &crl, NULL));
    assert_int_equal(count_crl_intents(world), 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(signature_makes_a_certificate_that_verifies),
        CASE(same_bytes_give_the_same_signature),
        CASE(one_serial_has_one_content),
        CASE(conflict_of_a_request_id_is_not_one_of_the_serial),
        CASE(crash_is_continued_under_the_same_intent),
        CASE(verify_finds_a_changed_certificate),
        CASE(verify_finds_what_the_log_remembers),
        CASE(what_is_no_structure_is_refused),
        CASE(crl_must_be_complete_and_its_number_new),
        CASE(crl_number_takes_no_leap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
