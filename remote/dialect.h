/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract of a dialect: three tables (endpoints, error codes, fields) and a few functions,
 * ending in one `const struct zca_dialect`. A NULL operation is one the API does not have.
 * Transport, credentials, retries, deadlines and envelopes' HTTP part are remote/'s own work.
 */
#ifndef ZCA_REMOTE_DIALECT_H
#define ZCA_REMOTE_DIALECT_H

#include "base/json.h"
#include "remote/remote.h"

/* How requests authenticate; remote/auth.c has one row for each. */
enum zca_auth_scheme {
    ZCA_AUTH_NONE,
    ZCA_AUTH_BEARER_REFRESH, /* Authorization: Bearer, single-use refresh token shared by processes */
    ZCA_AUTH_API_KEY,        /* a header with a key */
    ZCA_AUTH_SESSION, /* a session token obtained with the client certificate or a password */
    ZCA_AUTH_JWS      /* requests are signed (RFC 8555, 6.2) */
};

/* Whether a request may be sent again when the answer was lost. */
enum zca_repeat {
    ZCA_REPEAT_SAFE, /* reads, and writes that the server makes idempotent */
    ZCA_REPEAT_NEVER /* the authority may have acted: recover, do not repeat */
};

/* One row per call of the API, in the order of its documentation. */
struct zca_endpoint {
    const char *method; /* "POST" */
    const char *path;   /* with %s for ids, which are percent-encoded */
    enum zca_repeat repeat;
    bool anonymous; /* sent without credentials */
    bool secret;    /* the answer may hold a key or a token */
};

/* One row per error code of the API. http 0: any status. code NULL: any code with that status. */
struct zca_error_row {
    const char *code;
    long http;
    enum zca_reason reason;
};

/* Where the API puts its errors: dotted paths into the JSON answer. */
struct zca_envelope {
    const char *data;    /* "data"; NULL: the answer itself */
    const char *success; /* "success": a boolean that must be true; NULL: the HTTP status decides */
    const char *code;    /* "error.code" */
    const char *message; /* "error.message" */
};

struct zca_dialect {
    const char *name;  /* as in zca.conf */
    const char *title; /* for people */
    unsigned capabilities;
    enum zca_auth_scheme auth;
    struct zca_envelope envelope;
    const struct zca_error_row *errors;
    size_t num_errors;

    bool (*login)(struct zca_client *, const struct zca_login *, struct zca_error *);
    /** refresh trades the client's refresh token for new tokens; called by remote/auth.c under the lock
     * that all processes share. */
    bool (*refresh)(struct zca_client *, struct zca_error *);
    bool (*logout)(struct zca_client *, struct zca_error *);
    bool (*whoami)(struct zca_client *, struct zca_whoami *, struct zca_error *);
    bool (*ca_init)(struct zca_client *, struct zca_buffer *, struct zca_error *);
    bool (*ca_fetch)(struct zca_client *, struct zca_buffer *, struct zca_error *);
    bool (*crl_fetch)(struct zca_client *, struct zca_buffer *, struct zca_error *);
    bool (*submit)(struct zca_client *, const struct zca_request *, struct zca_ticket *,
                   struct zca_error *);
    bool (*poll)(struct zca_client *, struct zca_ticket *, struct zca_error *);
    bool (*fetch)(struct zca_client *, struct zca_ticket *, struct zca_issued *,
                  struct zca_error *);
    bool (*confirm)(struct zca_client *, const struct zca_ticket *, const struct zca_issued *,
                    struct zca_error *);
    bool (*recover)(struct zca_client *, const struct zca_request *, int64_t started_at_s,
                    struct zca_ticket *, struct zca_error *);
    bool (*list)(struct zca_client *, const struct zca_record_filter *, struct zca_record_list *,
                 struct zca_error *);
    bool (*revoke)(struct zca_client *, const char *id, const char *reason, struct zca_error *);
    bool (*sign)(struct zca_client *, const struct zca_sign_request *, struct zca_buffer *,
                 struct zca_error *);
    bool (*install_signed)(struct zca_client *, const char *id, struct zca_span,
                           struct zca_error *);
};

/** zca_dialect_find returns the row with this name, or NULL. */
const struct zca_dialect *zca_dialect_find(const char *name);

/** zca_dialect_names returns all names, NULL-terminated. */
const char *const *zca_dialect_names(void);

#endif
