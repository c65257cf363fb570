/* SPDX-License-Identifier: Apache-2.0 */
/* `machine`, `authkey` and `policy`. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "server/admin.h"
#include "server/admin_verb.h"
#include "server/auth_key.h"
#include "server/identifier.h"
#include "server/ledger_machine.h"
#include "server/machine.h"
#include "server/policy.h"

#define LIST_LIMIT 100000

/* ---- machines ---- */

static bool add_machine(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_machine) struct zca_machine machine = {0};
    const struct zca_machine_request request = {
        .name = admin->words[0], .os = admin->options[1], .actor = ZCA_ADMIN_ACTOR};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_machine_add(admin->ledger, org.id, &request, &machine, err)) {
        return false;
    }
    printf("%s\n", machine.id);
    return true;
}

static bool list_machines(struct zca_admin *admin, struct zca_error *err)
{
    static const struct zca_filter by_name = {.by_name = true, .limit = LIST_LIMIT};
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_machine_list(admin->ledger, org.id, &by_name, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        const struct zca_machine *machine = zca_record_at(&list, i);
        printf("%s\t%s\t%s\t%s\n", machine->id, machine->name, machine->status,
               machine->tailnet_ip ? machine->tailnet_ip : "-");
    }
    return true;
}

static bool set_status(struct zca_admin *admin, const char *status, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    return zca_admin_find_org(admin, admin->options[0], &org, err) &&
           zca_machine_set_status(admin->ledger, org.id, admin->words[0], status, ZCA_ADMIN_ACTOR,
                                  err);
}

static bool quarantine_machine(struct zca_admin *admin, struct zca_error *err)
{
    return set_status(admin, "quarantined", err);
}

static bool release_machine(struct zca_admin *admin, struct zca_error *err)
{
    return set_status(admin, "online", err);
}

static bool report_posture(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_posture_report) struct zca_posture_report report = {0};
    struct zca_posture_request request = {.machine_id = admin->words[0],
                                          .compliant = strcmp(admin->words[1], "compliant") == 0,
                                          .actor = ZCA_ADMIN_ACTOR};
    if (!request.compliant && strcmp(admin->words[1], "non-compliant") != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is neither compliant nor non-compliant",
                             admin->words[1]);
    }
    if (!zca_admin_find_org(admin, admin->options[0], &org, err)) {
        return false;
    }
    request.org_id = org.id;
    return zca_machine_report(admin->ledger, &request, &report, err);
}

static const struct zca_admin_verb machine_verbs[] = {
    {.verb = "add",
     .arguments = "NAME [--org ORG] [--os OS]",
     .num_words = 1,
     .options = {"org", "os"},
     .run = add_machine                                                                                                           },
    {.verb = "list",                                        .arguments = "[--org ORG]", .options = {"org"}, .run = list_machines},
    {.verb = "quarantine",
     .arguments = "ID [--org ORG]",
     .num_words = 1,
     .options = {"org"},
     .run = quarantine_machine},
    {.verb = "release",
     .arguments = "ID [--org ORG]",
     .num_words = 1,
     .options = {"org"},
     .run = release_machine                                                                                                  },
    {.verb = "posture",
     .arguments = "ID compliant|non-compliant [--org ORG]",
     .num_words = 2,
     .options = {"org"},
     .run = report_posture   },
};

bool zca_admin_machine(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("machine", machine_verbs, ZCA_COUNT(machine_verbs), server, argc, argv,
                         err);
}

/* ---- auth keys ---- */

static bool add_auth_key(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    struct zca_auth_key_request request = {.expiry_days = 1, .actor = ZCA_ADMIN_ACTOR};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_admin_boolean(admin->options[1], &request.reusable, err) ||
        !zca_admin_number(admin->options[2], 1, 365, &request.expiry_days, err)) {
        return false;
    }
    request.org_id = org.id;
    if (!zca_auth_key_make(admin->ledger, &request, &text, err)) {
        return false;
    }
    printf("%s\n", (const char *)text.data);
    return true;
}

/* What a key can still do. */
static const char *describe_auth_key(const struct zca_auth_key *key)
{
    if (key->revoked_at) {
        return "revoked";
    }
    if (key->expires_at <= zca_clock_now_ms()) {
        return "expired";
    }
    return key->spent_at && !key->reusable ? "used" : "good";
}

static bool list_auth_keys(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_auth_key_list(admin->ledger, org.id, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        const struct zca_auth_key *key = zca_record_at(&list, i);
        printf("%s\t%s\t%s\t", key->id, key->prefix, key->reusable ? "reusable" : "single-use");
        zca_admin_print_time(key->expires_at);
        printf("\t%s\n", describe_auth_key(key));
    }
    return true;
}

static bool revoke_auth_key(struct zca_admin *admin, struct zca_error *err)
{
    zca_auto(zca_org) struct zca_org org = {0};
    return zca_admin_find_org(admin, admin->options[0], &org, err) &&
           zca_auth_key_revoke(admin->ledger, org.id, admin->words[0], ZCA_ADMIN_ACTOR, err);
}

static const struct zca_admin_verb authkey_verbs[] = {
    {.verb = "add",
     .arguments = "[--org ORG] [--reusable yes|no] [--days N]",
     .options = {"org", "reusable", "days"},
     .run = add_auth_key                                                               },
    {                .verb = "list", .arguments = "[--org ORG]",           .options = {"org"}, .run = list_auth_keys},
    { .verb = "revoke",
     .arguments = "ID [--org ORG]",
     .num_words = 1,
     .options = {"org"},
     .run = revoke_auth_key},
};

bool zca_admin_authkey(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("authkey", authkey_verbs, ZCA_COUNT(authkey_verbs), server, argc, argv,
                         err);
}

/* ---- policies ---- */

/* An organisation has one policy here: the first is changed, or made. */
static bool set_policy(struct zca_admin *admin, struct zca_error *err)
{
    static const struct zca_filter first = {.limit = 1};
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    char id[ZCA_UUID_SIZE];
    if (!zca_uuid_make(id, err) || !zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_certificate_policy_list(admin->ledger, org.id, &first, &list, err)) {
        return false;
    }
    struct zca_certificate_policy fresh = {
        .id = id, .org_id = org.id, .created_at = zca_clock_now_ms()};
    struct zca_certificate_policy *policy = list.num ? zca_record_at(&list, 0) : &fresh;
    if (!zca_admin_number(admin->options[1], 0, ZCA_MAX_TTL_HOURS, &policy->max_ttl_hours, err) ||
        !zca_admin_boolean(admin->options[2], &policy->require_posture_compliant, err) ||
        !zca_admin_boolean(admin->options[3], &policy->require_machine_online, err)) {
        return false;
    }
    bool ok = list.num ? zca_ledger_certificate_policy_update(admin->ledger, policy, err)
                       : zca_ledger_certificate_policy_insert(admin->ledger, policy, err);
    return ok &&
           zca_admin_audit(admin, org.id, "certificate_policy.changed", policy->id, NULL, err);
}

static bool list_policies(struct zca_admin *admin, struct zca_error *err)
{
    static const struct zca_filter all = {.limit = LIST_LIMIT};
    zca_auto(zca_org) struct zca_org org = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    if (!zca_admin_find_org(admin, admin->options[0], &org, err) ||
        !zca_ledger_certificate_policy_list(admin->ledger, org.id, &all, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num; i++) {
        const struct zca_certificate_policy *policy = zca_record_at(&list, i);
        printf("%s\tmax-ttl-hours=%lld\trequire-compliant=%s\trequire-online=%s\n", policy->id,
               (long long)policy->max_ttl_hours, policy->require_posture_compliant ? "yes" : "no",
               policy->require_machine_online ? "yes" : "no");
    }
    return true;
}

static const struct zca_admin_verb policy_verbs[] = {
    {.verb = "set",
     .arguments = "[--org ORG] [--max-ttl-hours N] [--require-compliant yes|no] "
                  "[--require-online yes|no]", .options = {"org", "max-ttl-hours", "require-compliant", "require-online"},
     .writes = true,
     .run = set_policy},
    {.verb = "list",             .arguments = "[--org ORG]",                         .options = {"org"},                                                             .run = list_policies},
};

bool zca_admin_policy(struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    return zca_admin_run("policy", policy_verbs, ZCA_COUNT(policy_verbs), server, argc, argv, err);
}
