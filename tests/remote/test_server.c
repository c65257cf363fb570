/* SPDX-License-Identifier: Apache-2.0 */
/* Both ends of the wire: the built zca-remote.so against the built zca-server, over TLS. */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tests/remote/remote_table.h"

enum { START_MS = 30000, TTL_S = 5400 };

static const char request_id[] = "00112233445566778899aabbccddeeff";

/* A running server, and what it said when it started. */
struct server {
    const struct zca_remote *remote;
    char *scratch;
    char *token_file;
    pid_t pid;
    int output;
    struct zca_buffer said;
    char *url, *trust, *organization, *password;
    EVP_PKEY *key;
    struct zca_buffer csr; /* of that key */
};

/* ---- the server ---- */

/* The word behind `name` in what the server said. */
static char *find_word(const struct server *server, const char *name)
{
    const char *start = strstr((const char *)server->said.data, name);
    if (!start) {
        return NULL;
    }
    start += strlen(name);
    start += strspn(start, " ");
    return strndup(start, strcspn(start, " \n"));
}

static bool read_more(struct server *server, int64_t deadline_ms)
{
    struct pollfd ready = {.fd = server->output, .events = POLLIN};
    uint8_t piece[256]; /* any size would do */
    int64_t left_ms = deadline_ms - zca_clock_monotonic_ms();
    if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) != 1) {
        return false;
    }
    ssize_t got = read(server->output, piece, sizeof(piece));
    return got > 0 && zca_buffer_append(&server->said, zca_span_of(piece, (size_t)got), NULL);
}

static void start(struct server *server)
{
    int ends[2];
    const char *program = getenv("ZCA_TEST_SERVER");
    zca_auto(text) char *state = scratch_path(server->scratch, "state");
    assert_non_null(program);
    assert_int_equal(pipe(ends), 0);
    server->pid = fork();
    if (server->pid == 0) {
        (void)dup2(ends[1], STDOUT_FILENO); /* the parent will notice */
        (void)close(ends[0]);
        (void)execl(program, program, "--state-dir", state, "--listen", "127.0.0.1:0", "--log",
                    "none", NULL);
        _exit(2);
    }
    (void)close(ends[1]);
    server->output = ends[0];
}

static void make_request(EVP_PKEY *key, struct zca_buffer *out_der)
{
    static const unsigned char name[] = "web.example.org";
    zca_auto(X509_REQ) X509_REQ *request = X509_REQ_new();
    zca_auto(X509_NAME) X509_NAME *subject = X509_NAME_new();
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0), 1);
    assert_int_equal(X509_REQ_set_subject_name(request, subject), 1);
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
    assert_true(zca_der_request(request, out_der, NULL));
}

static int set_up(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    *state = server;
    server->remote = remote_table();
    server->scratch = scratch_new();
    server->token_file = scratch_path(server->scratch, "token");
    server->key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    make_request(server->key, &server->csr);
    start(server);
    int64_t deadline_ms = zca_clock_monotonic_ms() + START_MS;
    while (read_more(server, deadline_ms)) {
        if (strstr((const char *)server->said.data, "Log in with")) {
            break;
        }
    }
    assert_true(server->said.len > 0);
    server->url = find_word(server, "listens at");
    server->trust = find_word(server, "trust");
    server->organization = find_word(server, "organisation");
    zca_auto(text) char *password_file = find_word(server, "password in");
    assert_non_null(password_file);
    server->password = read_text(password_file);
    assert_non_null(server->password);
    server->password[strcspn(server->password, "\n")] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    struct server *server = *state;
    zca_auto(text) char *directory = scratch_path(server->scratch, "state");
    int status = 0;
    assert_int_equal(kill(server->pid, SIGTERM), 0);
    assert_int_equal(waitpid(server->pid, &status, 0), server->pid);
    (void)close(server->output); /* nobody writes any more */
    scratch_free(zca_steal(directory));
    scratch_free(server->scratch);
    zca_buffer_clear(&server->said);
    zca_buffer_clear(&server->csr);
    EVP_PKEY_free(server->key);
    free(server->token_file);
    free(server->url);
    free(server->trust);
    free(server->organization);
    free(server->password);
    free(server);
    return 0;
}

static struct zca_client *open_client(const struct server *server, const char *dialect)
{
    struct zca_error err = {0};
    struct zca_client_settings settings = {
        .authority = "test",
        .dialect = dialect,
        .url = server->url,
        .trust_file = server->trust,
        .organization = server->organization,
        .token_file = server->token_file,
        .timeout_ms = 20000,
    };
    struct zca_client *client = server->remote->client_open(&settings, &err);
    assert_non_null(client);
    return client;
}

static void check(bool ok, const struct zca_error *err)
{
    if (!ok) {
        fail_msg("%s: %s", zca_reason_name(err->reason), err->message);
    }
}

/* ---- pieces ---- */

static void issue(const struct server *server, struct zca_client *client,
                  struct zca_issued *out_issued)
{
    static const char *const names[] = {"web.example.org", NULL};
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    struct zca_error err = {0};
    struct zca_request request = {
        .request_id = request_id,
        .common_name = "web.example.org",
        .dns_names = names,
        .csr = zca_buffer_span(&server->csr),
        .ttl_s = TTL_S,
    };
    check(server->remote->submit(client, &request, &ticket, &err), &err);
    check(server->remote->fetch(client, &ticket, out_issued, &err), &err);
}

static X509 *parse_leaf(const struct zca_issued *issued, int num_certificates)
{
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&issued->certificates), NULL);
    assert_non_null(certificates);
    assert_int_equal(sk_X509_num(certificates), num_certificates);
    return sk_X509_shift(certificates);
}

/* ---- tests, in this order ---- */

static void wrong_password_is_refused(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    struct zca_login login = {.user = "admin@localhost", .password = zca_span_text("wrong")};
    struct zca_client *client = open_client(server, "orgca");
    assert_false(server->remote->login(client, &login, &err));
    assert_int_equal(err.reason, ZCA_ERR_AUTH);
    assert_int_equal(err.http_status, 401);
    assert_string_equal(err.code, "INVALID_CREDENTIALS");
    server->remote->client_close(client);
}

static void right_password_gives_a_session(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_whoami) struct zca_whoami whoami = {0};
    struct zca_login login = {.user = "admin@localhost",
                              .password = zca_span_text(server->password)};
    struct zca_client *client = open_client(server, "orgca");
    check(server->remote->login(client, &login, &err), &err);
    check(server->remote->whoami(client, &whoami, &err), &err);
    assert_string_equal(whoami.subject, "admin@localhost");
    assert_string_equal(whoami.role, "owner");
    assert_string_equal(whoami.organization, server->organization);
    assert_in_range(whoami.expires_at_s - zca_clock_now_s(), 3000, 3600);
    assert_in_range(whoami.server_time_s - zca_clock_now_s() + 60, 0, 120);
    server->remote->client_close(client);
}

static void ca_is_made_on_request_only(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer made = {0};
    zca_auto(zca_buffer) struct zca_buffer fetched = {0};
    struct zca_client *client = open_client(server, "orgca");
    assert_false(server->remote->ca_fetch(client, &fetched, &err));
    assert_int_equal(err.reason, ZCA_ERR_NOT_INITIALISED);
    check(server->remote->ca_init(client, &made, &err), &err);
    check(server->remote->ca_fetch(client, &fetched, &err), &err);
    assert_true(zca_span_equal(zca_buffer_span(&made), zca_buffer_span(&fetched)));
    server->remote->client_close(client);
}

static void request_is_certified_once(void **state)
{
    struct server *server = *state;
    zca_auto(zca_issued) struct zca_issued first = {0};
    zca_auto(zca_issued) struct zca_issued second = {0};
    struct zca_client *client = open_client(server, "orgca");
    issue(server, client, &first);
    issue(server, client, &second);
    server->remote->client_close(client);
    assert_true(zca_span_equal(zca_buffer_span(&first.certificates),
                               zca_buffer_span(&second.certificates)));
    assert_int_equal(first.private_key.len, 0);
    zca_auto(X509) X509 *leaf = parse_leaf(&first, 2); /* and its issuer */
    int64_t not_after_s = 0;
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(leaf), server->key), 1);
    assert_int_equal(X509_check_host(leaf, "web.example.org", 0, 0, NULL), 1);
    assert_true(zca_clock_from_asn1(X509_get0_notAfter(leaf), &not_after_s, NULL));
    assert_in_range(not_after_s - zca_clock_now_s(), TTL_S - 120, TTL_S + 1);
}

/* A request_id stands for one request, to the byte. */
static void other_request_with_the_same_id_is_a_conflict(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer csr = {0};
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    make_request(server->key, &csr);
    struct zca_request request = {
        .request_id = request_id,
        .common_name = "web.example.org",
        .csr = zca_buffer_span(&csr),
    };
    struct zca_client *client = open_client(server, "orgca");
    assert_false(server->remote->submit(client, &request, &ticket, &err));
    assert_int_equal(err.reason, ZCA_ERR_CONFLICT);
    server->remote->client_close(client);
}

static void certificate_is_listed_and_revoked(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_record_list) struct zca_record_list before = {0};
    zca_auto(zca_record_list) struct zca_record_list after = {0};
    struct zca_record_filter filter = {.name = "web.example.org"};
    struct zca_client *client = open_client(server, "orgca");
    check(server->remote->list(client, &filter, &before, &err), &err);
    assert_int_equal(before.num_records, 1);
    assert_false(before.records[0].revoked);
    check(server->remote->revoke(client, before.records[0].id, "keyCompromise", &err), &err);
    filter = (struct zca_record_filter){.serial = before.records[0].serial};
    check(server->remote->list(client, &filter, &after, &err), &err);
    assert_int_equal(after.num_records, 1);
    assert_true(after.records[0].revoked);
    server->remote->client_close(client);
}

static X509 *fetch_ca(const struct server *server, struct zca_client *client)
{
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    struct zca_error err = {0};
    check(server->remote->ca_fetch(client, &pem, &err), &err);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        zca_pem_parse_certificates(NULL, zca_buffer_span(&pem), NULL);
    assert_non_null(certificates);
    return sk_X509_shift(certificates);
}

static void crl_holds_what_was_revoked(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer bytes = {0};
    struct zca_client *client = open_client(server, "orgca");
    check(server->remote->crl_fetch(client, &bytes, &err), &err);
    zca_auto(X509) X509 *ca = fetch_ca(server, client);
    zca_auto(X509_CRL) X509_CRL *crl = zca_pem_parse_crl(NULL, zca_buffer_span(&bytes), &err);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(ca)), 1);
    assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), 1);
    server->remote->client_close(client);
}

/* What `openssl x509 -req -CA` has signed: a whole TBSCertificate, here for the key of the tests. */
static void make_tbs(const struct server *server, const X509 *ca, long lifetime_s,
                     struct zca_buffer *out_tbs)
{
    static const unsigned char name[] = "api.example.org";
    zca_auto(X509) X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    unsigned char *der = NULL;
    assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
    assert_int_equal(
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), UINT64_C(0x1234567890abcdef)),
        1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(certificate), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(certificate), lifetime_s));
    assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(certificate, X509_get_subject_name(ca)), 1);
    assert_int_equal(X509_set_pubkey(certificate, server->key), 1);
    assert_true(X509_sign(certificate, server->key, EVP_sha256()) > 0); /* names the algorithm */
    int len = i2d_re_X509_tbs(certificate, &der);
    assert_true(len > 0 && zca_buffer_append(out_tbs, zca_span_of(der, (size_t)len), NULL));
    OPENSSL_free(der);
}

static bool sign(const struct server *server, struct zca_client *client,
                 const struct zca_buffer *tbs, struct zca_buffer *out_signature,
                 struct zca_error *err)
{
    struct zca_sign_request request = {
        .kind = ZCA_TBS_CERTIFICATE,
        .tbs = zca_buffer_span(tbs),
        .digest = "sha256",
    };
    return server->remote->sign(client, &request, out_signature, err);
}

static void structure_within_policy_is_signed(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    struct zca_client *client = open_client(server, "orgca");
    zca_auto(X509) X509 *ca = fetch_ca(server, client);
    make_tbs(server, ca, 3600, &tbs);
    check(sign(server, client, &tbs, &signature, &err), &err);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *verification = EVP_MD_CTX_new();
    assert_int_equal(
        EVP_DigestVerifyInit(verification, NULL, EVP_sha256(), NULL, X509_get0_pubkey(ca)), 1);
    assert_int_equal(
        EVP_DigestVerify(verification, signature.data, signature.len, tbs.data, tbs.len), 1);
    server->remote->client_close(client);
}

static void structure_over_policy_is_refused(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_buffer) struct zca_buffer tbs = {0};
    zca_auto(zca_buffer) struct zca_buffer signature = {0};
    struct zca_client *client = open_client(server, "orgca");
    zca_auto(X509) X509 *ca = fetch_ca(server, client);
    make_tbs(server, ca, 3600L * 24 * 365 * 5, &tbs);
    assert_false(sign(server, client, &tbs, &signature, &err));
    assert_int_equal(err.reason, ZCA_ERR_POLICY);
    assert_string_not_equal(err.code, "");
    server->remote->client_close(client);
}

static void products_dialect_gets_a_key(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_request request = {.common_name = "mail.example.org", .ttl_s = 3600};
    struct zca_client *client = open_client(server, "quickztna");
    check(server->remote->submit(client, &request, &ticket, &err), &err);
    check(server->remote->fetch(client, &ticket, &issued, &err), &err);
    server->remote->client_close(client);
    const unsigned char *der = issued.private_key.data;
    zca_auto(EVP_PKEY) EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &der, (long)issued.private_key.len);
    zca_auto(X509) X509 *leaf = parse_leaf(&issued, 1);
    assert_non_null(key);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(leaf), key), 1);
}

static void lifetime_out_of_range_is_invalid(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_ticket) struct zca_ticket ticket = {0};
    struct zca_request request = {.common_name = "x", .ttl_s = 87601L * 3600};
    struct zca_client *client = open_client(server, "quickztna");
    assert_false(server->remote->submit(client, &request, &ticket, &err));
    assert_int_equal(err.reason, ZCA_ERR_INVALID);
    assert_string_equal(err.code, "INVALID_TTL");
    server->remote->client_close(client);
}

static void expired_token_is_renewed(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_whoami) struct zca_whoami whoami = {0};
    zca_auto(text) char *text = read_text(server->token_file);
    text = replace_all(zca_steal(text), "\"expires_at\":", "\"expires_at\":1,\"was\":");
    free(scratch_write(server->scratch, "token", text));
    struct zca_client *client = open_client(server, "orgca");
    check(server->remote->whoami(client, &whoami, &err), &err);
    zca_auto(text) char *renewed = read_text(server->token_file);
    assert_string_not_equal(text, renewed);
    assert_null(strstr(renewed, "was"));
    server->remote->client_close(client);
}

static void logout_ends_the_session(void **state)
{
    struct server *server = *state;
    struct zca_error err = {0};
    zca_auto(zca_whoami) struct zca_whoami whoami = {0};
    struct zca_client *client = open_client(server, "orgca");
    check(server->remote->logout(client, &err), &err);
    assert_false(server->remote->whoami(client, &whoami, &err));
    assert_int_equal(err.reason, ZCA_ERR_AUTH);
    assert_int_equal(access(server->token_file, F_OK), -1);
    server->remote->client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_password_is_refused),
        cmocka_unit_test(right_password_gives_a_session),
        cmocka_unit_test(ca_is_made_on_request_only),
        cmocka_unit_test(request_is_certified_once),
        cmocka_unit_test(other_request_with_the_same_id_is_a_conflict),
        cmocka_unit_test(certificate_is_listed_and_revoked),
        cmocka_unit_test(crl_holds_what_was_revoked),
        cmocka_unit_test(structure_within_policy_is_signed),
        cmocka_unit_test(structure_over_policy_is_refused),
        cmocka_unit_test(products_dialect_gets_a_key),
        cmocka_unit_test(lifetime_out_of_range_is_invalid),
        cmocka_unit_test(expired_token_is_renewed),
        cmocka_unit_test(logout_ends_the_session),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
