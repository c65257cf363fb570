/* SPDX-License-Identifier: Apache-2.0 */
/* Machines: registering with an auth key, their states, their posture reports. */
#ifndef ZCA_SERVER_MACHINE_H
#define ZCA_SERVER_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/buffer.h"
#include "base/error.h"
#include "server/ledger.h"
#include "server/ledger_machine.h"

/** zca_machine_status_check tells whether `text` is a state: online, offline, pending, quarantined. */
bool zca_machine_status_check(const char *text);

/* What a new machine says of itself, and who brings it. */
struct zca_machine_request {
    const char *name; /* 1 to 253 bytes without control characters */
    const char *os;   /* the same, or NULL */
    const char
        *actor; /* for records; not used by zca_machine_register, whose actor is the auth key */
};

/** zca_machine_add stores a new machine in the state "online".
 * out_machine  zero-initialised. err ZCA_ERR_INVALID: the name or the system is not as above. */
ZCA_NODISCARD bool zca_machine_add(struct zca_ledger *ledger, const char *org_id,
                                   const struct zca_machine_request *request,
                                   struct zca_machine *out_machine, struct zca_error *err);

/** zca_machine_set_status changes the state. err code NOT_FOUND. */
ZCA_NODISCARD bool zca_machine_set_status(struct zca_ledger *ledger, const char *org_id,
                                          const char *id, const char *status, const char *actor,
                                          struct zca_error *err);

/* What is told about a machine's state. */
struct zca_posture_request {
    const char *org_id;
    const char *machine_id;
    bool compliant;
    const char *report; /* JSON text, or NULL */
    const char *actor;  /* for records */
};

/** zca_machine_report stores a posture report. err code NOT_FOUND. */
ZCA_NODISCARD bool zca_machine_report(struct zca_ledger *ledger,
                                      const struct zca_posture_request *request,
                                      struct zca_posture_report *out_report, struct zca_error *err);

/**
 * zca_machine_register adds a machine on the strength of an auth key.
 *
 * out_machine   zero-initialised.
 * out_node_key  appended: the machine's own key, kept as SHA-256 only.
 * err           code INVALID_AUTH_KEY: unknown, expired, revoked, or used and not reusable.
 */
ZCA_NODISCARD bool zca_machine_register(struct zca_ledger *ledger, const char *auth_key,
                                        const struct zca_machine_request *request,
                                        struct zca_machine *out_machine,
                                        struct zca_buffer *out_node_key, struct zca_error *err);

#endif
