/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What zca-remote.so offers: one table of functions over one client object per authority.
 * Core opens the library on the first cold need and never closes it. Everything that crosses
 * this line is plain memory, spans and buffers; nothing of libcurl, jansson or a dialect.
 */
#ifndef ZCA_REMOTE_REMOTE_H
#define ZCA_REMOTE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/tbs.h"

/* Counts changes of this header: core refuses a zca-remote.so with another number. */
#define ZCA_REMOTE_ABI 3

/* What a dialect can do; remote-independent code asks for a bit, never for a name. */
enum zca_capability {
    ZCA_CAP_CSR_ISSUE = 1 << 0,     /* certifies a key made here */
    ZCA_CAP_SERVER_KEYGEN = 1 << 1, /* makes the key and hands it over */
    ZCA_CAP_TBS_SIGN = 1 << 2,      /* signs an inspected to-be-signed structure */
    ZCA_CAP_LIST = 1 << 3,
    ZCA_CAP_REVOKE = 1 << 4,
    ZCA_CAP_RENEW = 1 << 5,     /* has its own call for renewal */
    ZCA_CAP_CHAIN = 1 << 6,     /* returns its CA certificates at any time */
    ZCA_CAP_CA_INIT = 1 << 7,   /* creates (or rotates) the CA on request */
    ZCA_CAP_ASYNC = 1 << 8,     /* submit may leave the order pending: poll */
    ZCA_CAP_TWO_PHASE = 1 << 9, /* the certificate counts only after confirm */
    ZCA_CAP_POLICY = 1 << 10,   /* validate answers what policy would do */
    ZCA_CAP_ATTEST = 1 << 11,
    ZCA_CAP_WRAPPED_KEY = 1 << 12, /* server-made keys come encrypted to this host */
    ZCA_CAP_INVERSE = 1 << 13,     /* the authority makes the request, our CA signs it */
    ZCA_CAP_CRL = 1 << 14,
    ZCA_CAP_IDEMPOTENT = 1 << 15, /* submit with the same request_id never issues twice */
    ZCA_CAP_LOGIN = 1 << 16       /* login with name and password gives tokens */
};

/* An open connection to one authority: transport, credentials, dialect. One thread at a time. */
struct zca_client;

/* Borrowed during client_open only; everything needed later is copied. NULL or 0: not given. */
struct zca_client_settings {
    const char *authority;        /* its name here, for messages */
    const char *dialect;          /* row of remote/dialect.c */
    const char *url;              /* https://host[:port][/base]; http only for loopback */
    const char *trust_file;       /* PEM: the only CAs trusted for TLS; NULL: the system's */
    const char *organization;     /* org_id of QuickZTNA; tenant, cloud, account elsewhere */
    const char *machine;          /* the authority's id of this machine or device */
    const char *token_file;       /* bearer and refresh tokens, shared by processes, mode 0600 */
    const char *api_key_file;     /* one line, mode 0600 */
    const char *certificate_file; /* TLS client certificate, PEM with chain */
    const char *key_file;         /* its key: PEM or key reference */
    long timeout_ms;              /* deadline of a whole operation, retries included */
    size_t max_response;          /* bytes of one answer */
    OSSL_LIB_CTX *context;        /* private, outlives the client; NULL: one of the remote's own */
};

struct zca_login {
    const char *user;         /* e-mail or account name */
    struct zca_span password; /* secret, borrowed */
    const char *one_time_code;
};

/* Who the authority says we are. zca_whoami_clear releases. */
struct zca_whoami {
    char *subject;
    char *role;            /* "" when the dialect does not tell */
    char *organization;    /* the one in force, "" if none */
    int64_t expires_at_s;  /* of the session; 0: unknown */
    int64_t server_time_s; /* the authority's clock when it answered; 0: not told */
};

/* What is asked for. All borrowed. */
struct zca_request {
    const char *
        request_id; /* 32 hex digits made once per order: idempotency where there is CAP_IDEMPOTENT */
    const char *common_name;
    const char *const *dns_names; /* NULL-terminated or NULL */
    const char *const *ip_addresses;
    struct zca_span csr; /* DER; empty: the authority makes the key */
    long ttl_s;          /* 0: the authority's default */
    const char *binding; /* machine, device, authenticator or certificate id; NULL: none */
    const char *profile;
    struct zca_span current; /* DER of the certificate being renewed; empty: first issue */
};

enum zca_ticket_state {
    ZCA_TICKET_PENDING, /* poll again after retry_after_s */
    ZCA_TICKET_COMPLETE,
    ZCA_TICKET_FAILED /* `err` of the call that found out says why */
};

/* An order at the authority. `id` survives restarts (it is journalled); `reply` does not. */
struct zca_ticket {
    enum zca_ticket_state state;
    char *id; /* the authority's; "" when it has none */
    long retry_after_s;
    struct zca_buffer reply; /* dialect-private, secret: an answer that came with submit */
};

/* What was issued. zca_issued_clear releases and wipes. */
struct zca_issued {
    char *id;                       /* the authority's id of the certificate, "" if unknown */
    struct zca_buffer certificates; /* PEM: leaf, then issuers as far as the authority sent them */
    struct zca_buffer private_key; /* secret, DER PKCS#8; empty unless the authority made the key */
};

/* One certificate in the authority's list. */
struct zca_record {
    char *id;
    char *serial; /* hexadecimal as the authority writes it */
    char *name;
    char *fingerprint;
    int64_t issued_at_s, expires_at_s; /* 0: unknown */
    bool revoked;
    char *reason;                  /* of the revocation, "" if none */
    struct zca_buffer certificate; /* PEM, may be empty */
};

struct zca_record_list {
    struct zca_record *records;
    size_t num_records;
};

struct zca_record_filter {
    const char *name;   /* NULL: any */
    const char *serial; /* NULL: any; hexadecimal, any case, leading zeros ignored */
    size_t max;         /* records; 0: what the authority gives */
};

/* Asks for a signature over a complete to-be-signed structure. */
struct zca_sign_request {
    const char *request_id;
    enum zca_tbs_kind kind;
    struct zca_span tbs; /* DER */
    const char *digest;  /* "sha256", lower case; NULL: none (Ed25519) */
};

void zca_whoami_clear(struct zca_whoami *whoami);
void zca_ticket_clear(struct zca_ticket *ticket);
void zca_issued_clear(struct zca_issued *issued);
void zca_record_list_clear(struct zca_record_list *list);
ZCA_DEFINE_AUTO_CLEAR(zca_whoami, struct zca_whoami, zca_whoami_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_ticket, struct zca_ticket, zca_ticket_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_issued, struct zca_issued, zca_issued_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_record_list, struct zca_record_list, zca_record_list_clear);

/*
 * The table. Unless said otherwise a function returns true on success, fills its output only
 * then, keeps the deadline of the settings, and reports:
 * ZCA_ERR_UNSUPPORTED (the dialect has no such operation), AUTH, MFA_REQUIRED, FORBIDDEN, POLICY,
 * NOT_INITIALISED, QUARANTINED, POSTURE, NOT_FOUND, CONFLICT, INVALID, RATE_LIMITED, UNAVAILABLE,
 * PROTOCOL, with http_status and the authority's code (the HTTP status as text when it has none).
 * VERIFY: the TLS certificate of the authority is not trusted. CONFIG, SYSTEM: a file of the settings.
 * BUSY: called from inside an operation of this thread, or the token file stays locked.
 * A request is sent again only after 401 with renewed tokens; nothing waits to try again:
 * `retry_after_s` tells core what the authority asked for. Nothing returned has been verified: that is core's work. A client belongs to one thread at a time and must not cross a fork.
 */
struct zca_remote {
    unsigned abi; /* ZCA_REMOTE_ABI */
    const char *version;

    /** capabilities of a dialect; 0 when there is no such dialect. */
    unsigned (*capabilities)(const char *dialect);
    /** names of the dialects, NULL-terminated. */
    const char *const *(*dialects)(void);

    /** client_open checks the settings and connects nothing. */
    struct zca_client *(*client_open)(const struct zca_client_settings *settings,
                                      struct zca_error *err);
    /** client_close drops the connection. After a fork the child calls client_forget instead. */
    void (*client_close)(struct zca_client *client);
    void (*client_forget)(struct zca_client *client);
    /** client_authorise has requests carry this credential in place of what the files of the settings hold, and never
     * renews it; empty: the files again. What the authority thinks of it the next request tells.
     *
     * credential         a bearer token; an API key where the settings name a file for one. Copied, secret.
     * out_expires_at_s   when it says itself that it expires; 0: it does not tell.
     * err                ZCA_ERR_AUTH: no token looks like this. ZCA_ERR_UNSUPPORTED: the dialect needs none. */
    bool (*client_authorise)(struct zca_client *client, struct zca_span credential,
                             int64_t *out_expires_at_s, struct zca_error *err);

    /** login trades name and password for tokens and writes the token file. */
    bool (*login)(struct zca_client *, const struct zca_login *login, struct zca_error *err);
    bool (*logout)(struct zca_client *, struct zca_error *err);
    bool (*whoami)(struct zca_client *, struct zca_whoami *out_whoami, struct zca_error *err);

    /** ca_init creates the authority's CA. It may rotate an existing one: only on explicit request. */
    bool (*ca_init)(struct zca_client *, struct zca_buffer *out_pem, struct zca_error *err);
    /** ca_fetch returns the CA certificates, issuing CA first, without changing anything. */
    bool (*ca_fetch)(struct zca_client *, struct zca_buffer *out_pem, struct zca_error *err);
    /** crl_fetch returns the current CRL, PEM or DER. */
    bool (*crl_fetch)(struct zca_client *, struct zca_buffer *out_crl, struct zca_error *err);

    /** submit places an order; with a synchronous authority the ticket is born complete. */
    bool (*submit)(struct zca_client *, const struct zca_request *request,
                   struct zca_ticket *out_ticket, struct zca_error *err);
    /** poll brings a pending ticket up to date. */
    bool (*poll)(struct zca_client *, struct zca_ticket *ticket, struct zca_error *err);
    /** fetch takes the result out of a complete ticket. */
    bool (*fetch)(struct zca_client *, struct zca_ticket *ticket, struct zca_issued *out_issued,
                  struct zca_error *err);
    /** confirm is the second phase: the stored certificate becomes the valid one. */
    bool (*confirm)(struct zca_client *, const struct zca_ticket *ticket,
                    const struct zca_issued *issued, struct zca_error *err);
    /** recover is asked after a crash between submit and fetch, with the journalled request: it finds
     * what that submit issued and returns a complete ticket, or revokes what cannot be used any more,
     * or reports ZCA_ERR_NOT_FOUND: submit again. started_at_s is when the lost submit began. */
    bool (*recover)(struct zca_client *, const struct zca_request *request, int64_t started_at_s,
                    struct zca_ticket *out_ticket, struct zca_error *err);

    bool (*list)(struct zca_client *, const struct zca_record_filter *filter,
                 struct zca_record_list *out_list, struct zca_error *err);
    /** revoke marks the certificate with this id (of a record) revoked. reason: RFC 5280 name or NULL. */
    bool (*revoke)(struct zca_client *, const char *id, const char *reason, struct zca_error *err);

    /** sign has the CA key sign an inspected structure; out_signature as in zca_key_sign. */
    bool (*sign)(struct zca_client *, const struct zca_sign_request *request,
                 struct zca_buffer *out_signature, struct zca_error *err);

    /** install_signed uploads a certificate that our CA made for the authority (CAP_INVERSE). */
    bool (*install_signed)(struct zca_client *, const char *id, struct zca_span certificates_pem,
                           struct zca_error *err);
};

/** zca_remote_table returns the table; the only symbol zca-remote.so exports. */
ZCA_EXPORT const struct zca_remote *zca_remote_table(void);

#endif
