/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <openssl/pem.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/csr.h"
#include "core/import.h"
#include "core/order.h"
#include "tests/core/scene.h"

static void start(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(scene->identity, &err);
    check_ok(key, err);
}

/* A certificate for the identity's key, but for its flaws, by whatever CA. */
static void forge(struct scene *scene, const struct forge_ca *ca, unsigned flaws,
                  struct zca_buffer *out_der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, &err);
    check_ok(key, err);
    const uint8_t *at = zca_key_get_public(key).data;
    zca_auto(EVP_PKEY) EVP_PKEY *public_key =
        d2i_PUBKEY(NULL, &at, (long)zca_key_get_public(key).len);
    zca_auto(EVP_PKEY) EVP_PKEY *other = forge_key();
    const struct forge_order order = {
        .common_name = "web",
        .key = (flaws & FORGE_OTHER_KEY) != 0 ? other : public_key,
        .flaws = flaws,
    };
    zca_auto(X509) X509 *certificate = forge_issue(ca, &order);
    check_ok(zca_der_certificate(certificate, out_der, &err), err);
}

/* A request of the identity's key, which its tool signed. */
static void capture(struct scene *scene, struct zca_buffer *out_der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, &err);
    check_ok(key, err);
    const struct zca_csr_names names = {.common_name = "web"};
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &names, &err);
    check_ok(request && zca_der_request(request, out_der, &err) &&
                 zca_identity_capture(scene->identity, zca_buffer_span(out_der), &err),
             err);
}

/* Opens the identity with that request in a file. */
static void open_with_file(struct scene *scene, const char *name, const struct zca_buffer *request)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *uri = NULL;
    zca_auto(text) char *path = scene_path(scene, "web.csr");
    check_ok(zca_file_store(path, 0600, zca_buffer_span(request), &err), err);
    assert_true(asprintf(&uri, "zca://corp/%s?csr=%s", name, path) > 0);
    scene_open(scene, uri);
}

static bool import(struct scene *scene, const struct zca_buffer *der, struct zca_error *err)
{
    return zca_import(scene->identity, zca_buffer_span(der), err);
}

static bool is_stored(struct scene *scene, const struct zca_buffer *der)
{
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    zca_auto(zca_buffer) struct zca_buffer found = {.len = 0};
    return zca_identity_certificates(scene->identity, &chain, NULL) &&
           zca_der_certificate(sk_X509_value(chain, 0), &found, NULL) &&
           zca_span_equal(zca_buffer_span(&found), zca_buffer_span(der));
}

static void import_makes_it_the_certificate(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer second = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &first);
    forge(scene, &scene->ca, 0, &second);
    check_ok(import(scene, &first, &err), err);
    assert_true(is_stored(scene, &first));
    check_ok(import(scene, &second, &err), err);
    assert_true(is_stored(scene, &second));
    assert_true(scene_exists(scene, "state/certs/corp/web.pem.previous"));
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_identity_chain_or_enrol(scene->identity, &err);
    check_ok(chain, err);
    assert_int_equal(scene_count(scene, "submit"), 0);
}

static void import_refuses_what_the_authority_might_not_answer(void **state)
{
    static const struct {
        unsigned flaws;
        enum zca_reason reason;
        const char *text;
    } rows[] = {
        {FORGE_OTHER_KEY,  ZCA_ERR_VERIFY,  "another key"        },
        {FORGE_OTHER_NAME, ZCA_ERR_VERIFY,  "other names"        },
        {FORGE_EXTRA_NAME, ZCA_ERR_VERIFY,  "nobody asked for"   },
        {FORGE_CA,         ZCA_ERR_VERIFY,  "is a CA certificate"},
        {FORGE_EXPIRED,    ZCA_ERR_EXPIRED, "not valid after"    },
        {FORGE_FUTURE,     ZCA_ERR_VERIFY,  "not valid before"   },
        {FORGE_VERSION_1,  ZCA_ERR_VERIFY,  "version 1"          },
    };
    struct scene *scene = *state;
    start(scene);
    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
        forge(scene, &scene->ca, rows[i].flaws, &der);
        check_refused(import(scene, &der, &err), err, rows[i].reason);
        assert_non_null(strstr(err.message, rows[i].text));
    }
    assert_false(scene_exists(scene, "state/certs/corp/web.pem"));
}

static void import_refuses_another_ca(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    start(scene);
    forge(scene, &scene->rogue, 0, &der);
    check_refused(import(scene, &der, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "chain"));
    assert_false(scene_exists(scene, "state/certs/corp/web.pem"));
}

static void import_refuses_what_is_no_certificate(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    check_refused(zca_import(scene->identity, zca_span_of(der.data, der.len - 1), &err), err,
                  ZCA_ERR_INVALID);
    check_refused(zca_import(scene->identity, zca_span_of(NULL, 0), &err), err, ZCA_ERR_INVALID);
    check_ok(zca_buffer_append_text(&der, "x", &err), err);
    check_refused(import(scene, &der, &err), err, ZCA_ERR_INVALID);
}

static void import_makes_no_key(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    scene_close(scene);
    scene_open(scene, "zca://corp/mail");
    check_refused(import(scene, &der, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "no key"));
    assert_false(scene_exists(scene, "state/keys/corp/mail.key"));
}

static void import_makes_no_key_for_a_request_in_a_file(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer request = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    capture(scene, &request);
    open_with_file(scene, "mail", &request);
    check_refused(import(scene, &der, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "no key"));
    assert_false(scene_exists(scene, "state/certs/corp/mail.pem"));
}

static void import_ends_the_captured_request_that_it_answers(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer request = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    capture(scene, &request);
    check_ok(import(scene, &der, &err), err);
    assert_false(scene_exists(scene, "state/orders/corp/web.csr"));
}

/* ECDSA signs two requests of one text differently: the one in the file is not the one that was captured since. */
static void import_leaves_another_captured_request(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer request = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer later = {.len = 0};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    capture(scene, &request);
    capture(scene, &later);
    open_with_file(scene, "web", &request);
    check_ok(import(scene, &der, &err), err);
    assert_true(is_stored(scene, &der));
    assert_true(scene_exists(scene, "state/orders/corp/web.csr"));
}

static void import_waits_for_an_open_order(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    start(scene);
    forge(scene, &scene->ca, 0, &der);
    check_ok(zca_order_begin(scene->library, &order, &err), err);
    order.state = ZCA_ORDER_SUBMITTING;
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_refused(import(scene, &der, &err), err, ZCA_ERR_CONFLICT);
    zca_order_clear(&order);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_ok(import(scene, &der, &err), err);
}

/* Its journal may be there again after a loss of power; nobody would end it otherwise. */
static void import_ends_an_order_that_was_answered(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer second = {.len = 0};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    start(scene);
    forge(scene, &scene->ca, 0, &first);
    forge(scene, &scene->ca, 0, &second);
    check_ok(import(scene, &first, &err), err);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, &err);
    check_ok(key, err);
    const struct zca_csr_names names = {.common_name = "web"};
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &names, &err);
    check_ok(request && zca_der_request(request, &order.csr, &err) &&
                 zca_order_begin(scene->library, &order, &err),
             err);
    order.state = ZCA_ORDER_SUBMITTING;
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_ok(import(scene, &second, &err), err);
    assert_true(is_stored(scene, &second));
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(import_makes_it_the_certificate),
        SCENE(import_refuses_what_the_authority_might_not_answer),
        SCENE(import_refuses_another_ca),
        SCENE(import_refuses_what_is_no_certificate),
        SCENE(import_makes_no_key),
        SCENE(import_makes_no_key_for_a_request_in_a_file),
        SCENE(import_ends_the_captured_request_that_it_answers),
        SCENE(import_leaves_another_captured_request),
        SCENE(import_waits_for_an_open_order),
        SCENE(import_ends_an_order_that_was_answered),
    };
    return cmocka_run_group_tests_name("core/import", tests, NULL, NULL);
}
