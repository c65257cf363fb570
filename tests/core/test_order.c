/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "core/order.h"
#include "tests/core/scene.h"

static void open_scene(struct scene *scene)
{
    scene_configure(scene, "plain", "");
    scene_open(scene, "zca://corp/web");
}

static void fill(struct scene *scene, struct zca_order *order)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_order_begin(scene->library, order, &err), err);
    order->state = ZCA_ORDER_CONFIRMED;
    order->ticket_id = strdup("ticket/7");
    order->issued_id = strdup("");
    order->new_key = true;
    check_ok(zca_buffer_append_text(&order->csr, "csr", &err) &&
                 zca_buffer_append_text(&order->candidate_key, "key", &err) &&
                 zca_buffer_append_text(&order->candidate_certificates, "pem", &err) &&
                 zca_buffer_append_text(&order->replaces, "der", &err),
             err);
}

static void order_stored_is_loaded(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    zca_auto(zca_order) struct zca_order loaded = {.state = ZCA_ORDER_NONE};
    open_scene(scene);
    fill(scene, &order);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_ok(zca_order_load(scene->library, "corp", "web", &loaded, &err), err);
    assert_int_equal(loaded.state, ZCA_ORDER_CONFIRMED);
    assert_string_equal(loaded.request_id, order.request_id);
    assert_int_equal(strspn(loaded.request_id, "0123456789abcdef"), 32);
    assert_int_equal(loaded.started_at_s, order.started_at_s);
    assert_string_equal(loaded.ticket_id, "ticket/7");
    assert_null(loaded.issued_id); /* empty is absent */
    assert_true(loaded.new_key);
    check_text(loaded.csr, "csr");
    check_text(loaded.candidate_key, "key");
    check_text(loaded.candidate_certificates, "pem");
    check_text(loaded.replaces, "der");
}

static void journal_is_private(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct stat status;
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    zca_auto(text) char *file = scene_path(scene, "state/orders/corp/web.order");
    zca_auto(text) char *directory = scene_path(scene, "state/orders/corp");
    open_scene(scene);
    fill(scene, &order);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(stat(directory, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
}

static void missing_journal_is_no_order(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_RECEIVED};
    open_scene(scene);
    check_ok(zca_order_load(scene->library, "corp", "web", &order, &err), err);
    assert_int_equal(order.state, ZCA_ORDER_NONE);
}

static void no_order_removes_the_journal(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    struct zca_order none = {.state = ZCA_ORDER_NONE};
    open_scene(scene);
    fill(scene, &order);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_ok(zca_order_store(scene->library, "corp", "web", &none, &err), err);
    check_ok(zca_order_store(scene->library, "corp", "web", &none, &err), err);
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
}

/* Each byte changed, each length cut: refused or read, never a crash; the file is named. */
static void damaged_journal_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    zca_auto(text) char *path = scene_path(scene, "state/orders/corp/web.order");
    open_scene(scene);
    fill(scene, &order);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    scene_read(scene, "state/orders/corp/web.order", &der);
    for (size_t len = 0; len < der.len; len++) {
        zca_auto(zca_order) struct zca_order loaded = {.state = ZCA_ORDER_NONE};
        check_ok(zca_file_store(path, 0600, zca_span_of(der.data, len), &err), err);
        check_refused(zca_order_load(scene->library, "corp", "web", &loaded, &err), err,
                      ZCA_ERR_INVALID);
        assert_non_null(strstr(err.message, "web.order"));
    }
    for (size_t i = 0; i < der.len; i++) {
        zca_auto(zca_order) struct zca_order loaded = {.state = ZCA_ORDER_NONE};
        der.data[i] ^= 0x81;
        check_ok(zca_file_store(path, 0600, zca_buffer_span(&der), &err), err);
        bool ok = zca_order_load(scene->library, "corp", "web", &loaded, &err);
        assert_true(ok || err.reason == ZCA_ERR_INVALID);
        der.data[i] ^= 0x81;
    }
}

/* A received order without certificates could never be finished. */
static void order_that_cannot_be_finished_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    zca_auto(zca_order) struct zca_order loaded = {.state = ZCA_ORDER_NONE};
    open_scene(scene);
    fill(scene, &order);
    zca_buffer_clear(&order.candidate_certificates);
    check_ok(zca_order_store(scene->library, "corp", "web", &order, &err), err);
    check_refused(zca_order_load(scene->library, "corp", "web", &loaded, &err), err,
                  ZCA_ERR_INVALID);
}

static void request_ids_differ(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_order first = {.state = ZCA_ORDER_NONE};
    struct zca_order second = {.state = ZCA_ORDER_NONE};
    open_scene(scene);
    check_ok(zca_order_begin(scene->library, &first, &err) &&
                 zca_order_begin(scene->library, &second, &err),
             err);
    assert_string_not_equal(first.request_id, second.request_id);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(order_stored_is_loaded),      SCENE(journal_is_private),
        SCENE(missing_journal_is_no_order), SCENE(no_order_removes_the_journal),
        SCENE(damaged_journal_is_refused),  SCENE(order_that_cannot_be_finished_is_refused),
        SCENE(request_ids_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
