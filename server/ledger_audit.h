/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The append-only record of everything signed, refused or administered. Each entry's hash covers
 * the one before: a changed, missing or inserted entry breaks the chain.
 */
#ifndef ZCA_SERVER_LEDGER_AUDIT_H
#define ZCA_SERVER_LEDGER_AUDIT_H

#include "base/buffer.h"
#include "server/ledger.h"
#include "server/ledger_record.h"

struct zca_audit_entry {
    int64_t number;     /* 1, 2, 3 ... without gaps; given by the ledger */
    int64_t created_at; /* ms */
    char *org_id;       /* NULL: none */
    char *
        actor; /* e-mail address, perhaps with " api-key ID", "auth-key ID", "command" or "server" */
    char *event;  /* "certificate.issued" ... */
    char *object; /* id of what it is about, or NULL */
    char *detail; /* one line, or NULL; never a secret */
    struct zca_buffer previous_hash;
    struct zca_buffer hash;
};

/* An event before it has a place in the chain; text borrowed. */
struct zca_audit_event {
    int64_t created_at;
    const char *org_id;
    const char *actor;
    const char *event;
    const char *object;
    const char *detail;
};

extern const struct zca_record zca_audit_record;

/** zca_ledger_audit_append adds an event to the end of the chain. */
ZCA_NODISCARD bool zca_ledger_audit_append(struct zca_ledger *ledger,
                                           const struct zca_audit_event *event,
                                           struct zca_error *err);

/** zca_ledger_audit_list gives up to `limit` entries with numbers above `after`. */
ZCA_NODISCARD bool zca_ledger_audit_list(struct zca_ledger *ledger, int64_t after, int64_t limit,
                                         struct zca_record_list *out_list, struct zca_error *err);

/**
 * zca_ledger_audit_verify walks the whole chain.
 *
 * out_count  entries seen.
 * out_hash   hash of the last one, appended; compare it with one that was noted elsewhere.
 * err        ZCA_ERR_VERIFY with the number of the first entry that does not fit.
 */
ZCA_NODISCARD bool zca_ledger_audit_verify(struct zca_ledger *ledger, int64_t *out_count,
                                           struct zca_buffer *out_hash, struct zca_error *err);

#endif
