/* SPDX-License-Identifier: Apache-2.0 */
/* Settings, lengths of validity, machines. Names are in policy_name.c, keys in policy_key.c. */
#include "server/policy.h"

#include <string.h>

#include "server/ledger_machine.h"
#include "server/refusal.h"

#define HOUR_S 3600
#define MAX_POLICIES 1000

void zca_policy_clear(struct zca_policy *policy)
{
    zca_org_clear(&policy->org);
    *policy = (struct zca_policy){0};
}

static void join_policy(struct zca_policy *policy, const struct zca_certificate_policy *row)
{
    if (row->max_ttl_hours > 0 &&
        (policy->max_ttl_hours == 0 || row->max_ttl_hours < policy->max_ttl_hours)) {
        policy->max_ttl_hours = row->max_ttl_hours;
    }
    policy->require_posture_compliant |= row->require_posture_compliant;
    policy->require_machine_online |= row->require_machine_online;
}

bool zca_policy_load(struct zca_ledger *ledger, const char *org_id, struct zca_policy *out_policy,
                     struct zca_error *err)
{
    static const struct zca_filter all = {.limit = MAX_POLICIES};
    zca_auto(zca_policy) struct zca_policy policy = {0};
    zca_auto(zca_record_list) struct zca_record_list rows = {0};
    bool found = false;
    if (!zca_ledger_org_find(ledger, org_id, &policy.org, &found, err) ||
        !zca_ledger_certificate_policy_list(ledger, org_id, &all, &rows, err)) {
        return false;
    }
    if (!found || strcmp(policy.org.id, org_id) != 0) {
        return zca_refuse(err, ZCA_REFUSE_FORBIDDEN, NULL);
    }
    for (size_t i = 0; i < rows.num; i++) {
        join_policy(&policy, zca_record_at(&rows, i));
    }
    *out_policy = policy;
    policy = (struct zca_policy){0};
    return true;
}

/* ---- length of validity ---- */

bool zca_policy_check_ttl(const struct zca_ttl *ttl, struct zca_error *err)
{
    if (ttl->has_seconds &&
        (ttl->seconds < ZCA_MIN_TTL_S || ttl->seconds > (int64_t)ZCA_MAX_TTL_HOURS * HOUR_S)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TTL,
                          "ttl_seconds must be a number between 60 and 315360000 (10 years)");
    }
    if (ttl->has_hours && (ttl->hours < 1 || ttl->hours > ZCA_MAX_TTL_HOURS)) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TTL, NULL);
    }
    return true;
}

int64_t zca_policy_longest_s(const struct zca_policy *policy)
{
    int64_t hours = policy->org.max_cert_ttl_hours;
    if (policy->max_ttl_hours > 0 && policy->max_ttl_hours < hours) {
        hours = policy->max_ttl_hours;
    }
    return hours * HOUR_S;
}

bool zca_policy_cap_ttl(const struct zca_policy *policy, const struct zca_ttl *ttl,
                        int64_t *out_seconds, struct zca_error *err)
{
    bool asked = ttl->has_seconds || ttl->has_hours;
    int64_t seconds = policy->org.cert_ttl_hours * HOUR_S;
    if (asked) {
        seconds = ttl->has_seconds ? ttl->seconds : ttl->hours * HOUR_S;
    }
    if (asked && ttl->for_machine && policy->max_ttl_hours > 0 &&
        seconds > policy->max_ttl_hours * HOUR_S) {
        return zca_refuse(
            err, ZCA_REFUSE_TTL_EXCEEDS_POLICY, "Requested TTL %lldh exceeds policy maximum %lldh",
            (long long)((seconds + HOUR_S - 1) / HOUR_S), (long long)policy->max_ttl_hours);
    }
    int64_t longest = zca_policy_longest_s(policy);
    *out_seconds = seconds < longest ? seconds : longest;
    return true;
}

/* ---- machines ---- */

static bool check_posture(struct zca_ledger *ledger, const struct zca_policy *policy,
                          const char *machine_id, struct zca_error *err)
{
    zca_auto(zca_posture_report) struct zca_posture_report report = {0};
    bool found = false;
    if (!zca_ledger_posture_report_newest(ledger, policy->org.id, machine_id, &report, &found,
                                          err)) {
        return false;
    }
    bool good = found ? report.compliant : !policy->require_posture_compliant;
    return good ? true : zca_refuse(err, ZCA_REFUSE_POSTURE, NULL);
}

bool zca_policy_check_machine(struct zca_ledger *ledger, const struct zca_policy *policy,
                              const char *machine_id, struct zca_error *err)
{
    zca_auto(zca_machine) struct zca_machine machine = {0};
    bool found = false;
    if (!zca_ledger_machine_find(ledger, policy->org.id, machine_id, &machine, &found, err)) {
        return false;
    }
    if (!found) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, "Machine not found");
    }
    if (strcmp(machine.status, "quarantined") == 0) {
        return zca_refuse(err, ZCA_REFUSE_MACHINE_QUARANTINED, NULL);
    }
    if (policy->require_machine_online && strcmp(machine.status, "online") != 0) {
        return zca_refuse(err, ZCA_REFUSE_MACHINE_NOT_ONLINE, NULL);
    }
    return check_posture(ledger, policy, machine_id, err);
}
