/* SPDX-License-Identifier: Apache-2.0 */
/* zca revoke: finds the authority's id of a certificate, and has it marked revoked. */
#include <string.h>

#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "tool/authority.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/inventory.h"
#include "tool/output.h"

/* As many as an authority lists at most: what is older is not in it. */
static const size_t full_list = 100;

/* What is to be revoked. Zero-initialised. */
struct target {
    struct zca_identity *identity;   /* NULL: named by serial or id */
    struct zca_authority *authority; /* opened for serial or id; else the identity's is used */
    struct zca_buffer serial;        /* empty: an id that the authority does not list */
    char *id;
};

static void target_clear(struct target *target)
{
    zca_identity_close(target->identity);
    zca_authority_close(target->authority);
    zca_buffer_clear(&target->serial);
    free(target->id);
}

ZCA_DEFINE_AUTO_CLEAR(target, struct target, target_clear);

/* Exactly one of NAME, --serial and --id. */
static bool check_arguments(const struct zca_arguments *arguments, struct zca_error *err)
{
    int num = (zca_arguments_num_words(arguments) > 0 ? 1 : 0) +
              (zca_arguments_has(arguments, ZCA_TOOL_SERIAL) ? 1 : 0) +
              (zca_arguments_has(arguments, ZCA_TOOL_ID) ? 1 : 0);
    return num == 1 || zca_error_set(err, ZCA_ERR_INVALID,
                                     "which certificate? give one of NAME, --serial, --id");
}

static bool open_identity(const struct zca_tool *tool, const char *name, struct target *target,
                          struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    target->identity = zca_tool_open_identity(
        tool->library, name, zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY), NULL, err);
    if (!target->identity) {
        return false;
    }
    if (!zca_identity_certificates(target->identity, &certificates, &failure)) {
        return zca_tool_explain_missing(target->identity, &failure, err);
    }
    return zca_serial_format(X509_get0_serialNumber(sk_X509_value(certificates, 0)), 32,
                             &target->serial, err);
}

static bool open_target(const struct zca_tool *tool, struct target *target, struct zca_error *err)
{
    const struct zca_arguments *arguments = tool->arguments;
    const char *name = zca_arguments_words(arguments)[0];
    const char *serial = zca_arguments_text(arguments, ZCA_TOOL_SERIAL);
    if (name) {
        return open_identity(tool, name, target, err);
    }
    target->authority =
        zca_authority_open(tool->library, zca_arguments_text(arguments, ZCA_TOOL_AUTHORITY), err);
    return target->authority && (!serial || zca_buffer_append_text(&target->serial, serial, err));
}

static bool find_id(struct zca_authority *authority, struct target *target, struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {.records = NULL};
    const char *serial = (const char *)target->serial.data;
    const struct zca_record_filter filter = {.serial = serial};
    if (!zca_tool_ask_list(authority, &filter, &list, err)) {
        return false;
    }
    if (list.num_records == 0) {
        return zca_error_set(err, ZCA_ERR_NOT_FOUND,
                             "authority '%s' lists no certificate with serial number %s",
                             zca_authority_get_name(authority), serial);
    }
    target->id = strdup(list.records[0].id ? list.records[0].id : "");
    return target->id || zca_error_set(err, ZCA_ERR_MEMORY, "reading the list");
}

/* APIs accept ids that they do not know: whether there is one the list tells, unless it is full. */
static bool check_id(struct zca_authority *authority, struct target *target, const char *id,
                     struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {.records = NULL};
    const struct zca_record_filter all = {.name = NULL};
    if (!zca_tool_ask_list(authority, &all, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < list.num_records; i++) {
        const struct zca_record *record = &list.records[i];
        if (record->id && strcmp(record->id, id) == 0) {
            return zca_buffer_append_text(&target->serial, record->serial, err);
        }
    }
    return list.num_records >= full_list ||
           zca_error_set(err, ZCA_ERR_NOT_FOUND,
                         "authority '%s' lists no certificate with id '%s': see 'zca list --remote "
                         "--json'",
                         zca_authority_get_name(authority), id);
}

static bool report_unlisted(const char *id, struct zca_error *err)
{
    return zca_error_set(
        err, ZCA_ERR_NOT_FOUND,
        "asked for, but nothing tells whether there is an id '%s': it is not among "
        "the newest %zu certificates; --serial finds older ones, see 'zca help "
        "revoke'",
        id, full_list);
}

/* Not every API takes a reason: what was recorded is told when it is another one. */
static void compare_reason(struct zca_authority *authority, const struct target *target,
                           const char *reason)
{
    zca_auto(zca_record_list) struct zca_record_list list = {.records = NULL};
    const struct zca_record_filter filter = {.serial = (const char *)target->serial.data};
    if (!reason || target->serial.len == 0 || !zca_tool_ask_list(authority, &filter, &list, NULL) ||
        list.num_records == 0) {
        return;
    }
    const char *recorded = list.records[0].reason ? list.records[0].reason : "";
    if (strcmp(recorded, reason) != 0) {
        zca_tool_warn("the authority recorded the reason '%s'", recorded);
    }
}

bool zca_tool_revoke(struct zca_tool *tool, struct zca_error *err)
{
    const char *id = zca_arguments_text(tool->arguments, ZCA_TOOL_ID);
    const char *reason = zca_arguments_text(tool->arguments, ZCA_TOOL_REASON);
    zca_auto(target) struct target target = {.identity = NULL};
    if (!check_arguments(tool->arguments, err)) {
        return zca_tool_misused(tool);
    }
    if (!open_target(tool, &target, err)) {
        return false;
    }
    struct zca_authority *authority =
        target.identity ? zca_identity_get_authority(target.identity) : target.authority;
    bool found = id ? check_id(authority, &target, id, err) : find_id(authority, &target, err);
    if (!found || !zca_tool_ask_revoke(authority, id ? id : target.id, reason, err) ||
        (target.serial.len == 0 && !report_unlisted(id, err))) {
        return zca_error_context(err, "revoke certificate");
    }
    compare_reason(authority, &target, reason);
    zca_tool_say("Revoked: serial number %s", (const char *)target.serial.data);
    if (target.identity) {
        zca_tool_say("For a new certificate run: zca renew %s --force",
                     zca_identity_get_uri(target.identity));
    }
    return true;
}
