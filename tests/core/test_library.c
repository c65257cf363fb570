/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/gate.h"
#include "core/library.h"
#include "tests/core/home.h"

static const char *text_of(struct zca_library *library, enum zca_library_option option)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    const struct zca_config *config = zca_library_config(library, &err);
    check_ok(config, err);
    return zca_config_get_text(config, "zca", NULL, &zca_library_options[option]);
}

static struct zca_library *new_library(const struct zca_library_settings *settings)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_library *library = zca_library_new(settings, &err);
    check_ok(library, err);
    return library;
}

static void write_text(void **state, const char *name, const char *text)
{
    home_write(state, name, 0600, zca_span_text(text));
}

/* ---- configuration ---- */

static void library_new_reads_nothing(void **state)
{
    zca_auto(text) char *path = check_path(state, "absent/zca.conf");
    const struct zca_library_settings settings = {.config_file = path};
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    write_text(state, "zca.conf", "[zca]\nkey-type = P-384\n");
    assert_string_equal(zca_library_config_file(library), path);
}

static void library_with_a_named_file_that_is_missing_says_which(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "absent.conf");
    const struct zca_library_settings settings = {.config_file = path};
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    check_refused(zca_library_config(library, &err), err, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "zca login"));
}

static void library_remembers_that_its_file_is_broken(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(text) char *path = check_path(state, "zca.conf");
    write_text(state, "zca.conf", "[zca]\nkey-tipe = P-256\n");
    const struct zca_library_settings settings = {.config_file = path};
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    check_refused(zca_library_config(library, &err), err, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "key-type"));
    write_text(state, "zca.conf", "[zca]\nkey-type = P-256\n");
    check_refused(zca_library_config(library, &err), err, ZCA_ERR_CONFIG);
    check_refused(zca_library_context(library, &err), err, ZCA_ERR_CONFIG);
    check_refused(zca_library_state_dir(library, &err), err, ZCA_ERR_CONFIG);
    check_refused(zca_library_remote(library, &err), err, ZCA_ERR_CONFIG);
}

static void library_finds_the_file_of_the_environment(void **state)
{
    zca_auto(text) char *path = check_path(state, "own.conf");
    write_text(state, "own.conf", "[zca]\nkey-type = P-384\n");
    const struct zca_library_settings settings = {.config_file = NULL};
    assert_int_equal(setenv("ZCA_CONFIG", path, 1), 0);
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    assert_string_equal(text_of(library, ZCA_LIBRARY_KEY_TYPE), "P-384");
    assert_string_equal(zca_library_config_file(library), path);
    zca_auto(text) char *other = check_path(state, "other.conf");
    assert_int_equal(setenv("ZCA_CONFIG", other, 1), 0);
    zca_auto(zca_library) struct zca_library *missing = new_library(&settings);
    assert_string_equal(zca_library_config_file(missing), other); /* asking makes no difference */
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_refused(zca_library_config(missing, &err), err, ZCA_ERR_CONFIG);
    assert_int_equal(unsetenv("ZCA_CONFIG"), 0);
}

/* What a user without rights sees: in a child, because it gives up root. */
static int check_user_places(void **state)
{
    zca_auto(text) char *state_dir = check_path(state, ".local/state/zca");
    zca_auto(text) char *config = check_path(state, ".config/zca/zca.conf");
    const struct zca_library_settings settings = {.config_file = NULL};
    if (chmod(*state, 0755) != 0 || (geteuid() == 0 && setuid(65534) != 0) || clearenv() != 0 ||
        setenv("HOME", *state, 1) != 0) {
        return 1;
    }
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, NULL);
    const char *found = zca_library_state_dir(library, NULL);
    if (!found || strcmp(found, state_dir) != 0) {
        return 2;
    }
    /* no file anywhere is an empty configuration; /etc/zca/zca.conf is not ours to judge */
    const char *file = zca_library_config_file(library);
    if (strcmp(file, "/etc/zca/zca.conf") != 0) {
        return 3;
    }
    return setenv("XDG_STATE_HOME", "/xdg", 1) == 0 ? 0 : 4;
}

static int check_xdg_places(void **state)
{
    zca_auto(text) char *config = check_path(state, "zca/zca.conf");
    const struct zca_library_settings settings = {.config_file = NULL};
    if (chmod(*state, 0755) != 0 || (geteuid() == 0 && setuid(65534) != 0) || clearenv() != 0 ||
        setenv("XDG_STATE_HOME", "/xdg/state", 1) != 0 ||
        setenv("XDG_RUNTIME_DIR", "/xdg/run", 1) != 0 ||
        setenv("XDG_CONFIG_HOME", *state, 1) != 0) {
        return 1;
    }
    zca_auto(zca_library) struct zca_library *library = zca_library_new(&settings, NULL);
    if (strcmp(zca_library_config_file(library), config) != 0) {
        return 2;
    }
    zca_auto(text) char *key =
        zca_library_path(library, ZCA_PLACE_KEYS, "corp", "web", ".key", NULL);
    zca_auto(text) char *runtime =
        zca_library_path(library, ZCA_PLACE_RUNTIME, "corp", "web", ".key", NULL);
    return key && strcmp(key, "/xdg/state/zca/keys/corp/web.key") == 0 && runtime &&
                   strcmp(runtime, "/xdg/run/zca/keys/corp/web.key") == 0
               ? 0
               : 3;
}

static void run_in_child(void **state, int (*step)(void **state))
{
    int pid = fork();
    if (pid == 0) {
        home_leave(step(state) == 0);
    }
    home_join(pid);
}

static void library_of_a_user_lives_below_home(void **state)
{
    run_in_child(state, check_user_places);
}

static void library_of_a_user_follows_xdg(void **state)
{
    zca_auto(text) char *directory = check_path(state, "zca");
    assert_int_equal(mkdir(directory, 0755), 0);
    home_write(state, "zca/zca.conf", 0644, zca_span_text("[zca]\n"));
    run_in_child(state, check_xdg_places);
}

static void library_overrides_win_over_the_file(void **state)
{
    zca_auto(text) char *path = check_path(state, "zca.conf");
    write_text(state, "zca.conf", "[zca]\nkey-type = P-384\nlog = none\n");
    char value[] = "RSA-2048";
    const struct zca_setting overrides[] = {
        {"key-type", value},
        {NULL,       NULL }
    };
    const struct zca_library_settings settings = {.config_file = path, .overrides = overrides};
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    value[0] = '?'; /* settings are copied */
    assert_string_equal(text_of(library, ZCA_LIBRARY_KEY_TYPE), "RSA-2048");
    assert_string_equal(text_of(library, ZCA_LIBRARY_LOG), "none");
}

static void library_override_that_is_wrong_is_refused(void **state)
{
    zca_auto(text) char *path = check_path(state, "zca.conf");
    write_text(state, "zca.conf", "[zca]\n");
    static const struct zca_setting overrides[][2] = {
        {{"key-type", "P-257"}, {NULL, NULL}},
        {{"no-such", "yes"},    {NULL, NULL}}
    };
    for (size_t i = 0; i < ZCA_COUNT(overrides); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        const struct zca_library_settings settings = {.config_file = path,
                                                      .overrides = overrides[i]};
        zca_auto(zca_library) struct zca_library *library = new_library(&settings);
        check_refused(zca_library_config(library, &err), err, ZCA_ERR_CONFIG);
        assert_non_null(strstr(err.message, "parameter 'zca-"));
        assert_non_null(strstr(err.message, overrides[i][0].name));
    }
}

/* ---- places ---- */

static void library_paths_stay_below_their_place(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");

    static const struct {
        enum zca_place place;
        const char *path;
        mode_t mode;
    } rows[] = {
        {ZCA_PLACE_KEYS,        "state/keys/corp",        0700},
        {ZCA_PLACE_RUNTIME,     "run/keys/corp",          0700},
        {ZCA_PLACE_CERTS,       "state/certs/corp",       0755},
        {ZCA_PLACE_ORDERS,      "state/orders/corp",      0700},
        {ZCA_PLACE_AUTHORITIES, "state/authorities/corp", 0755},
        {ZCA_PLACE_TOKENS,      "state/tokens/corp",      0700},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct stat status;
        zca_auto(text) char *wanted = check_path(state, rows[i].path);
        zca_auto(text) char *directory =
            zca_library_directory(library, rows[i].place, "corp", &err);
        check_ok(directory, err);
        assert_string_equal(directory, wanted);
        assert_int_equal(access(wanted, F_OK), -1); /* asking makes nothing */
        check_ok(zca_library_prepare(library, rows[i].place, "corp", &err), err);
        assert_int_equal(stat(wanted, &status), 0);
        assert_int_equal(status.st_mode & 07777, rows[i].mode);
        zca_auto(text) char *path =
            zca_library_path(library, rows[i].place, "corp", "web", ".x", &err);
        check_ok(path, err);
        assert_string_equal(path + strlen(wanted), "/web.x");
    }
}

static void library_paths_of_wrong_names_are_refused(void **state)
{
    static const char *const names[] = {"", ".", "..", "../x", "a/b", ".x", "a b", "\x01"};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    for (size_t i = 0; i < ZCA_COUNT(names); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_library_path(library, ZCA_PLACE_KEYS, names[i], "web", "", &err), err,
                      ZCA_ERR_INVALID);
        check_refused(zca_library_path(library, ZCA_PLACE_KEYS, "corp", names[i], "", &err), err,
                      ZCA_ERR_INVALID);
        check_refused(zca_library_prepare(library, ZCA_PLACE_KEYS, names[i], &err), err,
                      ZCA_ERR_INVALID);
    }
}

/* ---- the private context ---- */

static void library_context_is_private(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    OSSL_LIB_CTX *context = zca_library_context(library, &err);
    check_ok(context, err);
    assert_ptr_equal(zca_library_context(library, &err), context);
    assert_string_equal(OSSL_PROVIDER_get0_name(zca_library_crypto(library, &err)), "zca-view");
    EVP_MD *digest = EVP_MD_fetch(context, "SHA256", NULL);
    assert_non_null(digest);
    EVP_MD_free(digest);
}

static void library_without_its_crypto_provider_says_so(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library =
        home_library(state, "crypto-provider = fips\n");
    if (OSSL_PROVIDER_try_load(NULL, "fips", 1)) {
        skip(); /* this machine has it */
    }
    check_refused(zca_library_context(library, &err), err, ZCA_ERR_CRYPTO);
    assert_non_null(strstr(err.message, "fips"));
    check_refused(zca_library_crypto(library, &err), err, ZCA_ERR_CRYPTO);
}

/* ---- zca-remote.so ---- */

static void library_without_network_opens_no_remote(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "remote = off\n");
    check_refused(zca_library_remote(library, &err), err, ZCA_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "remote = off"));
}

static void library_names_a_remote_it_cannot_open(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library =
        home_library(state, "remote-library = /nowhere/zca-remote.so\n");
    check_refused(zca_library_remote(library, &err), err, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "/nowhere/zca-remote.so"));
}

static void library_refuses_a_remote_of_another_kind(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library =
        home_library(state, "remote-library = " ZCA_NO_REMOTE "\n");
    check_refused(zca_library_remote(library, &err), err, ZCA_ERR_CONFIG);
    assert_non_null(strstr(err.message, "another version"));
}

static void library_in_a_network_operation_is_busy(void **state)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    check_ok(zca_library_network_begin(library, &err), err);
    check_refused(zca_library_network_begin(library, &err), err, ZCA_ERR_BUSY);
    check_refused(zca_library_remote(library, &err), err, ZCA_ERR_BUSY);
    zca_library_network_end(library);
    check_ok(zca_library_network_begin(library, &err), err);
    zca_library_network_end(library);
}

/* ---- fork ---- */

struct gate {
    sem_t reached, opened;
};

/* Called under the library's lock. */
static OSSL_LIB_CTX *wait_at_gate(void *argument)
{
    struct gate *gate = argument;
    (void)sem_post(&gate->reached);
    (void)sem_wait(&gate->opened);
    return OSSL_LIB_CTX_new();
}

static void *make_context(void *library)
{
    return zca_library_context(library, NULL);
}

static void child_is_not_held_up_by_a_thread_of_its_parent(void **state)
{
    struct gate gate;
    pthread_t thread;
    void *context = NULL;
    zca_auto(text) char *path = check_path(state, "zca.conf");
    write_text(state, "zca.conf", "[zca]\nstate-dir = /tmp\nkey-type = P-384\n");
    assert_int_equal(sem_init(&gate.reached, 0, 0) | sem_init(&gate.opened, 0, 0), 0);
    const struct zca_library_settings settings = {
        .config_file = path, .context_new = wait_at_gate, .context_argument = &gate};
    zca_auto(zca_library) struct zca_library *library = new_library(&settings);
    assert_int_equal(pthread_create(&thread, NULL, make_context, library), 0);
    assert_int_equal(sem_wait(&gate.reached), 0);
    int pid = fork();
    if (pid == 0) {
        alarm(30); /* a lock that nobody releases ends the child */
        (void)sem_post(&gate.opened);
        zca_library_enter(library);
        const char *directory = zca_library_state_dir(library, NULL);
        bool ok = directory && strcmp(directory, "/tmp") == 0 && zca_library_context(library, NULL);
        zca_library_free(library);
        home_leave(ok);
    }
    home_join(pid);
    assert_int_equal(sem_post(&gate.opened), 0);
    assert_int_equal(pthread_join(thread, &context), 0);
    assert_non_null(context);
}

/* Threads of a child that all enter first. */
static void *enter_and_read(void *library)
{
    zca_library_enter(library);
    return (void *)zca_library_config(library, NULL);
}

static void threads_of_a_child_enter_together(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_library_config(library, &err), err);
    for (size_t round = 0; round < 20; round++) {
        int pid = fork();
        if (pid == 0) {
            alarm(30);
            pthread_t threads[8];
            int failures = 0;
            for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
                failures += pthread_create(&threads[i], NULL, enter_and_read, library);
            }
            for (size_t i = 0; i < ZCA_COUNT(threads); i++) {
                void *config = NULL;
                failures += pthread_join(threads[i], &config);
                failures += config ? 0 : 1;
            }
            home_leave(failures == 0);
        }
        home_join(pid);
    }
}

static void *make_anew(void *library)
{
    return zca_library_context(library, NULL);
}

static void *read_inside(void *library)
{
    zca_auto(gate) int inside = zca_gate_pass();
    return (void *)(uintptr_t)zca_library_config(library, NULL);
}

/* One thread has the library's lock, one is inside the gate, and one forks: none waits for ever for the others;
 * alarm(2) ends them. */
static void library_is_read_while_a_process_forks(void **state)
{
    void *results[2] = {NULL};
    (void)alarm(60); /* there was none before */
    for (size_t i = 0; i < 100; i++) {
        pthread_t threads[2];
        zca_auto(zca_library) struct zca_library *library = home_library(state, "");
        assert_int_equal(pthread_create(&threads[0], NULL, make_anew, library), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, read_inside, library), 0);
        int pid = fork();
        if (pid == 0) {
            _exit(0);
        }
        home_join(pid);
        assert_int_equal(pthread_join(threads[0], &results[0]), 0);
        assert_int_equal(pthread_join(threads[1], &results[1]), 0);
        assert_non_null(results[0]);
        assert_non_null(results[1]);
    }
    (void)alarm(0);
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(library_new_reads_nothing),
        CASE(library_with_a_named_file_that_is_missing_says_which),
        CASE(library_remembers_that_its_file_is_broken),
        CASE(library_finds_the_file_of_the_environment),
        CASE(library_of_a_user_lives_below_home),
        CASE(library_of_a_user_follows_xdg),
        CASE(library_overrides_win_over_the_file),
        CASE(library_override_that_is_wrong_is_refused),
        CASE(library_paths_stay_below_their_place),
        CASE(library_paths_of_wrong_names_are_refused),
        CASE(library_context_is_private),
        CASE(library_without_its_crypto_provider_says_so),
        CASE(library_without_network_opens_no_remote),
        CASE(library_names_a_remote_it_cannot_open),
        CASE(library_refuses_a_remote_of_another_kind),
        CASE(library_in_a_network_operation_is_busy),
        CASE(child_is_not_held_up_by_a_thread_of_its_parent),
        CASE(threads_of_a_child_enter_together),
        CASE(library_is_read_while_a_process_forks),
    };
    return cmocka_run_group_tests_name("core/library", tests, NULL, NULL);
}
