/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority on this host that misbehaves as told: a zca-remote.so for tests. Its state is the
 * directory $ZCA_FAKE: ca.pem and ca.key, `plan` (one word per call of each operation, the last
 * word repeats), `log` (one line per call, appended by all processes), NAME.issued.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "remote/remote.h"
#include "tests/core/forge.h"

struct zca_client {
    char *dialect;
};

static const struct {
    const char *name;
    unsigned capabilities;
} dialects[] = {
    {"plain",     ZCA_CAP_CSR_ISSUE | ZCA_CAP_CHAIN                                 },
    {"repeating", ZCA_CAP_CSR_ISSUE | ZCA_CAP_CHAIN | ZCA_CAP_IDEMPOTENT            },
    {"slow",      ZCA_CAP_CSR_ISSUE | ZCA_CAP_CHAIN | ZCA_CAP_ASYNC                 },
    {"careful",   ZCA_CAP_CSR_ISSUE | ZCA_CAP_CHAIN | ZCA_CAP_TWO_PHASE             },
    {"keygen",    ZCA_CAP_SERVER_KEYGEN | ZCA_CAP_CHAIN                             },
    {"mute",      ZCA_CAP_SERVER_KEYGEN                                             },
    {"signing",   ZCA_CAP_CSR_ISSUE | ZCA_CAP_CHAIN | ZCA_CAP_TBS_SIGN | ZCA_CAP_CRL},
};

/* Words of the plan that change the certificate. */
static const struct {
    const char *word;
    unsigned flaws;
} flaws[] = {
    {"ok",         0               },
    {"other-key",  FORGE_OTHER_KEY },
    {"other-name", FORGE_OTHER_NAME},
    {"extra-name", FORGE_EXTRA_NAME},
    {"less-names", FORGE_LESS_NAMES},
    {"ca",         FORGE_CA        },
    {"expired",    FORGE_EXPIRED   },
    {"future",     FORGE_FUTURE    },
    {"long",       FORGE_LONG_LIFE },
    {"version-1",  FORGE_VERSION_1 },
    {"wide",       FORGE_WIDE_USAGE},
};

/* Words that make a call fail. */
static const struct {
    const char *word;
    enum zca_reason reason;
    long http_status;
    long retry_after_s;
    const char *code;
} failures[] = {
    {"unavailable",   ZCA_ERR_UNAVAILABLE,     503, 0,    ""                   },
    {"later",         ZCA_ERR_UNAVAILABLE,     503, 3600, ""                   },
    {"rate",          ZCA_ERR_RATE_LIMITED,    429, 1,    "RATE_LIMITED"       },
    {"refuse",        ZCA_ERR_QUARANTINED,     403, 0,    "MACHINE_QUARANTINED"},
    {"unauthorised",  ZCA_ERR_AUTH,            401, 0,    "UNAUTHORIZED"       },
    {"html",          ZCA_ERR_PROTOCOL,        200, 0,    ""                   },
    {"gone",          ZCA_ERR_NOT_FOUND,       404, 0,    "NOT_FOUND"          },
    {"uninitialised", ZCA_ERR_NOT_INITIALISED, 400, 0,    "CA_NOT_INITIALIZED" },
};

/* ---- state ---- */

static char *path_of(const char *name)
{
    const char *directory = getenv("ZCA_FAKE");
    return zca_path_join(directory ? directory : "/nonexistent", name, "", NULL);
}

/* The number of earlier calls, and this one's line in the log. */
static size_t note(const char *operation)
{
    zca_auto(text) char *path = path_of("log");
    zca_auto(zca_buffer) struct zca_buffer log = {.len = 0};
    size_t count = 0;
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (zca_file_load(path, 1 << 20, &log, NULL, NULL)) {
        size_t len = strlen(operation);
        const char *text = (const char *)log.data;
        for (const char *line = text; line && *line; line = strchr(line, '\n') + 1) {
            count += strncmp(line, operation, len) == 0 && line[len] == '\n';
        }
    }
    if (fd >= 0) {
        (void)dprintf(fd, "%s\n", operation);
        (void)close(fd);
    }
    return count;
}

/* The word of the plan for this call: "submit: unavailable other-key ok". */
static char *planned(const char *operation)
{
    size_t call = note(operation);
    zca_auto(text) char *path = path_of("plan");
    zca_auto(zca_buffer) struct zca_buffer plan = {.len = 0};
    zca_auto(text) char *label = NULL;
    if (!zca_file_load(path, 1 << 16, &plan, NULL, NULL) ||
        asprintf(&label, "%s: ", operation) < 0) {
        return strdup("ok");
    }
    char *line = plan.len > 0 ? strstr((char *)plan.data, label) : NULL;
    if (!line) {
        return strdup("ok");
    }
    line += strlen(label);
    line[strcspn(line, "\n")] = '\0';
    char *position = NULL;
    char *word = strtok_r(line, " ", &position);
    for (size_t i = 0; i < call && word; i++) {
        char *next = strtok_r(NULL, " ", &position);
        word = next ? next : word;
        if (!next) {
            break;
        }
    }
    return strdup(word ? word : "ok");
}

static bool fail_as_planned(const char *operation, const char *word, struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(failures); i++) {
        if (strcmp(word, failures[i].word) == 0) {
            zca_error_set(err, failures[i].reason, "fake authority: %s: %s", operation, word);
            if (err) {
                err->http_status = failures[i].http_status;
                err->retry_after_s = failures[i].retry_after_s;
                (void)snprintf(err->code, sizeof(err->code), "%s", failures[i].code);
            }
            return true;
        }
    }
    return false;
}

static void crash_if(const char *word, const char *when)
{
    if (strcmp(word, when) == 0) {
        _exit(42);
    }
}

static void load_ca(struct forge_ca *ca, const char *certificate, const char *key)
{
    zca_auto(text) char *certificate_path = path_of(certificate);
    zca_auto(text) char *key_path = path_of(key);
    FILE *file = fopen(certificate_path, "r");
    ca->certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
    if (file) {
        (void)fclose(file);
    }
    file = fopen(key_path, "r");
    ca->key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (file) {
        (void)fclose(file);
    }
}

/* ---- issuing ---- */

static unsigned flaws_of(const char *word)
{
    for (size_t i = 0; i < ZCA_COUNT(flaws); i++) {
        if (strcmp(word, flaws[i].word) == 0) {
            return flaws[i].flaws;
        }
    }
    return 0;
}

static void append_key(EVP_PKEY *key, struct zca_buffer *out)
{
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    if (!zca_buffer_append(out, zca_span_of(der, (size_t)len), NULL)) {
        abort();
    }
    OPENSSL_clear_free(der, (size_t)len);
    PKCS8_PRIV_KEY_INFO_free(info);
}

static X509 *make_leaf(const struct zca_request *request, const char *word,
                       struct zca_issued *issued)
{
    struct forge_ca ca;
    bool rogue = strcmp(word, "rogue") == 0;
    load_ca(&ca, rogue ? "rogue.pem" : "ca.pem", rogue ? "rogue.key" : "ca.key");
    X509 *leaf = NULL;
    EVP_PKEY *own = NULL;
    if (request->csr.len > 0) {
        X509_REQ *csr = zca_pem_parse_request(NULL, request->csr, NULL);
        leaf = forge_answer(&ca, csr, request->ttl_s, flaws_of(word));
        X509_REQ_free(csr);
    }
    if (!leaf || strcmp(word, "own-key") == 0) {
        own = forge_key();
        struct forge_order order = {
            .common_name = request->common_name,
            .key = own,
            .ttl_s = request->ttl_s,
            .flaws = flaws_of(word),
        };
        X509_free(leaf);
        leaf = forge_issue(&ca, &order);
        append_key(own, &issued->private_key);
    }
    EVP_PKEY_free(own);
    forge_ca_clear(&ca);
    return leaf;
}

static char *issued_path(const char *id)
{
    zca_auto(text) char *name = NULL;
    return asprintf(&name, "%s.issued", id) < 0 ? NULL : path_of(name);
}

/* Issues and remembers; the answer of an asynchronous authority is fetched from here. */
static void issue(const struct zca_request *request, const char *word, struct zca_issued *issued)
{
    X509 *leaf = make_leaf(request, word, issued);
    zca_auto(text) char *pem = forge_pem((X509 *const[]){leaf, NULL});
    zca_auto(text) char *path = issued_path(request->request_id);
    size_t len = strcmp(word, "cut") == 0 ? strlen(pem) / 2 : strlen(pem);
    len = strcmp(word, "nothing") == 0 ? 0 : len;
    issued->id = strdup(request->request_id);
    if (!zca_buffer_append(&issued->certificates, zca_span_of(pem, len), NULL) ||
        !zca_file_store(path, 0600, zca_span_of(pem, len), NULL)) {
        abort();
    }
    X509_free(leaf);
    (void)note("issue");
}

/* Crosses from submit to fetch inside the ticket: certificates, and the key behind a NUL. */
static void pack(const struct zca_issued *issued, struct zca_ticket *ticket)
{
    ticket->state = ZCA_TICKET_COMPLETE;
    ticket->id = strdup("");
    ticket->reply = (struct zca_buffer)ZCA_SECRET_BUFFER;
    if (!zca_buffer_append(&ticket->reply, zca_buffer_span(&issued->certificates), NULL) ||
        !zca_buffer_append(&ticket->reply, zca_span_of("", 1), NULL) ||
        !zca_buffer_append(&ticket->reply, zca_buffer_span(&issued->private_key), NULL)) {
        abort();
    }
}

static void nap(const char *word)
{
    if (strcmp(word, "drowsy") == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 200 * 1000 * 1000}, NULL);
    }
}

static bool is_known(const struct zca_request *request, struct zca_issued *issued)
{
    zca_auto(text) char *path = issued_path(request->request_id);
    issued->id = strdup(request->request_id);
    return zca_file_load(path, 1 << 16, &issued->certificates, NULL, NULL);
}

static bool fake_submit(struct zca_client *client, const struct zca_request *request,
                        struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(text) char *word = planned("submit");
    zca_auto(zca_issued) struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    crash_if(word, "crash-before");
    nap(word);
    if (fail_as_planned("submit", word, err)) {
        return false;
    }
    if (strcmp(client->dialect, "repeating") == 0 && is_known(request, &issued)) {
        pack(&issued, out_ticket);
        return true;
    }
    zca_issued_clear(&issued);
    issued.private_key.secret = true;
    issue(request, word, &issued);
    crash_if(word, "crash-after");
    if (strcmp(word, "lost") == 0) {
        return zca_error_set(err, ZCA_ERR_UNAVAILABLE, "fake authority: the answer was lost");
    }
    if (strcmp(client->dialect, "slow") == 0) {
        out_ticket->state = ZCA_TICKET_PENDING;
        out_ticket->id = strdup(request->request_id);
        return true;
    }
    pack(&issued, out_ticket);
    return true;
}

static bool fake_poll(struct zca_client *client, struct zca_ticket *ticket, struct zca_error *err)
{
    (void)client;
    zca_auto(text) char *word = planned("poll");
    crash_if(word, "crash-before");
    if (fail_as_planned("poll", word, err)) {
        return false;
    }
    if (strcmp(word, "failed") == 0) {
        ticket->state = ZCA_TICKET_FAILED;
        return zca_error_set(err, ZCA_ERR_POLICY, "fake authority: the order was turned down");
    }
    ticket->state = strcmp(word, "pending") == 0 ? ZCA_TICKET_PENDING : ZCA_TICKET_COMPLETE;
    return true;
}

static bool fake_fetch(struct zca_client *client, struct zca_ticket *ticket,
                       struct zca_issued *out_issued, struct zca_error *err)
{
    (void)client;
    zca_auto(text) char *word = planned("fetch");
    struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    crash_if(word, "crash-before");
    if (fail_as_planned("fetch", word, err)) {
        return false;
    }
    issued.id = strdup(ticket->id);
    if (*ticket->id != '\0') {
        zca_auto(text) char *path = issued_path(ticket->id);
        if (!zca_file_load(path, 1 << 16, &issued.certificates, NULL, err)) {
            free(issued.id);
            return false;
        }
    } else {
        size_t text_len = strlen((const char *)ticket->reply.data);
        struct zca_span key =
            zca_span_of(ticket->reply.data + text_len + 1, ticket->reply.len - text_len - 1);
        if (!zca_buffer_append(&issued.certificates, zca_span_of(ticket->reply.data, text_len),
                               err) ||
            !zca_buffer_append(&issued.private_key, key, err)) {
            abort();
        }
    }
    *out_issued = issued;
    return true;
}

static bool fake_confirm(struct zca_client *client, const struct zca_ticket *ticket,
                         const struct zca_issued *issued, struct zca_error *err)
{
    (void)client;
    (void)ticket;
    zca_auto(text) char *word = planned("confirm");
    crash_if(word, "crash-before");
    if (fail_as_planned("confirm", word, err)) {
        return false;
    }
    if (issued->certificates.len == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "fake authority: nothing to confirm");
    }
    (void)note("confirmed");
    crash_if(word, "crash-after");
    return true;
}

static bool fake_recover(struct zca_client *client, const struct zca_request *request,
                         int64_t started_at_s, struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(text) char *word = planned("recover");
    zca_auto(zca_issued) struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    if (fail_as_planned("recover", word, err)) {
        return false;
    }
    bool handed_over_once = strcmp(client->dialect, "keygen") == 0;
    if (started_at_s <= 0 || handed_over_once || !is_known(request, &issued)) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND, "fake authority: nothing was issued");
    }
    pack(&issued, out_ticket);
    return true;
}

/* ---- the CA ---- */

static bool send_file(const char *operation, const char *name, struct zca_buffer *out_bytes,
                      struct zca_error *err)
{
    zca_auto(text) char *word = planned(operation);
    zca_auto(text) char *path = path_of(name);
    return !fail_as_planned(operation, word, err) &&
           zca_file_load(path, 1 << 20, out_bytes, NULL, err);
}

static bool fake_ca_fetch(struct zca_client *client, struct zca_buffer *out_pem,
                          struct zca_error *err)
{
    (void)client;
    return send_file("ca_fetch", "ca.pem", out_pem, err);
}

static bool fake_crl_fetch(struct zca_client *client, struct zca_buffer *out_crl,
                           struct zca_error *err)
{
    (void)client;
    return send_file("crl_fetch", "crl.pem", out_crl, err);
}

static bool fake_sign(struct zca_client *client, const struct zca_sign_request *request,
                      struct zca_buffer *out_signature, struct zca_error *err)
{
    (void)client;
    struct forge_ca ca;
    zca_auto(text) char *word = planned("sign");
    if (fail_as_planned("sign", word, err)) {
        return false;
    }
    bool rogue = strcmp(word, "rogue") == 0;
    load_ca(&ca, rogue ? "rogue.pem" : "ca.pem", rogue ? "rogue.key" : "ca.key");
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *operation = EVP_MD_CTX_new();
    unsigned char signature[256];
    size_t len = sizeof(signature);
    bool ok =
        EVP_DigestSignInit_ex(operation, NULL, request->digest, NULL, NULL, ca.key, NULL) == 1 &&
        EVP_DigestSign(operation, signature, &len, request->tbs.data, request->tbs.len) == 1;
    forge_ca_clear(&ca);
    return ok && zca_buffer_append(out_signature, zca_span_of(signature, len), err);
}

/* ---- clients ---- */

static unsigned fake_capabilities(const char *dialect)
{
    for (size_t i = 0; i < ZCA_COUNT(dialects); i++) {
        if (strcmp(dialect, dialects[i].name) == 0) {
            return dialects[i].capabilities;
        }
    }
    return 0;
}

static struct zca_client *fake_open(const struct zca_client_settings *settings,
                                    struct zca_error *err)
{
    struct zca_client *client = calloc(1, sizeof(*client));
    char *dialect = strdup(settings->dialect);
    if (!client || !dialect) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "fake authority");
        return NULL;
    }
    client->dialect = dialect;
    (void)note("open");
    return client;
}

static void fake_close(struct zca_client *client)
{
    (void)note("close");
    free(client->dialect);
    free(client);
}

static void fake_forget(struct zca_client *client)
{
    (void)note("forget");
    free(client->dialect);
    free(client);
}

static const struct zca_remote table = {
    .abi = ZCA_REMOTE_ABI,
    .version = "fake",
    .capabilities = fake_capabilities,
    .client_open = fake_open,
    .client_close = fake_close,
    .client_forget = fake_forget,
    .ca_init = fake_ca_fetch,
    .ca_fetch = fake_ca_fetch,
    .crl_fetch = fake_crl_fetch,
    .submit = fake_submit,
    .poll = fake_poll,
    .fetch = fake_fetch,
    .confirm = fake_confirm,
    .recover = fake_recover,
    .sign = fake_sign,
};

const struct zca_remote *zca_remote_table(void)
{
    return &table;
}
