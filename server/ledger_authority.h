/* SPDX-License-Identifier: Apache-2.0 */
/* Records of CA keys and certificates, other sealed secrets, and CRLs. Times are in ms. */
#ifndef ZCA_SERVER_LEDGER_AUTHORITY_H
#define ZCA_SERVER_LEDGER_AUTHORITY_H

#include "base/buffer.h"
#include "server/ledger.h"
#include "server/ledger_record.h"

struct zca_authority_row {
    char *id; /* UUID */
    char *org_id;
    struct zca_buffer certificate; /* DER */
    struct zca_buffer sealed_key;
    int64_t created_at;
    int64_t retired_at; /* 0: in use */
};

struct zca_crl_row {
    char *authority_id;
    int64_t number; /* RFC 5280, 5.2.3 */
    struct zca_buffer der;
    int64_t num_entries;
    int64_t this_update;
    int64_t next_update;
};

struct zca_secret {
    char *name;
    struct zca_buffer sealed;
};

extern const struct zca_record zca_authority_record, zca_crl_record, zca_secret_record;

void zca_authority_row_clear(struct zca_authority_row *row);
void zca_crl_row_clear(struct zca_crl_row *row);
void zca_secret_clear(struct zca_secret *secret);
ZCA_DEFINE_AUTO_CLEAR(zca_authority_row, struct zca_authority_row, zca_authority_row_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_crl_row, struct zca_crl_row, zca_crl_row_clear);
ZCA_DEFINE_AUTO_CLEAR(zca_secret, struct zca_secret, zca_secret_clear);

/** zca_ledger_authority_replace retires the organisation's authority, if it has one, and inserts the
 * new one, in one transaction. */
ZCA_NODISCARD bool zca_ledger_authority_replace(struct zca_ledger *ledger,
                                                const struct zca_authority_row *row,
                                                struct zca_error *err);
/** zca_ledger_authority_current finds the one in use; zca_ledger_authority_current_id only its id,
 * NULL when there is none (malloc'd). */
ZCA_NODISCARD bool zca_ledger_authority_current(struct zca_ledger *ledger, const char *org_id,
                                                struct zca_authority_row *out_row, bool *out_found,
                                                struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_authority_current_id(struct zca_ledger *ledger, const char *org_id,
                                                   char **out_id, struct zca_error *err);
/** zca_ledger_authority_find finds one by its id, in use or retired. */
ZCA_NODISCARD bool zca_ledger_authority_find(struct zca_ledger *ledger, const char *id,
                                             struct zca_authority_row *out_row, bool *out_found,
                                             struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_authority_list(struct zca_ledger *ledger, const char *org_id,
                                             struct zca_record_list *out_list,
                                             struct zca_error *err);

/** zca_ledger_secret_insert keeps the first value of a name: a second insert changes nothing. */
ZCA_NODISCARD bool zca_ledger_secret_insert(struct zca_ledger *ledger,
                                            const struct zca_secret *secret, struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_secret_find(struct zca_ledger *ledger, const char *name,
                                          struct zca_secret *out_secret, bool *out_found,
                                          struct zca_error *err);

/** zca_ledger_crl_insert: a number that an authority used already is ZCA_ERR_CONFLICT. */
ZCA_NODISCARD bool zca_ledger_crl_insert(struct zca_ledger *ledger, const struct zca_crl_row *row,
                                         struct zca_error *err);
/** zca_ledger_crl_newest_state finds all but the CA and the CRL itself, which may be big. */
ZCA_NODISCARD bool zca_ledger_crl_newest_state(struct zca_ledger *ledger, const char *authority_id,
                                               struct zca_crl_row *out_row, bool *out_found,
                                               struct zca_error *err);
ZCA_NODISCARD bool zca_ledger_crl_newest(struct zca_ledger *ledger, const char *authority_id,
                                         struct zca_crl_row *out_row, bool *out_found,
                                         struct zca_error *err);

#endif
