/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: durability, transactions, uniqueness, the audit chain. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/file.h"
#include "server/ledger.h"
#include "server/ledger_account.h"
#include "server/ledger_audit.h"
#include "server/ledger_authority.h"
#include "server/ledger_certificate.h"

struct fixture {
    char *directory;
    char *path;
    struct zca_ledger *ledger;
};

static int open_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    char template[] = "/tmp/zca-ledger-XXXXXX";
    assert_non_null(mkdtemp(template));
    fixture->directory = strdup(template);
    fixture->path = zca_path_join(template, "ledger.db", "", NULL);
    struct zca_error err = {0};
    fixture->ledger = zca_ledger_open(fixture->path, &err);
    assert_string_equal(err.message, "");
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    zca_ledger_close(fixture->ledger);
    zca_auto(zca_buffer) struct zca_buffer command = {0};
    assert_true(zca_buffer_format(&command, NULL, "rm -rf '%s'", fixture->directory));
    assert_int_equal(system((const char *)command.data), 0);
    free(fixture->directory);
    free(fixture->path);
    free(fixture);
    return 0;
}

static struct zca_org example_org(void)
{
    return (struct zca_org){.id = (char *)"11111111-1111-4111-8111-111111111111",
                            .name = (char *)"example",
                            .created_at = 1000,
                            .cert_ttl_hours = 24,
                            .max_cert_ttl_hours = 720,
                            .allowed_domains = (char *)"",
                            .allowed_ekus = (char *)"serverAuth clientAuth",
                            .allow_version1 = true};
}

static void insert_authority(struct zca_ledger *ledger, const char *id)
{
    struct zca_authority_row row = {
        .id = (char *)(uintptr_t)id,
        .org_id = example_org().id,
        .certificate = {.data = (uint8_t *)"c", .len = 1},
        .sealed_key = {.data = (uint8_t *)"k", .len = 1},
        .created_at = 2000
    };
    assert_true(zca_ledger_authority_replace(ledger, &row, NULL));
}

static struct zca_intent example_intent(const char *serial, const char *request_id)
{
    return (struct zca_intent){
        .org_id = example_org().id,
        .authority_id = (char *)"a1",
        .kind = (char *)"certificate",
        .serial = {.data = (uint8_t *)(uintptr_t)serial, .len = strlen(serial)},
        .tbs_sha256 = {.data = (uint8_t *)"h",               .len = 1             },
        .requester = (char *)"admin@localhost",
        .profile = (char *)"leaf",
        .request_id = (char *)(uintptr_t)request_id,
        .created_at = 5
    };
}

static void org_comes_back_as_stored(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    zca_auto(zca_org) struct zca_org found = {0};
    bool is_there = false;
    assert_true(zca_ledger_org_find(fixture->ledger, "example", &found, &is_there, NULL));
    assert_true(is_there);
    assert_string_equal(found.id, org.id);
    assert_int_equal(found.max_cert_ttl_hours, 720);
    assert_true(found.allow_version1);
    assert_false(found.allow_intermediate);
}

static void unknown_org_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    zca_auto(zca_org) struct zca_org found = {0};
    bool is_there = true;
    assert_true(zca_ledger_org_find(fixture->ledger, "nobody", &found, &is_there, NULL));
    assert_false(is_there);
}

static void second_org_of_a_name_conflicts(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    org.id = (char *)"other";
    struct zca_error err = {0};
    assert_false(zca_ledger_org_insert(fixture->ledger, &org, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFLICT);
}

static void database_is_for_the_owner_only(void **state)
{
    struct fixture *fixture = *state;
    struct stat st;
    assert_int_equal(stat(fixture->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

/* ---- transactions ---- */

static bool insert_then_fail(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    (void)context;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(ledger, &org, NULL));
    return zca_error_set(err, ZCA_ERR_POLICY, "no");
}

static void failed_operation_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct zca_error err = {0};
    assert_false(zca_ledger_transact(fixture->ledger, insert_then_fail, NULL, &err));
    assert_int_equal(err.reason, ZCA_ERR_POLICY);
    zca_auto(zca_org) struct zca_org found = {0};
    bool is_there = true;
    assert_true(zca_ledger_org_find(fixture->ledger, "example", &found, &is_there, NULL));
    assert_false(is_there);
}

#define NUM_THREADS 16
#define NUM_WRITES 20

struct writer {
    struct zca_ledger *ledger;
    int number;
    int num_kept;
};

/* Every third operation fails, beside others that must not notice. */
static bool append_some(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const int *step = context;
    struct zca_audit_event event = {
        .created_at = *step, .actor = "test", .event = "test.written", .detail = "x"};
    if (!zca_ledger_audit_append(ledger, &event, err)) {
        return false;
    }
    return *step % 3 == 0 ? zca_error_set(err, ZCA_ERR_POLICY, "every third") : true;
}

static void *write_some(void *opaque)
{
    struct writer *writer = opaque;
    for (int i = 0; i < NUM_WRITES; i++) {
        int step = writer->number * NUM_WRITES + i;
        if (zca_ledger_transact(writer->ledger, append_some, &step, NULL)) {
            writer->num_kept++;
        }
    }
    return NULL;
}

static void batches_keep_good_operations_and_the_chain(void **state)
{
    struct fixture *fixture = *state;
    pthread_t threads[NUM_THREADS];
    struct writer writers[NUM_THREADS];
    for (int i = 0; i < NUM_THREADS; i++) {
        writers[i] = (struct writer){.ledger = fixture->ledger, .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_some, &writers[i]), 0);
    }
    int num_kept = 0;
    for (int i = 0; i < NUM_THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        num_kept += writers[i].num_kept;
    }
    int64_t count = 0;
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    assert_true(zca_ledger_audit_verify(fixture->ledger, &count, &hash, NULL));
    assert_int_equal(count, num_kept);
    assert_int_equal(count, NUM_THREADS * NUM_WRITES - (NUM_THREADS * NUM_WRITES + 2) / 3);
    assert_int_equal(hash.len, 32);
}

/* ---- serials and request ids ---- */

static void serial_is_unique_in_an_organisation(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    struct zca_intent first = example_intent("0123456789abcdef", NULL);
    struct zca_intent second = example_intent("0123456789abcdef", NULL);
    struct zca_error err = {0};
    assert_true(zca_ledger_intent_insert(fixture->ledger, &first, NULL));
    assert_true(first.id > 0);
    assert_false(zca_ledger_intent_insert(fixture->ledger, &second, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFLICT);
}

static void abandoned_intent_frees_its_request_id_only(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    struct zca_intent first = example_intent("s1", "r1");
    struct zca_intent same_request = example_intent("s2", "r1");
    struct zca_intent same_serial = example_intent("s1", NULL);
    assert_true(zca_ledger_intent_insert(fixture->ledger, &first, NULL));
    assert_false(zca_ledger_intent_insert(fixture->ledger, &same_request, NULL));
    assert_true(zca_ledger_intent_abandon(fixture->ledger, first.id, 9, NULL));
    assert_true(zca_ledger_intent_insert(fixture->ledger, &same_request, NULL));
    assert_false(zca_ledger_intent_insert(fixture->ledger, &same_serial, NULL));
}

static void new_authority_retires_the_old_one(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    insert_authority(fixture->ledger, "a1");
    insert_authority(fixture->ledger, "a2");
    char *id = NULL;
    assert_true(zca_ledger_authority_current_id(fixture->ledger, org.id, &id, NULL));
    assert_string_equal(id, "a2");
    free(id);
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    assert_true(zca_ledger_authority_list(fixture->ledger, org.id, &list, NULL));
    assert_int_equal(list.num, 2);
    const struct zca_authority_row *old = zca_record_at(&list, 0);
    assert_true(old->retired_at != 0);
}

/* ---- crashes ---- */

/* The child writes intents and reports each one when it is acknowledged, until it is killed. */
static void write_until_killed(const char *path, int report)
{
    struct zca_ledger *ledger = zca_ledger_open(path, NULL);
    for (uint32_t i = 0; ledger; i++) {
        char serial[16];
        (void)snprintf(serial, sizeof(serial), "s%u", i);
        struct zca_intent intent = example_intent(serial, NULL);
        if (!zca_ledger_intent_insert(ledger, &intent, NULL) ||
            write(report, &i, sizeof(i)) != (ssize_t)sizeof(i)) {
            break;
        }
    }
    _exit(1);
}

static void acknowledged_intents_survive_kill(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    zca_ledger_close(fixture->ledger);
    fixture->ledger = NULL;
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_until_killed(fixture->path, fds[1]);
    }
    (void)close(fds[1]);
    uint32_t last = 0;
    while (last < 50) {
        assert_int_equal(read(fds[0], &last, sizeof(last)), (int)sizeof(last));
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(fds[0], &last, sizeof(last)) == (ssize_t)sizeof(last)) {
    }
    (void)close(fds[0]);
    fixture->ledger = zca_ledger_open(fixture->path, NULL);
    assert_non_null(fixture->ledger);
    assert_true(zca_ledger_check(fixture->ledger, NULL));
    for (uint32_t i = 0; i <= last; i++) {
        char serial[16];
        int len = snprintf(serial, sizeof(serial), "s%u", i);
        zca_auto(zca_intent) struct zca_intent found = {0};
        bool is_there = false;
        assert_true(zca_ledger_intent_find_by_serial(
            fixture->ledger, org.id, zca_span_of(serial, (size_t)len), &found, &is_there, NULL));
        assert_true(is_there);
    }
}

/* ---- tampering ---- */

static void change_with_sqlite(const char *path, const char *sql)
{
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void every_change_breaks_the_chain(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {
        "UPDATE audit SET detail = 'y' WHERE number = 2",
        "UPDATE audit SET detail = 'x' WHERE number = 2; UPDATE audit SET actor = 'z' WHERE number = 3",
        "UPDATE audit SET actor = 'test' WHERE number = 3; DELETE FROM audit WHERE number = 4",
    };
    for (int i = 1; i <= 4; i++) {
        struct zca_audit_event event = {
            .created_at = i, .actor = "test", .event = "test.written", .detail = "x"};
        assert_true(zca_ledger_audit_append(fixture->ledger, &event, NULL));
    }
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        change_with_sqlite(fixture->path, changes[i]);
        int64_t count = 0;
        zca_auto(zca_buffer) struct zca_buffer hash = {0};
        struct zca_error err = {0};
        assert_false(zca_ledger_audit_verify(fixture->ledger, &count, &hash, &err));
        assert_int_equal(err.reason, ZCA_ERR_VERIFY);
    }
}

static void newer_schema_is_refused(void **state)
{
    struct fixture *fixture = *state;
    change_with_sqlite(fixture->path, "INSERT INTO migration VALUES (999, 0)");
    struct zca_error err = {0};
    assert_null(zca_ledger_open(fixture->path, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFLICT);
}

static void backup_is_complete_and_never_overwrites(void **state)
{
    struct fixture *fixture = *state;
    struct zca_org org = example_org();
    assert_true(zca_ledger_org_insert(fixture->ledger, &org, NULL));
    char *path = zca_path_join(fixture->directory, "backup", ".db", NULL);
    assert_true(zca_ledger_backup(fixture->ledger, path, NULL));
    assert_false(zca_ledger_backup(fixture->ledger, path, NULL));
    zca_auto(zca_ledger) struct zca_ledger *copy = zca_ledger_open(path, NULL);
    assert_non_null(copy);
    zca_auto(zca_org) struct zca_org found = {0};
    bool is_there = false;
    assert_true(zca_ledger_org_find(copy, org.id, &found, &is_there, NULL));
    assert_true(is_there);
    free(path);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(org_comes_back_as_stored),
        CASE(unknown_org_is_not_found),
        CASE(second_org_of_a_name_conflicts),
        CASE(database_is_for_the_owner_only),
        CASE(failed_operation_leaves_nothing),
        CASE(batches_keep_good_operations_and_the_chain),
        CASE(serial_is_unique_in_an_organisation),
        CASE(abandoned_intent_frees_its_request_id_only),
        CASE(new_authority_retires_the_old_one),
        CASE(acknowledged_intents_survive_kill),
        CASE(every_change_breaks_the_chain),
        CASE(newer_schema_is_refused),
        CASE(backup_is_complete_and_never_overwrites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
