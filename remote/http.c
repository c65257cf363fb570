/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only user of libcurl (OpenSSL flavour), always inside a section. No connection is shared,
 * nothing is sent twice on our own account, and nothing received is trusted to be small.
 */
#include "remote/http.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "base/clock.h"
#include "base/gate.h"
#include "remote/section.h"
#include "remote/sockets.h"
#include "remote/tls.h"
#include "remote/url.h"

enum {
    MAX_HEADER_BYTES = 64 * 1024,      /* of one answer's whole header */
    MAX_RETRY_AFTER_S = 7 * 24 * 3600, /* nobody means more */
    LONGEST_WAIT_MS = 1000             /* libcurl's own deadlines cut it short */
};

struct zca_http {
    CURL *easy;
    CURLM *multi;          /* keeps the connection from one request to the next */
    OSSL_LIB_CTX *context; /* of its sections */
    struct zca_url url;
    struct zca_tls_identity identity;
    size_t max_response;
    struct zca_sockets sockets;
    struct zca_error tls; /* why the client certificate could not be set */
    int verify_error;     /* why the server's was refused; X509_V_OK: it was not */
    char curl_message[CURL_ERROR_SIZE];
};

/* What the callbacks of one request fill. */
struct receiving {
    struct zca_http_response *response;
    struct zca_error err;
    size_t header_bytes;
};

/* ---- callbacks ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct zca_http *http = context;
    (void)purpose; /* there is only one */
    return zca_sockets_open(&http->sockets, address->family, address->socktype, address->protocol);
}

static int close_socket(void *context, curl_socket_t fd)
{
    struct zca_http *http = context;
    return zca_sockets_close(&http->sockets, fd);
}

static CURLcode prepare_tls(CURL *easy, void *tls, void *context)
{
    struct zca_http *http = context;
    (void)easy; /* there is only one */
    zca_tls_watch(tls, &http->verify_error);
    return zca_tls_use_identity(tls, http->context, &http->identity, &http->tls)
               ? CURLE_OK
               : CURLE_SSL_CERTPROBLEM;
}

static size_t receive_body(char *data, size_t size, size_t count, void *context)
{
    struct receiving *receiving = context;
    struct zca_span bytes = zca_span_of(data, size * count);
    return zca_buffer_append(&receiving->response->body, bytes, &receiving->err) ? bytes.len : 0;
}

/* Retry-After: seconds, an HTTP date (RFC 9110, 10.2.3), or text like "0 seconds". */
static long parse_retry_after(const char *value)
{
    char *end = NULL;
    long seconds = strtol(value, &end, 10);
    if (end == value) {
        time_t date = curl_getdate(value, NULL);
        seconds = date < 0 ? 0 : (long)(date - zca_clock_now_s());
    }
    if (seconds < 0) {
        return 0;
    }
    return seconds < MAX_RETRY_AFTER_S ? seconds : MAX_RETRY_AFTER_S;
}

/* The fields of an answer's header that somebody asks for. */
static void read_fields(CURL *easy, struct zca_http_response *response)
{
    struct curl_header *field = NULL;
    if (curl_easy_header(easy, "Retry-After", 0, CURLH_HEADER, -1, &field) == CURLHE_OK) {
        response->retry_after_s = parse_retry_after(field->value);
    }
    if (curl_easy_header(easy, "Date", 0, CURLH_HEADER, -1, &field) == CURLHE_OK) {
        time_t date = curl_getdate(field->value, NULL);
        response->date_s = date < 0 ? 0 : (int64_t)date;
    }
}

static size_t count_header(char *data, size_t size, size_t count, void *context)
{
    (void)data; /* libcurl keeps it */
    struct receiving *receiving = context;
    size_t len = size * count;
    receiving->header_bytes += len;
    if (receiving->header_bytes > MAX_HEADER_BYTES) {
        (void)zca_error_set(&receiving->err, ZCA_ERR_PROTOCOL, "more than %d bytes of header",
                            MAX_HEADER_BYTES); /* 0 tells */
        return 0;
    }
    return len;
}

/* ---- opening ---- */

/* Settings of every request that are numbers. */
static const struct {
    CURLoption option;
    long value;
} fixed_options[] = {
    {CURLOPT_NOSIGNAL,                 1                      },
    {CURLOPT_QUICK_EXIT,               1                      }, /* a hanging resolver must not outlast the deadline */
    {CURLOPT_NOPROGRESS,               1                      },
    {CURLOPT_FOLLOWLOCATION,           0                      },
    {CURLOPT_HTTP_VERSION,             CURL_HTTP_VERSION_1_1  },
    {CURLOPT_SSLVERSION,               CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_SSL_VERIFYPEER,           1                      },
    {CURLOPT_SSL_VERIFYHOST,           2                      },
    {CURLOPT_TCP_NODELAY,              1                      },
    {CURLOPT_SUPPRESS_CONNECT_HEADERS, 1                      },
};

/* An own proxy makes no sense for loopback, and the environment of a set-user-ID program is hostile. */
static bool set_proxy(struct zca_http *http)
{
    if (!http->url.loopback && getauxval(AT_SECURE) == 0) {
        return true;
    }
    return curl_easy_setopt(http->easy, CURLOPT_PROXY, "") == CURLE_OK;
}

static bool set_trust(CURL *easy, const char *trust_file)
{
    if (!trust_file || !*trust_file) {
        return true;
    }
    return curl_easy_setopt(easy, CURLOPT_CAINFO, trust_file) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK;
}

static bool set_fixed_options(struct zca_http *http)
{
    CURL *easy = http->easy;
    for (size_t i = 0; i < ZCA_COUNT(fixed_options); i++) {
        if (curl_easy_setopt(easy, fixed_options[i].option, fixed_options[i].value) != CURLE_OK) {
            return false;
        }
    }
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
                            http->url.loopback ? "http,https" : "https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "zca/" ZCA_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, http->curl_message) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, http) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, prepare_tls) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, http) == CURLE_OK;
}

/* Of one connection at most. libcurl writes the keys of its connections where the environment says, whoever runs it. */
static bool make_handles(struct zca_http *http)
{
    if (getauxval(AT_SECURE) != 0) {
        (void)unsetenv("SSLKEYLOGFILE"); /* cannot fail */
    }
    http->easy = curl_easy_init();
    http->multi = curl_multi_init();
    return http->easy && http->multi &&
           curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, 1L) == CURLM_OK;
}

struct zca_http *zca_http_open(const struct zca_client_settings *settings, struct zca_error *err)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(zca_section) struct zca_section section = {0};
    if (!zca_section_enter(&section, settings->context, err)) {
        return NULL;
    }
    zca_auto(zca_http) struct zca_http *http = calloc(1, sizeof(*http));
    if (!http) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "opening a connection"); /* NULL tells */
        return NULL;
    }
    http->context = section.context;
    zca_sockets_init(&http->sockets);
    http->max_response = settings->max_response;
    if (!zca_url_parse(settings->url, &http->url, err) ||
        !zca_tls_identity_set(&http->identity, settings->certificate_file, settings->key_file,
                              err)) {
        return NULL;
    }
    if (!make_handles(http) || !set_fixed_options(http) ||
        !set_trust(http->easy, settings->trust_file) || !set_proxy(http)) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                            "this libcurl (%s) lacks what zca needs: install the OpenSSL flavour",
                            curl_version()); /* NULL tells */
        return NULL;
    }
    return zca_steal(http);
}

void zca_http_close(struct zca_http *http)
{
    zca_auto(gate) int inside = zca_gate_pass();
    zca_auto(zca_section) struct zca_section section = {0};
    if (!http || !zca_section_enter(&section, http->context, NULL)) {
        return;
    }
    curl_easy_cleanup(http->easy);         /* NULL is fine */
    (void)curl_multi_cleanup(http->multi); /* as above: there is no transfer in it */
    zca_url_clear(&http->url);
    zca_tls_identity_clear(&http->identity);
    free(http);
}

void zca_http_forget(struct zca_http *http)
{
    if (http) {
        zca_sockets_forget(&http->sockets);
        zca_http_close(http);
    }
}

/* ---- one request ---- */

void zca_http_response_clear(struct zca_http_response *response)
{
    free(response->content_type);
    zca_buffer_clear(&response->body);
    *response = (struct zca_http_response){.body = {.secret = response->body.secret}};
}

/* Header lines, wiped on release: one of them is a credential. */
static void lines_free(struct curl_slist *lines)
{
    for (struct curl_slist *line = lines; line; line = line->next) {
        OPENSSL_cleanse(line->data, strlen(line->data));
    }
    curl_slist_free_all(lines);
}

ZCA_DEFINE_AUTO(lines, struct curl_slist, lines_free);

static bool lines_add(struct curl_slist **lines, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*lines, line);
    if (longer) {
        *lines = longer;
    }
    return longer != NULL;
}

static bool make_lines(const struct zca_http_request *request, struct curl_slist **lines)
{
    return lines_add(lines, "Expect:") &&
           (request->body.len == 0 || lines_add(lines, "Content-Type: application/json")) &&
           (request->credential.len == 0 ||
            lines_add(lines, (const char *)request->credential.data));
}

/* GET has no body, everything else one, maybe empty. */
static bool set_body(CURL *easy, const struct zca_http_request *request)
{
    const char *body = request->body.len > 0 ? (const char *)request->body.data : "";
    if (strcmp(request->method, "GET") == 0) {
        return curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    }
    return curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body) == CURLE_OK;
}

static bool set_request(struct zca_http *http, const struct zca_http_request *request,
                        const char *url, const struct curl_slist *lines, long left_ms)
{
    CURL *easy = http->easy;
    return set_body(easy, request) &&
           curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, (long)request->fresh) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, left_ms) == CURLE_OK;
}

/* Nothing of the request stays in the handle: its memory is the caller's, and secret. */
static void drop_request(CURL *easy)
{
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL); /* forgetting cannot fail */
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, NULL); /* as above */
    (void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, NULL);  /* as above */
    (void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, NULL); /* as above */
}

/* What libcurl's failures mean. text NULL: libcurl's own tells more. */
static const struct failure {
    CURLcode code;
    enum zca_reason reason;
    const char *text;
} failures[] = {
    {CURLE_COULDNT_RESOLVE_HOST,     ZCA_ERR_UNAVAILABLE, "the name cannot be resolved"},
    {CURLE_COULDNT_CONNECT,          ZCA_ERR_UNAVAILABLE, "cannot connect"             },
    {CURLE_OPERATION_TIMEDOUT,       ZCA_ERR_UNAVAILABLE, "the deadline passed"        },
    {CURLE_PEER_FAILED_VERIFICATION, ZCA_ERR_VERIFY,      NULL                         },
    {CURLE_SSL_ISSUER_ERROR,         ZCA_ERR_VERIFY,      NULL                         },
    {CURLE_SSL_CACERT_BADFILE,       ZCA_ERR_CONFIG,      NULL                         },
    {CURLE_SSL_CERTPROBLEM,          ZCA_ERR_CONFIG,      NULL                         },
    {CURLE_PARTIAL_FILE,             ZCA_ERR_PROTOCOL,    NULL                         },
    {CURLE_WEIRD_SERVER_REPLY,       ZCA_ERR_PROTOCOL,    NULL                         },
    {CURLE_UNSUPPORTED_PROTOCOL,     ZCA_ERR_PROTOCOL,    NULL                         },
    {CURLE_WRITE_ERROR,              ZCA_ERR_PROTOCOL,    NULL                         },
    {CURLE_OUT_OF_MEMORY,            ZCA_ERR_MEMORY,      NULL                         },
};

static struct failure find_failure(CURLcode rc, long status)
{
    for (size_t i = 0; i < ZCA_COUNT(failures); i++) {
        if (failures[i].code == rc) {
            return failures[i];
        }
    }
    /* a connection that ends inside an answer: it was cut */
    return (struct failure){rc, status != 0 ? ZCA_ERR_PROTOCOL : ZCA_ERR_UNAVAILABLE, NULL};
}

static bool report_failure(struct zca_http *http, CURLcode rc, const struct receiving *receiving,
                           struct zca_error *err)
{
    long status = receiving->response->status;
    struct failure failure = find_failure(rc, status);
    enum zca_reason reason = failure.reason;
    const char *own = http->curl_message[0] != '\0' ? http->curl_message : curl_easy_strerror(rc);
    const char *why = failure.text ? failure.text : own;
    if (rc == CURLE_SSL_CERTPROBLEM && http->tls.reason != ZCA_ERR_NONE) {
        why = http->tls.message;
    }
    if (rc == CURLE_SSL_CONNECT_ERROR && http->verify_error != X509_V_OK) {
        /* libcurl reports the newest OpenSSL error, which need not be this one */
        reason = ZCA_ERR_VERIFY;
        why = X509_verify_cert_error_string(http->verify_error);
    }
    if (receiving->err.reason != ZCA_ERR_NONE) {
        reason = receiving->err.reason == ZCA_ERR_MEMORY ? ZCA_ERR_MEMORY : ZCA_ERR_PROTOCOL;
        why = receiving->err.message;
    }
    (void)zca_error_set(err, reason, "no usable answer from '%s': %s", http->url.address, why);
    if (err) {
        err->http_status = status;
    }
    return false;
}

static bool report_redirect(struct zca_http *http, long status, struct zca_error *err)
{
    const char *target = NULL;
    (void)curl_easy_getinfo(http->easy, CURLINFO_REDIRECT_URL, &target); /* NULL: none */
    struct zca_span host = zca_url_find_host(target ? target : "");
    (void)zca_error_set(err, ZCA_ERR_PROTOCOL,
                        "'%s' redirects to '%.*s', which zca does not follow: correct the url",
                        http->url.address, (int)host.len,
                        (const char *)host.data); /* false below */
    if (err) {
        err->http_status = status;
    }
    return false;
}

/* An error whose body is cut or too large is still that error. */
static bool judge(struct zca_http *http, CURLcode rc, struct receiving *receiving,
                  struct zca_error *err)
{
    struct zca_http_response *response = receiving->response;
    (void)curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &response->status); /* 0: none */
    read_fields(http->easy, response);
    if (rc != CURLE_OK && (response->status < 400 || rc == CURLE_OPERATION_TIMEDOUT)) {
        return report_failure(http, rc, receiving, err);
    }
    if (rc != CURLE_OK) {
        zca_buffer_clear(&response->body);
    }
    if (response->status >= 300 && response->status < 400) {
        return report_redirect(http, response->status, err);
    }
    const char *content_type = NULL;
    (void)curl_easy_getinfo(http->easy, CURLINFO_CONTENT_TYPE, &content_type); /* NULL: none */
    response->content_type = strdup(content_type ? content_type : "");
    if (!response->content_type) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "receiving an answer");
    }
    return true;
}

static CURLMcode step(const struct zca_http *http, int *out_running)
{
    zca_auto(gate) int inside = zca_gate_pass();
    return curl_multi_perform(http->multi, out_running);
}

/* How it ended. */
static CURLcode end_transfer(const struct zca_http *http, CURLMcode state)
{
    zca_auto(gate) int inside = zca_gate_pass();
    int left = 0;
    const CURLMsg *message = curl_multi_info_read(http->multi, &left);
    CURLcode rc = state == CURLM_OK && message ? message->data.result : CURLE_OUT_OF_MEMORY;
    (void)curl_multi_remove_handle(http->multi, http->easy); /* it is there */
    return rc;
}

/* As curl_easy_perform(3), but what computes is inside the gate: TLS takes OpenSSL's locks, which a fork of another thread
 * must find free. Outside is the wait: a fork never waits for an authority. */
static CURLcode transfer(const struct zca_http *http)
{
    int running = 0;
    if (curl_multi_add_handle(http->multi, http->easy) != CURLM_OK) {
        return CURLE_OUT_OF_MEMORY;
    }
    CURLMcode state = step(http, &running);
    while (state == CURLM_OK && running > 0) {
        state = curl_multi_poll(http->multi, NULL, 0, LONGEST_WAIT_MS, NULL);
        if (state == CURLM_OK) {
            state = step(http, &running);
        }
    }
    return end_transfer(http, state);
}

static bool run(struct zca_http *http, const struct zca_http_request *request, long left_ms,
                struct receiving *receiving, struct zca_error *err)
{
    zca_auto(lines) struct curl_slist *lines = NULL;
    zca_auto(text) char *url = NULL;
    if (asprintf(&url, "%s%s", http->url.base, request->path) < 0) {
        url = NULL; /* undefined after a failure */
        return zca_error_set(err, ZCA_ERR_MEMORY, "preparing a request");
    }
    if (!make_lines(request, &lines) || !set_request(http, request, url, lines, left_ms) ||
        curl_easy_setopt(http->easy, CURLOPT_WRITEDATA, receiving) != CURLE_OK ||
        curl_easy_setopt(http->easy, CURLOPT_HEADERDATA, receiving) != CURLE_OK) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "preparing a request");
    }
    http->curl_message[0] = '\0';
    zca_error_clear(&http->tls);
    http->verify_error = X509_V_OK;
    CURLcode rc = transfer(http);
    drop_request(http->easy);
    return judge(http, rc, receiving, err);
}

bool zca_http_perform(struct zca_http *http, const struct zca_http_request *request,
                      struct zca_http_response *out_response, struct zca_error *err)
{
    zca_auto(zca_section) struct zca_section section = {0};
    int64_t left_ms = request->deadline_ms - zca_clock_monotonic_ms();
    if (left_ms <= 0) {
        return zca_error_set(err, ZCA_ERR_UNAVAILABLE, "no time is left to ask '%s'",
                             http->url.address);
    }
    if (!zca_section_enter(&section, http->context, err)) {
        return false;
    }
    zca_auto(zca_http_response) struct zca_http_response response = {
        .body = {.secret = out_response->body.secret, .limit = http->max_response},
    };
    struct receiving receiving = {.response = &response};
    if (!run(http, request, (long)left_ms, &receiving, err)) {
        return false;
    }
    *out_response = response;
    response = (struct zca_http_response){0};
    return true;
}
