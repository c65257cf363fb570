/* SPDX-License-Identifier: Apache-2.0 */
/* Each question is asked between network_begin and network_end, on the authority's own client. */
#include "tool/authority.h"

#include <string.h>
#include <unistd.h>

/* Zero-initialised: not begun. */
struct conversation {
    const struct zca_remote *remote;
    struct zca_client *client;
    struct zca_library *library; /* NULL until begun */
};

static void conversation_end(struct conversation *conversation)
{
    if (conversation->library) {
        zca_library_network_end(conversation->library);
    }
}

ZCA_DEFINE_AUTO_CLEAR(conversation, struct conversation, conversation_end);

static bool begin(struct zca_authority *authority, struct conversation *conversation,
                  struct zca_error *err)
{
    struct zca_library *library = zca_authority_get_library(authority);
    conversation->remote = zca_library_remote(library, err);
    conversation->client = conversation->remote ? zca_authority_client(authority, err) : NULL;
    if (!conversation->client || !zca_library_network_begin(library, err)) {
        return false;
    }
    conversation->library = library;
    return true;
}

bool zca_tool_ask_login(struct zca_authority *authority, const struct zca_login *login,
                        struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->login(with.client, login, err);
}

bool zca_tool_ask_logout(struct zca_authority *authority, struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->logout(with.client, err);
}

bool zca_tool_ask_whoami(struct zca_authority *authority, struct zca_whoami *out_whoami,
                         struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->whoami(with.client, out_whoami, err);
}

bool zca_tool_ask_list(struct zca_authority *authority, const struct zca_record_filter *filter,
                       struct zca_record_list *out_list, struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->list(with.client, filter, out_list, err);
}

bool zca_tool_ask_revoke(struct zca_authority *authority, const char *id, const char *reason,
                         struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->revoke(with.client, id, reason, err);
}

bool zca_tool_ask_ca(struct zca_authority *authority, struct zca_buffer *out_pem,
                     struct zca_error *err)
{
    zca_auto(conversation) struct conversation with = {NULL};
    return begin(authority, &with, err) && with.remote->ca_fetch(with.client, out_pem, err);
}

char *zca_tool_token_file(const struct zca_authority *authority, struct zca_error *err)
{
    const char *configured = zca_authority_get_text(authority, ZCA_AUTHORITY_TOKEN_FILE);
    if (!configured) {
        return zca_library_path(zca_authority_get_library(authority), ZCA_PLACE_AUTHORITIES,
                                zca_authority_get_name(authority), "token", "", err);
    }
    char *copy = strdup(configured);
    if (!copy) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "finding the token file"); /* NULL tells */
    }
    return copy;
}

bool zca_tool_has_credentials(const struct zca_authority *authority)
{
    zca_auto(text) char *token_file = zca_tool_token_file(authority, NULL);
    return zca_authority_get_text(authority, ZCA_AUTHORITY_API_KEY_FILE) ||
           zca_authority_get_text(authority, ZCA_AUTHORITY_CERTIFICATE) ||
           (token_file && access(token_file, F_OK) == 0);
}
