/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QuickZTNA's POST /api/issue-certificate: the actions, as both dialects use them. A private
 * key in an answer is copied out once and wiped wherever it was.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/clock.h"
#include "base/openssl_auto.h"
#include "remote/call.h"
#include "remote/client.h"
#include "remote/dialects/quickztna.h"

struct ca_reply {
    char *certificate;
};

static const struct zca_json_field ca_fields[] = {
    {"ca_certificate", ZCA_JSON_TEXT, offsetof(struct ca_reply, certificate), true},
};

struct issue_reply {
    char *certificate;
    char *chain; /* extension */
    char *serial;
    char *id; /* extension */
    struct zca_buffer private_key;
};

static const struct zca_json_field issue_fields[] = {
    {"certificate",    ZCA_JSON_TEXT,   offsetof(struct issue_reply, certificate), true },
    {"chain",          ZCA_JSON_TEXT,   offsetof(struct issue_reply, chain),       false},
    {"serial_number",  ZCA_JSON_TEXT,   offsetof(struct issue_reply, serial),      true },
    {"certificate_id", ZCA_JSON_TEXT,   offsetof(struct issue_reply, id),          false},
    {"private_key",    ZCA_JSON_SECRET, offsetof(struct issue_reply, private_key), false},
};

struct revoke_reply {
    bool revoked;
};

static const struct zca_json_field revoke_fields[] = {
    {"revoked", ZCA_JSON_BOOLEAN, offsetof(struct revoke_reply, revoked), true},
};

static void clear_ca_reply(struct ca_reply *reply)
{
    zca_json_clear_fields(ca_fields, ZCA_COUNT(ca_fields), reply);
}

static void clear_issue_reply(struct issue_reply *reply)
{
    zca_json_clear_fields(issue_fields, ZCA_COUNT(issue_fields), reply);
}

ZCA_DEFINE_AUTO_CLEAR(ca_reply, struct ca_reply, clear_ca_reply);
ZCA_DEFINE_AUTO_CLEAR(issue_reply, struct issue_reply, clear_issue_reply);

/* ---- calls ---- */

struct zca_json *zca_quickztna_action(struct zca_client *client, const char *action,
                                      struct zca_error *err)
{
    if (*client->organization == '\0') {
        (void)zca_error_set(err, ZCA_ERR_CONFIG, "authority '%s' needs the option 'organization'",
                            client->authority); /* NULL tells */
        return NULL;
    }
    struct zca_json *body = zca_json_new_object();
    if (!body) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "building a request"); /* NULL tells */
        return NULL;
    }
    zca_json_set_text(body, "action", action);
    zca_json_set_text(body, "org_id", client->organization);
    return body;
}

bool zca_quickztna_ask(struct zca_client *client, const struct zca_call *call,
                       const struct zca_json_field *fields, size_t num_fields, void *out_struct,
                       struct zca_error *err)
{
    zca_auto(zca_json) struct zca_json *data = NULL;
    if (!zca_call_json(client, call, &data, err)) {
        return false;
    }
    if (!data) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' answers %s without data",
                             client->authority, call->endpoint->path);
    }
    return zca_json_read_fields(data, fields, num_fields, out_struct, err) ||
           zca_error_context(err, "authority '%s' answers %s", client->authority,
                             call->endpoint->path);
}

/* ---- the CA ---- */

bool zca_quickztna_ca_init(struct zca_client *client, struct zca_buffer *out_pem,
                           struct zca_error *err)
{
    zca_auto(ca_reply) struct ca_reply reply = {0};
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_action(client, "initialize_ca", err);
    struct zca_call call = {
        .endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_CA_INIT],
        .body = body,
    };
    if (!body || !zca_quickztna_ask(client, &call, ca_fields, ZCA_COUNT(ca_fields), &reply, err)) {
        return false;
    }
    zca_buffer_clear(out_pem);
    return zca_buffer_append_text(out_pem, reply.certificate, err);
}

/* ---- issuing ---- */

struct zca_json *zca_quickztna_issue_body(struct zca_client *client,
                                          const struct zca_request *request, struct zca_error *err)
{
    const char *machine = request->binding ? request->binding : client->machine;
    struct zca_json *body = zca_quickztna_action(client, "issue", err);
    if (!body) {
        return NULL;
    }
    if (request->common_name) {
        zca_json_set_text(body, "subject_cn", request->common_name);
    }
    if (*machine != '\0') {
        zca_json_set_text(body, "machine_id", machine);
    }
    if (request->ttl_s > 0) {
        zca_json_set_integer(body, "ttl_hours", (request->ttl_s + 3599) / 3600);
    }
    return body;
}

static bool check_key_place(struct zca_client *client, bool local_key, bool got_key,
                            struct zca_error *err)
{
    if (local_key && got_key) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "authority '%s' made a key of its own instead of certifying ours: use "
                             "dialect 'quickztna' for it",
                             client->authority);
    }
    if (!local_key && !got_key) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL,
                             "authority '%s' answers with a certificate without its key",
                             client->authority);
    }
    return true;
}

/* PEM to DER through secret memory; the block may be PKCS#8 or an older form, but not encrypted. */
static bool decode_key(struct zca_span pem, struct zca_buffer *out_der, struct zca_error *err)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    out_der->secret = true;
    if (pem.len == 0) {
        return true;
    }
    (void)ERR_set_mark(); /* fails for an empty queue; then the pop empties it again */
    zca_auto(BIO) BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    bool ok = bio && PEM_read_bio_ex(bio, &name, &header, &der, &len, PEM_FLAG_SECURE) == 1;
    bool plain =
        ok && strstr(name, "PRIVATE KEY") && *header == '\0' && strcmp(name, PEM_STRING_PKCS8) != 0;
    bool copied = plain && zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    (void)ERR_pop_to_mark(); /* as above */
    OPENSSL_secure_free(name);
    OPENSSL_secure_free(header);
    OPENSSL_secure_clear_free(der, (size_t)len);
    return copied || plain || zca_error_set(err, ZCA_ERR_PROTOCOL, "the key is no PEM block");
}

static bool append_pem(struct zca_buffer *out_pem, const char *pem, struct zca_error *err)
{
    size_t len = pem ? strlen(pem) : 0;
    bool ends = len == 0 || pem[len - 1] == '\n';
    return len == 0 || (zca_buffer_append_text(out_pem, pem, err) &&
                        (ends || zca_buffer_append_text(out_pem, "\n", err)));
}

/* What was issued crosses from submit to fetch as three texts, one behind the other: id, certificates, key. */
static bool pack(const struct issue_reply *reply, struct zca_buffer *out_packed,
                 struct zca_error *err)
{
    static const struct zca_span end = {.data = (const uint8_t *)"", .len = 1};
    return zca_buffer_append_text(out_packed, reply->id ? reply->id : "", err) &&
           zca_buffer_append(out_packed, end, err) &&
           append_pem(out_packed, reply->certificate, err) &&
           append_pem(out_packed, reply->chain, err) && zca_buffer_append(out_packed, end, err) &&
           zca_buffer_append(out_packed, zca_buffer_span(&reply->private_key), err);
}

bool zca_quickztna_issue(struct zca_client *client, const struct zca_endpoint *endpoint,
                         const struct zca_json *body, bool local_key, struct zca_ticket *out_ticket,
                         struct zca_error *err)
{
    zca_auto(issue_reply) struct issue_reply reply = {0};
    zca_auto(zca_json) struct zca_json *data = NULL;
    zca_auto(zca_ticket) struct zca_ticket ticket = {
        .state = ZCA_TICKET_COMPLETE,
        .reply = ZCA_SECRET_BUFFER,
    };
    struct zca_call call = {.endpoint = endpoint, .body = body};
    if (!zca_call_json(client, &call, &data, err)) {
        return false;
    }
    if (!data || !zca_json_read_fields(data, issue_fields, ZCA_COUNT(issue_fields), &reply, err)) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL,
                             "authority '%s' answers without a whole certificate",
                             client->authority);
    }
    if (!check_key_place(client, local_key, reply.private_key.len > 0, err)) {
        return false;
    }
    if (!pack(&reply, &ticket.reply, err)) {
        return false;
    }
    ticket.id = zca_steal(reply.serial);
    *out_ticket = ticket;
    ticket = (struct zca_ticket){0};
    return true;
}

/* The text at the beginning of `packed`, which is behind it afterwards. */
static struct zca_span unpack(struct zca_span *packed)
{
    size_t len = strnlen((const char *)packed->data, packed->len);
    struct zca_span text = zca_span_of(packed->data, len);
    size_t taken = len < packed->len ? len + 1 : len;
    *packed = zca_span_of(packed->data + taken, packed->len - taken);
    return text;
}

bool zca_quickztna_fetch(struct zca_client *client, struct zca_ticket *ticket,
                         struct zca_issued *out_issued, struct zca_error *err)
{
    zca_auto(zca_issued) struct zca_issued issued = {0};
    struct zca_span packed = zca_buffer_span(&ticket->reply);
    if (packed.len == 0) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                             "authority '%s' hands a certificate over only once",
                             client->authority);
    }
    struct zca_span id = unpack(&packed);
    struct zca_span certificates = unpack(&packed);
    issued.id = strndup((const char *)id.data, id.len);
    if (!issued.id) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a certificate");
    }
    if (!zca_buffer_append(&issued.certificates, certificates, err) ||
        !decode_key(packed, &issued.private_key, err)) {
        return zca_error_context(err, "authority '%s'", client->authority);
    }
    *out_issued = issued;
    issued = (struct zca_issued){0};
    zca_buffer_clear(&ticket->reply);
    return true;
}

bool zca_quickztna_revoke(struct zca_client *client, const char *id, const char *reason,
                          struct zca_error *err)
{
    struct revoke_reply reply = {0};
    zca_auto(zca_json) struct zca_json *body = zca_quickztna_action(client, "revoke", err);
    struct zca_call call = {
        .endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_REVOKE],
        .body = body,
    };
    if (!body) {
        return false;
    }
    zca_json_set_text(body, "certificate_id", id);
    if (reason) {
        zca_json_set_text(body, "reason", reason);
    }
    if (!zca_quickztna_ask(client, &call, revoke_fields, ZCA_COUNT(revoke_fields), &reply, err)) {
        return false;
    }
    return reply.revoked ||
           zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' answers that '%s' is not revoked",
                         client->authority, id);
}
