/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor's look at renewal: does anything run it, did it fail, did servers take what it wrote? */
#include <glob.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/failure.h"
#include "core/reload.h"
#include "core/renew.h"
#include "tool/doctor.h"
#include "tool/inventory.h"

static const size_t max_file = 1 << 20;

/* Where somebody may have said that `zca renew` shall run. */
static const struct {
    const char *pattern;
    bool has_lines; /* of cron; else the file itself says it */
} schedules[] = {
    {"/etc/systemd/system/*.wants/zca-renew.timer",       false},
    {"/etc/systemd/system/*.wants/zca-renew@*.timer",     false},
    {"/usr/lib/systemd/system/*.wants/zca-renew.timer",   false},
    {"/usr/lib/systemd/system/*.wants/zca-renew@*.timer", false},
    {"/etc/crontab",                                      true },
    {"/etc/cron.*/*",                                     true },
    {"/var/spool/cron/crontabs/*",                        true },
};

/* "zca renew", or with the options of zca between; `option` behind them unless it is NULL. */
static bool line_renews(const char *line, const char *option)
{
    const char *program = strstr(line, "zca");
    const char *command = program ? strstr(program, "renew") : NULL;
    return line[strspn(line, " \t")] != '#' && command && (!option || strstr(command, option));
}

static bool file_renews(const char *path, const char *option)
{
    char *place = NULL;
    bool found = false;
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    if (!zca_file_load(path, max_file, &text, NULL, NULL) || text.len == 0) {
        return false;
    }
    char *line = strtok_r((char *)text.data, "\n", &place);
    for (; line && !found; line = strtok_r(NULL, "\n", &place)) {
        found = line_renews(line, option);
    }
    return found;
}

/* A timer that is enabled by a link to nothing does not run. */
static bool schedule_holds(size_t row, const char *path, const char *option)
{
    return schedules[row].has_lines ? file_renews(path, option)
                                    : !option && access(path, F_OK) == 0;
}

/* option: with which zca renew must be called; NULL: any call counts */
static bool is_scheduled(const char *option)
{
    bool found = false;
    for (size_t i = 0; !found && i < ZCA_COUNT(schedules); i++) {
        glob_t paths = {0};
        if (glob(schedules[i].pattern, 0, NULL, &paths) == 0) {
            for (size_t j = 0; !found && j < paths.gl_pathc; j++) {
                found = schedule_holds(i, paths.gl_pathv[j], option);
            }
        }
        globfree(&paths);
    }
    return found;
}

static bool is_due(struct zca_identity *identity)
{
    zca_auto(error_mark) int mark = ERR_set_mark();
    return zca_renew_is_past_due(identity);
}

static void check_failure(struct zca_doctor *doctor, struct zca_identity *identity)
{
    char when[ZCA_RFC3339_SIZE];
    struct zca_failure failure = {.at_ms = 0};
    const char *uri = zca_identity_get_uri(identity);
    zca_failure_load(doctor->tool->library, zca_identity_get_authority_name(identity),
                     zca_identity_get_name(identity), &failure);
    if (failure.at_ms == 0) {
        return;
    }
    zca_clock_format(failure.at_ms, when);
    zca_doctor_warn(doctor, "identity '%s': renewal failed %u times, last at %s: %s", uri,
                    failure.num, when, failure.error.message);
    zca_doctor_advise(doctor, "zca renew --force %s", uri);
}

static void check_reload(struct zca_doctor *doctor, const struct zca_identity *identity)
{
    zca_auto(text) char *path = zca_identity_order_path(identity, ".reload", NULL);
    if (path && access(path, F_OK) == 0) {
        zca_doctor_fail(doctor,
                        "identity '%s': its reload command has not succeeded yet: servers "
                        "may show the certificate before",
                        zca_identity_get_uri(identity));
        zca_doctor_advise(doctor, "zca renew %s repeats it, and says why it fails",
                          zca_identity_get_uri(identity));
    }
}

/* A command that is not there fails at the next renewal, when nobody looks. */
static void check_command(struct zca_doctor *doctor, const struct zca_identity *identity)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const char *command = zca_identity_get_text(identity, ZCA_IDENTITY_RELOAD);
    if (command && !zca_reload_check(command, &failure)) {
        zca_doctor_fail(doctor, "identity '%s': %s", zca_identity_get_uri(identity),
                        failure.message);
        zca_doctor_advise(doctor, "reload = PROGRAM ... in [identity %s] of %s",
                          zca_identity_get_name(identity),
                          zca_library_config_file(doctor->tool->library));
    }
}

static void check_schedule(struct zca_doctor *doctor, size_t num_due)
{
    if (is_scheduled(NULL)) {
        return;
    }
    if (num_due > 0) {
        zca_doctor_fail(doctor, "nothing runs 'zca renew', and certificates are due: %zu", num_due);
    } else {
        zca_doctor_warn(doctor, "nothing runs 'zca renew': certificates will expire");
    }
    zca_doctor_advise(doctor, "systemctl enable --now zca-renew.timer, or in /etc/cron.d/zca: "
                              "17 * * * * root zca renew");
}

static bool has_section(const struct zca_identity *identity, const struct zca_inventory *configured)
{
    bool found = false;
    for (size_t i = 0; !found && i < configured->num_identities; i++) {
        found = strcmp(zca_identity_get_uri(configured->identities[i]),
                       zca_identity_get_uri(identity)) == 0;
    }
    return found;
}

/* `zca renew` takes the identities that zca.conf names. */
static void check_sections(struct zca_doctor *doctor, const struct zca_inventory *inventory)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_inventory) struct zca_inventory configured = {.identities = NULL};
    if (is_scheduled("--all") ||
        !zca_inventory_find(doctor->tool->library, NULL, true, &configured, &failure)) {
        return; /* told by the check of keys */
    }
    for (size_t i = 0; i < inventory->num_identities; i++) {
        zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
        struct zca_identity *identity = inventory->identities[i];
        if (!has_section(identity, &configured) &&
            zca_identity_certificates(identity, &certificates, NULL)) {
            zca_doctor_warn(doctor,
                            "identity '%s' has no section in zca.conf: 'zca renew' leaves it out",
                            zca_identity_get_uri(identity));
            zca_doctor_advise(doctor, "[identity %s] and authority = %s in %s",
                              zca_identity_get_name(identity),
                              zca_identity_get_authority_name(identity),
                              zca_library_config_file(doctor->tool->library));
        }
    }
}

void zca_doctor_renewal(struct zca_doctor *doctor)
{
    size_t num_due = 0;
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    const char *authority = zca_arguments_text(doctor->tool->arguments, ZCA_TOOL_AUTHORITY);
    if (!doctor->config || !zca_inventory_find(doctor->tool->library, authority, false, &inventory,
                                               &(struct zca_error){.reason = ZCA_ERR_NONE})) {
        return; /* told by the check of keys */
    }
    for (size_t i = 0; i < inventory.num_identities; i++) {
        struct zca_identity *identity = inventory.identities[i];
        check_failure(doctor, identity);
        check_reload(doctor, identity);
        check_command(doctor, identity);
        num_due += is_due(identity) ? 1 : 0;
    }
    if (inventory.num_identities > 0) {
        check_sections(doctor, &inventory);
        check_schedule(doctor, num_due);
    }
}
