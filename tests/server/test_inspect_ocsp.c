/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP answers built elsewhere: signed when they say what the ledger says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/ocsp.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "server/authority.h"
#include "server/countersign.h"
#include "server/issue.h"
#include "world.h"

struct scene {
    struct world *world;
    struct zca_authority *authority;
    struct zca_issued issued;
};

static void set_up(struct scene *scene, struct world *world)
{
    struct zca_issue_request request = {.org_id = world->org, .requester = "test", .plain = true};
    zca_auto(zca_authority_row) struct zca_authority_row row = {0};
    *scene = (struct scene){.world = world};
    assert_true(zca_issue_authority(world->server.state, world->org, "test", &row, NULL));
    assert_true(zca_issue_certificate(world->server.state, &request, &scene->issued, NULL));
    scene->authority =
        zca_authority_open(zca_state_authorities(world->server.state), world->org, NULL);
    assert_non_null(scene->authority);
}

static void tear_down(struct scene *scene)
{
    zca_authority_free(scene->authority);
    zca_issued_clear(&scene->issued);
}

ZCA_DEFINE_AUTO_CLEAR(scene, struct scene, tear_down);

/* A certificate with the CA's name and a key nobody keeps: the responder's name is then the CA's. */
static X509 *make_double(X509 *ca, EVP_PKEY *nobody)
{
    X509 *copy = X509_dup(ca);
    assert_int_equal(X509_set_pubkey(copy, nobody), 1);
    assert_true(X509_sign(copy, nobody, EVP_sha256()) > 0);
    return copy;
}

static void take_tbs(OCSP_BASICRESP *response, struct zca_buffer *out)
{
    uint8_t *der = NULL;
    int len = i2d_OCSP_BASICRESP(response, &der);
    const uint8_t *cursor = der;
    long inner = 0;
    int tag = 0;
    int class = 0;
    assert_true(len > 0);
    assert_int_equal(ASN1_get_object(&cursor, &inner, &tag, &class, len) & 0x80, 0);
    const uint8_t *start = cursor;
    assert_int_equal(ASN1_get_object(&cursor, &inner, &tag, &class, inner) & 0x80, 0);
    assert_true(
        zca_buffer_append(out, zca_span_of(start, (size_t)(cursor - start) + (size_t)inner), NULL));
    OPENSSL_free(der);
}

/* issuer NULL: the CA. this_s: added to now. */
static void build(const struct scene *scene, X509 *issuer, const ASN1_INTEGER *serial, int status,
                  int this_s, struct zca_buffer *out)
{
    X509 *ca = zca_authority_certificate(scene->authority);
    X509 *subject_of = issuer ? issuer : ca;
    zca_auto(EVP_PKEY) EVP_PKEY *nobody = EVP_EC_gen("P-256");
    zca_auto(X509) X509 *copy = make_double(ca, nobody);
    OCSP_BASICRESP *response = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(subject_of),
                                       X509_get0_pubkey_bitstr(subject_of), serial);
    ASN1_TIME *now = X509_gmtime_adj(NULL, this_s);
    ASN1_TIME *next = X509_gmtime_adj(NULL, this_s + 3600);
    assert_non_null(
        OCSP_basic_add1_status(response, id, status, OCSP_REVOKED_STATUS_NOSTATUS, now, now, next));
    assert_int_equal(OCSP_basic_sign(response, copy, nobody, EVP_sha256(), NULL, OCSP_NOCERTS), 1);
    take_tbs(response, out);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    OCSP_CERTID_free(id);
    OCSP_BASICRESP_free(response);
}

static void assert_answer(const struct scene *scene, struct zca_span tbs, const char *code)
{
    zca_auto(zca_countersigned) struct zca_countersigned result = {0};
    struct zca_countersign_request request = {
        .org_id = scene->world->org, .requester = "test", .tbs = tbs, .kind = ZCA_TBS_OCSP};
    struct zca_error err = {0};
    assert_int_equal(zca_countersign(scene->world->server.state, &request, &result, &err), !*code);
    assert_string_equal(err.code, code);
}

static void check_status(const struct scene *scene, const ASN1_INTEGER *serial, int status,
                         const char *code)
{
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    build(scene, NULL, serial, status, 0, &tbs);
    assert_answer(scene, zca_buffer_span(&tbs), code);
}

static X509 *leaf_of(const struct scene *scene)
{
    X509 *leaf =
        zca_der_parse_certificate(NULL, zca_buffer_span(&scene->issued.certificate.der), NULL);
    assert_non_null(leaf);
    return leaf;
}

static void status_must_be_what_the_ledger_knows(void **state)
{
    zca_auto(scene) struct scene scene = {0};
    set_up(&scene, *state);
    zca_auto(X509) X509 *leaf = leaf_of(&scene);
    zca_auto(ASN1_INTEGER) ASN1_INTEGER *unknown = ASN1_INTEGER_new();
    const ASN1_INTEGER *serial = X509_get0_serialNumber(leaf);
    bool changed = false;
    assert_int_equal(ASN1_INTEGER_set(unknown, 4711), 1);
    check_status(&scene, serial, V_OCSP_CERTSTATUS_GOOD, "");
    check_status(&scene, unknown, V_OCSP_CERTSTATUS_GOOD, "OCSP_STATUS_WRONG");
    check_status(&scene, unknown, V_OCSP_CERTSTATUS_UNKNOWN, "");
    check_status(&scene, unknown, V_OCSP_CERTSTATUS_REVOKED, "");
    assert_true(zca_ledger_certificate_revoke(zca_state_ledger(scene.world->server.state),
                                              scene.world->org, scene.issued.certificate.id, 1, "x",
                                              &changed, NULL));
    check_status(&scene, serial, V_OCSP_CERTSTATUS_GOOD, "OCSP_STATUS_WRONG");
    check_status(&scene, serial, V_OCSP_CERTSTATUS_UNKNOWN, "OCSP_STATUS_WRONG");
    check_status(&scene, serial, V_OCSP_CERTSTATUS_REVOKED, "");
}

static void answer_must_be_fresh_and_of_this_ca(void **state)
{
    zca_auto(scene) struct scene scene = {0};
    set_up(&scene, *state);
    zca_auto(X509) X509 *leaf = leaf_of(&scene);
    zca_auto(zca_buffer) struct zca_buffer old = {0};
    zca_auto(zca_buffer) struct zca_buffer foreign = {0};
    build(&scene, NULL, X509_get0_serialNumber(leaf), V_OCSP_CERTSTATUS_GOOD, -4000, &old);
    assert_answer(&scene, zca_buffer_span(&old), "INVALID_VALIDITY");
    build(&scene, leaf, X509_get0_serialNumber(leaf), V_OCSP_CERTSTATUS_GOOD, 0, &foreign);
    assert_answer(&scene, zca_buffer_span(&foreign), "WRONG_ISSUER");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(status_must_be_what_the_ledger_knows),
        CASE(answer_must_be_fresh_and_of_this_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
