/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority on this host that misbehaves as told: a zca-remote.so for tests. Its state is the
 * directory $ZCA_FAKE: ca.pem and ca.key, the plan and the log (fake_plan.h), NAME.issued.
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
#include "tests/core/fake_plan.h"
#include "tests/core/forge.h"

struct zca_client {
    char *dialect;
    char *credential; /* NULL: that of the files */
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

static void crash_if(const char *word, const char *when)
{
    if (strcmp(word, when) == 0) {
        _exit(42);
    }
}

static void load_ca(struct forge_ca *ca, const char *certificate, const char *key)
{
    zca_auto(text) char *certificate_path = fake_path(certificate);
    zca_auto(text) char *key_path = fake_path(key);
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

/* Whoever asks with a credential of its own is in the log with its beginning. */
static void note_credential(const struct zca_client *client, const char *what)
{
    zca_auto(text) char *line = NULL;
    if (client->credential && asprintf(&line, "%sas %.7s", what, client->credential) > 0) {
        (void)fake_note(line);
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
    return asprintf(&name, "%s.issued", id) < 0 ? NULL : fake_path(name);
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
    (void)fake_note("issue");
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

/* Answers when the test has written a file `release`, or after ten seconds. */
static void wait_for_release(const char *word)
{
    zca_auto(text) char *path = fake_path("release");
    for (size_t i = 0; strcmp(word, "held") == 0 && access(path, F_OK) != 0 && i < 1000; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
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
    zca_auto(text) char *word = fake_planned("submit");
    note_credential(client, "");
    zca_auto(zca_issued) struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    crash_if(word, "crash-before");
    nap(word);
    if (fake_fails("submit", word, err)) {
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
    zca_auto(text) char *word = fake_planned("poll");
    crash_if(word, "crash-before");
    if (fake_fails("poll", word, err)) {
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
    zca_auto(text) char *word = fake_planned("fetch");
    struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    crash_if(word, "crash-before");
    if (fake_fails("fetch", word, err)) {
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
    zca_auto(text) char *word = fake_planned("confirm");
    crash_if(word, "crash-before");
    if (fake_fails("confirm", word, err)) {
        return false;
    }
    if (issued->certificates.len == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "fake authority: nothing to confirm");
    }
    (void)fake_note("confirmed");
    crash_if(word, "crash-after");
    return true;
}

static bool fake_recover(struct zca_client *client, const struct zca_request *request,
                         int64_t started_at_s, struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(text) char *word = fake_planned("recover");
    zca_auto(zca_issued) struct zca_issued issued = {.private_key = ZCA_SECRET_BUFFER};
    if (fake_fails("recover", word, err)) {
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
    zca_auto(text) char *word = fake_planned(operation);
    zca_auto(text) char *path = fake_path(name);
    return !fake_fails(operation, word, err) && zca_file_load(path, 1 << 20, out_bytes, NULL, err);
}

static bool fake_ca_fetch(struct zca_client *client, struct zca_buffer *out_pem,
                          struct zca_error *err)
{
    note_credential(client, "ca_fetch ");
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
    zca_auto(text) char *word = fake_planned("sign");
    if (fake_fails("sign", word, err)) {
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
    (void)fake_note("open");
    return client;
}

static void forget_credential(struct zca_client *client)
{
    if (client->credential) {
        OPENSSL_cleanse(client->credential, strlen(client->credential));
    }
    free(client->credential);
    client->credential = NULL;
}

static void release(struct zca_client *client)
{
    forget_credential(client);
    free(client->dialect);
    free(client);
}

static void fake_close(struct zca_client *client)
{
    (void)fake_note("close");
    release(client);
}

static void fake_forget(struct zca_client *client)
{
    (void)fake_note("forget");
    release(client);
}

/* Credentials that begin with "old" have expired. */
static bool fake_authorise(struct zca_client *client, struct zca_span credential,
                           int64_t *out_expires_at_s, struct zca_error *err)
{
    (void)err;
    forget_credential(client);
    client->credential =
        credential.len > 0 ? strndup((const char *)credential.data, credential.len) : NULL;
    *out_expires_at_s =
        client->credential && strncmp(client->credential, "old", 3) == 0 ? 1000000000 : 0;
    return true;
}

static bool fake_whoami(struct zca_client *client, struct zca_whoami *out_whoami,
                        struct zca_error *err)
{
    zca_auto(text) char *word = fake_planned("whoami");
    note_credential(client, "");
    nap(word);
    wait_for_release(word);
    if (fake_fails("whoami", word, err)) {
        return false;
    }
    *out_whoami = (struct zca_whoami){
        .subject = strdup("somebody"), .role = strdup(""), .organization = strdup("")};
    return true;
}

static const struct zca_remote table = {
    .abi = ZCA_REMOTE_ABI,
    .version = "fake",
    .capabilities = fake_capabilities,
    .client_open = fake_open,
    .client_close = fake_close,
    .client_forget = fake_forget,
    .client_authorise = fake_authorise,
    .whoami = fake_whoami,
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
