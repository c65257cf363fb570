/* SPDX-License-Identifier: Apache-2.0 */
/* What the administration commands share: their words and options. For admin*.c. */
#ifndef ZCA_SERVER_ADMIN_VERB_H
#define ZCA_SERVER_ADMIN_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger_account.h"
#include "server/server.h"
#include "server/state.h"

/** ZCA_ADMIN_ACTOR is who the audit log says it was. */
#define ZCA_ADMIN_ACTOR "command"

/** ZCA_ADMIN_MAX_OPTIONS: no command has more. */
#define ZCA_ADMIN_MAX_OPTIONS 12

/* A command that is running. */
struct zca_admin {
    struct zca_server *server;
    struct zca_state *state;
    struct zca_ledger *ledger; /* the transaction, when the verb writes */
    const char **words;        /* after the verb, without options */
    size_t num_words;
    const char *options[ZCA_ADMIN_MAX_OPTIONS]; /* values, as listed in the verb; NULL: not given */
    struct zca_buffer output;                   /* printed when the verb has succeeded */
};

typedef bool zca_admin_function(struct zca_admin *admin, struct zca_error *err);

struct zca_admin_verb {
    const char *verb; /* "" for a command without verbs */
    const char *arguments;
    size_t num_words;
    const char *options[ZCA_ADMIN_MAX_OPTIONS]; /* names without "--", NULL after the last */
    bool writes; /* `run` is one transaction, change and audit entry: see zca_ledger_operation */
    zca_admin_function *run;
};

/** zca_admin_run finds the verb, reads words and options, opens the domain and runs it.
 * err ZCA_ERR_INVALID with the usage. */
ZCA_NODISCARD bool zca_admin_run(const char *noun, const struct zca_admin_verb *verbs,
                                 size_t num_verbs, struct zca_server *server, int argc, char **argv,
                                 struct zca_error *err);

/** zca_admin_find_org finds the organisation named, by name or id; NULL: the only one there is. */
ZCA_NODISCARD bool zca_admin_find_org(struct zca_admin *admin, const char *name,
                                      struct zca_org *out_org, struct zca_error *err);

/** zca_admin_number reads an option's number within [least, most]; absent leaves the output alone. */
ZCA_NODISCARD bool zca_admin_number(const char *text, int64_t least, int64_t most,
                                    int64_t *out_number, struct zca_error *err);

/** zca_admin_boolean reads "yes" or "no"; absent leaves the output alone. */
ZCA_NODISCARD bool zca_admin_boolean(const char *text, bool *out_value, struct zca_error *err);

/** zca_admin_audit records what a command did. */
ZCA_NODISCARD bool zca_admin_audit(struct zca_admin *admin, const char *org_id, const char *event,
                                   const char *object, const char *detail, struct zca_error *err);

/** zca_admin_print_time prints a time in ms as RFC 3339, "-" for 0. */
void zca_admin_print_time(int64_t time_ms);

#endif
