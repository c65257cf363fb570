/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/csr.h"
#include "core/enrol.h"
#include "core/keystore.h"
#include "core/wanted.h"
#include "tests/core/scene.h"

static bool enrol(struct scene *scene, enum zca_enrol_reason reason, struct zca_error *err)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    return zca_enrol(scene->identity, reason, &certificates, err);
}

static void enrol_ok(struct scene *scene, enum zca_enrol_reason reason)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(enrol(scene, reason, &err), err);
}

static void begin(struct scene *scene, const char *dialect, const char *plan)
{
    scene_configure(scene, dialect, "");
    scene_plan(scene, plan);
    scene_open(scene, "zca://corp/web");
}

static void capture(struct scene *scene, const char *const *dns_names)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = dns_names};
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(scene->identity, &err);
    check_ok(key, err);
    zca_auto(X509_REQ) X509_REQ *csr = zca_csr_new(scene->library, key, &names, &err);
    check_ok(csr && zca_der_request(csr, &der, &err), err);
    check_ok(zca_identity_capture(scene->identity, zca_buffer_span(&der), &err), err);
}

static bool has_dns_name(struct scene *scene, const char *name)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = NULL;
    check_ok(zca_identity_certificates(scene->identity, &chain, &err), err);
    return X509_check_host(sk_X509_value(chain, 0), name, 0, 0, NULL) == 1;
}

static void captured_request_is_answered(void **state)
{
    static const char *const names[] = {"a.example", "b.example", NULL};
    struct scene *scene = *state;
    begin(scene, "plain", "");
    capture(scene, names);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_true(has_dns_name(scene, "a.example") && has_dns_name(scene, "b.example"));
    scene_check_pair(scene);
    scene_check_clean(scene);
}

static void renewal_asks_for_the_same_names(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    begin(scene, "plain", "");
    capture(scene, names);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    enrol_ok(scene, ZCA_ENROL_RENEW);
    assert_true(has_dns_name(scene, "a.example"));
    scene_check_pair(scene);
}

static void captured_request_survives_a_refusal(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "submit: refuse\n");
    capture(scene, names);
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_QUARANTINED);
    assert_true(scene_exists(scene, "state/orders/corp/web.csr"));
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
    scene_plan(scene, "");
    enrol_ok(scene, ZCA_ENROL_RENEW);
    assert_true(has_dns_name(scene, "a.example"));
    scene_check_clean(scene);
}

static void write_foreign_request(struct scene *scene, const char *const *dns_names)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = dns_names};
    zca_auto(zca_key) struct zca_key *key =
        zca_key_generate(scene->library, zca_key_type_find("P-256"), &err);
    check_ok(key, err);
    zca_auto(X509_REQ) X509_REQ *csr = zca_csr_new(scene->library, key, &names, &err);
    check_ok(csr && zca_der_request(csr, &der, &err) &&
                 zca_pem_format("CERTIFICATE REQUEST", zca_buffer_span(&der), &pem, &err),
             err);
    scene_write(scene, "foreign.csr", (const char *)pem.data);
}

static void open_with_file(struct scene *scene)
{
    zca_auto(text) char *uri = NULL;
    assert_true(asprintf(&uri, "zca://corp/web?csr=%s/foreign.csr", scene->directory) > 0);
    scene_open(scene, uri);
}

static void request_file_of_a_foreign_key_gives_a_certificate(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    begin(scene, "plain", "");
    write_foreign_request(scene, names);
    open_with_file(scene);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_true(has_dns_name(scene, "a.example"));
    assert_false(scene_exists(scene, "state/keys/corp/web.key"));
}

static void request_file_of_another_key_is_a_conflict(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    write_foreign_request(scene, names);
    open_with_file(scene);
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_CONFLICT);
    scene_check_pair(scene);
}

static void request_cannot_be_answered_by_who_makes_keys(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "keygen", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    capture(scene, names);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_check_clean(scene);
    write_foreign_request(scene, names);
    open_with_file(scene);
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_UNSUPPORTED);
}

/* A request of before the key was replaced cannot be answered for the new one. */
static void request_of_a_replaced_key_is_dropped(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer captured = {.len = 0};
    begin(scene, "plain", "");
    capture(scene, names);
    scene_read(scene, "state/orders/corp/web.csr", &captured);
    zca_auto(zca_key) struct zca_key *other =
        zca_key_generate(scene->library, zca_key_type_find("P-256"), &err);
    check_ok(other &&
                 zca_keystore_store(scene->library, ZCA_KEYSTORE_FILE, "corp", "web", other, &err),
             err);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_check_pair(scene);
    scene_check_clean(scene);
    assert_false(has_dns_name(scene, "a.example"));
}

static void damaged_captured_request_is_dropped(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    begin(scene, "plain", "");
    capture(scene, names);
    scene_write(scene, "state/orders/corp/web.csr", "nonsense");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

/* Captured while the order for an older one was on its way: it is asked for next. */
static void newer_request_is_not_lost(void **state)
{
    static const char *const old_names[] = {"a.example", NULL};
    static const char *const new_names[] = {"b.example", NULL};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "slow", "poll: pending\n");
    scene_open(scene, "zca://corp/web?wait=1");
    capture(scene, old_names);
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_PENDING);
    capture(scene, new_names);
    scene_plan(scene, "");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_true(has_dns_name(scene, "b.example"));
    assert_int_equal(scene_count(scene, "submit"), 1); /* the old one was only polled for */
    scene_check_clean(scene);
}

static void configured_names_are_asked_for(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    scene_configure(scene, "plain",
                    "[identity web]\ncommon-name = w\ndns = a.example, b.example\n"
                    "ip = 192.0.2.1, 2001:db8::1\n");
    scene_open(scene, "zca://corp/web");
    check_ok(zca_wanted_read(scene->identity, true, false, &wanted, &err), err);
    assert_string_equal(wanted.common_name, "w");
    assert_string_equal(wanted.dns_names[0], "a.example");
    assert_string_equal(wanted.dns_names[1], "b.example");
    assert_null(wanted.dns_names[2]);
    assert_string_equal(wanted.ip_addresses[0], "192.0.2.1");
    assert_string_equal(wanted.ip_addresses[1], "2001:db8::1");
    assert_true(wanted.new_key && wanted.key && wanted.csr);
    assert_false(scene_exists(scene, "state/keys/corp/web.key")); /* nothing is stored yet */
}

/* What zca.conf says now counts more than what the certificate said then. */
static void configured_names_replace_those_of_the_certificate(void **state)
{
    static const char *const names[] = {"a.example", NULL};
    struct scene *scene = *state;
    begin(scene, "plain", "");
    capture(scene, names);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_configure(scene, "plain", "[identity corp/web]\ndns = b.example\n");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_RENEW);
    assert_true(has_dns_name(scene, "b.example"));
    assert_false(has_dns_name(scene, "a.example"));
}

static void no_request_is_made_where_the_authority_makes_keys(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    begin(scene, "keygen", "");
    check_ok(zca_wanted_read(scene->identity, false, false, &wanted, &err), err);
    assert_null(wanted.csr);
    assert_null(wanted.key);
    assert_string_equal(wanted.common_name, "web");
}

static void wrong_address_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    scene_configure(scene, "plain", "[identity web]\nip = 192.0.2.256\n");
    scene_open(scene, "zca://corp/web");
    check_refused(zca_wanted_read(scene->identity, true, false, &wanted, &err), err,
                  ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "192.0.2.256"));
}

static void order_whose_key_is_gone_is_worthless(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_wanted) struct zca_wanted wanted = {.csr = NULL};
    zca_auto(zca_wanted) struct zca_wanted resumed = {.csr = NULL};
    zca_auto(zca_order) struct zca_order order = {.new_key = true};
    begin(scene, "plain", "");
    check_ok(zca_wanted_read(scene->identity, true, false, &wanted, &err) &&
                 zca_buffer_append(&order.csr, zca_buffer_span(&wanted.csr_der), &err),
             err);
    check_refused(zca_wanted_resume(scene->identity, &order, &resumed, &err), err,
                  ZCA_ERR_NOT_FOUND);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(captured_request_is_answered),
        SCENE(renewal_asks_for_the_same_names),
        SCENE(captured_request_survives_a_refusal),
        SCENE(request_file_of_a_foreign_key_gives_a_certificate),
        SCENE(request_file_of_another_key_is_a_conflict),
        SCENE(request_cannot_be_answered_by_who_makes_keys),
        SCENE(request_of_a_replaced_key_is_dropped),
        SCENE(damaged_captured_request_is_dropped),
        SCENE(newer_request_is_not_lost),
        SCENE(configured_names_are_asked_for),
        SCENE(configured_names_replace_those_of_the_certificate),
        SCENE(no_request_is_made_where_the_authority_makes_keys),
        SCENE(wrong_address_is_refused),
        SCENE(order_whose_key_is_gone_is_worthless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
