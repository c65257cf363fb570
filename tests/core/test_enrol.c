/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "core/enrol.h"
#include "core/order.h"
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

/* ---- the good way ---- */

static void first_issue_stores_a_pair(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_check_pair(scene);
    scene_check_clean(scene);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void valid_certificate_is_not_asked_for_again(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void renewal_makes_a_new_key(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    zca_auto(zca_key) struct zca_key *before = zca_identity_key(scene->identity, NULL);
    enrol_ok(scene, ZCA_ENROL_RENEW);
    zca_auto(zca_key) struct zca_key *after = zca_identity_key(scene->identity, NULL);
    assert_false(zca_span_equal(zca_key_get_public(before), zca_key_get_public(after)));
    scene_check_pair(scene);
    assert_true(scene_exists(scene, "state/keys/corp/web.key.previous"));
    assert_true(scene_exists(scene, "state/certs/corp/web.pem.previous"));
}

static void renewal_keeps_the_key_when_told(void **state)
{
    struct scene *scene = *state;
    scene_configure(scene, "plain", "[identity web]\nreuse-key = yes\n");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    zca_auto(zca_key) struct zca_key *before = zca_identity_key(scene->identity, NULL);
    enrol_ok(scene, ZCA_ENROL_RENEW);
    zca_auto(zca_key) struct zca_key *after = zca_identity_key(scene->identity, NULL);
    assert_true(zca_span_equal(zca_key_get_public(before), zca_key_get_public(after)));
    scene_check_pair(scene);
}

static void existing_key_is_certified(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "");
    zca_auto(zca_key) struct zca_key *made = zca_identity_key_or_new(scene->identity, &err);
    check_ok(made, err);
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    zca_auto(zca_key) struct zca_key *kept = zca_identity_key(scene->identity, &err);
    assert_true(zca_span_equal(zca_key_get_public(made), zca_key_get_public(kept)));
    scene_check_pair(scene);
}

static void keys_in_memory_are_certified(void **state)
{
    struct scene *scene = *state;
    scene_configure(scene, "plain", "[identity web]\nkeystore = memory\n");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_check_pair(scene);
    assert_false(scene_exists(scene, "state/keys/corp/web.key"));
}

/* It may be readable again later, and would then look like the answer of this order. */
static void certificate_that_cannot_be_read_stops_an_order(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = scene_path(scene, "state/certs/corp/web.pem");
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_true(unlink(path) == 0 && symlink(path, path) == 0); /* which root cannot read either */
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_SYSTEM);
    assert_non_null(strstr(err.message, "web.pem"));
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
}

static void damaged_certificate_is_replaced(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_write(scene, "state/certs/corp/web.pem", "nonsense");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

/* ---- keys of the authority ---- */

static void key_of_the_authority_is_stored(void **state)
{
    struct scene *scene = *state;
    begin(scene, "keygen", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(scene->identity, NULL);
    assert_non_null(key);
    assert_int_equal(zca_key_get_origin(key), ZCA_KEY_MADE_BY_AUTHORITY);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

static void unasked_key_is_refused(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "submit: own-key\n");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "does not support CSR"));
    assert_false(scene_exists(scene, "state/keys/corp/web.key"));
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
}

static void authority_without_a_ca_certificate_is_not_asked(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "mute", "");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "zca ca init"));
    assert_int_equal(scene_count(scene, "submit"), 0);
}

/* ---- answers that are wrong ---- */

static const struct {
    const char *word;
    enum zca_reason reason;
    const char *text;
} wrong_answers[] = {
    {"other-key",  ZCA_ERR_VERIFY,   "another key"     },
    {"other-name", ZCA_ERR_VERIFY,   "other names"     },
    {"extra-name", ZCA_ERR_VERIFY,   "other names"     },
    {"less-names", ZCA_ERR_VERIFY,   "other names"     },
    {"ca",         ZCA_ERR_VERIFY,   "CA certificate"  },
    {"expired",    ZCA_ERR_EXPIRED,  "not valid after" },
    {"future",     ZCA_ERR_VERIFY,   "not valid before"},
    {"rogue",      ZCA_ERR_VERIFY,   "chain"           },
    {"version-1",  ZCA_ERR_VERIFY,   "version 1"       },
    {"cut",        ZCA_ERR_VERIFY,   ""                },
    {"nothing",    ZCA_ERR_VERIFY,   ""                },
    {"html",       ZCA_ERR_PROTOCOL, ""                },
};

/* What was there before stays, byte for byte. */
static void wrong_answers_change_nothing(void **state)
{
    struct scene *scene = *state;
    zca_auto(zca_buffer) struct zca_buffer certificate = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer key = {.len = 0};
    scene_configure(scene, "plain", "[identity web]\ndns = a.example\n");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_read(scene, "state/certs/corp/web.pem", &certificate);
    scene_read(scene, "state/keys/corp/web.key", &key);
    for (size_t i = 0; i < ZCA_COUNT(wrong_answers); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer certificate_now = {.len = 0};
        zca_auto(zca_buffer) struct zca_buffer key_now = {.len = 0};
        zca_auto(text) char *plan = NULL;
        assert_true(asprintf(&plan, "submit: %s\n", wrong_answers[i].word) > 0);
        scene_plan(scene, plan);
        check_refused(enrol(scene, ZCA_ENROL_RENEW, &err), err, wrong_answers[i].reason);
        if (!strstr(err.message, wrong_answers[i].text)) {
            fail_msg("%s: %s", wrong_answers[i].word, err.message);
        }
        scene_read(scene, "state/certs/corp/web.pem", &certificate_now);
        scene_read(scene, "state/keys/corp/web.key", &key_now);
        assert_true(
            zca_span_equal(zca_buffer_span(&certificate), zca_buffer_span(&certificate_now)));
        assert_true(zca_span_equal(zca_buffer_span(&key), zca_buffer_span(&key_now)));
    }
    scene_plan(scene, "");
    enrol_ok(scene, ZCA_ENROL_RENEW);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

/* ---- waiting and retrying ---- */

static void outage_is_waited_for(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "submit: unavailable ok\n");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "submit"), 2);
    assert_int_equal(scene_count(scene, "recover"), 1); /* it may have acted */
    scene_check_pair(scene);
}

static void rate_limit_is_kept(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "submit: rate ok\n");
    int64_t start_ms = zca_clock_monotonic_ms();
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_true(zca_clock_monotonic_ms() - start_ms >= 1000);
    assert_int_equal(scene_count(scene, "recover"), 0); /* it did not act */
}

static void wait_beyond_the_deadline_is_not_begun(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "submit: later\n");
    int64_t start_ms = zca_clock_monotonic_ms();
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_UNAVAILABLE);
    assert_true(zca_clock_monotonic_ms() - start_ms < 4000); /* the deadline is at five seconds */
    assert_int_equal(err.retry_after_s, 3600);
}

static void deadline_ends_the_retries(void **state)
{
    struct scene *scene = *state;
    int64_t least_ms = INT64_MAX;
    begin(scene, "repeating", "submit: unavailable\n");
    scene_open(scene, "zca://corp/web?wait=2");
    for (int i = 0; i < 5 && least_ms >= 2200; i++) { /* a busy machine may delay some */
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        int64_t start_ms = zca_clock_monotonic_ms();
        check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_UNAVAILABLE);
        int64_t took_ms = zca_clock_monotonic_ms() - start_ms;
        least_ms = took_ms < least_ms ? took_ms : least_ms;
    }
    assert_true(least_ms < 2200);
}

static void pending_order_is_polled(void **state)
{
    struct scene *scene = *state;
    begin(scene, "slow", "poll: pending unavailable pending ok\n");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(scene_count(scene, "poll"), 4);
    scene_check_pair(scene);
}

static void order_that_stays_pending_is_resumed(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "slow", "poll: pending\n");
    scene_open(scene, "zca://corp/web?wait=1");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_PENDING);
    assert_true(scene_exists(scene, "state/orders/corp/web.order"));
    scene_plan(scene, "");
    enrol_ok(scene, ZCA_ENROL_RENEW);
    assert_int_equal(scene_count(scene, "submit"), 0);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

static void order_that_vanished_is_placed_anew(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "slow", "poll: pending\n");
    scene_open(scene, "zca://corp/web?wait=1");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_PENDING);
    scene_plan(scene, "poll: gone ok\n");
    scene_open(scene, "zca://corp/web");
    enrol_ok(scene, ZCA_ENROL_RENEW);
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_check_pair(scene);
}

static void order_turned_down_is_over(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "slow", "poll: failed\n");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_POLICY);
    assert_false(scene_exists(scene, "state/orders/corp/web.order"));
}

static void lost_answer_is_recovered(void **state)
{
    struct scene *scene = *state;
    begin(scene, "plain", "submit: lost ok\n");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "issue"), 1);
    assert_int_equal(scene_count(scene, "submit"), 1);
    scene_check_pair(scene);
}

static void lost_answer_is_asked_for_again_where_that_is_safe(void **state)
{
    struct scene *scene = *state;
    begin(scene, "repeating", "submit: lost ok\n");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "issue"), 1);
    assert_int_equal(scene_count(scene, "submit"), 2);
    assert_int_equal(scene_count(scene, "recover"), 0);
    scene_check_pair(scene);
}

static struct scene *next_scene(void **state)
{
    assert_int_equal(scene_teardown(state), 0);
    assert_int_equal(scene_setup(state), 0);
    return *state;
}

/* It was issued, the answer was lost, and then whoever asks is turned away: the order stays, and is found later. */
static void lost_answer_is_not_forgotten_at_the_door(void **state)
{
    static const char *const plans[] = {"submit: lost unauthorised ok\n",
                                        "submit: lost forbidden ok\n",
                                        "submit: lost unverified ok\n"};
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    for (size_t i = 0; i < ZCA_COUNT(plans); i++) {
        begin(scene, "repeating", plans[i]);
        assert_false(enrol(scene, ZCA_ENROL_IF_NEEDED, &err));
        assert_true(scene_exists(scene, "state/orders/corp/web.order"));
        enrol_ok(scene, ZCA_ENROL_RENEW);
        assert_int_equal(scene_count(scene, "issue"), 1);
        scene_check_pair(scene);
        scene = next_scene(state);
    }
}

/* An order in doubt is asked after for an hour, whatever is said meanwhile of who asks. */
static void doubt_ends_after_an_hour(void **state)
{
    struct scene *scene = *state;

    static const struct {
        int64_t age_s;
        bool stays;
    } rows[] = {
        {59 * 60, true },
        {61 * 60, false},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
        begin(scene, "repeating", "submit: lost unauthorised\n");
        assert_false(enrol(scene, ZCA_ENROL_IF_NEEDED, &err));
        assert_true(zca_order_load(scene->library, "corp", "web", &order, &err));
        order.started_at_s = zca_clock_now_s() - rows[i].age_s;
        assert_true(zca_order_store(scene->library, "corp", "web", &order, &err));
        assert_false(enrol(scene, ZCA_ENROL_RENEW, &err));
        assert_int_equal(scene_exists(scene, "state/orders/corp/web.order"), rows[i].stays);
        scene = next_scene(state);
    }
}

static void second_phase_is_confirmed(void **state)
{
    struct scene *scene = *state;
    begin(scene, "careful", "confirm: unavailable ok\n");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    assert_int_equal(scene_count(scene, "confirmed"), 1);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

static void offline_identity_never_calls(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "");
    scene_open(scene, "zca://corp/web?offline=yes");
    check_refused(enrol(scene, ZCA_ENROL_IF_NEEDED, &err), err, ZCA_ERR_UNAVAILABLE);
    assert_int_equal(scene_count(scene, "open"), 0);
}

static void damaged_journal_is_reported(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    begin(scene, "plain", "");
    enrol_ok(scene, ZCA_ENROL_IF_NEEDED);
    scene_write(scene, "state/orders/corp/web.order", "nonsense");
    check_refused(enrol(scene, ZCA_ENROL_RENEW, &err), err, ZCA_ERR_INVALID);
    assert_non_null(strstr(err.message, "web.order"));
    bool finished = true;
    check_ok(zca_enrol_finish(scene->identity, &finished, &err), err); /* readers go on */
    assert_false(finished);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(first_issue_stores_a_pair),
        SCENE(valid_certificate_is_not_asked_for_again),
        SCENE(renewal_makes_a_new_key),
        SCENE(renewal_keeps_the_key_when_told),
        SCENE(existing_key_is_certified),
        SCENE(keys_in_memory_are_certified),
        SCENE(certificate_that_cannot_be_read_stops_an_order),
        SCENE(damaged_certificate_is_replaced),
        SCENE(key_of_the_authority_is_stored),
        SCENE(unasked_key_is_refused),
        SCENE(authority_without_a_ca_certificate_is_not_asked),
        SCENE(wrong_answers_change_nothing),
        SCENE(outage_is_waited_for),
        SCENE(rate_limit_is_kept),
        SCENE(wait_beyond_the_deadline_is_not_begun),
        SCENE(deadline_ends_the_retries),
        SCENE(pending_order_is_polled),
        SCENE(order_that_stays_pending_is_resumed),
        SCENE(order_that_vanished_is_placed_anew),
        SCENE(order_turned_down_is_over),
        SCENE(lost_answer_is_recovered),
        SCENE(lost_answer_is_asked_for_again_where_that_is_safe),
        SCENE(lost_answer_is_not_forgotten_at_the_door),
        SCENE(doubt_ends_after_an_hour),
        SCENE(second_phase_is_confirmed),
        SCENE(offline_identity_never_calls),
        SCENE(damaged_journal_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
