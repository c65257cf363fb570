/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/failure.h"
#include "core/renew.h"
#include "core/stored.h"
#include "tests/core/scene.h"

static const int64_t day_s = 24 * 3600;

/* ---- when ---- */

static X509 *certificate_of(struct scene *scene, long ttl_s)
{
    EVP_PKEY *key = forge_key();
    struct forge_order order = {.common_name = "web", .key = key, .ttl_s = ttl_s};
    X509 *certificate = forge_issue(&scene->ca, &order);
    EVP_PKEY_free(key);
    return certificate;
}

static void check_window(struct scene *scene, int64_t ttl_s, double from, double to)
{
    zca_auto(X509) X509 *certificate = certificate_of(scene, (long)ttl_s);
    int64_t start_s = zca_clock_now_s() - 60;
    int64_t due_s = zca_renew_due_s(certificate, "web");
    assert_true(due_s >= start_s - 2 + (int64_t)((double)ttl_s * from) - 2);
    assert_true(due_s <= start_s + 2 + (int64_t)((double)ttl_s * to) + 2);
}

static void long_lives_are_renewed_after_two_thirds(void **state)
{
    check_window(*state, 90 * day_s, 0.666, 0.767);
    check_window(*state, 11 * day_s, 0.666, 0.767);
}

static void short_lives_are_renewed_after_half(void **state)
{
    check_window(*state, 9 * day_s, 0.5, 0.6);
    check_window(*state, 3600, 0.5, 0.6);
}

static void due_times_are_spread_evenly(void **state)
{
    struct scene *scene = *state;

    enum { HOSTS = 300, SLOTS = 10 };

    unsigned slots[SLOTS] = {0};
    EVP_PKEY *key = forge_key();
    for (int host = 0; host < HOSTS; host++) { /* the same name on each */
        struct forge_order order = {.common_name = "web", .key = key, .ttl_s = 30 * day_s};
        zca_auto(X509) X509 *certificate = forge_issue(&scene->ca, &order);
        int64_t start_s = zca_clock_now_s() - 60;
        int64_t offset_s = zca_renew_due_s(certificate, "web") - start_s - 20 * day_s;
        int64_t slot = offset_s * SLOTS / (3 * day_s + 10);
        assert_true(slot >= 0 && slot < SLOTS);
        slots[slot]++;
    }
    EVP_PKEY_free(key);
    for (size_t i = 0; i < SLOTS; i++) {
        assert_in_range(slots[i], HOSTS / SLOTS / 3, HOSTS / SLOTS * 2);
    }
}

static void due_time_is_stable(void **state)
{
    zca_auto(X509) X509 *certificate = certificate_of(*state, 30 * day_s);
    assert_int_equal(zca_renew_due_s(certificate, "web"), zca_renew_due_s(certificate, "web"));
    assert_int_not_equal(zca_renew_due_s(certificate, "web"), zca_renew_due_s(certificate, "mail"));
}

/* ---- doing it ---- */

static bool renew(struct scene *scene, bool force, bool *out_renewed, struct zca_error *err)
{
    *out_renewed = false;
    return zca_renew(scene->identity, force, out_renewed, err);
}

static void check_renewed(struct scene *scene, bool force, bool wanted)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = false;
    check_ok(renew(scene, force, &renewed, &err), err);
    assert_int_equal(renewed, wanted);
}

static void begin(struct scene *scene, const char *more)
{
    scene_configure(scene, "plain", more);
    scene_plan(scene, "");
    scene_open(scene, "zca://corp/web");
}

static void identity_not_due_is_left_alone(void **state)
{
    struct scene *scene = *state;
    begin(scene, "");
    check_renewed(scene, false, true); /* nothing there yet */
    check_renewed(scene, false, false);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_false(zca_renew_is_past_due(scene->identity));
    check_renewed(scene, true, true);
    assert_int_equal(scene_count(scene, "submit"), 2);
    scene_check_pair(scene);
}

static void short_certificate_becomes_due(void **state)
{
    struct scene *scene = *state;
    begin(scene, "[identity web]\nttl = 100s\n");
    assert_false(zca_renew_is_past_due(scene->identity)); /* there is none */
    check_renewed(scene, false, true);
    assert_true(zca_renew_is_past_due(scene->identity));
    check_renewed(scene, false, true); /* dated back by more than half its life */
    assert_int_equal(scene_count(scene, "submit"), 2);
}

static char *with_files(struct scene *scene)
{
    char *more = NULL;
    assert_true(asprintf(&more,
                         "[identity web]\nbundle-file = %s/web.bundle\n"
                         "reload = %s/reload argument\n",
                         scene->directory, scene->directory) > 0);
    return more;
}

static void write_reload(struct scene *scene, const char *result)
{
    zca_auto(text) char *text = NULL;
    zca_auto(text) char *path = scene_path(scene, "reload");
    assert_true(asprintf(&text, "#!/bin/sh\necho \"$1 $ZCA_IDENTITY\" >> '%s/reloads'\nexit %s\n",
                         scene->directory, result) > 0);
    assert_true(zca_file_store(path, 0700, zca_span_text(text), NULL));
}

static void check_reloads(struct scene *scene, size_t wanted)
{
    zca_auto(zca_buffer) struct zca_buffer reloads = {.len = 0};
    size_t lines = 0;
    if (scene_exists(scene, "reloads")) {
        scene_read(scene, "reloads", &reloads);
        assert_non_null(strstr((char *)reloads.data, "argument zca://corp/web\n"));
    }
    for (size_t i = 0; i < reloads.len; i++) {
        lines += reloads.data[i] == '\n';
    }
    assert_int_equal(lines, wanted);
}

static void files_follow_and_the_server_is_told(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *more = with_files(scene);
    write_reload(scene, "0");
    begin(scene, more);
    check_renewed(scene, false, true);
    assert_true(scene_exists(scene, "web.bundle"));
    check_reloads(scene, 1);
    check_renewed(scene, false, false);
    check_reloads(scene, 1);
    assert_false(scene_exists(scene, "state/orders/corp/web.reload"));
}

static void files_that_lag_behind_are_made_up_for(void **state)
{
    struct scene *scene = *state;
    zca_auto(text) char *more = with_files(scene);
    zca_auto(text) char *bundle = scene_path(scene, "web.bundle");
    write_reload(scene, "0");
    begin(scene, more);
    check_renewed(scene, false, true);
    assert_int_equal(unlink(bundle), 0); /* as if a crash had come before it was written */
    check_renewed(scene, false, true);
    assert_true(scene_exists(scene, "web.bundle"));
    assert_int_equal(scene_count(scene, "submit"), 1);
    check_reloads(scene, 2);
}

static void failed_reload_is_repeated(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = false;
    zca_auto(text) char *more = with_files(scene);
    write_reload(scene, "3");
    begin(scene, more);
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "status 3"));
    assert_true(scene_exists(scene, "state/orders/corp/web.reload"));
    write_reload(scene, "0");
    check_renewed(scene, false, true);
    assert_int_equal(scene_count(scene, "submit"), 1);
    check_reloads(scene, 2);
    check_renewed(scene, false, false);
}

/* A reference and a certificate deployed before a renewal still make a pair. */
static void key_of_deployed_files_is_found(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "");
    check_renewed(scene, true, true);
    zca_auto(zca_key) struct zca_key *first = zca_identity_key(scene->identity, &err);
    check_ok(first, err);
    check_renewed(scene, true, true);
    zca_auto(zca_key) struct zca_key *found =
        zca_identity_key_of(scene->identity, zca_key_get_public(first), &err);
    check_ok(found, err);
    assert_true(zca_span_equal(zca_key_get_public(found), zca_key_get_public(first)));
    zca_auto(zca_key) struct zca_key *present = zca_identity_key(scene->identity, &err);
    zca_auto(zca_key) struct zca_key *same =
        zca_identity_key_of(scene->identity, zca_key_get_public(present), &err);
    check_ok(same, err);
    assert_false(zca_span_equal(zca_key_get_public(same), zca_key_get_public(first)));
    check_renewed(scene, true, true);
    check_refused(zca_identity_key_of(scene->identity, zca_key_get_public(first), &err), err,
                  ZCA_ERR_CONFLICT);
    assert_non_null(strstr(err.message, "zca export web"));
}

/* The answer to somebody else's request is not replaced by a certificate for a new key. */
static void certificate_of_a_foreign_key_is_left_alone(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = true;
    zca_auto(text) char *key_file = scene_path(scene, "state/keys/corp/web.key");
    begin(scene, "");
    check_renewed(scene, true, true);
    assert_int_equal(unlink(key_file), 0);
    check_ok(renew(scene, false, &renewed, &err), err);
    assert_false(renewed);
    check_refused(renew(scene, true, &renewed, &err), err, ZCA_ERR_UNSUPPORTED);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

/* ---- after the CA was replaced ---- */

/* What a person has accepted: these, and no others. */
static void pin(const struct scene *scene, X509 *const *certificates)
{
    zca_auto(text) char *pem = forge_pem(certificates);
    scene_write(scene, "state/authorities/corp/ca.pem", pem);
}

static void pin_other_ca(const struct scene *scene)
{
    pin(scene, (X509 *const[]){scene->rogue.certificate, NULL});
}

static void certificate_of_a_replaced_ca_is_renewed(void **state)
{
    struct scene *scene = *state;
    begin(scene, "");
    check_renewed(scene, false, true);
    assert_true(zca_stored_stands(scene->identity));
    pin_other_ca(scene);
    assert_false(zca_stored_stands(scene->identity));
    scene_plan(scene, "submit: rogue\n");
    check_renewed(scene, false, true);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_true(zca_stored_stands(scene->identity));
    check_renewed(scene, false, false);
}

static void renewal_from_a_new_ca_is_paced(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = false;
    begin(scene, "");
    check_renewed(scene, false, true);
    pin_other_ca(scene);
    scene_plan(scene, "submit: ok\n"); /* the authority still has the old one */
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_VERIFY);
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_VERIFY);
    assert_non_null(strstr(err.message, "next attempt in"));
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void old_ca_beside_the_new_one_still_counts(void **state)
{
    struct scene *scene = *state;
    struct forge_ca next = {.key = NULL};
    begin(scene, "");
    check_renewed(scene, false, true);
    forge_ca_make(&next, "Next CA", &scene->ca);
    pin(scene, (X509 *const[]){next.certificate, scene->ca.certificate, NULL});
    assert_true(zca_stored_stands(scene->identity));
    check_renewed(scene, false, false);
    pin(scene, (X509 *const[]){next.certificate, NULL});
    assert_false(zca_stored_stands(scene->identity));
    forge_ca_clear(&next);
}

static void certificate_stands_where_nothing_can_be_compared(void **state)
{
    struct scene *scene = *state;
    begin(scene, "");
    assert_true(zca_stored_stands(scene->identity)); /* nothing here yet */
    check_renewed(scene, false, true);
    scene_write(scene, "state/authorities/corp/ca.pem", "damaged");
    assert_true(zca_stored_stands(scene->identity));
    zca_auto(text) char *pinned = scene_path(scene, "state/authorities/corp/ca.pem");
    assert_int_equal(unlink(pinned), 0);
    assert_true(zca_stored_stands(scene->identity));
    check_renewed(scene, false, false);
}

/* ---- failures ---- */

static void failures_are_paced(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_failure failure;
    bool renewed = false;
    begin(scene, "");
    scene_plan(scene, "submit: refuse\n");
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_QUARANTINED);
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_QUARANTINED);
    assert_non_null(strstr(err.message, "next attempt in"));
    assert_int_equal(scene_count(scene, "submit"), 1);
    zca_failure_load(scene->library, "corp", "web", &failure);
    assert_int_equal(failure.num, 1);
    assert_true(failure.next_s >= failure.at_ms / 1000 + 10 - 1);
    assert_true(failure.next_s <= failure.at_ms / 1000 + 31);
    check_refused(renew(scene, true, &renewed, &err), err, ZCA_ERR_QUARANTINED); /* by hand */
    assert_int_equal(scene_count(scene, "submit"), 2);
    zca_failure_load(scene->library, "corp", "web", &failure);
    assert_int_equal(failure.num, 2);
}

/* A clock that was a year ahead, and is right again. */
static void failure_of_the_future_does_not_pace(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    const int64_t year_s = INT64_C(365) * 24 * 3600;
    struct zca_failure failure = {
        .at_ms = zca_clock_now_ms() + year_s * 1000,
        .next_s = zca_clock_now_s() + year_s + 60,
        .num = 3,
        .error = {.reason = ZCA_ERR_UNAVAILABLE},
    };
    begin(scene, "");
    assert_true(zca_failure_store(scene->library, "corp", "web", &failure, &err));
    check_renewed(scene, false, true);
}

/* A proxy that asks for an hour: the certificate has two minutes. */
static void wait_that_is_asked_for_is_bounded_by_the_certificate(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_failure failure;
    bool renewed = false;
    begin(scene, "[identity web]\nttl = 120s\n");
    scene_plan(scene, "submit: ok later\n");
    check_renewed(scene, false, true);
    check_refused(renew(scene, true, &renewed, &err), err, ZCA_ERR_UNAVAILABLE);
    zca_failure_load(scene->library, "corp", "web", &failure);
    assert_true(failure.next_s - failure.at_ms / 1000 <= 16);
    assert_true(failure.next_s - failure.at_ms / 1000 >= 9);
}

static void success_ends_the_pace(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    bool renewed = false;
    begin(scene, "");
    scene_plan(scene, "submit: refuse ok\n");
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_QUARANTINED);
    check_renewed(scene, true, true);
    scene_check_clean(scene);
}

/* A credential of this process may do what that of the files may not; its own failures are nobody else's. */
static void failures_of_others_do_not_pace_an_own_credential(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_failure failure;
    bool renewed = false;
    begin(scene, "");
    scene_plan(scene, "submit: refuse refuse ok\n");
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_QUARANTINED);
    check_ok(zca_authority_use_credential(zca_identity_get_authority(scene->identity),
                                          zca_span_text("own"), &err),
             err);
    check_refused(renew(scene, false, &renewed, &err), err, ZCA_ERR_QUARANTINED);
    assert_null(strstr(err.message, "next attempt in"));
    zca_failure_load(scene->library, "corp", "web", &failure);
    assert_int_equal(failure.num, 1);
    check_renewed(scene, false, true);
    assert_int_equal(scene_count(scene, "submit"), 3);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(long_lives_are_renewed_after_two_thirds),
        SCENE(short_lives_are_renewed_after_half),
        SCENE(due_times_are_spread_evenly),
        SCENE(due_time_is_stable),
        SCENE(identity_not_due_is_left_alone),
        SCENE(short_certificate_becomes_due),
        SCENE(files_follow_and_the_server_is_told),
        SCENE(files_that_lag_behind_are_made_up_for),
        SCENE(failed_reload_is_repeated),
        SCENE(key_of_deployed_files_is_found),
        SCENE(certificate_of_a_foreign_key_is_left_alone),
        SCENE(certificate_of_a_replaced_ca_is_renewed),
        SCENE(renewal_from_a_new_ca_is_paced),
        SCENE(old_ca_beside_the_new_one_still_counts),
        SCENE(certificate_stands_where_nothing_can_be_compared),
        SCENE(failures_are_paced),
        SCENE(failures_of_others_do_not_pace_an_own_credential),
        SCENE(failure_of_the_future_does_not_pace),
        SCENE(wait_that_is_asked_for_is_bounded_by_the_certificate),
        SCENE(success_ends_the_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
