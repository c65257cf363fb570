/* SPDX-License-Identifier: Apache-2.0 */
/* What an organisation's settings and the CA's own name mean for certificates made here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "plan.h"
#include "server/issue.h"
#include "world.h"

static void init_ca(struct world *world)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
}

static void make_csr(const char *const (*attributes)[2], const char *constraints,
                     struct zca_buffer *out)
{
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new();
    zca_auto(EVP_PKEY) EVP_PKEY *key = EVP_EC_gen("P-256");
    for (size_t i = 0; attributes[i][0]; i++) {
        assert_int_equal(X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(request),
                                                    attributes[i][0], MBSTRING_UTF8,
                                                    (const uint8_t *)attributes[i][1], -1, -1, 0),
                         1);
    }
    if (constraints) {
        STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
        X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, "basicConstraints", constraints);
        assert_true(sk_X509_EXTENSION_push(extensions, extension) > 0);
        assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    }
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
    assert_true(zca_der_request(request, out, NULL));
}

static void assert_code(struct world *world, const struct zca_issue_request *request,
                        const char *code)
{
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_error err = {0};
    assert_int_equal(zca_issue_certificate(world->server.state, request, &issued, &err), !*code);
    assert_string_equal(err.code, code);
}

/* ---- usages ---- */

/* wanted: short names with a space after each; NULL: the certificate has no usage. */
static void assert_usage(struct world *world, const char *const *dns_names, const char *wanted)
{
    zca_auto(zca_issued) struct zca_issued issued = {0};
    zca_auto(zca_buffer) struct zca_buffer found = {0};
    struct zca_issue_request request = {.org_id = world->org,
                                        .requester = "test",
                                        .subject_cn = "a.corp.test",
                                        .dns_names = dns_names,
                                        .plain = !dns_names};
    assert_true(zca_issue_certificate(world->server.state, &request, &issued, NULL));
    zca_auto(X509) X509 *certificate =
        zca_der_parse_certificate(NULL, zca_buffer_span(&issued.certificate.der), NULL);
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    assert_int_equal(usage != NULL, wanted != NULL);
    for (int i = 0; i < sk_ASN1_OBJECT_num(usage); i++) {
        const char *name = OBJ_nid2sn(OBJ_obj2nid(sk_ASN1_OBJECT_value(usage, i)));
        assert_true(zca_buffer_format(&found, NULL, "%s ", name));
    }
    EXTENDED_KEY_USAGE_free(usage);
    assert_string_equal(wanted ? (const char *)found.data : "", wanted ? wanted : "");
}

static void usages_are_those_of_the_organisation(void **state)
{
    struct world *world = *state;
    static const char *const names[] = {"a.corp.test", NULL};

    static const struct {
        const char *usages, *leaf, *plain;
    } rows[] = {
        {"serverAuth clientAuth",             "serverAuth clientAuth ", NULL         },
        {"clientAuth,codeSigning,serverAuth", "serverAuth clientAuth ", NULL         },
        {"serverAuth",                        "serverAuth ",            "serverAuth "},
        {"clientAuth emailProtection",        "clientAuth ",            "clientAuth "},
    };

    init_ca(world);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        plan_allow(world, false, true, rows[i].usages);
        assert_usage(world, names, rows[i].leaf);
        assert_usage(world, NULL, rows[i].plain);
    }
}

static void without_a_usage_to_give_there_is_no_certificate(void **state)
{
    struct world *world = *state;
    const struct zca_issue_request plain = {.org_id = world->org, .plain = true};
    const struct zca_issue_request leaf = {.org_id = world->org};
    init_ca(world);
    plan_allow(world, false, true, "codeSigning");
    assert_code(world, &plain, "USAGE_NOT_ALLOWED");
    assert_code(world, &leaf, "USAGE_NOT_ALLOWED");
}

/* ---- the CA's own name ---- */

static void own_name_is_not_given_away(void **state)
{
    struct world *world = *state;
    static const char *const names[][5][2] = {
        {{"O", "QuickZTNA"},               {"CN", "QuickZTNA CA"}},
        {                  {"O", "QUICKZTNA"},         {"CN", "quickztna  ca"}                      },
 /* a certificate does not take the last part over */
        { {"O", "QuickZTNA"}, {"CN", "QuickZTNA CA"},                       {"emailAddress", "a@corp.test"}},
    };
    init_ca(world);
    plan_allow(world, true, true, "serverAuth clientAuth");
    for (size_t i = 0; i < 2 * ZCA_COUNT(names); i++) {
        zca_auto(zca_buffer) struct zca_buffer csr = {0};
        make_csr(names[i / 2], i % 2 ? "critical,CA:TRUE" : NULL, &csr);
        const struct zca_issue_request request = {
            .org_id = world->org, .requester = "test", .csr = zca_buffer_span(&csr)};
        assert_code(world, &request, "NAME_NOT_ALLOWED");
    }
}

/* ---- repeats ---- */

static void same_request_id_for_another_lifetime_conflicts(void **state)
{
    struct world *world = *state;
    static const char *const name[][2] = {
        {"CN", "a.corp.test"},
        {NULL, NULL         }
    };
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    init_ca(world);
    make_csr(name, NULL, &csr);
    struct zca_issue_request request = {
        .org_id = world->org,
        .requester = "test",
        .csr = zca_buffer_span(&csr),
        .request_id = "00112233445566778899aabbccddeeff",
        .ttl = {.has_hours = true, .hours = 2, .has_seconds = true, .seconds = 7200}
    };
    assert_code(world, &request, "");
    assert_code(world, &request, "");
    request.ttl.seconds = 3600;
    assert_code(world, &request, "CONFLICT");
    request.ttl = (struct zca_ttl){0};
    assert_code(world, &request, "CONFLICT");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(usages_are_those_of_the_organisation),
        CASE(without_a_usage_to_give_there_is_no_certificate),
        CASE(own_name_is_not_given_away),
        CASE(same_request_id_for_another_lifetime_conflicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
