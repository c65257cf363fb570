/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolment is killed before each step that changes a file, and inside each call of the authority.
 * The next process must end with a valid matching pair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/enrol.h"
#include "core/keystore.h"
#include "core/order.h"
#include "tests/core/crash.h"
#include "tests/core/scene.h"

static const int most_steps = 60;

/* ---- steps run in a child ---- */

static int enrol_step(struct scene *scene, void *argument)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    const enum zca_enrol_reason *reason = argument;
    if (!zca_enrol(scene->identity, *reason, &certificates, &err)) {
        (void)fprintf(stderr, "%s: %s\n", zca_reason_name(err.reason), err.message);
        return 1;
    }
    return 0;
}

struct crash {
    int at;
    enum zca_enrol_reason reason;
};

static int crashing_step(struct scene *scene, void *argument)
{
    struct crash *crash = argument;
    crash_after(crash->at);
    return enrol_step(scene, &crash->reason);
}

/* Readers find a pair or, between the two files, the journal that finishes it, without the network. */
static int read_step(struct scene *scene, void *argument)
{
    (void)argument;
    bool finished = false;
    if (!zca_enrol_finish(scene->identity, &finished, NULL)) {
        return 1;
    }
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, NULL);
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_certificate_load_chain(scene->library, "corp", "web", NULL);
    if (!chain) {
        return 0; /* nothing was there yet */
    }
    return key && zca_chain_matches(chain, key) && zca_chain_valid_now(chain) ? 0 : 2;
}

static int run(struct scene *scene, int (*step)(struct scene *, void *), void *argument)
{
    return scene_run(scene, "zca://corp/web", step, argument);
}

/* A switch that was repeated must not have lost the key of before. */
static void check_previous(struct scene *scene)
{
    zca_auto(zca_key) struct zca_key *present = zca_identity_key(scene->identity, NULL);
    zca_auto(zca_key) struct zca_key *previous =
        zca_keystore_previous(scene->library, ZCA_KEYSTORE_FILE, "corp", "web", NULL);
    assert_non_null(present);
    assert_true(!previous ||
                !zca_span_equal(zca_key_get_public(present), zca_key_get_public(previous)));
}

/* Kills at each step in turn, until one run survives; returns how many were killed. */
static int kill_at_each_step(struct scene *scene, enum zca_enrol_reason reason, size_t most_submits)
{
    enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    for (int at = 1; at <= most_steps; at++) {
        struct crash crash = {.at = at, .reason = reason};
        scene_plan(scene, "");
        int status = run(scene, crashing_step, &crash);
        if (status == 0) {
            return at - 1;
        }
        assert_int_equal(status, CRASHED);
        assert_int_equal(run(scene, read_step, NULL), 0);
        assert_int_equal(run(scene, enrol_step, &if_needed), 0);
        assert_true(scene_count(scene, "issue") <= most_submits);
        scene_open(scene, "zca://corp/web");
        scene_check_pair(scene);
        check_previous(scene);
        scene_close(scene);
        if (reason == ZCA_ENROL_IF_NEEDED) { /* cold again */
            zca_auto(text) char *command = NULL;
            assert_true(asprintf(&command,
                                 "rm -rf '%s/state/certs' '%s/state/keys' '%s/state/orders'",
                                 scene->directory, scene->directory, scene->directory) > 0);
            assert_int_equal(system(command), 0);
        }
    }
    fail_msg("more than %d steps", most_steps);
    return 0;
}

static void first_issue(struct scene *scene, const char *dialect)
{
    scene_configure(scene, dialect, "");
    /* warm: CA pinned, sealing key made */
    enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    assert_int_equal(run(scene, enrol_step, &if_needed), 0);
}

static void renewal_survives_a_crash_at_each_step(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "plain");
    int killed = kill_at_each_step(scene, ZCA_ENROL_RENEW, 1);
    print_message("killed at %d steps\n", killed);
    assert_true(killed >= 15);
}

static void repeating_authority_survives_too(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "repeating");
    assert_true(kill_at_each_step(scene, ZCA_ENROL_RENEW, 1) >= 15);
}

static void two_phases_survive_too(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "careful");
    assert_true(kill_at_each_step(scene, ZCA_ENROL_RENEW, 1) >= 18);
}

static void slow_authority_survives_too(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "slow");
    assert_true(kill_at_each_step(scene, ZCA_ENROL_RENEW, 1) >= 18);
}

/* A key that was handed over once and lost is gone: there a second issue is allowed. */
static void keys_of_the_authority_survive_too(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "keygen");
    assert_true(kill_at_each_step(scene, ZCA_ENROL_RENEW, 2) >= 15);
}

static void cold_start_survives_a_crash_at_each_step(void **state)
{
    struct scene *scene = *state;
    first_issue(scene, "plain");
    zca_auto(text) char *command = NULL;
    assert_true(asprintf(&command, "rm -rf '%s/state'", scene->directory) > 0);
    assert_int_equal(system(command), 0);
    assert_true(kill_at_each_step(scene, ZCA_ENROL_IF_NEEDED, 1) >= 10);
}

/* ---- orders that keep their key ---- */

static const char journal_file[] = "state/orders/corp/web.order";
static const char certificate_file[] = "state/certs/corp/web.pem";

/* Nothing when it is not there. */
static void read_if_there(const struct scene *scene, const char *file, struct zca_buffer *out_bytes)
{
    if (scene_exists(scene, file)) {
        scene_read(scene, file, out_bytes);
    }
}

static bool is_as_before(const struct scene *scene, const char *file,
                         const struct zca_buffer *before)
{
    zca_auto(zca_buffer) struct zca_buffer now = {.len = 0};
    read_if_there(scene, file, &now);
    return zca_span_equal(zca_buffer_span(&now), zca_buffer_span(before));
}

/* The end of such an order is not synced: after a loss of power its journal may be there again. Whoever finds it, nobody
 * is asked again, and the certificate stays. */
static void check_journal_that_is_back(struct scene *scene, const struct zca_buffer *journal)
{
    static enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    static enum zca_enrol_reason renew = ZCA_ENROL_RENEW;

    static const struct {
        int (*step)(struct scene *, void *);
        void *argument;
    } finders[] = {
        {read_step,  NULL      },
        {enrol_step, &if_needed},
        {enrol_step, &renew    },
    };

    zca_auto(text) char *path = scene_path(scene, journal_file);
    zca_auto(zca_buffer) struct zca_buffer certificate = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer calls = {.len = 0};
    scene_read(scene, certificate_file, &certificate);
    scene_read(scene, "fake/log", &calls);
    for (size_t i = 0; i < ZCA_COUNT(finders); i++) {
        assert_true(zca_file_store(path, 0600, zca_buffer_span(journal), NULL));
        assert_int_equal(run(scene, finders[i].step, finders[i].argument), 0);
        assert_false(scene_exists(scene, journal_file));
        assert_true(is_as_before(scene, certificate_file, &certificate));
        assert_true(is_as_before(scene, "fake/log", &calls));
    }
}

/* Killed at one step and finished by the next process. False: there was no such step. */
static bool kill_and_finish(struct scene *scene, struct crash *crash)
{
    zca_auto(zca_buffer) struct zca_buffer before = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer journal = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer calls = {.len = 0};
    scene_plan(scene, "");
    read_if_there(scene, certificate_file, &before);
    int status = run(scene, crashing_step, crash);
    if (status == 0) {
        return false;
    }
    assert_int_equal(status, CRASHED);
    read_if_there(scene, journal_file, &journal);
    read_if_there(scene, "fake/log", &calls);
    bool is_stored = !is_as_before(scene, certificate_file, &before);
    /* after a reader has finished it, a renewal would be another one */
    enum zca_enrol_reason reason = is_stored ? ZCA_ENROL_IF_NEEDED : crash->reason;
    assert_int_equal(run(scene, read_step, NULL), 0);
    assert_int_equal(run(scene, enrol_step, &reason), 0);
    assert_int_equal(scene_count(scene, "issue"), 1);
    assert_true(!is_stored || is_as_before(scene, "fake/log", &calls));
    if (journal.len > 0) {
        check_journal_that_is_back(scene, &journal);
    }
    scene_open(scene, "zca://corp/web");
    scene_check_pair(scene);
    scene_check_clean(scene);
    scene_close(scene);
    return true;
}

static int kill_orders_that_keep_their_key(struct scene *scene, enum zca_enrol_reason reason)
{
    zca_auto(text) char *command = NULL;
    assert_true(asprintf(&command, "rm -rf '%s/state/certs' '%s/state/orders'", scene->directory,
                         scene->directory) > 0);
    for (int at = 1; at <= most_steps; at++) {
        struct crash crash = {.at = at, .reason = reason};
        if (reason == ZCA_ENROL_IF_NEEDED) {
            assert_int_equal(system(command), 0);
        }
        if (!kill_and_finish(scene, &crash)) {
            return at - 1;
        }
    }
    fail_msg("more than %d steps", most_steps);
    return 0;
}

static void certificate_for_the_key_that_is_there_survives(void **state)
{
    struct scene *scene = *state;
    static const char *const dialects[] = {"plain", "repeating", "slow"};
    for (size_t i = 0; i < ZCA_COUNT(dialects); i++) {
        first_issue(scene, dialects[i]);
        int killed = kill_orders_that_keep_their_key(scene, ZCA_ENROL_IF_NEEDED);
        print_message("%s: killed at %d steps\n", dialects[i], killed);
        assert_true(killed >= 10);
    }
}

static void renewal_with_the_same_key_survives(void **state)
{
    struct scene *scene = *state;
    static const char *const dialects[] = {"plain", "repeating", "slow"};
    enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    for (size_t i = 0; i < ZCA_COUNT(dialects); i++) {
        scene_configure(scene, dialects[i], "[identity web]\nreuse-key = yes\n");
        assert_int_equal(run(scene, enrol_step, &if_needed), 0);
        assert_true(kill_orders_that_keep_their_key(scene, ZCA_ENROL_RENEW) >= 10);
    }
}

/* The journal before the authority is asked, and the certificate: each a file and its directory. */
static int counting_step(struct scene *scene, void *argument)
{
    int before = crash_count_syncs();
    int status = enrol_step(scene, argument);
    return status == 0 ? crash_count_syncs() - before : 100;
}

static void certificate_for_the_key_that_is_there_takes_two_stores(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    zca_auto(text) char *certificate = scene_path(scene, certificate_file);
    first_issue(scene, "plain");
    assert_int_equal(unlink(certificate), 0);
    assert_int_equal(run(scene, counting_step, &if_needed), 4);
}

/* ---- inside the authority's calls ---- */

static const struct {
    const char *dialect;
    const char *plan;
    size_t issues; /* in all, before and after the crash */
    size_t submits;
} calls[] = {
    {"plain",     "submit: crash-before ok\n",  1, 2},
    {"plain",     "submit: crash-after ok\n",   1, 1},
    {"plain",     "fetch: crash-before ok\n",   1, 1},
    {"repeating", "submit: crash-before ok\n",  1, 2},
    {"repeating", "submit: crash-after ok\n",   1, 2},
    {"repeating", "fetch: crash-before ok\n",   1, 2},
    {"slow",      "submit: crash-after ok\n",   1, 1},
    {"slow",      "poll: crash-before ok\n",    1, 1},
    {"slow",      "fetch: crash-before ok\n",   1, 1},
    {"careful",   "confirm: crash-before ok\n", 1, 1},
    {"careful",   "confirm: crash-after ok\n",  1, 1},
    {"keygen",    "submit: crash-before ok\n",  1, 2},
    {"keygen",    "submit: crash-after ok\n",   2, 2},
    {"keygen",    "fetch: crash-before ok\n",   2, 2},
};

static void crash_inside_a_call_is_recovered(void **state)
{
    struct scene *scene = *state;

    enum zca_enrol_reason reasons[] = {ZCA_ENROL_RENEW, ZCA_ENROL_IF_NEEDED};

    for (size_t i = 0; i < ZCA_COUNT(calls); i++) {
        first_issue(scene, calls[i].dialect);
        scene_plan(scene, calls[i].plan);
        assert_int_equal(run(scene, enrol_step, &reasons[0]), CRASHED);
        assert_int_equal(run(scene, read_step, NULL), 0);
        assert_int_equal(run(scene, enrol_step, &reasons[0]), 0);
        if (scene_count(scene, "issue") != calls[i].issues ||
            scene_count(scene, "submit") != calls[i].submits) {
            fail_msg("%s, %s: %zu issues, %zu submits", calls[i].dialect, calls[i].plan,
                     scene_count(scene, "issue"), scene_count(scene, "submit"));
        }
        scene_open(scene, "zca://corp/web");
        scene_check_pair(scene);
        scene_check_clean(scene);
        scene_close(scene);
    }
}

/* A reboot erases the runtime keystore, and with it what can open the new key of an order. */
static void reboot_in_the_middle_of_an_order_is_survived(void **state)
{
    struct scene *scene = *state;
    static const char *const plans[] = {"submit: crash-before ok\n", "confirm: crash-before ok\n",
                                        "confirm: crash-after ok\n"};
    enum zca_enrol_reason renew = ZCA_ENROL_RENEW;
    zca_auto(text) char *command = NULL;
    assert_true(asprintf(&command, "rm -rf '%s/run'", scene->directory) > 0);
    for (size_t i = 0; i < ZCA_COUNT(plans); i++) {
        scene_configure(scene, "careful", "[identity web]\nkeystore = runtime\n");
        scene_plan(scene, plans[i]);
        assert_int_equal(run(scene, enrol_step, &renew), CRASHED);
        assert_true(scene_exists(scene, "state/orders/corp/web.order"));
        assert_int_equal(system(command), 0);
        assert_int_equal(run(scene, enrol_step, &renew), 0);
        scene_open(scene, "zca://corp/web");
        scene_check_pair(scene);
        scene_check_clean(scene);
        scene_close(scene);
    }
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(renewal_survives_a_crash_at_each_step),
        SCENE(repeating_authority_survives_too),
        SCENE(two_phases_survive_too),
        SCENE(slow_authority_survives_too),
        SCENE(keys_of_the_authority_survive_too),
        SCENE(cold_start_survives_a_crash_at_each_step),
        SCENE(certificate_for_the_key_that_is_there_survives),
        SCENE(renewal_with_the_same_key_survives),
        SCENE(certificate_for_the_key_that_is_there_takes_two_stores),
        SCENE(crash_inside_a_call_is_recovered),
        SCENE(reboot_in_the_middle_of_an_order_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
