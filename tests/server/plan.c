/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate is signed by nobody's key, so that its algorithm stands inside, and gives its body. */
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "server/authority.h"
#include "server/ledger_account.h"

#define DAY_S (24 * 3600)

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

static void add_attribute(const struct plan *plan, X509_NAME *subject)
{
    if (plan->attribute) {
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, plan->attribute, MBSTRING_UTF8,
                                                    (const uint8_t *)plan->value, -1, 0, 0),
                         1);
    }
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

void plan_take(X509 *certificate, struct zca_buffer *out)
{
    uint8_t *der = NULL;
    int len = i2d_re_X509_tbs(certificate, &der);
    assert_true(len > 0);
    assert_true(zca_buffer_append(out, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
}

X509 *plan_draft(struct world *world, const struct plan *plan)
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
    add_attribute(plan, X509_get_subject_name(certificate));
    assert_non_null(ASN1_TIME_set(X509_getm_notBefore(certificate), from));
    assert_non_null(ASN1_TIME_set(X509_getm_notAfter(certificate),
                                  from + (plan->length_s ? plan->length_s : DAY_S)));
    assert_int_equal(X509_set_pubkey(certificate, holder), 1);
    set_serial(plan, certificate);
    add_extensions(plan, ca, certificate);
    return zca_steal(certificate);
}

void plan_build(struct world *world, const struct plan *plan, struct zca_buffer *out)
{
    zca_auto(X509) X509 *certificate = plan_draft(world, plan);
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = EVP_EC_gen("P-256");
    assert_true(X509_sign(certificate, nobody, plan->digest ? plan->digest() : EVP_sha256()) > 0);
    plan_take(certificate, out);
}

bool plan_sign(struct world *world, struct zca_span tbs, enum zca_tbs_kind kind,
               struct zca_countersigned *out, struct zca_error *err)
{
    struct zca_countersign_request request = {
        .org_id = world->org, .requester = "test", .tbs = tbs, .kind = kind};
    return zca_countersign(world->server.state, &request, out, err);
}

void plan_allow(struct world *world, bool allow_intermediate, bool allow_version1,
                const char *usages)
{
    zca_auto(zca_org) struct zca_org org = {0};
    struct zca_ledger *ledger = zca_state_ledger(world->server.state);
    bool found = false;
    assert_true(zca_ledger_org_find(ledger, world->org, &org, &found, NULL));
    free(org.allowed_domains);
    free(org.allowed_ekus);
    org.allowed_domains = strdup("corp.test");
    org.allowed_ekus = strdup(usages);
    org.allow_intermediate = allow_intermediate;
    org.allow_version1 = allow_version1;
    assert_true(zca_ledger_org_update(ledger, &org, NULL));
}
