/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays tests/dialects/DIALECT/CASE against the built zca-remote.so: what was asked must be
 * the file `request`, what came of it the lower part of the file `expect`, both to the byte.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/remote/authority.h"
#include "tests/remote/case.h"
#include "tests/remote/remote_table.h"

static const char default_token[] =
    "{\"access_token\":\"token-1\",\"refresh_token\":\"refresh-1\"}";

/* What the table's functions are called with: pieces of a case. */
struct stage {
    const struct zca_remote *remote;
    struct zca_client *client;
    const struct test_case *test_case;
    struct zca_buffer csr, tbs;
    char **dns, **ip;
};

typedef bool operation(const struct stage *stage, struct zca_buffer *out, struct zca_error *err);

/* ---- pieces ---- */

static void print(struct zca_buffer *out, const char *name, const char *value)
{
    assert_true(zca_buffer_format(out, NULL, "%s %s\n", name, value));
}

static void print_number(struct zca_buffer *out, const char *name, int64_t value)
{
    assert_true(zca_buffer_format(out, NULL, "%s %lld\n", name, (long long)value));
}

static void print_bytes(struct zca_buffer *out, const char *name, const struct zca_buffer *bytes)
{
    assert_true(zca_buffer_format(out, NULL, "%s ", name));
    assert_true(zca_hex_encode(zca_buffer_span(bytes), 0, out, NULL));
    assert_true(zca_buffer_append_text(out, "\n", NULL));
}

static long number(const char *text)
{
    return text ? strtol(text, NULL, 10) : 0;
}

/* "none" is NULL. */
static const char *value_of(const char *text, const char *default_value)
{
    const char *value = text ? text : default_value;
    return strcmp(value, "none") == 0 ? NULL : value;
}

/* "a b" as a NULL-terminated vector; NULL for NULL. */
static char **split(const char *text)
{
    if (!text) {
        return NULL;
    }
    char **words = calloc(strlen(text) + 1, sizeof(*words));
    zca_auto(text) char *copy = strdup(text);
    size_t count = 0;
    assert_non_null(words);
    for (char *rest = copy, *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
        words[count++] = strdup(word);
    }
    return words;
}

static void words_free(char **words)
{
    for (char **word = words; word && *word; word++) {
        free(*word);
    }
    free(words);
}

static void decode(const char *hex, struct zca_buffer *out)
{
    assert_true(!hex || zca_hex_decode(zca_span_text(hex), out, NULL));
}

static struct zca_request make_request(const struct stage *stage)
{
    const struct test_case *test_case = stage->test_case;
    return (struct zca_request){
        .request_id = test_case->request_id,
        .common_name = test_case->common_name,
        .dns_names = (const char *const *)stage->dns,
        .ip_addresses = (const char *const *)stage->ip,
        .csr = zca_buffer_span(&stage->csr),
        .ttl_s = number(test_case->ttl),
        .binding = test_case->binding,
    };
}

/* ---- operations ---- */

static bool do_login(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    (void)out;
    struct zca_login login = {
        .user = stage->test_case->user,
        .password = zca_span_text(stage->test_case->password),
        .one_time_code = stage->test_case->one_time_code,
    };
    return stage->remote->login(stage->client, &login, err);
}

static bool do_logout(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    (void)out;
    return stage->remote->logout(stage->client, err);
}

static bool do_whoami(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_whoami) struct zca_whoami whoami = {0};
    if (!stage->remote->whoami(stage->client, &whoami, err)) {
        return false;
    }
    print(out, "subject", whoami.subject);
    print(out, "role", whoami.role);
    print(out, "organization", whoami.organization);
    print_number(out, "expires", whoami.expires_at_s);
    return true;
}

static bool do_ca_init(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    return stage->remote->ca_init(stage->client, &pem, err) &&
           zca_buffer_append(out, zca_buffer_span(&pem), err);
}

static bool do_ca_fetch(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    return stage->remote->ca_fetch(stage->client, &pem, err) &&
           zca_buffer_append(out, zca_buffer_span(&pem), err);
}

static bool do_crl_fetch(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer crl = {0};
    return stage->remote->crl_fetch(stage->client, &crl, err) &&
           zca_buffer_append(out, zca_buffer_span(&crl), err);
}

static bool fetch(const struct stage *stage, struct zca_ticket *ticket, struct zca_buffer *out,
                  struct zca_error *err)
{
    zca_auto(zca_issued) struct zca_issued issued = {0};
    assert_int_equal(ticket->state, ZCA_TICKET_COMPLETE);
    print(out, "ticket", ticket->id);
    if (!stage->remote->fetch(stage->client, ticket, &issued, err)) {
        return false;
    }
    assert_int_equal(ticket->reply.len, 0);
    assert_true(issued.private_key.len == 0 || issued.private_key.secret);
    print(out, "id", issued.id);
    print_bytes(out, "key", &issued.private_key);
    return zca_buffer_append(out, zca_buffer_span(&issued.certificates), err);
}

static bool do_submit(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    struct zca_request request = make_request(stage);
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    return stage->remote->submit(stage->client, &request, &ticket, err) &&
           fetch(stage, &ticket, out, err);
}

static bool do_recover(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    struct zca_request request = make_request(stage);
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    return stage->remote->recover(stage->client, &request, number(stage->test_case->started_at),
                                  &ticket, err) &&
           fetch(stage, &ticket, out, err);
}

static bool do_list(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    struct zca_record_filter filter = {
        .name = stage->test_case->name,
        .serial = stage->test_case->serial,
        .max = (size_t)number(stage->test_case->max),
    };
    if (!stage->remote->list(stage->client, &filter, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num_records; i++) {
        const struct zca_record *record = &list.records[i];
        print(out, "record", record->id);
        print(out, "serial", record->serial);
        print(out, "name", record->name);
        print(out, "fingerprint", record->fingerprint);
        print_number(out, "issued", record->issued_at_s);
        print_number(out, "expires", record->expires_at_s);
        print(out, "revoked", record->revoked ? "yes" : "no");
        print(out, "reason", record->reason);
        print_number(out, "certificate bytes", (int64_t)record->certificate.len);
    }
    return true;
}

static bool do_revoke(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    (void)out;
    return stage->remote->revoke(stage->client, stage->test_case->id, stage->test_case->reason,
                                 err);
}

static bool do_sign(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    struct zca_sign_request request = {
        .request_id = stage->test_case->request_id,
        .kind = zca_tbs_kind_find(stage->test_case->kind ? stage->test_case->kind : ""),
        .tbs = zca_buffer_span(&stage->tbs),
        .digest = stage->test_case->digest,
    };
    if (!stage->remote->sign(stage->client, &request, &signature, err)) {
        return false;
    }
    print_bytes(out, "signature", &signature);
    return true;
}

static bool do_poll(const struct stage *stage, struct zca_buffer *out, struct zca_error *err)
{
    (void)out;
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    return stage->remote->poll(stage->client, &ticket, err);
}

static const struct {
    const char *name;
    operation *run;
} operations[] = {
    {"login",     do_login    },
    {"logout",    do_logout   },
    {"whoami",    do_whoami   },
    {"ca-init",   do_ca_init  },
    {"ca-fetch",  do_ca_fetch },
    {"crl-fetch", do_crl_fetch},
    {"submit",    do_submit   },
    {"recover",   do_recover  },
    {"list",      do_list     },
    {"revoke",    do_revoke   },
    {"sign",      do_sign     },
    {"poll",      do_poll     },
};

/* ---- one case ---- */

/* Nothing that was sent or received in confidence may stand in an error. */
static void check_discretion(const struct zca_error *err)
{
    static const char *const secrets[] = {"token-", "refresh-", "password", "PRIVATE KEY",
                                          "api-key-"};
    for (size_t i = 0; i < ZCA_COUNT(secrets); i++) {
        assert_null(strstr(err->message, secrets[i]));
        assert_null(strstr(err->code, secrets[i]));
    }
}

static void print_failure(const struct zca_error *err, struct zca_buffer *out)
{
    check_discretion(err);
    print(out, "error", zca_reason_name(err->reason));
    print_number(out, "status", err->http_status);
    print(out, "code", err->code);
    print_number(out, "retry-after", err->retry_after_s);
    print(out, "message", err->message);
}

static void run_operation(const struct stage *stage, const char *name, struct zca_buffer *out)
{
    struct zca_error err = {0};
    for (size_t i = 0; i < ZCA_COUNT(operations); i++) {
        if (strcmp(operations[i].name, name) != 0) {
            continue;
        }
        if (operations[i].run(stage, out, &err)) {
            assert_int_equal(err.reason, ZCA_ERR_NONE);
            assert_true(zca_buffer_append_text(out, "ok\n", NULL));
        } else {
            print_failure(&err, out);
        }
        return;
    }
    fail_msg("no operation '%s'", name);
}

static void print_tokens(const char *path, struct zca_buffer *out)
{
    zca_auto(text) char *text = read_text(path);
    print(out, "tokens", text ? "" : "none");
    assert_true(zca_buffer_append_text(out, text ? text : "", NULL));
}

static void run_operations(struct stage *stage, struct zca_buffer *out)
{
    char **names = split(stage->test_case->operation);
    stage->dns = split(stage->test_case->dns);
    stage->ip = split(stage->test_case->ip);
    decode(stage->test_case->csr, &stage->csr);
    decode(stage->test_case->tbs, &stage->tbs);
    for (char **name = names; *name; name++) {
        run_operation(stage, *name, out);
    }
    zca_buffer_clear(&stage->csr);
    zca_buffer_clear(&stage->tbs);
    words_free(stage->dns);
    words_free(stage->ip);
    words_free(names);
}

/* Opens a client as the case says, on the authority at `port`, and runs its operations. */
static void run_client(const struct test_case *test_case, const char *scratch, int port,
                       struct zca_buffer *out)
{
    struct stage stage = {.remote = remote_table(), .test_case = test_case};
    struct zca_error err = {0};
    const char *token = value_of(test_case->token, default_token);
    zca_auto(text) char *port_text = NULL;
    assert_true(asprintf(&port_text, "%d", port) > 0);
    zca_auto(text) char *url = replace_all(
        strdup(test_case->url ? test_case->url : "http://127.0.0.1:PORT"), "PORT", port_text);
    zca_auto(text) char *token_file =
        token ? scratch_write(scratch, "token", token) : scratch_path(scratch, "token");
    zca_auto(text) char *api_key_file =
        test_case->api_key ? scratch_write(scratch, "api-key", test_case->api_key) : NULL;
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = test_case->dialect,
        .url = url,
        .organization = value_of(test_case->organization, "org-1"),
        .machine = test_case->machine,
        .token_file = token_file,
        .api_key_file = api_key_file,
        .timeout_ms = test_case->timeout_ms ? number(test_case->timeout_ms) : 10000,
        .max_response = (size_t)number(test_case->max_response),
    };
    stage.client = stage.remote->client_open(&settings, &err);
    if (!stage.client) {
        print_failure(&err, out);
        return;
    }
    run_operations(&stage, out);
    stage.remote->client_close(stage.client);
    if (strstr(test_case->operation, "log") || strstr(test_case->response, "refresh_token")) {
        print_tokens(token_file, out);
    }
}

static void replay(void **state)
{
    const char *directory = *state;
    zca_auto(text) char *dialect = strdup(directory);
    *strrchr(dialect, '/') = '\0';
    zca_auto(case) struct test_case *test_case = case_load(strrchr(dialect, '/') + 1, directory);
    zca_auto(zca_buffer) struct zca_buffer out = {0};
    char *scratch = scratch_new();
    struct authority *authority = authority_start(test_case->response, NULL);
    zca_auto(text) char *host = NULL;
    assert_true(asprintf(&host, "127.0.0.1:%d", authority_port(authority)) > 0);
    run_client(test_case, scratch, authority_port(authority), &out);
    assert_true(zca_buffer_append_text(&out, "", NULL));
    zca_auto(text) char *asked = authority_stop(authority);
    zca_auto(text) char *result = replace_all(strdup((const char *)out.data), host, "HOST");
    result = replace_all(result, scratch, "SCRATCH");
    scratch_free(scratch);
    assert_string_equal(asked, test_case->request);
    assert_string_equal(result, test_case->result);
}

/* ---- all cases ---- */

static int is_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Adds a test for each directory below `dialect`. */
static size_t add_cases(const char *root, const char *dialect, struct CMUnitTest **tests,
                        size_t count)
{
    struct dirent **entries = NULL;
    zca_auto(text) char *directory = scratch_path(root, dialect);
    int num_entries = scandir(directory, &entries, is_name, alphasort);
    for (int i = 0; i < num_entries; i++) {
        char *path = scratch_path(directory, entries[i]->d_name);
        *tests = reallocarray(*tests, count + 1, sizeof(**tests));
        (*tests)[count++] = (struct CMUnitTest){
            .name = path + strlen(root) + 1,
            .test_func = replay,
            .initial_state = path,
        };
        free(entries[i]);
    }
    free(entries);
    return count;
}

int main(void)
{
    const char *root = getenv("ZCA_TEST_DIALECTS");
    const char *const *dialects = remote_table()->dialects();
    struct CMUnitTest *tests = NULL;
    size_t count = 0;
    for (; root && *dialects; dialects++) {
        size_t before = count;
        count = add_cases(root, *dialects, &tests, count);
        if (count == before) {
            (void)fprintf(stderr, "no cases for dialect '%s' in '%s'\n", *dialects, root);
            return EXIT_FAILURE;
        }
    }
    int failures = _cmocka_run_group_tests("dialects", tests, count, NULL, NULL);
    for (size_t i = 0; i < count; i++) {
        free(tests[i].initial_state);
    }
    free(tests);
    return failures;
}
