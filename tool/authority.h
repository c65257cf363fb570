/* SPDX-License-Identifier: Apache-2.0 */
/* What commands ask an authority directly, over the table of zca-remote.so. */
#ifndef ZCA_TOOL_AUTHORITY_H
#define ZCA_TOOL_AUTHORITY_H

#include "core/authority.h"

/* Each is the function of the same name in struct zca_remote, with its outputs and reasons. */
ZCA_NODISCARD bool zca_tool_ask_login(struct zca_authority *authority,
                                      const struct zca_login *login, struct zca_error *err);
ZCA_NODISCARD bool zca_tool_ask_logout(struct zca_authority *authority, struct zca_error *err);
ZCA_NODISCARD bool zca_tool_ask_whoami(struct zca_authority *authority,
                                       struct zca_whoami *out_whoami, struct zca_error *err);
ZCA_NODISCARD bool zca_tool_ask_list(struct zca_authority *authority,
                                     const struct zca_record_filter *filter,
                                     struct zca_record_list *out_list, struct zca_error *err);
ZCA_NODISCARD bool zca_tool_ask_revoke(struct zca_authority *authority, const char *id,
                                       const char *reason, struct zca_error *err);
ZCA_NODISCARD bool zca_tool_ask_ca(struct zca_authority *authority, struct zca_buffer *out_pem,
                                   struct zca_error *err);

/** zca_tool_token_file returns where the authority's tokens are kept; caller frees. */
ZCA_NODISCARD char *zca_tool_token_file(const struct zca_authority *authority,
                                        struct zca_error *err);

/** zca_tool_has_credentials tells, without network, whether there is anything to log in with: tokens, an
 * API key or a client certificate. */
bool zca_tool_has_credentials(const struct zca_authority *authority);

#endif
