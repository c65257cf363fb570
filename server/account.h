/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Organisations, users, roles, passwords and API keys. Passwords are kept as scrypt (RFC 7914)
 * with their parameters, API keys as SHA-256. Ten wrong passwords lock an account for 15 minutes.
 * Default deny: a principal has a role in an organisation only when a row says so.
 */
#ifndef ZCA_SERVER_ACCOUNT_H
#define ZCA_SERVER_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/route.h"
#include "server/server.h"
#include "server/state.h"

/* What an API key may do; names as the key management API spells them. */
enum zca_scope {
    ZCA_SCOPE_READ = 1u << 0,
    ZCA_SCOPE_WRITE = 1u << 1,
    ZCA_SCOPE_ADMIN = 1u << 2,
    ZCA_SCOPE_MACHINES = 1u << 3,
    ZCA_SCOPE_DNS = 1u << 4,
    ZCA_SCOPE_ACL = 1u << 5,
    ZCA_SCOPE_BILLING = 1u << 6,
    ZCA_SCOPE_AUDIT = 1u << 7
};

#define ZCA_SCOPE_ALL (~0u)

/**
 * zca_account_authenticate finds out who sent a request: Authorization: Bearer JWT, or X-Api-Key.
 *
 * out_principal  without any credential: empty, and the result is true. Written only on success.
 * err            ZCA_ERR_AUTH when a credential is malformed, wrong, expired, revoked or its user is
 *                gone, never saying which; ZCA_ERR_RATE_LIMITED for an API key over its rate;
 *                ZCA_ERR_UNAVAILABLE when the ledger cannot be read.
 */
ZCA_NODISCARD bool zca_account_authenticate(struct zca_server *server,
                                            const struct zca_http_request *request,
                                            struct zca_principal *out_principal,
                                            struct zca_error *err);

/** zca_account_forget wipes a principal when its request is over. */
void zca_account_forget(struct zca_principal *principal);

/** zca_account_highest_role returns the highest role of a principal in any organisation;
 * ZCA_ROLE_NONE also when the ledger cannot be read. */
enum zca_role zca_account_highest_role(struct zca_server *server,
                                       const struct zca_principal *principal);

/** zca_account_role returns the role of a principal in one organisation, ZCA_ROLE_NONE when it has
 * none there, the organisation does not exist, or the ledger cannot be read. An API key never has a
 * role outside its own organisation, and never one above admin. */
enum zca_role zca_account_role(struct zca_server *server, const struct zca_principal *principal,
                               const char *org_id);

/** zca_role_name returns "owner", "admin", "member", "auditor", "none"; zca_role_find is the inverse
 * (ZCA_ROLE_NONE for other names). */
const char *zca_role_name(enum zca_role role);
enum zca_role zca_role_find(const char *name);

/** zca_scope_bit returns the bit of a scope's name, 0 for an unknown one. zca_scope_names is the
 * NULL-terminated list, in the order of the bits. */
unsigned zca_scope_bit(const char *name);
extern const char *const zca_scope_names[];

/** zca_email_check tells whether `text` may be an account's name: lower-case printable ASCII with one
 * '@' inside, at most 254 characters. */
bool zca_email_check(const char *text);

/* A user that is to be made. */
struct zca_account_request {
    const char *email;
    struct zca_span password; /* hashed with scrypt; at least 8 characters */
    const char *org_id;
    enum zca_role role; /* in that organisation; ZCA_ROLE_NONE: not a member */
    const char *actor;  /* for records */
};

/**
 * zca_account_add makes a user with a role, and its entry in the audit log, together.
 *
 * out_user_id  the new user's id.
 * err          ZCA_ERR_CONFLICT: the address exists; ZCA_ERR_INVALID: address or password.
 */
ZCA_NODISCARD bool zca_account_add(struct zca_state *state,
                                   const struct zca_account_request *request,
                                   char out_user_id[ZCA_UUID_SIZE], struct zca_error *err);

/** zca_account_set_password changes a password, unlocks the account and ends its sessions: refresh
 * tokens are gone. Access tokens are not looked up and last to their end, up to an hour.
 * actor  for the entry in the audit log, which is kept together with the change. */
ZCA_NODISCARD bool zca_account_set_password(struct zca_state *state, const char *email,
                                            struct zca_span password, const char *actor,
                                            struct zca_error *err);

/**
 * zca_account_login checks a password and starts a session, unless the password has changed meanwhile.
 *
 * out_user_id  written on success.
 * out_refresh  the session's first refresh token, appended on success.
 * err          codes INVALID_CREDENTIALS and ACCOUNT_LOCKED. Takes the time of scrypt in all cases.
 */
ZCA_NODISCARD bool zca_account_login(struct zca_state *state, const char *email,
                                     struct zca_span password, char out_user_id[ZCA_UUID_SIZE],
                                     struct zca_buffer *out_refresh, struct zca_error *err);

/** zca_org_make inserts an organisation with the default settings; its id is written.
 * name  1 to 253 bytes without control characters, else ZCA_ERR_INVALID. */
ZCA_NODISCARD bool zca_org_make(struct zca_ledger *ledger, const char *name, int64_t now_ms,
                                char out_org_id[ZCA_UUID_SIZE], struct zca_error *err);

/* What a first start made: an organisation and its owner. */
struct zca_bootstrap {
    bool created; /* false: there were accounts already; the rest is then NULL */
    char *org_id;
    char *email;
    char *password_file; /* absolute path, mode 0600; the password is nowhere else */
};

void zca_bootstrap_clear(struct zca_bootstrap *bootstrap);
ZCA_DEFINE_AUTO_CLEAR(zca_bootstrap, struct zca_bootstrap, zca_bootstrap_clear);

/**
 * zca_account_bootstrap makes the organisation "default" and an owner with a random password when
 * the ledger holds no user at all, so that a new server can be used without a further command. The
 * owner's address is the option admin_email. It does not make a CA: that is the action initialize_ca.
 *
 * out_bootstrap  zero-initialised; the caller clears it.
 */
ZCA_NODISCARD bool zca_account_bootstrap(struct zca_server *server,
                                         struct zca_bootstrap *out_bootstrap,
                                         struct zca_error *err);

#endif
