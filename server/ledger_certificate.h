/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what the CA keys sign: the intent, durable before the signature, and the certificate,
 * durable before it leaves. Serials are magnitudes without leading zeros. Times are in ms.
 */
#ifndef ZCA_SERVER_LEDGER_CERTIFICATE_H
#define ZCA_SERVER_LEDGER_CERTIFICATE_H

#include "base/buffer.h"
#include "server/ledger.h"
#include "server/ledger_record.h"

struct zca_intent {
    int64_t id; /* given by the ledger */
    char *org_id;
    char *authority_id;
    char *kind;               /* "ca", "certificate", "crl", "ocsp", "request" */
    struct zca_buffer serial; /* unique in the organisation; empty for what has none */
    struct zca_buffer tbs_sha256;
    struct zca_buffer request_sha256; /* of what was asked for; with request_id only */
    char *requester;                  /* user, API key or command */
    char *profile;
    char *request_id; /* unique in the organisation; NULL: none */
    int64_t created_at;
    int64_t abandoned_at; /* 0: not. Never signed, or signed and never handed out */
};

struct zca_certificate {
    char *id; /* UUID */
    char *org_id;
    char *authority_id;
    int64_t intent;
    char *machine_id; /* NULL: none */
    struct zca_buffer serial;
    char *subject_cn;
    struct zca_buffer der;
    int64_t issued_at;
    int64_t expires_at;
    int64_t revoked_at;  /* 0: not */
    char *revoke_reason; /* NULL: not revoked */
};

/* What a CRL says about a certificate. */
struct zca_revocation {
    struct zca_buffer serial;
    int64_t revoked_at;
};

extern const struct zca_record zca_intent_record, zca_certificate_record, zca_revocation_record;

void zca_intent_clear(struct zca_intent *intent);
void zca_certificate_clear(struct zca_certificate *certificate);
ZCA_DEFINE_AUTO_CLEAR(zca_intent, struct zca_intent, zca_intent_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_certificate, struct zca_certificate, zca_certificate_clear);

/** zca_ledger_intent_insert stores an intent and its id in `intent`. err ZCA_ERR_CONFLICT: the serial
 * or the request id exists. */
ZCA_NODISCARD bool zca_ledger_intent_insert(struct zca_ledger *ledger, struct zca_intent *intent,
                                            struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_intent_find(struct zca_ledger *ledger, int64_t id,
                                          struct zca_intent *out_intent, bool *out_found,
                                          struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_intent_find_by_request(struct zca_ledger *ledger, const char *org_id,
                                                     const char *request_id,
                                                     struct zca_intent *out_intent, bool *out_found,
                                                     struct zca_error *err);
/** zca_ledger_intent_find_by_serial finds the intent that used a serial. */
ZCA_NODISCARD bool zca_ledger_intent_find_by_serial(struct zca_ledger *ledger, const char *org_id,
                                                    struct zca_span serial,
                                                    struct zca_intent *out_intent, bool *out_found,
                                                    struct zca_error *err);
/** zca_ledger_intent_abandon frees the request id and keeps the record and its serial. */
ZCA_NODISCARD bool zca_ledger_intent_abandon(struct zca_ledger *ledger, int64_t id, int64_t now_ms,
                                             struct zca_error *err);
/** zca_ledger_intent_newest_time gives the newest created_at, 0 without intents. */
ZCA_NODISCARD bool zca_ledger_intent_newest_time(struct zca_ledger *ledger, int64_t *out_time_ms,
                                                 struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_certificate_insert(struct zca_ledger *ledger,
                                                 const struct zca_certificate *certificate,
                                                 struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_certificate_find(struct zca_ledger *ledger, const char *org_id,
                                               const char *id,
                                               struct zca_certificate *out_certificate,
                                               bool *out_found, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_certificate_find_by_serial(struct zca_ledger *ledger,
                                                         const char *org_id, struct zca_span serial,
                                                         struct zca_certificate *out_certificate,
                                                         bool *out_found, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_certificate_find_by_intent(struct zca_ledger *ledger, int64_t intent,
                                                         struct zca_certificate *out_certificate,
                                                         bool *out_found, struct zca_error *err);

/* Which certificates a list holds. */
struct zca_certificate_filter {
    const char *subject_cn; /* NULL: any */
    struct zca_span serial; /* without leading zeros; empty: any */
    int64_t limit;
};

/** zca_ledger_certificate_list gives the newest first: issued_at, then the order of insertion. */
ZCA_NODISCARD bool zca_ledger_certificate_list(struct zca_ledger *ledger, const char *org_id,
                                               const struct zca_certificate_filter *filter,
                                               struct zca_record_list *out_list,
                                               struct zca_error *err);
/** zca_ledger_certificate_scan gives up to `limit` certificates of all organisations whose intent is
 * above `after`, in the order of intents. */
ZCA_NODISCARD bool zca_ledger_certificate_scan(struct zca_ledger *ledger, int64_t after,
                                               int64_t limit, struct zca_record_list *out_list,
                                               struct zca_error *err);
/** zca_ledger_certificate_revoke marks a certificate once; later calls keep the first mark.
 * out_changed  false when the id is unknown or was revoked before. */
ZCA_NODISCARD bool zca_ledger_certificate_revoke(struct zca_ledger *ledger, const char *org_id,
                                                 const char *id, int64_t now_ms, const char *reason,
                                                 bool *out_changed, struct zca_error *err);

/** zca_ledger_revocation_count counts what zca_ledger_revocation_list would give. */
ZCA_NODISCARD bool zca_ledger_revocation_count(struct zca_ledger *ledger, const char *authority_id,
                                               int64_t now_ms, int64_t *out_count,
                                               struct zca_error *err);

/** zca_ledger_revocation_list gives the revoked certificates of an authority that expire after
 * `now_ms`, by serial. zca_ledger_revocation_newest_time gives the time of the newest one, 0 for none. */
ZCA_NODISCARD bool zca_ledger_revocation_list(struct zca_ledger *ledger, const char *authority_id,
                                              int64_t now_ms, struct zca_record_list *out_list,
                                              struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_revocation_newest_time(struct zca_ledger *ledger,
                                                     const char *authority_id, int64_t *out_time_ms,
                                                     struct zca_error *err);

#endif
