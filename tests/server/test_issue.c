/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for requests: what is in them, which requests are refused, what a crash leaves. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sqlite3.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/authority.h"
#include "server/issue.h"
#include "server/ledger_account.h"
#include "server/ledger_audit.h"
#include "server/verify.h"
#include "world.h"

/* ---- requests ---- */

struct wish {
    const char *common_name;
    const char *extensions[4][2]; /* name and value as OpenSSL's configuration has them */
    const EVP_MD *digest;         /* NULL: SHA-256 */
};

static void add_extensions(X509_REQ *request, const struct wish *wish)
{
    STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
    for (size_t i = 0; i < ZCA_COUNT(wish->extensions) && wish->extensions[i][0]; i++) {
        X509_EXTENSION *extension =
            X509V3_EXT_conf(NULL, NULL, wish->extensions[i][0], wish->extensions[i][1]);
        assert_non_null(extension);
        assert_true(sk_X509_EXTENSION_push(extensions, extension) > 0);
    }
    if (sk_X509_EXTENSION_num(extensions) > 0) {
        assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
}

/* `holder` is the key inside, `signer` makes the signature. */
static void make_csr(const struct wish *wish, EVP_PKEY *holder, EVP_PKEY *signer,
                     struct zca_buffer *out)
{
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new();
    X509_NAME *name = X509_REQ_get_subject_name(request);
    if (wish->common_name) {
        assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                                    (const uint8_t *)wish->common_name, -1, -1, 0),
                         1);
    }
    assert_int_equal(X509_REQ_set_pubkey(request, holder), 1);
    add_extensions(request, wish);
    assert_true(X509_REQ_sign(request, signer, wish->digest ? wish->digest : EVP_sha256()) > 0);
    assert_true(zca_der_request(request, out, NULL));
}

static bool issue_for(struct world *world, struct zca_span csr, const char *request_id,
                      struct zca_issued *out, struct zca_error *err)
{
    struct zca_issue_request request = {.org_id = world->org,
                                        .requester = "test",
                                        .csr = csr,
                                        .request_id = request_id,
                                        .plain = csr.len == 0};
    return zca_issue_certificate(world->server.state, &request, out, err);
}

static void init_ca(struct world *world)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
}

static void change_org(struct world *world, const char *domains, bool allow_intermediate)
{
    zca_auto(zca_org) struct zca_org org = {0};
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    bool found = false;
    assert_true(zca_ledger_org_find(ledger, world->org, &org, &found, NULL));
    free(org.allowed_domains);
    org.allowed_domains = strdup(domains);
    org.allow_intermediate = allow_intermediate;
    assert_true(zca_ledger_org_update(ledger, &org, NULL));
}

static X509 *certificate_of(const struct zca_issued *issued)
{
    X509 *certificate =
        zca_der_parse_certificate(NULL, zca_buffer_span(&issued->certificate.der), NULL);
    assert_non_null(certificate);
    return certificate;
}

static void assert_extensions(const X509 *certificate, const int *nids, size_t num)
{
    assert_int_equal(X509_get_ext_count(certificate), num);
    for (size_t i = 0; i < num; i++) {
        X509_EXTENSION *extension = X509_get_ext(certificate, (int)i);
        assert_int_equal(OBJ_obj2nid(X509_EXTENSION_get_object(extension)), nids[i]);
    }
}

/* ---- profiles ---- */

static void plain_certificate_has_the_guides_profile(void **state)
{
    struct world *world = *state;
    static const int nids[] = {NID_basic_constraints, NID_key_usage};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    init_ca(world);
    assert_true(issue_for(world, zca_span_of(NULL, 0), NULL, &issued, NULL));
    zca_auto(X509) X509 *certificate = certificate_of(&issued);
    assert_int_equal(X509_get_version(certificate), X509_VERSION_3);
    assert_extensions(certificate, nids, ZCA_COUNT(nids));
    assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT);
    assert_int_equal(X509_check_ca(certificate), 0);
    assert_int_equal(X509_NAME_entry_count(X509_get_subject_name(certificate)), 1);
    assert_true(issued.private_key.secret);
    assert_true(issued.private_key.len > 0);
}

static void requested_certificate_has_names_usage_and_key_ids(void **state)
{
    struct world *world = *state;
    static const int nids[] = {NID_basic_constraints,      NID_key_usage,
                               NID_subject_alt_name,       NID_ext_key_usage,
                               NID_subject_key_identifier, NID_authority_key_identifier};
    const struct wish wish = {.common_name = "web.corp.test"};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    init_ca(world);
    make_csr(&wish, key, key, &csr);
    assert_true(issue_for(world, zca_buffer_span(&csr), NULL, &issued, NULL));
    zca_auto(X509) X509 *certificate = certificate_of(&issued);
    assert_extensions(certificate, nids, ZCA_COUNT(nids));
    assert_int_equal(X509_get_key_usage(certificate), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER | XKU_SSL_CLIENT);
    assert_int_equal(X509_check_host(certificate, "web.corp.test", 0, 0, NULL), 1);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(certificate), key), 1);
    assert_int_equal(issued.private_key.len, 0);
}

static void certificate_lives_exactly_its_ttl(void **state)
{
    struct world *world = *state;
    zca_auto(zca_issued) struct zca_issued issued = {0};
    int64_t from_s = 0;
    int64_t to_s = 0;
    init_ca(world);
    assert_true(issue_for(world, zca_span_of(NULL, 0), NULL, &issued, NULL));
    zca_auto(X509) X509 *certificate = certificate_of(&issued);
    assert_true(zca_clock_from_asn1(X509_get0_notBefore(certificate), &from_s, NULL));
    assert_true(zca_clock_from_asn1(X509_get0_notAfter(certificate), &to_s, NULL));
    assert_int_equal(to_s - from_s + 1, 24 * 3600);
    assert_true(from_s <= zca_clock_now_s() && from_s > zca_clock_now_s() - 120);
    assert_int_equal(issued.certificate.expires_at, to_s * 1000);
}

static void intermediate_only_where_allowed(void **state)
{
    struct world *world = *state;
    const struct wish wish = {
        .common_name = "Sub CA",
        .extensions = {{"basicConstraints", "critical,CA:TRUE"}, {"keyUsage", "keyCertSign"}}
    };
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_error err = {0};
    init_ca(world);
    make_csr(&wish, key, key, &csr);
    assert_false(issue_for(world, zca_buffer_span(&csr), NULL, &issued, &err));
    assert_string_equal(err.code, "CA_NOT_ALLOWED");
    change_org(world, "", true);
    assert_true(issue_for(world, zca_buffer_span(&csr), NULL, &issued, NULL));
    zca_auto(X509) X509 *certificate = certificate_of(&issued);
    assert_int_equal(X509_check_ca(certificate), 1);
    assert_int_equal(X509_get_pathlen(certificate), 0);
}

/* ---- refusals ---- */

#define FIVE_NAMES "DNS:a.corp.test,DNS:b.corp.test,DNS:evil.test,DNS:c.corp.test,DNS:d.corp.test"

static const struct {
    struct wish wish;
    const char *code;
} refused[] = {
    {{.common_name = "evil.test"},                                                              "NAME_NOT_ALLOWED"},
    {{.common_name = "a.corp.test", .extensions = {{"subjectAltName", FIVE_NAMES}}},
     "NAME_NOT_ALLOWED"                                                                                           },
    {{.common_name = "a.corp.test", .extensions = {{"subjectAltName", "URI:spiffe://x"}}},
     "NAME_NOT_ALLOWED"                                                                                           },
    {{.common_name = "a.corp.test", .extensions = {{"subjectAltName", "DNS:*.test"}}},
     "NAME_NOT_ALLOWED"                                                                                           },
    {{.common_name = "a.corp.test", .extensions = {{"basicConstraints", "CA:TRUE"}}},
     "CA_NOT_ALLOWED"                                                                                             },
    {{.common_name = "a.corp.test", .extensions = {{"keyUsage", "keyCertSign"}}},               "CA_NOT_ALLOWED"  },
    {{.common_name = "a.corp.test", .extensions = {{"keyUsage", "cRLSign"}}},                   "CA_NOT_ALLOWED"  },
    {{.common_name = "a.corp.test", .extensions = {{"extendedKeyUsage", "codeSigning"}}},
     "USAGE_NOT_ALLOWED"                                                                                          },
    {{.common_name = "a.corp.test", .extensions = {{"extendedKeyUsage", "OCSPSigning"}}},
     "USAGE_NOT_ALLOWED"                                                                                          },
    {{.common_name = "a.corp.test", .extensions = {{"extendedKeyUsage", "1.2.3.4"}}},
     "USAGE_NOT_ALLOWED"                                                                                          },
    {{.common_name = "a.corp.test",
      .extensions = {{"nameConstraints", "critical,permitted;DNS:x"}}},
     "EXTENSION_NOT_ALLOWED"                                                                                      },
    {{.common_name = "a.corp.test",
      .extensions = {{"keyUsage", "digitalSignature"}, {"keyUsage", "digitalSignature"}}},
     "INVALID_CSR"                                                                                                },
};

static void assert_refused(struct world *world, struct zca_span csr, const char *code)
{
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_error err = {0};
    assert_false(issue_for(world, csr, NULL, &issued, &err));
    assert_string_equal(err.code, code);
}

static void requests_beyond_the_policy_are_refused(void **state)
{
    struct world *world = *state;
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    init_ca(world);
    change_org(world, "corp.test", false);
    for (size_t i = 0; i < ZCA_COUNT(refused); i++) {
        zca_auto(zca_buffer) struct zca_buffer csr = {0};
        make_csr(&refused[i].wish, key, key, &csr);
        assert_refused(world, zca_buffer_span(&csr), refused[i].code);
    }
}

static EVP_PKEY *make_rsa(int bits, unsigned exponent)
{
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    zca_auto(BIGNUM) BIGNUM *number = BN_new();
    EVP_PKEY *key = NULL;
    assert_int_equal(BN_set_word(number, exponent), 1);
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits), 1);
    assert_int_equal(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, number), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    return key;
}

static EVP_PKEY *make_explicit(void)
{
    zca_auto(EVP_PKEY_CTX) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(ctx, NID_X9_62_prime256v1), 1);
    assert_int_equal(EVP_PKEY_CTX_set_ec_param_enc(ctx, OPENSSL_EC_EXPLICIT_CURVE), 1);
    assert_int_equal(EVP_PKEY_keygen(ctx, &key), 1);
    return key;
}

static void weak_keys_are_refused(void **state)
{
    struct world *world = *state;
    const struct wish wish = {.common_name = "a.corp.test"};
    EVP_PKEY *keys[] = {make_rsa(1024, 65537), make_rsa(2048, 3), EVP_EC_gen("P-224"),
                        EVP_EC_gen("secp256k1"), make_explicit()};
    init_ca(world);
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        zca_auto(zca_buffer) struct zca_buffer csr = {0};
        make_csr(&wish, keys[i], keys[i], &csr);
        assert_refused(world, zca_buffer_span(&csr), "WEAK_KEY");
        EVP_PKEY_free(keys[i]);
    }
}

static void key_of_the_ca_is_not_certified(void **state)
{
    struct world *world = *state;
    const struct wish wish = {.common_name = "a.corp.test"};
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    init_ca(world);
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(zca_state_authorities(world->server.state), world->org, NULL);
    EVP_PKEY *key = (EVP_PKEY *)(uintptr_t)zca_authority_key(authority);
    make_csr(&wish, key, key, &csr);
    assert_refused(world, zca_buffer_span(&csr), "WEAK_KEY");
}

static void request_must_be_signed_well_and_by_its_key(void **state)
{
    struct world *world = *state;
    const struct wish sha1 = {.common_name = "a.corp.test", .digest = EVP_sha1()};
    const struct wish good = {.common_name = "a.corp.test"};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(EVP_PKEY) EVP_PKEY *other = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer weak = {0};
    zca_auto(zca_buffer) struct zca_buffer foreign = {0};
    init_ca(world);
    make_csr(&sha1, key, key, &weak);
    assert_refused(world, zca_buffer_span(&weak), "WEAK_DIGEST");
    make_csr(&good, key, other, &foreign);
    assert_refused(world, zca_buffer_span(&foreign), "INVALID_CSR");
}

static void cut_or_lengthened_requests_are_refused(void **state)
{
    struct world *world = *state;
    const struct wish wish = {.common_name = "a.corp.test"};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    init_ca(world);
    make_csr(&wish, key, key, &csr);
    for (size_t len = 1; len < csr.len; len += 7) {
        assert_refused(world, zca_span_of(csr.data, len), "INVALID_CSR");
    }
    assert_true(zca_buffer_append_text(&csr, "x", NULL));
    assert_refused(world, zca_buffer_span(&csr), "INVALID_CSR");
    assert_true(zca_buffer_resize(&csr, 20000, NULL));
    assert_refused(world, zca_buffer_span(&csr), "INVALID_CSR");
}

static void refusal_is_in_the_audit_log(void **state)
{
    struct world *world = *state;
    zca_auto(zca_record_list) struct zca_record_list entries = {0};
    init_ca(world);
    assert_refused(world, zca_span_text("nonsense"), "INVALID_CSR");
    assert_true(
        zca_ledger_audit_list(zca_state_ledger(world->server.state), 1, 10, &entries, NULL));
    assert_int_equal(entries.num, 1);
    const struct zca_audit_entry *entry = zca_record_at(&entries, 0);
    assert_string_equal(entry->event, "certificate.refused");
    assert_string_equal(entry->detail, "INVALID_CSR");
}

/* ---- crashes and repeats ---- */

#define REQUEST_ID "00112233445566778899aabbccddeeff"

/* Dies after the intent is durable and before anything is signed. */
static void die_after_intent(struct world *world, struct zca_span csr)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct zca_state_options options = {.directory = world->directory};
        struct zca_state *state = zca_state_open(&options, NULL);
        zca_auto(zca_buffer) struct zca_buffer hash = {0};
        zca_auto(zca_issued) struct zca_issued issued = {0};
        struct zca_issue_request request = {
            .org_id = world->org, .requester = "test", .csr = csr, .request_id = REQUEST_ID};
        /* The whole issuance, then the certificate's row is taken away again: what is left is what a
         * kill between the two commits leaves. */
        if (state && zca_issue_certificate(state, &request, &issued, NULL)) {
            sqlite3 *database = NULL;
            zca_auto(text) char *path = zca_path_join(world->directory, "ledger", ".db", NULL);
            (void)sqlite3_open(path, &database); /* the next line tells */
            (void)sqlite3_exec(database, "DELETE FROM certificate", NULL, NULL, NULL);
        }
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void crash_between_intent_and_record_is_recovered(void **state)
{
    struct world *world = *state;
    const struct wish wish = {.common_name = "a.corp.test"};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    zca_auto(zca_issued) struct zca_issued first = {0};
    zca_auto(zca_issued) struct zca_issued again = {0};
    zca_auto(zca_intent) struct zca_intent old = {0};
    bool found = false;
    init_ca(world);
    make_csr(&wish, key, key, &csr);
    die_after_intent(world, zca_buffer_span(&csr));
    world_reopen(world);
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    assert_true(
        zca_ledger_intent_find_by_request(ledger, world->org, REQUEST_ID, &old, &found, NULL));
    assert_true(found);
    assert_true(issue_for(world, zca_buffer_span(&csr), REQUEST_ID, &first, NULL));
    assert_true(first.certificate.intent != old.id);
    assert_true(issue_for(world, zca_buffer_span(&csr), REQUEST_ID, &again, NULL));
    assert_true(zca_span_equal(zca_buffer_span(&first.certificate.der),
                               zca_buffer_span(&again.certificate.der)));
}

static void same_request_id_for_another_request_conflicts(void **state)
{
    struct world *world = *state;
    const struct wish wish = {.common_name = "a.corp.test"};
    const struct wish other_wish = {.common_name = "b.corp.test"};
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    zca_auto(zca_buffer) struct zca_buffer other = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    zca_auto(zca_issued) struct zca_issued unused = {0};
    struct zca_error err = {0};
    init_ca(world);
    make_csr(&wish, key, key, &csr);
    make_csr(&other_wish, key, key, &other);
    assert_true(issue_for(world, zca_buffer_span(&csr), REQUEST_ID, &issued, NULL));
    assert_false(issue_for(world, zca_buffer_span(&other), REQUEST_ID, &unused, &err));
    assert_string_equal(err.code, "CONFLICT");
}

static void clock_that_went_back_stops_issuing(void **state)
{
    struct world *world = *state;
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_error err = {0};
    init_ca(world);
    struct zca_intent future = {
        .org_id = world->org,
        .authority_id = (char *)"a",
        .kind = (char *)"certificate",
        .tbs_sha256 = {.data = (uint8_t *)(uintptr_t) "h", .len = 1},
        .requester = (char *)"test",
        .profile = (char *)"leaf",
        .created_at = zca_clock_now_ms() + 3600 * 1000
    };
    assert_true(zca_ledger_intent_insert(zca_state_ledger(world->server.state), &future, NULL));
    world_reopen(world);
    assert_false(issue_for(world, zca_span_of(NULL, 0), NULL, &issued, &err));
    assert_string_equal(err.code, "CLOCK_WENT_BACK");
    assert_int_equal(err.http_status, 503);
}

static void rotation_counts_at_once_and_keeps_the_old_records(void **state)
{
    struct world *world = *state;
    zca_auto(zca_issued) struct zca_issued before = {0};
    zca_auto(zca_issued) struct zca_issued after = {0};
    zca_auto(zca_verification) struct zca_verification verification = {0};
    init_ca(world);
    assert_true(issue_for(world, zca_span_of(NULL, 0), NULL, &before, NULL));
    init_ca(world);
    assert_true(issue_for(world, zca_span_of(NULL, 0), NULL, &after, NULL));
    assert_false(zca_span_equal(zca_buffer_span(&before.issuer), zca_buffer_span(&after.issuer)));
    assert_true(zca_verify(zca_state_ledger(world->server.state), &verification, NULL));
    assert_int_equal(verification.num_certificates, 2);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(plain_certificate_has_the_guides_profile),
        CASE(requested_certificate_has_names_usage_and_key_ids),
        CASE(certificate_lives_exactly_its_ttl),
        CASE(intermediate_only_where_allowed),
        CASE(requests_beyond_the_policy_are_refused),
        CASE(weak_keys_are_refused),
        CASE(key_of_the_ca_is_not_certified),
        CASE(request_must_be_signed_well_and_by_its_key),
        CASE(cut_or_lengthened_requests_are_refused),
        CASE(refusal_is_in_the_audit_log),
        CASE(crash_between_intent_and_record_is_recovered),
        CASE(same_request_id_for_another_request_conflicts),
        CASE(clock_that_went_back_stops_issuing),
        CASE(rotation_counts_at_once_and_keeps_the_old_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
