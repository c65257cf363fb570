/* SPDX-License-Identifier: Apache-2.0 */
/* The table: each function enters an operation of its client and calls the dialect's. */
#include "remote/remote.h"

#include "remote/auth.h"
#include "remote/client.h"
#include "remote/dialect.h"

static unsigned capabilities(const char *name)
{
    const struct zca_dialect *dialect = zca_dialect_find(name);
    return dialect ? dialect->capabilities : 0;
}

static bool login(struct zca_client *client, const struct zca_login *login, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->login, "logging in", err);
    return running && zca_auth_login(running, login, err);
}

static bool logout(struct zca_client *client, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->logout, "logging out", err);
    return running && zca_auth_logout(running, err);
}

static bool whoami(struct zca_client *client, struct zca_whoami *out_whoami, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->whoami, "asking who we are", err);
    if (!running || !running->dialect->whoami(running, out_whoami, err)) {
        return false;
    }
    out_whoami->server_time_s = running->date_s;
    return true;
}

static bool ca_init(struct zca_client *client, struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->ca_init, "creating the CA", err);
    return running && running->dialect->ca_init(running, out_pem, err);
}

static bool ca_fetch(struct zca_client *client, struct zca_buffer *out_pem, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->ca_fetch, "fetching the CA certificate", err);
    return running && running->dialect->ca_fetch(running, out_pem, err);
}

static bool crl_fetch(struct zca_client *client, struct zca_buffer *out_crl, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->crl_fetch, "fetching the CRL", err);
    return running && running->dialect->crl_fetch(running, out_crl, err);
}

static bool submit(struct zca_client *client, const struct zca_request *request,
                   struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->submit, "requesting a certificate", err);
    return running && running->dialect->submit(running, request, out_ticket, err);
}

static bool poll_ticket(struct zca_client *client, struct zca_ticket *ticket, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->poll, "asking for an order", err);
    return running && running->dialect->poll(running, ticket, err);
}

static bool fetch(struct zca_client *client, struct zca_ticket *ticket,
                  struct zca_issued *out_issued, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->fetch, "fetching a certificate", err);
    return running && running->dialect->fetch(running, ticket, out_issued, err);
}

static bool confirm(struct zca_client *client, const struct zca_ticket *ticket,
                    const struct zca_issued *issued, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->confirm, "confirming a certificate", err);
    return running && running->dialect->confirm(running, ticket, issued, err);
}

static bool recover(struct zca_client *client, const struct zca_request *request,
                    int64_t started_at_s, struct zca_ticket *out_ticket, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->recover, "looking for a lost certificate", err);
    return running && running->dialect->recover(running, request, started_at_s, out_ticket, err);
}

static bool list(struct zca_client *client, const struct zca_record_filter *filter,
                 struct zca_record_list *out_list, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->list, "listing certificates", err);
    return running && running->dialect->list(running, filter, out_list, err);
}

static bool revoke(struct zca_client *client, const char *id, const char *reason,
                   struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->revoke, "revoking a certificate", err);
    return running && running->dialect->revoke(running, id, reason, err);
}

static bool sign(struct zca_client *client, const struct zca_sign_request *request,
                 struct zca_buffer *out_signature, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->sign, "signing with the CA key", err);
    return running && running->dialect->sign(running, request, out_signature, err);
}

static bool install_signed(struct zca_client *client, const char *id,
                           struct zca_span certificates_pem, struct zca_error *err)
{
    zca_auto(zca_operation) struct zca_client *running =
        zca_client_enter(client, client->dialect->install_signed, "installing a certificate", err);
    return running && running->dialect->install_signed(running, id, certificates_pem, err);
}

static const struct zca_remote table = {
    .abi = ZCA_REMOTE_ABI,
    .version = ZCA_VERSION,
    .capabilities = capabilities,
    .dialects = zca_dialect_names,
    .client_open = zca_client_open,
    .client_close = zca_client_close,
    .client_forget = zca_client_forget,
    .client_authorise = zca_auth_give,
    .login = login,
    .logout = logout,
    .whoami = whoami,
    .ca_init = ca_init,
    .ca_fetch = ca_fetch,
    .crl_fetch = crl_fetch,
    .submit = submit,
    .poll = poll_ticket,
    .fetch = fetch,
    .confirm = confirm,
    .recover = recover,
    .list = list,
    .revoke = revoke,
    .sign = sign,
    .install_signed = install_signed,
};

const struct zca_remote *zca_remote_table(void)
{
    return &table;
}
