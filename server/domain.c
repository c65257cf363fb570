/* SPDX-License-Identifier: Apache-2.0 */
/* A server that has no accounts: open routes answer, credentials are refused. */
#include "server/domain.h"

#include <openssl/crypto.h>

#include "server/account.h"

bool zca_domain_open(struct zca_server *server, struct zca_error *err)
{
    (void)server; /* nothing to open */
    (void)err;
    return true;
}

void zca_domain_close(struct zca_server *server)
{
    (void)server; /* nothing was opened */
}

bool zca_account_authenticate(struct zca_server *server, const struct zca_http_request *request,
                              struct zca_principal *out_principal, struct zca_error *err)
{
    (void)server; /* it has no accounts */
    if (request->authorization || request->api_key) {
        return zca_error_set(err, ZCA_ERR_AUTH, "this server has no accounts");
    }
    *out_principal = (struct zca_principal){0};
    return true;
}

void zca_account_forget(struct zca_principal *principal)
{
    OPENSSL_cleanse(principal, sizeof *principal);
}

enum zca_role zca_account_highest_role(struct zca_server *server,
                                       const struct zca_principal *principal)
{
    (void)server; /* it has no accounts */
    (void)principal;
    return ZCA_ROLE_NONE;
}

bool zca_account_bootstrap(struct zca_server *server, struct zca_bootstrap *out_bootstrap,
                           struct zca_error *err)
{
    (void)server; /* it keeps no accounts to make one in */
    (void)err;
    *out_bootstrap = (struct zca_bootstrap){0};
    return true;
}

void zca_bootstrap_clear(struct zca_bootstrap *bootstrap)
{
    free(bootstrap->org_id);
    free(bootstrap->email);
    free(bootstrap->password_file);
    *bootstrap = (struct zca_bootstrap){0};
}
