/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/openssl_auto.h"
#include "core/authority.h"
#include "core/enrol.h"
#include "core/failure.h"
#include "tests/core/scene.h"

static struct zca_authority *open_authority(struct scene *scene, const char *dialect,
                                            const char *more)
{
    scene_configure(scene, dialect, more);
    scene_open(scene, "zca://corp/web");
    return zca_identity_get_authority(scene->identity);
}

/* ---- names ---- */

static void only_authority_is_the_default(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)open_authority(scene, "plain", "");
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(scene->library, NULL, &err);
    check_ok(authority, err);
    assert_string_equal(zca_authority_get_name(authority), "corp");
    assert_string_equal(zca_authority_get_url(authority), "https://127.0.0.1:1");
    assert_string_equal(zca_authority_get_dialect(authority), "plain");
}

static void several_authorities_need_a_name(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)open_authority(scene, "plain",
                         "[authority other]\nurl = https://127.0.0.1:1\ndialect = plain\n");
    check_refused(zca_authority_open(scene->library, NULL, &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "'corp', 'other'"));
    assert_non_null(strstr(err.message, "default-authority"));
}

static void unknown_authority_suggests_the_nearest(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)open_authority(scene, "plain", "");
    check_refused(zca_authority_open(scene->library, "copr", &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "did you mean 'corp'?"));
    check_refused(zca_authority_open(scene->library, "zzzzzzzz", &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "configured: 'corp'"));
}

static void unknown_dialect_is_reported(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    unsigned capabilities = 0;
    struct zca_authority *authority = open_authority(scene, "dutch", "");
    check_refused(zca_authority_capabilities(authority, &capabilities, &err), err, ZCA_ERR_CONFIG);
}

/* ---- certificates ---- */

static bool certificates(struct zca_authority *authority, bool offline, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *stack = NULL;
    return zca_authority_certificates(authority, offline, &stack, err);
}

static void certificates_are_fetched_once_and_pinned(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    zca_auto(text) char *pinned = scene_path(scene, "state/authorities/corp/ca.pem");
    struct zca_authority *authority = open_authority(scene, "plain", "");
    check_refused(certificates(authority, true, &err), err, ZCA_ERR_NOT_FOUND);
    assert_int_equal(scene_count(scene, "ca_fetch"), 0);
    check_ok(certificates(authority, false, &err), err);
    check_ok(certificates(authority, false, &err), err);
    check_ok(certificates(authority, true, &err), err);
    assert_int_equal(scene_count(scene, "ca_fetch"), 1);
    assert_int_equal(stat(pinned, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
}

static void issuer_option_comes_first(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *more = NULL;
    assert_true(asprintf(&more, "issuer = %s/fake/rogue.pem\n", scene->directory) > 0);
    struct zca_authority *authority = open_authority(scene, "mute", more);
    zca_auto(X509_STACK) STACK_OF(X509) *stack = NULL;
    check_ok(zca_authority_certificates(authority, true, &stack, &err), err);
    assert_int_equal(X509_cmp(sk_X509_value(stack, 0), scene->rogue.certificate), 0);
}

static void pinned_ca_stays_until_pinned_anew(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer rogue = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "plain", "");
    check_ok(certificates(authority, false, &err), err);
    scene_read(scene, "fake/rogue.pem", &rogue);
    scene_write(scene, "fake/ca.pem", (const char *)rogue.data);
    zca_auto(X509_STACK) STACK_OF(X509) *before = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *after = NULL;
    check_ok(zca_authority_certificates(authority, false, &before, &err), err);
    assert_int_equal(X509_cmp(sk_X509_value(before, 0), scene->ca.certificate), 0);
    check_ok(zca_authority_pin(authority, false, &after, &err), err);
    assert_int_equal(X509_cmp(sk_X509_value(after, 0), scene->rogue.certificate), 0);
}

static void pinned_file_is_decoded_once_while_it_is_the_same(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "plain", "");
    zca_auto(X509_STACK) STACK_OF(X509) *first = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *second = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *third = NULL;
    zca_auto(zca_buffer) struct zca_buffer rogue = {.len = 0};
    check_ok(certificates(authority, false, &err), err);
    check_ok(zca_authority_certificates(authority, true, &first, &err), err);
    check_ok(zca_authority_certificates(authority, true, &second, &err), err);
    assert_ptr_equal(sk_X509_value(first, 0), sk_X509_value(second, 0));
    scene_read(scene, "fake/rogue.pem", &rogue);
    scene_write(scene, "state/authorities/corp/ca.pem", (const char *)rogue.data);
    check_ok(zca_authority_certificates(authority, true, &third, &err), err);
    assert_int_equal(X509_cmp(sk_X509_value(third, 0), scene->rogue.certificate), 0);
}

static void check_refused_ca(struct scene *scene, X509 *certificate, enum zca_reason reason,
                             const char *text)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *pem = forge_pem((X509 *const[]){certificate, NULL});
    scene_write(scene, "fake/ca.pem", pem);
    struct zca_authority *authority = open_authority(scene, "plain", "");
    check_refused(certificates(authority, false, &err), err, reason);
    if (!strstr(err.message, text)) {
        fail_msg("%s", err.message);
    }
    assert_false(scene_exists(scene, "state/authorities/corp/ca.pem"));
}

static void what_is_no_ca_is_not_pinned(void **state)
{
    struct scene *scene = *state;
    EVP_PKEY *key = forge_key();
    struct forge_order leaf = {.common_name = "web", .key = key};
    struct forge_order old = {.common_name = "CA", .key = key, .flaws = FORGE_CA | FORGE_EXPIRED};
    zca_auto(X509) X509 *end_entity = forge_issue(&scene->ca, &leaf);
    zca_auto(X509) X509 *expired = forge_issue(&scene->ca, &old);
    check_refused_ca(scene, end_entity, ZCA_ERR_VERIFY, "CA:TRUE");
    check_refused_ca(scene, expired, ZCA_ERR_VERIFY, "key usage");
    EVP_PKEY_free(key);
}

static void certificates_that_do_not_belong_together_are_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct forge_ca issuing;
    forge_ca_make(&issuing, "Issuing", &scene->ca);
    zca_auto(text) char *wrong =
        forge_pem((X509 *const[]){issuing.certificate, scene->rogue.certificate, NULL});
    scene_write(scene, "fake/ca.pem", wrong);
    struct zca_authority *authority = open_authority(scene, "plain", "");
    check_refused(certificates(authority, false, &err), err, ZCA_ERR_VERIFY);
    zca_auto(text) char *right =
        forge_pem((X509 *const[]){issuing.certificate, scene->ca.certificate, NULL});
    scene_write(scene, "fake/ca.pem", right);
    check_ok(certificates(authority, false, &err), err);
    forge_ca_clear(&issuing);
}

/* ---- CRL ---- */

static void write_crl(struct scene *scene, const struct forge_ca *ca, long next_s)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -60);
    ASN1_TIME *next = X509_gmtime_adj(NULL, next_s);
    zca_auto(text) char *path = scene_path(scene, "fake/crl.pem");
    assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->certificate)) == 1 &&
                X509_CRL_set1_lastUpdate(crl, now) == 1 &&
                X509_CRL_set1_nextUpdate(crl, next) == 1 &&
                X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509_CRL(file, crl), 1);
    (void)fclose(file);
    ASN1_TIME_free(now);
    ASN1_TIME_free(next);
    X509_CRL_free(crl);
}

static bool get_crl(struct zca_authority *authority, bool offline, struct zca_error *err)
{
    zca_auto(X509_CRL) X509_CRL *crl = zca_authority_crl(authority, offline, err);
    return crl != NULL;
}

static void crl_is_kept_until_its_next_update(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    write_crl(scene, &scene->ca, 3600);
    check_ok(get_crl(authority, false, &err), err);
    check_ok(get_crl(authority, false, &err), err);
    check_ok(get_crl(authority, true, &err), err);
    assert_int_equal(scene_count(scene, "crl_fetch"), 1);
}

static void stale_crl_is_fetched_again(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    write_crl(scene, &scene->ca, -5);
    check_ok(get_crl(authority, false, &err), err);
    check_ok(get_crl(authority, false, &err), err);
    assert_int_equal(scene_count(scene, "crl_fetch"), 2);
    check_refused(get_crl(authority, true, &err), err, ZCA_ERR_EXPIRED);
}

static void crl_of_another_ca_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    write_crl(scene, &scene->rogue, 3600);
    check_refused(get_crl(authority, false, &err), err, ZCA_ERR_VERIFY);
    assert_false(scene_exists(scene, "state/authorities/corp/crl.der"));
}

/* ---- signing ---- */

static void make_tbs(struct scene *scene, struct zca_buffer *tbs)
{
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "web.example", .key = key};
    zca_auto(X509) X509 *leaf = forge_issue(&scene->ca, &order);
    unsigned char *der = NULL;
    int len = i2d_re_X509_tbs(leaf, &der);
    assert_true(len > 0 && zca_buffer_append(tbs, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static bool sign(struct zca_authority *authority, const char *digest, struct zca_span tbs,
                 struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer signature = {.len = 0};
    return zca_authority_sign(authority, digest, tbs, &signature, err) && signature.len > 0;
}

static void certificate_is_signed_and_checked(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer tbs = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    make_tbs(scene, &tbs);
    check_ok(sign(authority, "SHA256", zca_buffer_span(&tbs), &err), err);
    check_ok(sign(authority, "SHA2-256", zca_buffer_span(&tbs), &err), err);
    assert_int_equal(scene_count(scene, "sign"), 2);
}

static void signature_of_another_key_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer tbs = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    scene_plan(scene, "sign: rogue\n");
    make_tbs(scene, &tbs);
    check_refused(sign(authority, "SHA256", zca_buffer_span(&tbs), &err), err, ZCA_ERR_VERIFY);
}

static void allow_blind_signatures(struct scene *scene)
{
    zca_auto(zca_buffer) struct zca_buffer config = {.len = 0};
    zca_auto(text) char *text = NULL;
    scene_read(scene, "zca.conf", &config);
    assert_int_equal(strncmp((char *)config.data, "[zca]\n", 6), 0);
    assert_true(asprintf(&text, "[zca]\nblind-sign = yes\n%s", (char *)config.data + 6) > 0);
    scene_write(scene, "zca.conf", text);
    scene_open(scene, "zca://corp/web");
}

static void bare_digest_is_refused_unless_allowed(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_span digest = zca_span_of("01234567890123456789012345678901", 32);
    struct zca_authority *authority = open_authority(scene, "signing", "");
    check_refused(sign(authority, "SHA256", digest, &err), err, ZCA_ERR_POLICY);
    assert_non_null(strstr(err.message, "blind-sign"));
    assert_int_equal(scene_count(scene, "open"), 0); /* not even asked */
    allow_blind_signatures(scene);
    authority = zca_identity_get_authority(scene->identity);
    check_ok(sign(authority, "SHA256", digest, &err), err);
}

static void authority_that_cannot_sign_names_the_way_that_works(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer tbs = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "plain", "");
    make_tbs(scene, &tbs);
    check_refused(sign(authority, "SHA256", zca_buffer_span(&tbs), &err), err, ZCA_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "openssl x509 -in zca://corp/NAME"));
    assert_non_null(strstr(err.message, "zca cert NAME"));
}

static void weak_digest_is_not_asked_for(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer tbs = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    make_tbs(scene, &tbs);
    check_refused(sign(authority, "MD5", zca_buffer_span(&tbs), &err), err, ZCA_ERR_UNSUPPORTED);
    assert_int_equal(scene_count(scene, "sign"), 0);
}

static void refusal_keeps_the_code_of_the_authority(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer tbs = {.len = 0};
    struct zca_authority *authority = open_authority(scene, "signing", "");
    scene_plan(scene, "sign: refuse\n");
    make_tbs(scene, &tbs);
    check_refused(sign(authority, "SHA256", zca_buffer_span(&tbs), &err), err, ZCA_ERR_QUARANTINED);
    assert_string_equal(err.code, "MACHINE_QUARANTINED");
    assert_int_equal(err.http_status, 403);
}

/* ---- clients ---- */

static void connection_is_shared_by_identities(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    (void)open_authority(scene, "plain", "");
    for (int i = 0; i < 3; i++) {
        zca_auto(zca_authority) struct zca_authority *authority =
            zca_authority_open(scene->library, "corp", &err);
        check_ok(authority && zca_authority_client(authority, &err), err);
    }
    assert_int_equal(scene_count(scene, "open"), 1);
    scene_close(scene);
    assert_int_equal(scene_count(scene, "close"), 1);
}

/* ---- credentials ---- */

static struct zca_authority *open_with_credential(struct scene *scene, const char *credential)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = zca_authority_open(scene->library, "corp", &err);
    check_ok(authority && zca_authority_use_credential(authority, zca_span_text(credential), &err),
             err);
    return authority;
}

static void credential_goes_to_the_authority_and_not_to_the_next_client(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    int64_t expires_at_s = -1;
    struct zca_authority *other = open_authority(scene, "plain", "");
    struct zca_authority *authority = open_with_credential(scene, "token-1");
    assert_true(zca_authority_has_credential(authority));
    check_ok(zca_authority_check_credential(authority, &expires_at_s, &err), err);
    assert_int_equal(expires_at_s, 0);
    zca_authority_close(authority);
    assert_false(zca_authority_has_credential(other));
    check_ok(zca_authority_check_credential(other, &expires_at_s, &err), err);
    assert_int_equal(scene_count(scene, "open"), 1);
    assert_int_equal(scene_count(scene, "whoami"), 2);
    assert_int_equal(scene_count(scene, "as token-1"), 1);
}

static void refused_credential_that_says_so_has_expired(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    int64_t expires_at_s = 0;
    (void)open_authority(scene, "plain", "");
    scene_plan(scene, "whoami: unauthorised unauthorised unavailable\n");
    zca_auto(zca_authority) struct zca_authority *young = open_with_credential(scene, "token-1");
    zca_auto(zca_authority) struct zca_authority *old = open_with_credential(scene, "old-token");
    check_refused(zca_authority_check_credential(young, &expires_at_s, &err), err, ZCA_ERR_AUTH);
    check_refused(zca_authority_check_credential(old, &expires_at_s, &err), err, ZCA_ERR_EXPIRED);
    check_refused(zca_authority_check_credential(old, &expires_at_s, &err), err,
                  ZCA_ERR_UNAVAILABLE);
}

static void empty_credential_is_none(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "plain", "");
    check_refused(zca_authority_use_credential(authority, zca_span_text(""), &err), err,
                  ZCA_ERR_AUTH);
    assert_false(zca_authority_has_credential(authority));
}

static void failure_with_a_credential_is_not_told_to_others(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_authority *authority = open_authority(scene, "plain", "");
    scene_plan(scene, "submit: unauthorised\n");
    check_refused(zca_enrol(scene->identity, ZCA_ENROL_IF_NEEDED, NULL, &err), err, ZCA_ERR_AUTH);
    assert_true(scene_exists(scene, "state/orders/corp/web.failed"));
    zca_failure_forget(scene->identity);
    check_ok(zca_authority_use_credential(authority, zca_span_text("token-1"), &err), err);
    check_refused(zca_enrol(scene->identity, ZCA_ENROL_IF_NEEDED, NULL, &err), err, ZCA_ERR_AUTH);
    assert_false(scene_exists(scene, "state/orders/corp/web.failed"));
    assert_int_equal(scene_count(scene, "as token-1"), 1);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(only_authority_is_the_default),
        SCENE(several_authorities_need_a_name),
        SCENE(unknown_authority_suggests_the_nearest),
        SCENE(unknown_dialect_is_reported),
        SCENE(certificates_are_fetched_once_and_pinned),
        SCENE(issuer_option_comes_first),
        SCENE(pinned_ca_stays_until_pinned_anew),
        SCENE(pinned_file_is_decoded_once_while_it_is_the_same),
        SCENE(what_is_no_ca_is_not_pinned),
        SCENE(certificates_that_do_not_belong_together_are_refused),
        SCENE(crl_is_kept_until_its_next_update),
        SCENE(stale_crl_is_fetched_again),
        SCENE(crl_of_another_ca_is_refused),
        SCENE(certificate_is_signed_and_checked),
        SCENE(signature_of_another_key_is_refused),
        SCENE(bare_digest_is_refused_unless_allowed),
        SCENE(authority_that_cannot_sign_names_the_way_that_works),
        SCENE(weak_digest_is_not_asked_for),
        SCENE(refusal_keeps_the_code_of_the_authority),
        SCENE(connection_is_shared_by_identities),
        SCENE(credential_goes_to_the_authority_and_not_to_the_next_client),
        SCENE(refused_credential_that_says_so_has_expired),
        SCENE(empty_credential_is_none),
        SCENE(failure_with_a_credential_is_not_told_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
