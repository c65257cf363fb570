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
#include "server/authority.h"
#include "server/countersign.h"
#include "server/issue.h"
#include "server/ledger_account.h"
#include "server/ledger_audit.h"
#include "server/ledger_certificate.h"
#include "server/verify.h"
#include "world.h"

#define DAY_S (24 * 3600)

/* A certificate to be built; members that are zero or NULL are the good ones. */
struct plan {
    const char *common_name;
    const char *issuer; /* another issuer's common name */
    const char *extensions[4][2];
    const EVP_MD *(*digest)(void);
    bool version1;
    int serial;
    int from_s;   /* added to now */
    int length_s; /* 0: a day */
    const char *curve;
    const char *code; /* what it is refused with; NULL: signed */
};

static void init_ca(struct world *world)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
}

static X509_NAME *issuer_of(const struct plan *plan, X509 *ca)
{
    X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));
    if (plan->issuer) {
        X509_NAME_free(name);
        name = X509_NAME_new();
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const uint8_t *)plan->issuer, -1, -1, 0),
                         1);
    }
    return name;
}

static void set_serial(const struct plan *plan, X509 *certificate)
{
    static long next = 1000;
    long serial = plan->serial ? plan->serial : next++;
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial), 1);
}

static void add_extensions(const struct plan *plan, X509 *ca, X509 *certificate)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, ca, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < ZCA_COUNT(plan->extensions) && plan->extensions[i][0]; i++) {
        zca_auto(X509_EXTENSION) X509_EXTENSION *extension =
            X509V3_EXT_conf(NULL, &ctx, plan->extensions[i][0], plan->extensions[i][1]);
        assert_non_null(extension);
        assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    }
}

static void take_tbs(X509 *certificate, struct zca_buffer *out)
{
    uint8_t *der = NULL;
    int len = i2d_re_X509_tbs(certificate, &der);
    assert_true(len > 0);
    assert_true(zca_buffer_append(out, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
}

static X509 *draft(struct world *world, const struct plan *plan)
{
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(zca_state_authorities(world->server.state), world->org, NULL);
    X509 *ca = zca_authority_certificate(authority);
    zca_auto(X509) X509 *certificate = X509_new();
    zca_auto(EVP_PKEY) EVP_PKEY *holder = EVP_EC_gen(plan->curve ? plan->curve : "P-256");
    zca_auto(X509_NAME) X509_NAME *issuer = issuer_of(plan, ca);
    time_t from = time(NULL) + plan->from_s;
    const char *name = plan->common_name ? plan->common_name : "web.corp.test";
    assert_int_equal(X509_set_version(certificate, plan->version1 ? 0 : 2), 1);
    assert_int_equal(X509_set_issuer_name(certificate, issuer), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
                                                MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0),
                     1);
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), from));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate),
                                  from + (plan->length_s ? plan->length_s : DAY_S)));
    assert_int_equal(X509_set_pubkey(certificate, holder), 1);
    set_serial(plan, certificate);
    add_extensions(plan, ca, certificate);
    return zca_steal(certificate);
}

static void build(struct world *world, const struct plan *plan, struct zca_buffer *out)
{
    zca_auto(X509) X509 *certificate = draft(world, plan);
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = EVP_EC_gen("P-256");
    assert_true(X509_sign(certificate, nobody, plan->digest ? plan->digest() : EVP_sha256()) > 0);
    take_tbs(certificate, out);
}

static bool sign(struct world *world, struct zca_span tbs, enum zca_tbs_kind kind,
                 struct zca_countersigned *out, struct zca_error *err)
{
    struct zca_countersign_request request = {
        .org_id = world->org, .requester = "test", .tbs = tbs, .kind = kind};
    return zca_countersign(world->server.state, &request, out, err);
}

static void change_org(struct world *world, bool allow_intermediate, bool allow_version1)
{
    zca_auto(zca_org) struct zca_org org = {0};
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    bool found = false;
    assert_true(zca_ledger_org_find(ledger, world->org, &org, &found, NULL));
    free(org.allowed_domains);
    org.allowed_domains = strdup("corp.test");
    org.allow_intermediate = allow_intermediate;
    org.allow_version1 = allow_version1;
    assert_true(zca_ledger_org_update(ledger, &org, NULL));
}

/* ---- certificates ---- */

static const struct plan plans[] = {
    {.code = NULL                 },
    {                                                 .version1 = true,                 .code = NULL},
    {                                                 .length_s = 720 * 3600,                 .code = NULL},
    {                                                 .length_s = 720 * 3600 + 1, .code = "TTL_EXCEEDS_POLICY"},
    {                                                 .from_s = 800 * 3600, .code = "TTL_EXCEEDS_POLICY"},
    {                                                 .from_s = -200,                 .code = NULL},
    {                                                 .from_s = -400,   .code = "INVALID_VALIDITY"},
    {                                                 .from_s = -200,              .length_s = 100, .code = "INVALID_VALIDITY"},
    {                       .issuer = "Other CA",          .code = "WRONG_ISSUER"},
    {    .common_name = "evil.test",    .code = "NAME_NOT_ALLOWED"},
    {                   .common_name = "evil.test",    .version1 = true, .code = "NAME_NOT_ALLOWED"},
    {              .extensions = {{"subjectAltName", "DNS:a.corp.test"}},                             .code = NULL},
    {           .extensions = {{"subjectAltName", "DNS:a.corp.test,DNS:evil.test"}},
     .code = "NAME_NOT_ALLOWED"},
    {.extensions = {{"basicConstraints", "critical,CA:FALSE"}},                             .code = NULL},
    {                     .extensions = {{"basicConstraints", "CA:TRUE"}},                             .code = "CA_NOT_ALLOWED"},
    {          .extensions = {{"basicConstraints", "CA:FALSE"}, {"keyUsage", "keyCertSign"}},
     .code = "CA_NOT_ALLOWED"},
    {.extensions = {{"keyUsage", "keyCertSign"}},                             .code = "CA_NOT_ALLOWED"},
    {                                            .extensions = {{"keyUsage", "cRLSign"}},                             .code = "CA_NOT_ALLOWED"},
    {.extensions = {{"nsCertType", "sslCA"}},                             .code = "CA_NOT_ALLOWED"},
    {                                            .extensions = {{"extendedKeyUsage", "serverAuth"}},                             .code = NULL},
    {.extensions = {{"extendedKeyUsage", "OCSPSigning"}},                             .code = "USAGE_NOT_ALLOWED"},
    {                                           .extensions = {{"extendedKeyUsage", "anyExtendedKeyUsage"}},                             .code = "USAGE_NOT_ALLOWED"},
    {.extensions = {{"1.2.3.4", "critical,DER:0500"}},                             .code = "EXTENSION_NOT_ALLOWED"},
    {                                                      .extensions = {{"1.2.3.4", "DER:0500"}},                             .code = NULL},
    {.extensions = {{"authorityKeyIdentifier", "keyid"}},                             .code = NULL},
    {                                          .extensions = {{"authorityKeyIdentifier", "DER:30068004DEADBEEF"}},                             .code = "WRONG_ISSUER"},
    {.extensions = {{"subjectAltName", "DER:3000"}},                             .code = "NAME_NOT_ALLOWED"},
    {                                                              .extensions = {{"extendedKeyUsage", "DER:3000"}},                             .code = "USAGE_NOT_ALLOWED"},
    {.extensions = {{"basicConstraints", "DER:0500"}},                             .code = "INVALID_TBS"},
    {                                                              .digest = EVP_sha384,                             .code = "WEAK_DIGEST"},
    {.digest = EVP_sha1,                             .code = "WEAK_DIGEST"},
    {                                                                .curve = "P-224",                             .code = "WEAK_KEY"},
    {.curve = "P-384",                             .code = NULL},
    {                                                                .serial = -5,                             .code = "INVALID_TBS"},
    {  .common_name = "QuickZTNA CA",                             .code = NULL}, /* one part of the CA's subject is not it */
};

static void each_change_is_judged(void **state)
{
    struct world *world = *state;
    init_ca(world);
    change_org(world, false, true);
    for (size_t i = 0; i < ZCA_COUNT(plans); i++) {
        zca_auto(zca_buffer) struct zca_buffer tbs = {0};
        zca_auto(zca_countersigned) struct zca_countersigned result = {0};
        struct zca_error err = {0};
        build(world, &plans[i], &tbs);
        bool ok = sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, &err);
        if (ok != !plans[i].code || strcmp(err.code, plans[i].code ? plans[i].code : "") != 0) {
            fail_msg("plan %zu: wanted %s, found %s: %s", i, plans[i].code ? plans[i].code : "-",
                     err.code, err.message);
        }
    }
}

static void pss_inside_is_refused_in_words(void **state)
{
    struct world *world = *state;
    const struct plan plan = {0};
    struct zca_error err = {0};
    EVP_PKEY_CTX *parameters = NULL;
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = EVP_RSA_gen(2048);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
    init_ca(world);
    zca_auto(X509) X509 *certificate = draft(world, &plan);
    assert_int_equal(EVP_DigestSignInit(operation, &parameters, EVP_sha256(), NULL, nobody), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0);
    assert_true(X509_sign_ctx(certificate, operation) > 0);
    take_tbs(certificate, &tbs);
    assert_false(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, &err));
    assert_string_equal(err.code, "WEAK_DIGEST");
    assert_non_null(
        strstr(err.message, "The signature algorithm inside must be ecdsa-with-SHA256"));
}

static void version1_and_ca_only_where_allowed(void **state)
{
    struct world *world = *state;
    const struct plan old = {.version1 = true};
    const struct plan ca = {.extensions = {{"basicConstraints", "critical,CA:TRUE"}}};
    zca_auto(zca_buffer) struct zca_buffer old_tbs = {0};
    zca_auto(zca_buffer) struct zca_buffer ca_tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_error err = {0};
    init_ca(world);
    change_org(world, true, false);
    build(world, &old, &old_tbs);
    build(world, &ca, &ca_tbs);
    assert_false(sign(world, zca_buffer_span(&old_tbs), ZCA_TBS_CERTIFICATE, &result, &err));
    assert_string_equal(err.code, "VERSION_NOT_ALLOWED");
    assert_true(sign(world, zca_buffer_span(&ca_tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
}

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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_UNKNOWN, &result, NULL));
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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &first, NULL));
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &second, NULL));
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
    build(world, &plan, &tbs);
    build(world, &other, &other_tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
    assert_false(sign(world, zca_buffer_span(&other_tbs), ZCA_TBS_CERTIFICATE, &unused, &err));
    assert_string_equal(err.code, "SERIAL_IN_USE");
}

static void run_sql(struct world *world, const char *sql)
{
    sqlite3 *database = NULL;
    zca_auto(text) char *path = zca_path_join(world->directory, "ledger", ".db", NULL);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &first, NULL));
    run_sql(world, "DELETE FROM certificate;"
                   "DELETE FROM audit WHERE event = 'certificate.countersigned';"
                   "UPDATE audit_head SET (number, hash) ="
                   " (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)");
    world_reopen(world);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &second, NULL));
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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, NULL));
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
    build(world, &plan, &tbs);
    for (size_t len = 0; len < tbs.len; len += 3) {
        zca_auto(zca_countersigned) struct zca_countersigned result = {0};
        struct zca_error err = {0};
        assert_false(sign(world, zca_span_of(tbs.data, len), ZCA_TBS_UNKNOWN, &result, &err));
        assert_string_equal(err.code, "INVALID_TBS");
    }
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    assert_false(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CRL, &result, NULL));
}

/* ---- CRLs ---- */

static void build_crl(struct world *world, long number, const struct zca_buffer *serial,
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
    assert_int_equal(ASN1_INTEGER_set(value, number), 1);
    assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0), 1);
    assert_true(X509_CRL_sign(crl, nobody, EVP_sha256()) > 0);
    int len = i2d_re_X509_CRL_tbs(crl, &der);
    assert_true(zca_buffer_append(out, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
}

static void assert_crl(struct world *world, long number, const struct zca_buffer *serial,
                       const char *code)
{
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_error err = {0};
    build_crl(world, number, serial, &tbs);
    assert_int_equal(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CRL, &result, &err), !*code);
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
    build(world, &plan, &tbs);
    assert_true(sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &signed_one, NULL));
    run_sql(world, "UPDATE certificate SET revoked_at = 1, revoke_reason = 'x'");
    assert_crl(world, 6, NULL, "CRL_INCOMPLETE");
    assert_crl(world, 6, &signed_one.serial, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_change_is_judged),
        CASE(pss_inside_is_refused_in_words),
        CASE(version1_and_ca_only_where_allowed),
        CASE(signature_makes_a_certificate_that_verifies),
        CASE(same_bytes_give_the_same_signature),
        CASE(one_serial_has_one_content),
        CASE(crash_is_continued_under_the_same_intent),
        CASE(verify_finds_a_changed_certificate),
        CASE(verify_finds_what_the_log_remembers),
        CASE(what_is_no_structure_is_refused),
        CASE(crl_must_be_complete_and_its_number_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
