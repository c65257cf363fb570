/* SPDX-License-Identifier: Apache-2.0 */
/* Each change is one transaction with its entry in the audit log. */
#include "server/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/identifier.h"
#include "server/ledger_audit.h"
#include "server/refusal.h"

#define MAX_NAME 253u
#define NODE_KEY_PREFIX "nodekey:"
#define NUM_RANDOM_BYTES 32u

static const char *const statuses[] = {"online", "offline", "pending", "quarantined"};

bool zca_machine_status_check(const char *text)
{
    for (size_t i = 0; text && i < ZCA_COUNT(statuses); i++) {
        if (strcmp(statuses[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- adding ---- */

/* The carrier-grade NAT block (RFC 6598), counted through. */
static bool set_address(struct zca_machine *machine, int64_t number, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    unsigned host = (unsigned)(number % (1 << 22)) + 1;
    if (!zca_buffer_format(&text, err, "100.%u.%u.%u", 64 + (host >> 16), (host >> 8) & 0xff,
                           host & 0xff)) {
        return false;
    }
    machine->tailnet_ip = strdup((const char *)text.data);
    return machine->tailnet_ip ? true : zca_error_set(err, ZCA_ERR_MEMORY, "adding a machine");
}

struct insertion {
    struct zca_machine *machine;
    const char *actor;
};

static bool insert_machine(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct insertion *insertion = context;
    struct zca_machine *machine = insertion->machine;
    int64_t count = 0;
    struct zca_audit_event event = {.created_at = machine->created_at,
                                    .org_id = machine->org_id,
                                    .actor = insertion->actor,
                                    .event = "machine.registered",
                                    .object = machine->id,
                                    .detail = machine->name};
    return zca_ledger_machine_count(ledger, &count, err) && set_address(machine, count, err) &&
           zca_ledger_machine_insert(ledger, machine, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

static bool fill_machine(struct zca_machine *machine, const char *org_id,
                         const struct zca_machine_request *request, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    bool has_os = request->os && *request->os != '\0';
    if (!zca_name_check(request->name, MAX_NAME) ||
        (has_os && !zca_name_check(request->os, MAX_NAME))) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "name must have 1 to %u characters, and no control characters", MAX_NAME);
    }
    if (!zca_uuid_make(id, err)) {
        return false;
    }
    machine->id = strdup(id);
    machine->org_id = strdup(org_id);
    machine->name = strdup(request->name);
    machine->os = strdup(has_os ? request->os : "");
    machine->status = strdup("online");
    return machine->id && machine->org_id && machine->name && machine->os && machine->status
               ? true
               : zca_error_set(err, ZCA_ERR_MEMORY, "adding a machine");
}

bool zca_machine_add(struct zca_ledger *ledger, const char *org_id,
                     const struct zca_machine_request *request, struct zca_machine *out_machine,
                     struct zca_error *err)
{
    int64_t now_ms = zca_clock_now_ms();
    zca_auto(zca_machine) struct zca_machine machine = {.created_at = now_ms, .last_seen = now_ms};
    struct insertion insertion = {.machine = &machine, .actor = request->actor};
    if (!fill_machine(&machine, org_id, request, err) ||
        !zca_ledger_transact(ledger, insert_machine, &insertion, err)) {
        return false;
    }
    *out_machine = machine;
    machine = (struct zca_machine){0};
    return true;
}

/* ---- changing ---- */

struct change {
    const char *org_id;
    const char *id;
    const char *status;
    const char *actor;
};

static bool change_status(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct change *change = context;
    zca_auto(zca_machine) struct zca_machine machine = {0};
    bool found = false;
    if (!zca_ledger_machine_find(ledger, change->org_id, change->id, &machine, &found, err)) {
        return false;
    }
    if (!found) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, "Machine not found");
    }
    free(machine.status);
    machine.status = strdup(change->status);
    if (!machine.status) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "changing a machine");
    }
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .org_id = change->org_id,
                                    .actor = change->actor,
                                    .event = "machine.status",
                                    .object = change->id,
                                    .detail = change->status};
    return zca_ledger_machine_update(ledger, &machine, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

bool zca_machine_set_status(struct zca_ledger *ledger, const char *org_id, const char *id,
                            const char *status, const char *actor, struct zca_error *err)
{
    struct change change = {.org_id = org_id, .id = id, .status = status, .actor = actor};
    if (!zca_machine_status_check(status)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                          "status must be online, offline, pending or quarantined");
    }
    return zca_ledger_transact(ledger, change_status, &change, err);
}

struct reporting {
    const struct zca_posture_report *row;
    const char *actor;
};

static bool insert_report(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct reporting *reporting = context;
    const struct zca_posture_report *row = reporting->row;
    zca_auto(zca_machine) struct zca_machine machine = {0};
    bool found = false;
    struct zca_audit_event event = {.created_at = row->created_at,
                                    .org_id = row->org_id,
                                    .actor = reporting->actor,
                                    .event = "posture.reported",
                                    .object = row->id,
                                    .detail = row->compliant ? "compliant" : "non-compliant"};
    if (!zca_ledger_machine_find(ledger, row->org_id, row->machine_id, &machine, &found, err)) {
        return false;
    }
    if (!found) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, "Machine not found");
    }
    return zca_ledger_posture_report_insert(ledger, row, err) &&
           zca_ledger_audit_append(ledger, &event, err);
}

bool zca_machine_report(struct zca_ledger *ledger, const struct zca_posture_request *request,
                        struct zca_posture_report *out_report, struct zca_error *err)
{
    zca_auto(zca_posture_report) struct zca_posture_report row = {.compliant = request->compliant,
                                                                  .created_at = zca_clock_now_ms()};
    char id[ZCA_UUID_SIZE];
    if (!zca_uuid_make(id, err)) {
        return false;
    }
    row.id = strdup(id);
    row.org_id = strdup(request->org_id);
    row.machine_id = strdup(request->machine_id);
    row.report = request->report ? strdup(request->report) : NULL;
    if (!row.id || !row.org_id || !row.machine_id || (request->report && !row.report)) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a report");
    }
    struct reporting reporting = {.row = &row, .actor = request->actor};
    if (!zca_ledger_transact(ledger, insert_report, &reporting, err)) {
        return false;
    }
    *out_report = row;
    row = (struct zca_posture_report){0};
    return true;
}

/* ---- registering ---- */

struct registration {
    const char *auth_key;
    const struct zca_machine_request *request;
    struct zca_machine *machine;
    struct zca_span node_key_hash;
};

/* Looks at the key and marks it in one transaction: a single-use key registers one machine. */
static bool register_machine(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    struct registration *registration = context;
    struct zca_machine *machine = registration->machine;
    zca_auto(zca_auth_key) struct zca_auth_key key = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    int64_t now_ms = zca_clock_now_ms();
    bool found = false;
    if (!zca_token_hash(zca_span_text(registration->auth_key), &hash, err) ||
        !zca_ledger_auth_key_find_by_hash(ledger, zca_buffer_span(&hash), &key, &found, err)) {
        return false;
    }
    if (!found || key.revoked_at || key.expires_at <= now_ms || (key.spent_at && !key.reusable)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_AUTH_KEY, NULL);
    }
    zca_auto(zca_buffer) struct zca_buffer actor = {0};
    if (!zca_buffer_format(&actor, err, "auth-key %s", key.id)) {
        return false;
    }
    struct insertion insertion = {.machine = machine, .actor = (const char *)actor.data};
    machine->created_at = now_ms;
    machine->last_seen = now_ms;
    return fill_machine(machine, key.org_id, registration->request, err) &&
           zca_buffer_append(&machine->node_key_hash, registration->node_key_hash, err) &&
           zca_ledger_auth_key_spend(ledger, key.id, now_ms, err) &&
           insert_machine(ledger, &insertion, err);
}

bool zca_machine_register(struct zca_ledger *ledger, const char *auth_key,
                          const struct zca_machine_request *request,
                          struct zca_machine *out_machine, struct zca_buffer *out_node_key,
                          struct zca_error *err)
{
    zca_auto(zca_machine) struct zca_machine machine = {0};
    zca_auto(zca_buffer) struct zca_buffer node_key = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_token_make(NODE_KEY_PREFIX, NUM_RANDOM_BYTES, &node_key, err) ||
        !zca_token_hash(zca_buffer_span(&node_key), &hash, err)) {
        return false;
    }
    struct registration registration = {.auth_key = auth_key,
                                        .request = request,
                                        .machine = &machine,
                                        .node_key_hash = zca_buffer_span(&hash)};
    if (!zca_ledger_transact(ledger, register_machine, &registration, err) ||
        !zca_buffer_append(out_node_key, zca_buffer_span(&node_key), err)) {
        return false;
    }
    *out_machine = machine;
    machine = (struct zca_machine){0};
    return true;
}
