/* SPDX-License-Identifier: Apache-2.0 */
/* What a client built: one good certificate, and one change at a time that is judged. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "plan.h"
#include "server/issue.h"
#include "world.h"

static void init_ca(struct world *world)
{
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
}

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
    {                                                      .extensions = {{"1.2.3.4", "DER:0500"}},                             .code = "EXTENSION_NOT_ALLOWED"},
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

static void assert_judged(struct world *world, const struct plan *plan)
{
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_error err = {0};
    plan_build(world, plan, &tbs);
    bool ok = plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, &err);
    if (ok != !plan->code || strcmp(err.code, plan->code ? plan->code : "") != 0) {
        fail_msg("%s, extension %s %s: wanted %s, found %s: %s", plan->common_name,
                 plan->extensions[0][0], plan->extensions[0][1], plan->code ? plan->code : "-",
                 err.code, err.message);
    }
}

static void each_change_is_judged(void **state)
{
    struct world *world = *state;
    init_ca(world);
    plan_allow(world, false, true, "serverAuth clientAuth");
    for (size_t i = 0; i < ZCA_COUNT(plans); i++) {
        assert_judged(world, &plans[i]);
    }
}

static const struct {
    const char *attribute, *value; /* before the common name */
    const char *common_name;
    const char *code;
} subjects[] = {
    {"O",            "QuickZTNA",       "QuickZTNA CA",     "NAME_NOT_ALLOWED"},
    {"O",            "QUICKZTNA",       "quickztna  ca",    "NAME_NOT_ALLOWED"},
    {"O",            "Other",           "QuickZTNA CA",     NULL              },
    {"emailAddress", "ceo@victim.test", "Some One",         "NAME_NOT_ALLOWED"},
    {"emailAddress", "eve@corp.test",   "Some One",         NULL              },
    {"UID",          "root",            "web.corp.test",    "NAME_NOT_ALLOWED"},
    {"O",            "Corp",            "www.victim.test.", "NAME_NOT_ALLOWED"},
};

static void each_subject_is_judged(void **state)
{
    struct world *world = *state;
    init_ca(world);
    plan_allow(world, false, true, "serverAuth clientAuth");
    for (size_t i = 0; i < ZCA_COUNT(subjects); i++) {
        const struct plan plan = {.attribute = subjects[i].attribute,
                                  .value = subjects[i].value,
                                  .common_name = subjects[i].common_name,
                                  .code = subjects[i].code};
        assert_judged(world, &plan);
    }
}

static const struct {
    const char *name, *value;
    const char *code;
} extensions[] = {
    {"nsComment",              "made by OpenSSL",                                                  NULL                   },
    {"subjectKeyIdentifier",   "hash",                                                             NULL                   },
    {"authorityKeyIdentifier", "keyid,issuer:always",                                              NULL                   },
    {"tlsfeature",             "status_request",                                                   NULL                   },
    {"crlDistributionPoints",  "URI:http://crl.corp.test/a.crl",                                   NULL                   },
    {"authorityInfoAccess",    "OCSP;URI:http://ocsp.corp.test/",                                  NULL                   },
    {"authorityInfoAccess",    "caIssuers;URI:http://corp.test/a.cer",                             NULL                   },
 /* the policy 1.2.3.4; the same with a CPS qualifier, and with one that nobody knows */
    {"certificatePolicies",    "DER:3007300506032a0304",                                           NULL                   },
    {"certificatePolicies",    "DER:301c301a06032a03043013301106082b060105050702011605687474703a",
     NULL                                                                                                                 },
    {"certificatePolicies",    "DER:3012301006032a03043009300706032a03050500",
     "EXTENSION_NOT_ALLOWED"                                                                                              },
    {"authorityInfoAccess",    "1.2.3.4;URI:http://a.corp.test/",                                  "EXTENSION_NOT_ALLOWED"},
    {"authorityInfoAccess",    "OCSP;DNS:a.corp.test",                                             "EXTENSION_NOT_ALLOWED"},
    {"crlDistributionPoints",  "DNS:crl.corp.test",                                                "EXTENSION_NOT_ALLOWED"},
 /* another issuer of the CRL; a part of the reasons */
    {"crlDistributionPoints",  "DER:30143012a210a40e300c310a300806035504030c0178",
     "EXTENSION_NOT_ALLOWED"                                                                                              },
    {"crlDistributionPoints",  "DER:3011300fa009a0078605687474703a81020640",
     "EXTENSION_NOT_ALLOWED"                                                                                              },
 /* who somebody is on a Windows network */
    {"1.3.6.1.4.1.311.25.2",   "DER:3003040101",                                                   "EXTENSION_NOT_ALLOWED"},
    {"policyMappings",         "1.2.3.4:1.2.3.5",                                                  "EXTENSION_NOT_ALLOWED"},
    {"issuerAltName",          "DNS:a.corp.test",                                                  "EXTENSION_NOT_ALLOWED"},
 /* a.corp.test, then a second list with evil.test */
    {"subjectAltName",         "DER:300d820b612e636f72702e74657374300b82096576696c2e74657374",
     "INVALID_TBS"                                                                                                        },
    {"keyUsage",               "DER:030207800500",                                                 "INVALID_TBS"          },
    {"basicConstraints",       "DER:3003010100",                                                   "INVALID_TBS"          }, /* FALSE is left out in DER */
};

static void each_extension_is_judged(void **state)
{
    struct world *world = *state;
    init_ca(world);
    plan_allow(world, false, true, "serverAuth clientAuth");
    for (size_t i = 0; i < ZCA_COUNT(extensions); i++) {
        const struct plan plan = {.extensions = {{extensions[i].name, extensions[i].value}},
                                  .code = extensions[i].code};
        assert_judged(world, &plan);
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
    zca_auto(X509) X509 *certificate = plan_draft(world, &plan);
    assert_int_equal(EVP_DigestSignInit(operation, &parameters, EVP_sha256(), NULL, nobody), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) > 0);
    assert_true(X509_sign_ctx(certificate, operation) > 0);
    plan_take(certificate, &tbs);
    assert_false(plan_sign(world, zca_buffer_span(&tbs), ZCA_TBS_CERTIFICATE, &result, &err));
    assert_string_equal(err.code, "WEAK_DIGEST");
    assert_non_null(
        strstr(err.message, "The signature algorithm inside must be ecdsa-with-SHA256"));
}

static void version1_only_where_allowed(void **state)
{
    struct world *world = *state;
    const struct plan old = {.version1 = true, .code = "VERSION_NOT_ALLOWED"};
    init_ca(world);
    plan_allow(world, true, false, "serverAuth clientAuth");
    assert_judged(world, &old);
}

static const struct plan intermediates[] = {
    {.extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:0"}},            .code = NULL            },
    {.extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:0"},
                    {"keyUsage", "keyCertSign"}},
     .code = NULL                                                                                           },
    {.extensions = {{"basicConstraints", "critical,CA:TRUE"}},                      .code = "CA_NOT_ALLOWED"},
    {.extensions = {{"basicConstraints", "critical,CA:TRUE,pathlen:1"}},            .code = "CA_NOT_ALLOWED"},
    {.extensions = {{"keyUsage", "keyCertSign"}},                                   .code = "CA_NOT_ALLOWED"},
    {.extensions = {{"basicConstraints", "CA:FALSE"}, {"keyUsage", "keyCertSign"}},
     .code = "CA_NOT_ALLOWED"                                                                               },
    {.extensions = {{"nsCertType", "sslCA"}},                                       .code = "CA_NOT_ALLOWED"},
};

static void intermediates_have_no_cas_below(void **state)
{
    struct world *world = *state;
    init_ca(world);
    plan_allow(world, true, true, "serverAuth clientAuth");
    for (size_t i = 0; i < ZCA_COUNT(intermediates); i++) {
        assert_judged(world, &intermediates[i]);
    }
}

static const struct plan narrowed[] = {
    {.extensions = {{"extendedKeyUsage", "serverAuth"}},            .code = NULL               },
    {.extensions = {{"extendedKeyUsage", "serverAuth,clientAuth"}}, .code = "USAGE_NOT_ALLOWED"},
    {.code = "USAGE_NOT_ALLOWED"                                  },
    {.extensions = {{"basicConstraints", "CA:FALSE"}},                                  .code = "USAGE_NOT_ALLOWED"                           },
    {.version1 = true,                                  .code = "USAGE_NOT_ALLOWED"},
};

static void no_usage_is_not_every_usage(void **state)
{
    struct world *world = *state;
    init_ca(world);
    plan_allow(world, false, true, "serverAuth");
    for (size_t i = 0; i < ZCA_COUNT(narrowed); i++) {
        assert_judged(world, &narrowed[i]);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_change_is_judged),       CASE(each_subject_is_judged),
        CASE(each_extension_is_judged),    CASE(pss_inside_is_refused_in_words),
        CASE(version1_only_where_allowed), CASE(intermediates_have_no_cas_below),
        CASE(no_usage_is_not_every_usage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
