/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "core/enrol.h"
#include "core/flight.h"
#include "tests/core/scene.h"

enum { CROWD = 64 };

static void open_scene(struct scene *scene, const char *dialect, const char *plan)
{
    scene_configure(scene, dialect, "");
    scene_plan(scene, plan);
    scene_open(scene, "zca://corp/web");
}

static struct zca_flight *enter(struct scene *scene, long timeout_ms, struct zca_error *err)
{
    return zca_flight_enter(scene->library, "corp", "web", timeout_ms, err);
}

static void lock_is_exclusive_in_a_process(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene, "plain", "");
    zca_auto(zca_flight) struct zca_flight *first = enter(scene, 0, &err);
    check_ok(first, err);
    int64_t start_ms = zca_clock_monotonic_ms();
    struct zca_flight *second = enter(scene, 100, &err);
    check_refused(second, err, ZCA_ERR_BUSY);
    assert_non_null(strstr(err.message, "web.lock"));
    assert_true(zca_clock_monotonic_ms() - start_ms >= 100);
}

static void lock_can_be_taken_again(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene, "plain", "");
    zca_flight_leave(enter(scene, 0, &err));
    struct zca_flight *second = enter(scene, 0, &err);
    check_ok(second, err);
    zca_flight_leave(second);
}

static void locks_of_identities_are_independent(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene, "plain", "");
    zca_auto(zca_flight) struct zca_flight *web = enter(scene, 0, &err);
    zca_auto(zca_flight) struct zca_flight *mail =
        zca_flight_enter(scene->library, "corp", "mail", 0, &err);
    check_ok(web && mail, err);
}

static void lock_lies_where_it_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene, "plain", "");
    zca_auto(zca_flight) struct zca_flight *orders = enter(scene, 0, &err);
    zca_auto(zca_flight) struct zca_flight *tokens =
        zca_flight_enter_at(scene->library, ZCA_PLACE_TOKENS, "corp", "web", 0, &err);
    check_ok(orders && tokens, err);
    assert_true(scene_exists(scene, "state/tokens/corp/web.lock"));
    check_refused(zca_flight_enter_at(scene->library, ZCA_PLACE_TOKENS, "corp", "web", 0, &err),
                  err, ZCA_ERR_BUSY);
}

/* ---- threads ---- */

struct counter {
    struct scene *scene;
    atomic_int
        inside; /* not for exclusion, which the lock does: thread sanitizers do not know of locks on files */
    atomic_int most;
};

static void *count_inside(void *argument)
{
    struct counter *counter = argument;
    zca_auto(zca_flight) struct zca_flight *flight = enter(counter->scene, 20000, NULL);
    if (flight) {
        int inside = atomic_fetch_add(&counter->inside, 1) + 1;
        if (inside > atomic_load(&counter->most)) {
            atomic_store(&counter->most, inside);
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        (void)atomic_fetch_sub(&counter->inside, 1);
    }
    return flight ? counter : NULL;
}

static void lock_excludes_threads(void **state)
{
    struct scene *scene = *state;
    struct counter counter = {.scene = scene};
    pthread_t threads[8];
    open_scene(scene, "plain", "");
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_inside, &counter), 0);
    }
    for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(atomic_load(&counter.most), 1);
}

/* ---- processes ---- */

static pid_t start(struct scene *scene, int (*step)(struct scene *, void *), void *argument)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        scene->identity = NULL; /* the parent's */
        scene->library = NULL;
        scene_open(scene, "zca://corp/web");
        _exit(step(scene, argument));
    }
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int enrol_step(struct scene *scene, void *argument)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    const enum zca_enrol_reason *reason = argument;
    return zca_enrol(scene->identity, *reason, &certificates, &err) ? 0 : (int)err.reason;
}

/* How many descriptors a process has of the lock. */
static size_t count_locks(pid_t pid)
{
    char path[64];
    size_t num = 0;
    assert_true(snprintf(path, sizeof(path), "/proc/%d/fd", pid) < (int)sizeof(path));
    DIR *directory = opendir(path);
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry; entry = readdir(directory)) {
        char target[4096] = "";
        (void)!readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);
        num += strstr(target, "/web.lock") ? 1 : 0;
    }
    (void)closedir(directory); /* was only read */
    return num;
}

/* One descriptor is the holder's, through fork(2); with another of its own, the child is at the lock. */
static void wait_until_at_the_lock(pid_t pid)
{
    for (int i = 0; i < 60000 && count_locks(pid) < 2; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    assert_int_equal(count_locks(pid), 2);
}

/* Many processes ask at once; with `flight`, which is given up then, only when all wait for it. */
static void run_crowd(struct scene *scene, enum zca_enrol_reason *reason, struct zca_flight *flight,
                      int *results)
{
    pid_t pids[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            scene->identity = NULL; /* the parent's */
            scene->library = NULL;
            scene_open(scene, "zca://corp/web?wait=60");
            _exit(enrol_step(scene, reason));
        }
    }
    for (size_t i = 0; i < CROWD && flight; i++) {
        wait_until_at_the_lock(pids[i]);
    }
    zca_flight_leave(flight);
    for (size_t i = 0; i < CROWD; i++) {
        results[i] = wait_for(pids[i]);
    }
}

static void check_results(const int *results, int wanted)
{
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(results[i], wanted);
    }
}

static void cold_crowd_issues_once(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason reason = ZCA_ENROL_IF_NEEDED;
    int results[CROWD];
    open_scene(scene, "plain", "submit: drowsy\n");
    int64_t start_ms = zca_clock_monotonic_ms();
    run_crowd(scene, &reason, NULL, results);
    print_message("%d processes: %lld ms\n", CROWD,
                  (long long)(zca_clock_monotonic_ms() - start_ms));
    check_results(results, 0);
    assert_int_equal(scene_count(scene, "submit"), 1);
    assert_int_equal(scene_count(scene, "issue"), 1);
    scene_check_pair(scene);
    scene_check_clean(scene);
}

/* Whoever waited while another renewed is served by that. */
static void renewing_crowd_issues_once(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason if_needed = ZCA_ENROL_IF_NEEDED;
    enum zca_enrol_reason renew = ZCA_ENROL_RENEW;
    int results[CROWD];
    open_scene(scene, "plain", "");
    assert_int_equal(enrol_step(scene, &if_needed), 0);
    run_crowd(scene, &renew, enter(scene, 0, NULL), results);
    check_results(results, 0);
    assert_int_equal(scene_count(scene, "submit"), 2);
    scene_check_pair(scene);
}

static void refused_crowd_does_not_repeat_the_question(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason reason = ZCA_ENROL_IF_NEEDED;
    int results[CROWD];
    open_scene(scene, "plain", "submit: refuse\n");
    run_crowd(scene, &reason, enter(scene, 0, NULL), results);
    check_results(results, ZCA_ERR_QUARANTINED);
    assert_int_equal(scene_count(scene, "submit"), 1);
}

static void later_process_asks_again_after_a_refusal(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason reason = ZCA_ENROL_IF_NEEDED;
    open_scene(scene, "plain", "submit: refuse ok\n");
    assert_int_equal(wait_for(start(scene, enrol_step, &reason)), ZCA_ERR_QUARANTINED);
    assert_int_equal(wait_for(start(scene, enrol_step, &reason)), 0);
}

static int hold_step(struct scene *scene, void *argument)
{
    (void)argument;
    struct zca_flight *flight = enter(scene, 0, NULL);
    scene_write(scene, "held", "");
    (void)pause();
    zca_flight_leave(flight);
    return 0;
}

static void killed_holder_frees_the_lock(void **state)
{
    struct scene *scene = *state;
    enum zca_enrol_reason reason = ZCA_ENROL_IF_NEEDED;
    open_scene(scene, "plain", "");
    pid_t holder = start(scene, hold_step, NULL);
    while (!scene_exists(scene, "held")) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    pid_t next = start(scene, enrol_step, &reason);
    assert_int_equal(kill(holder, SIGKILL), 0);
    assert_int_equal(wait_for(holder), 128 + SIGKILL);
    assert_int_equal(wait_for(next), 0);
    scene_check_pair(scene);
}

/* ---- fork ---- */

static void child_does_not_free_its_parents_lock(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    open_scene(scene, "plain", "");
    struct zca_flight *flight = enter(scene, 0, &err);
    check_ok(flight, err);
    pid_t child = fork();
    if (child == 0) {
        zca_flight_leave(flight);
        _exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    struct zca_flight *second = enter(scene, 50, &err);
    check_refused(second, err, ZCA_ERR_BUSY);
    zca_flight_leave(flight);
}

/* A library used before and after a fork: the child opens a connection of its own. */
static void child_forgets_its_parents_connection(void **state)
{
    struct scene *scene = *state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    enum zca_enrol_reason renew = ZCA_ENROL_RENEW;
    open_scene(scene, "plain", "");
    assert_int_equal(enrol_step(scene, &renew), 0);
    pid_t child = fork();
    if (child == 0) {
        zca_library_enter(scene->library);
        int result = enrol_step(scene, &renew);
        scene_close(scene);
        _exit(result);
    }
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(enrol_step(scene, &renew), 0); /* the parent's still works */
    assert_int_equal(scene_count(scene, "open"), 2);
    assert_int_equal(scene_count(scene, "forget"), 1);
    assert_int_equal(scene_count(scene, "close"), 1); /* the child's own */
    scene_check_pair(scene);
    check_ok(true, err);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(lock_is_exclusive_in_a_process),
        SCENE(lock_can_be_taken_again),
        SCENE(locks_of_identities_are_independent),
        SCENE(lock_lies_where_it_is_asked_for),
        SCENE(lock_excludes_threads),
        SCENE(cold_crowd_issues_once),
        SCENE(renewing_crowd_issues_once),
        SCENE(refused_crowd_does_not_repeat_the_question),
        SCENE(later_process_asks_again_after_a_refusal),
        SCENE(killed_holder_frees_the_lock),
        SCENE(child_does_not_free_its_parents_lock),
        SCENE(child_forgets_its_parents_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
