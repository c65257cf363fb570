/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/csr.h"
#include "tests/core/scene.h"

static const char *const dns_names[] = {"web.example", "*.example", NULL};
static const char *const addresses[] = {"192.0.2.7", "2001:db8::7", NULL};

static struct zca_key *open_with_key(struct scene *scene, const char *type)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
    struct zca_key *key = zca_key_generate(scene->library, zca_key_type_find(type), &err);
    check_ok(key, err);
    return key;
}

static GENERAL_NAMES *names_of(X509_REQ *request)
{
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    GENERAL_NAMES *names = X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    return names;
}

static void each_key_type_signs_a_request(void **state)
{
    struct scene *scene = *state;
    static const char *const types[] = {"P-256", "P-384", "P-521", "Ed25519", "RSA-2048"};
    struct zca_csr_names names = {.common_name = "web.example", .dns_names = dns_names};
    for (size_t i = 0; i < ZCA_COUNT(types); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_key) struct zca_key *key = open_with_key(scene, types[i]);
        zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &names, &err);
        check_ok(request, err);
        request = forge_received(request);
        assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
    }
}

static void request_holds_the_names(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names asked = {
        .common_name = "w\303\274rfel", .dns_names = dns_names, .ip_addresses = addresses};
    zca_auto(zca_key) struct zca_key *key = open_with_key(scene, "P-256");
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &asked, &err);
    check_ok(request, err);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = names_of(request);
    assert_int_equal(sk_GENERAL_NAME_num(names), 4);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *wanted = zca_csr_alternative_names(&asked, &err);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(
            GENERAL_NAME_cmp(sk_GENERAL_NAME_value(names, i), sk_GENERAL_NAME_value(wanted, i)), 0);
    }
    assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(request)), 1);
}

static void request_without_names_has_no_empty_extension(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names asked = {.common_name = "web"};
    zca_auto(zca_key) struct zca_key *key = open_with_key(scene, "P-256");
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &asked, &err);
    check_ok(request, err);
    assert_int_equal(X509_REQ_get_attr_count(request), 0);
}

static void unusable_names_are_refused(void **state)
{
    struct scene *scene = *state;
    static const char *const nonsense[] = {"300.1.1.1", NULL};
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names wrong_address = {.common_name = "web", .ip_addresses = nonsense};
    struct zca_csr_names too_long = {
        .common_name = "12345678901234567890123456789012345678901234567890123456789012345"};
    zca_auto(zca_key) struct zca_key *key = open_with_key(scene, "P-256");
    check_refused(zca_csr_new(scene->library, key, &wrong_address, &err), err, ZCA_ERR_INVALID);
    check_refused(zca_csr_new(scene->library, key, &too_long, &err), err, ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "common-name"));
}

static void renewal_asks_for_what_the_certificate_says(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    EVP_PKEY *old_key = forge_key();
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *names = forge_names(dns_names);
    struct forge_order order = {
        .common_name = "web.example", .names = names, .key = old_key, .flaws = FORGE_WIDE_USAGE};
    zca_auto(X509) X509 *certificate = forge_issue(&scene->ca, &order);
    EVP_PKEY_free(old_key);
    zca_auto(zca_key) struct zca_key *key = open_with_key(scene, "P-256");
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_renewal(scene->library, key, certificate, &err);
    check_ok(request, err);
    zca_auto(GENERAL_NAMES) GENERAL_NAMES *renewed = names_of(request);
    assert_int_equal(sk_GENERAL_NAME_num(renewed), 2);
    assert_int_equal(
        X509_NAME_cmp(X509_REQ_get_subject_name(request), X509_get_subject_name(certificate)), 0);
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(request);
    assert_int_equal(sk_X509_EXTENSION_num(extensions), 2); /* names and usage, nothing else */
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    request = forge_received(request);
    assert_int_equal(X509_REQ_verify(request, X509_REQ_get0_pubkey(request)), 1);
}

/* ---- files ---- */

static void write_request(struct scene *scene, const char *label, struct zca_buffer *der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    check_ok(zca_pem_format(label, zca_buffer_span(der), &pem, &err), err);
    scene_write(scene, "web.csr", (const char *)pem.data);
}

static X509_REQ *load(struct scene *scene, struct zca_error *err)
{
    zca_auto(text) char *path = scene_path(scene, "web.csr");
    return zca_csr_load(scene->library, path, err);
}

static void make_der(struct scene *scene, struct zca_buffer *der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_csr_names names = {.common_name = "web", .dns_names = dns_names};
    zca_auto(zca_key) struct zca_key *key = open_with_key(scene, "P-256");
    zca_auto(X509_REQ) X509_REQ *request = zca_csr_new(scene->library, key, &names, &err);
    check_ok(request && zca_der_request(request, der, &err), err);
}

static void both_labels_are_read(void **state)
{
    struct scene *scene = *state;
    static const char *const labels[] = {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    make_der(scene, &der);
    for (size_t i = 0; i < ZCA_COUNT(labels); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        write_request(scene, labels[i], &der);
        zca_auto(X509_REQ) X509_REQ *request = load(scene, &err);
        check_ok(request, err);
    }
}

static void changed_request_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    make_der(scene, &der);
    uint8_t *name = memmem(der.data, der.len, "web.example", 11);
    assert_non_null(name);
    name[0] = 'W';
    write_request(scene, "CERTIFICATE REQUEST", &der);
    check_refused(load(scene, &err), err, ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "not signed by its own key"));
    assert_non_null(strstr(err.message, "web.csr"));
}

static void unreadable_files_are_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    make_der(scene, &der);
    check_refused(load(scene, &err), err, ZCA_ERR_NOT_FOUND);
    scene_write(scene, "web.csr", "nonsense");
    check_refused(load(scene, &err), err, ZCA_ERR_INVALID);
    zca_auto(text) char *large = calloc(1, 70000);
    memset(large, 'x', 69999);
    scene_write(scene, "web.csr", large);
    check_refused(load(scene, &err), err, ZCA_ERR_INVALID);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(each_key_type_signs_a_request),
        SCENE(request_holds_the_names),
        SCENE(request_without_names_has_no_empty_extension),
        SCENE(unusable_names_are_refused),
        SCENE(renewal_asks_for_what_the_certificate_says),
        SCENE(both_labels_are_read),
        SCENE(changed_request_is_refused),
        SCENE(unreadable_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
