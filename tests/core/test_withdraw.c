/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include <openssl/x509v3.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/csr.h"
#include "core/enrol.h"
#include "core/withdraw.h"
#include "tests/core/scene.h"

/* A request for a name that nobody wants for long, captured. */
static void capture(struct scene *scene, const char *plan, struct zca_buffer *out_der)
{
    static const char *const slip[] = {"wrong.example", NULL};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    const struct zca_csr_names names = {.common_name = "web", .dns_names = slip};
    scene_configure(scene, "plain", "");
    scene_plan(scene, plan);
    scene_open(scene, "zca://corp/web?wait=1");
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(scene->identity, &err);
    check_ok(key, err);
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &names, &err);
    check_ok(request && zca_der_request(request, out_der, &err), err);
    check_ok(zca_identity_capture(scene->identity, zca_buffer_span(out_der), &err), err);
}

static void enrol_fails(struct scene *scene, enum zca_reason reason)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(zca_enrol(scene->identity, ZCA_ENROL_RENEW, NULL, &err), err, reason);
}

static void check_enrols_without_slip(struct scene *scene)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    scene_plan(scene, "");
    check_ok(zca_enrol(scene->identity, ZCA_ENROL_IF_NEEDED, &chain, &err), err);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(X509_check_host(sk_X509_value(chain, 0), "wrong.example", 0, 0, NULL), 0);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

static void withdraw(struct scene *scene, struct zca_span request)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_request_withdraw(scene->identity, request, &err), err);
}

static void refused_request_is_taken_back(void **state)
{
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    capture(scene, "submit: refuse\n", &der);
    enrol_fails(scene, ZCA_ERR_QUARANTINED);
    assert_true(scene_exists(scene, "state/orders/corp/web.csr"));
    withdraw(scene, zca_buffer_span(&der));
    scene_check_clean(scene);
    check_enrols_without_slip(scene);
}

static void open_order_is_taken_back(void **state)
{
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    capture(scene, "submit: unavailable\n", &der);
    enrol_fails(scene, ZCA_ERR_UNAVAILABLE);
    assert_true(scene_exists(scene, "state/orders/corp/web.order"));
    withdraw(scene, zca_buffer_span(&der));
    scene_check_clean(scene);
    check_enrols_without_slip(scene);
}

static void other_requests_stay(void **state)
{
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    capture(scene, "submit: unavailable\n", &der);
    enrol_fails(scene, ZCA_ERR_UNAVAILABLE);
    withdraw(scene, zca_span_text("another request"));
    assert_true(scene_exists(scene, "state/orders/corp/web.csr"));
    assert_true(scene_exists(scene, "state/orders/corp/web.order"));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(refused_request_is_taken_back),
        SCENE(open_order_is_taken_back),
        SCENE(other_requests_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
