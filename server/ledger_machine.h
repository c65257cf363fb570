/* SPDX-License-Identifier: Apache-2.0 */
/* Records of machines, their posture, certificate policies, and the keys that register machines. */
#ifndef ZCA_SERVER_LEDGER_MACHINE_H
#define ZCA_SERVER_LEDGER_MACHINE_H

#include "base/buffer.h"
#include "server/ledger.h"
#include "server/ledger_record.h"

struct zca_machine {
    char *id;
    char *org_id;
    char *name;
    char *os;
    char *status; /* "online", "offline", "pending", "quarantined" */
    char *tailnet_ip;
    struct zca_buffer node_key_hash;
    int64_t created_at;
    int64_t last_seen;
};

struct zca_posture_report {
    char *id;
    char *org_id;
    char *machine_id;
    bool compliant;
    char *report; /* JSON text, or NULL */
    int64_t created_at;
};

struct zca_certificate_policy {
    char *id;
    char *org_id;
    int64_t max_ttl_hours; /* 0: none */
    bool require_posture_compliant;
    bool require_machine_online;
    int64_t created_at;
};

struct zca_auth_key {
    char *id;
    char *org_id;
    struct zca_buffer hash;
    char *prefix;
    bool reusable;
    int64_t created_at;
    int64_t expires_at;
    int64_t spent_at;   /* 0: not yet used */
    int64_t revoked_at; /* 0: not */
};

extern const struct zca_record zca_machine_record, zca_posture_report_record,
    zca_certificate_policy_record, zca_auth_key_record;

void zca_machine_clear(struct zca_machine *machine);
void zca_posture_report_clear(struct zca_posture_report *report);
void zca_certificate_policy_clear(struct zca_certificate_policy *policy);
void zca_auth_key_clear(struct zca_auth_key *key);
ZCA_DEFINE_AUTO_CLEAR(zca_machine, struct zca_machine, zca_machine_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_posture_report, struct zca_posture_report, zca_posture_report_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_certificate_policy, struct zca_certificate_policy,
                      zca_certificate_policy_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_auth_key, struct zca_auth_key, zca_auth_key_clear);

/* Which rows a list holds, in which order. */
struct zca_filter {
    const char *id;         /* NULL: any */
    const char *machine_id; /* posture reports; NULL: any */
    const char *status;     /* machines; NULL: any */
    const char *name;       /* machines; NULL: any */
    bool by_name;           /* order by name where there is one; else by created_at */
    bool descending;
    int64_t limit;
    int64_t offset;
};

ZCA_NODISCARD bool zca_ledger_machine_insert(struct zca_ledger *ledger,
                                             const struct zca_machine *machine,
                                             struct zca_error *err);
/** zca_ledger_machine_update changes name, os, status and last_seen. */
ZCA_NODISCARD bool zca_ledger_machine_update(struct zca_ledger *ledger,
                                             const struct zca_machine *machine,
                                             struct zca_error *err);
/** zca_ledger_machine_find takes an id, within an organisation. */
ZCA_NODISCARD bool zca_ledger_machine_find(struct zca_ledger *ledger, const char *org_id,
                                           const char *id, struct zca_machine *out_machine,
                                           bool *out_found, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_machine_list(struct zca_ledger *ledger, const char *org_id,
                                           const struct zca_filter *filter,
                                           struct zca_record_list *out_list, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_machine_count(struct zca_ledger *ledger, int64_t *out_count,
                                            struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_posture_report_insert(struct zca_ledger *ledger,
                                                    const struct zca_posture_report *report,
                                                    struct zca_error *err);
/** zca_ledger_posture_report_newest finds a machine's last report. */
ZCA_NODISCARD bool zca_ledger_posture_report_newest(struct zca_ledger *ledger, const char *org_id,
                                                    const char *machine_id,
                                                    struct zca_posture_report *out_report,
                                                    bool *out_found, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_posture_report_list(struct zca_ledger *ledger, const char *org_id,
                                                  const struct zca_filter *filter,
                                                  struct zca_record_list *out_list,
                                                  struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_certificate_policy_insert(struct zca_ledger *ledger,
                                                        const struct zca_certificate_policy *policy,
                                                        struct zca_error *err);
/** zca_ledger_certificate_policy_update changes all but the ids and created_at. */
ZCA_NODISCARD bool zca_ledger_certificate_policy_update(struct zca_ledger *ledger,
                                                        const struct zca_certificate_policy *policy,
                                                        struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_certificate_policy_delete(struct zca_ledger *ledger,
                                                        const char *org_id, const char *id,
                                                        struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_certificate_policy_list(struct zca_ledger *ledger, const char *org_id,
                                                      const struct zca_filter *filter,
                                                      struct zca_record_list *out_list,
                                                      struct zca_error *err);

ZCA_NODISCARD bool zca_ledger_auth_key_insert(struct zca_ledger *ledger,
                                              const struct zca_auth_key *key,
                                              struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_auth_key_find_by_hash(struct zca_ledger *ledger, struct zca_span hash,
                                                    struct zca_auth_key *out_key, bool *out_found,
                                                    struct zca_error *err);
/** zca_ledger_auth_key_list gives the newest 1,000 of an organisation, the newest first. */
ZCA_NODISCARD bool zca_ledger_auth_key_list(struct zca_ledger *ledger, const char *org_id,
                                            struct zca_record_list *out_list,
                                            struct zca_error *err);
/** zca_ledger_auth_key_revoke marks a key of an organisation once; later calls keep the first time. */
ZCA_NODISCARD bool zca_ledger_auth_key_revoke(struct zca_ledger *ledger, const char *org_id,
                                              const char *id, int64_t now_ms, bool *out_found,
                                              struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_auth_key_spend(struct zca_ledger *ledger, const char *id,
                                             int64_t now_ms, struct zca_error *err);

#endif
