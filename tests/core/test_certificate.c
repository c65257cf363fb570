/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/certificate.h"
#include "tests/core/scene.h"

static STACK_OF(X509) * make_chain(struct scene *scene)
{
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "web.example", .key = key};
    STACK_OF(X509) *stack = sk_X509_new_null();
    assert_true(sk_X509_push(stack, forge_issue(&scene->ca, &order)) > 0);
    assert_true(X509_up_ref(scene->ca.certificate) == 1 &&
                sk_X509_push(stack, scene->ca.certificate) > 0);
    EVP_PKEY_free(key);
    return stack;
}

static void store(struct scene *scene, const char *name, const STACK_OF(X509) * chain)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    check_ok(zca_pem_format_certificates(chain, &pem, &err), err);
    zca_auto(zca_chain) struct zca_chain *parsed = zca_chain_parse(zca_buffer_span(&pem), &err);
    check_ok(parsed, err);
    check_ok(zca_certificate_store(scene->library, "corp", name, parsed, &err), err);
}

static void open_scene(struct scene *scene)
{
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
}

static void chain_stored_is_loaded(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    zca_auto(X509_STACK) STACK_OF(X509) *chain = make_chain(scene);
    zca_auto(X509_STACK) STACK_OF(X509) *loaded = NULL;
    zca_auto(text) char *path = scene_path(scene, "state/certs/corp/web.pem");
    open_scene(scene);
    store(scene, "web", chain);
    check_ok(zca_certificate_load(scene->library, "corp", "web", &loaded, &err), err);
    assert_int_equal(sk_X509_num(loaded), 2);
    assert_int_equal(X509_cmp(sk_X509_value(loaded, 0), sk_X509_value(chain, 0)), 0);
    assert_int_equal(X509_cmp(sk_X509_value(loaded, 1), sk_X509_value(chain, 1)), 0);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
}

static void missing_file_is_named(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene);
    check_refused(zca_certificate_load_chain(scene->library, "corp", "web", &err), err,
                  ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "certs/corp/web.pem"));
}

static void damaged_file_is_named(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = make_chain(scene);
    open_scene(scene);
    store(scene, "web", chain);
    scene_write(scene, "state/certs/corp/web.pem", "nonsense");
    check_refused(zca_certificate_load_chain(scene->library, "corp", "web", &err), err,
                  ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "certs/corp/web.pem"));
}

static void unchanged_file_is_read_once(void **state)
{
    struct scene *scene = *state;
    zca_auto(X509_STACK) STACK_OF(X509) *chain = make_chain(scene);
    open_scene(scene);
    store(scene, "web", chain);
    zca_auto(zca_chain) struct zca_chain *first =
        zca_certificate_load_chain(scene->library, "corp", "web", NULL);
    zca_auto(zca_chain) struct zca_chain *second =
        zca_certificate_load_chain(scene->library, "corp", "web", NULL);
    assert_non_null(first);
    assert_ptr_equal(first, second);
}

/* What was stored is known again by its bytes, and only by them. */
static void stored_chain_serves_while_the_file_holds_it(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *objects = make_chain(scene);
    zca_auto(X509_STACK) STACK_OF(X509) *others = make_chain(scene);
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    open_scene(scene);
    zca_auto(zca_chain) struct zca_chain *chain = zca_chain_of(objects, &err);
    check_ok(chain && zca_certificate_store(scene->library, "corp", "web", chain, &err), err);
    zca_auto(zca_chain) struct zca_chain *loaded =
        zca_certificate_load_chain(scene->library, "corp", "web", &err);
    assert_ptr_equal(loaded, chain);
    check_ok(zca_pem_format_certificates(others, &pem, &err) &&
                 zca_buffer_append(&pem, zca_span_of("", 1), &err),
             err);
    scene_write(scene, "state/certs/corp/web.pem", (const char *)pem.data);
    zca_auto(zca_chain) struct zca_chain *changed =
        zca_certificate_load_chain(scene->library, "corp", "web", &err);
    check_ok(changed, err);
    assert_ptr_not_equal(changed, chain);
    assert_false(zca_chain_same(changed, chain));
}

static void replaced_file_is_read_again(void **state)
{
    struct scene *scene = *state;
    zca_auto(X509_STACK) STACK_OF(X509) *old_chain = make_chain(scene);
    zca_auto(X509_STACK) STACK_OF(X509) *new_chain = make_chain(scene);
    zca_auto(X509_STACK) STACK_OF(X509) *loaded = NULL;
    open_scene(scene);
    store(scene, "web", old_chain);
    zca_auto(zca_chain) struct zca_chain *first =
        zca_certificate_load_chain(scene->library, "corp", "web", NULL);
    assert_non_null(first);
    store(scene, "web", new_chain);
    assert_true(zca_certificate_load(scene->library, "corp", "web", &loaded, NULL));
    assert_int_equal(X509_cmp(sk_X509_value(loaded, 0), sk_X509_value(new_chain, 0)), 0);
}

static void previous_generation_is_kept(void **state)
{
    struct scene *scene = *state;
    zca_auto(X509_STACK) STACK_OF(X509) *old_chain = make_chain(scene);
    zca_auto(X509_STACK) STACK_OF(X509) *new_chain = make_chain(scene);
    zca_auto(zca_buffer) struct zca_buffer before = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer previous = {.len = 0};
    open_scene(scene);
    store(scene, "web", old_chain);
    scene_read(scene, "state/certs/corp/web.pem", &before);
    store(scene, "web", new_chain);
    scene_read(scene, "state/certs/corp/web.pem.previous", &previous);
    assert_true(zca_span_equal(zca_buffer_span(&before), zca_buffer_span(&previous)));
}

/* More identities than the cache keeps are served all the same. */
static void many_identities_are_served(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = make_chain(scene);
    open_scene(scene);
    for (int i = 0; i < 70; i++) {
        zca_auto(text) char *name = NULL;
        assert_true(asprintf(&name, "web%d", i) > 0);
        store(scene, name, chain);
        zca_auto(zca_chain) struct zca_chain *loaded =
            zca_certificate_load_chain(scene->library, "corp", name, &err);
        check_ok(loaded, err);
    }
}

static bool count_name(void *argument, const char *name)
{
    int *seen = argument;
    *seen += strcmp(name, "web") == 0 ? 1 : 0;
    *seen += strcmp(name, "mail.example") == 0 ? 10 : 0;
    *seen += strcmp(name, "web") != 0 && strcmp(name, "mail.example") != 0 ? 100 : 0;
    return true;
}

static void names_are_those_with_a_certificate(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *chain = make_chain(scene);
    int seen = 0;
    open_scene(scene);
    check_ok(zca_certificate_names(scene->library, "corp", count_name, &seen, &err), err);
    assert_int_equal(seen, 0); /* no directory yet */
    store(scene, "web", chain);
    store(scene, "web", chain); /* leaves a .previous */
    store(scene, "mail.example", chain);
    check_ok(zca_certificate_names(scene->library, "corp", count_name, &seen, &err), err);
    assert_int_equal(seen, 11);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(chain_stored_is_loaded),
        SCENE(missing_file_is_named),
        SCENE(damaged_file_is_named),
        SCENE(unchanged_file_is_read_once),
        SCENE(replaced_file_is_read_again),
        SCENE(previous_generation_is_kept),
        SCENE(stored_chain_serves_while_the_file_holds_it),
        SCENE(many_identities_are_served),
        SCENE(names_are_those_with_a_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
