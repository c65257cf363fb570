/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the org CA is asked to sign: the first byte says as what the rest is taken, a request or a
 * to-be-signed structure. What passes keeps the policy's promises: no CA, a name of the organisation,
 * a key of a known kind, the CA as issuer.
 */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/err.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "server/authority.h"
#include "server/csr.h"
#include "server/inspect.h"
#include "server/ledger.h"
#include "tests/fuzz/demand.h"

/* When the corpus was made: its dates are judged from here. */
#define NOW_MS (INT64_C(1795250793) * 1000)

static struct zca_authority *authority;
static struct zca_ledger *ledger;
static const struct zca_policy policy = {
    .org = {.id = (char *)"o",
            .cert_ttl_hours = 24,
            .max_cert_ttl_hours = 720,
            .allowed_domains = (char *)"corp.test",
            .allowed_ekus = (char *)"serverAuth clientAuth",
            .allow_version1 = true}
};

static X509 *make_ca(EVP_PKEY *key)
{
    X509 *ca = X509_new();
    X509_NAME *name = X509_get_subject_name(ca);
    demand(X509_set_version(ca, X509_VERSION_3) == 1 &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const uint8_t *)"QuickZTNA", -1,
                                      -1, 0) == 1 &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const uint8_t *)"QuickZTNA CA",
                                      -1, -1, 0) == 1 &&
           X509_set_issuer_name(ca, name) == 1 && X509_set_pubkey(ca, key) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(ca), NOW_MS / 1000 - 60) &&
           ASN1_TIME_set(X509_getm_notAfter(ca), NOW_MS / 1000 + 315360000) &&
           X509_sign(ca, key, EVP_sha256()) > 0);
    return ca;
}

/* An empty ledger without a name: its reader is open before its directory goes. */
static void start(void)
{
    char directory[] = "/tmp/zca-fuzz-XXXXXX";
    char command[] = "rm -rf /tmp/zca-fuzz-XXXXXX";
    demand(mkdtemp(directory) != NULL);
    memcpy(command + strlen("rm -rf "), directory, strlen(directory));
    zca_auto(text) char *path = zca_path_join(directory, "ledger", ".db", NULL);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    demand(key && path);
    zca_auto(X509) X509 *ca = make_ca(key);
    authority = zca_authority_new("a", "o", key, ca, NULL);
    ledger = zca_ledger_open(path, NULL);
    demand(authority && ledger && zca_ledger_check(ledger, NULL) && system(command) == 0);
}

static void check_request(struct zca_span text)
{
    zca_auto(zca_csr) struct zca_csr csr = {0};
    struct zca_error err = {0};
    if (!zca_csr_parse(NULL, text, &policy, zca_authority_key(authority), &csr, &err)) {
        demand(err.code[0] != '\0' || err.reason == ZCA_ERR_MEMORY);
        return;
    }
    demand(!csr.is_ca && X509_REQ_get0_pubkey(csr.request));
    demand(X509_REQ_verify(csr.request, X509_REQ_get0_pubkey(csr.request)) == 1);
}

static void check_certificate(struct zca_span tbs)
{
    zca_auto(X509) X509 *certificate = zca_tbs_certificate(NULL, tbs, NULL);
    demand(certificate && X509_check_ca(certificate) == 0);
    demand(X509_NAME_cmp(X509_get_issuer_name(certificate),
                         X509_get_subject_name(zca_authority_certificate(authority))) == 0);
    demand(X509_NAME_cmp(X509_get_subject_name(certificate),
                         X509_get_subject_name(zca_authority_certificate(authority))) != 0);
    demand(X509_check_host(certificate, "evil.test", 0, 0, NULL) != 1);
}

static void check_structure(struct zca_span tbs)
{
    zca_auto(zca_inspected) struct zca_inspected inspected = {0};
    struct zca_error err = {0};
    struct zca_inspection inspection = {.ledger = ledger,
                                        .authority = authority,
                                        .policy = &policy,
                                        .algorithm = zca_authority_algorithm(authority, NULL),
                                        .tbs = tbs,
                                        .now_ms = NOW_MS};
    enum zca_tbs_kind kind = zca_tbs_classify(tbs);
    if (!zca_inspect(&inspection, kind, &inspected, &err)) {
        demand(err.code[0] != '\0' || err.reason == ZCA_ERR_MEMORY);
    } else if (kind == ZCA_TBS_CERTIFICATE) {
        check_certificate(tbs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (!authority) {
        start();
    }
    if (len > 0 && data[0] == 'r') {
        check_request(zca_span_of(data + 1, len - 1));
    } else if (len > 0) {
        check_structure(zca_span_of(data + 1, len - 1));
    }
    ERR_clear_error();
    return 0;
}
