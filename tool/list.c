/* SPDX-License-Identifier: Apache-2.0 */
/* zca list: the identities of this host without any network, or the authority's own list. */
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "base/openssl_auto.h"
#include "core/certificate.h"
#include "core/renew.h"
#include "core/stored.h"
#include "core/verify.h"
#include "tool/authority.h"
#include "tool/command.h"
#include "tool/inventory.h"
#include "tool/output.h"

/* What is told about one identity; texts are static but for the borrowed ones. */
struct line {
    const char *name; /* borrowed */
    const char *authority;
    const char *key_type;
    const char *origin;
    const char *keystore;
    const char *state;
    int64_t expires_at_s; /* 0: no certificate */
};

static const char *const origins[] = {
    [ZCA_KEY_MADE_HERE] = "here",
    [ZCA_KEY_MADE_BY_AUTHORITY] = "authority",
};

static const char *const keystores[] = {
    [ZCA_KEYSTORE_MEMORY] = "memory",
    [ZCA_KEYSTORE_RUNTIME] = "runtime",
    [ZCA_KEYSTORE_FILE] = "file",
};

/* ---- state ---- */

static const char *state_of_certificate(struct zca_identity *identity, const X509 *certificate,
                                        const struct zca_chain *chain)
{
    int64_t now_s = zca_clock_now_s();
    if (zca_chain_get_not_after_s(chain) <= now_s) {
        return "expired";
    }
    if (zca_chain_get_not_before_s(chain) > now_s + ZCA_CLOCK_SKEW_S) {
        return "not yet valid";
    }
    if (!zca_stored_stands(identity)) {
        return "other CA";
    }
    return zca_renew_due_s(certificate, zca_identity_get_name(identity)) <= now_s ? "due" : "valid";
}

static bool has_request(struct zca_identity *identity)
{
    zca_auto(text) char *path =
        zca_library_path(zca_identity_get_library(identity), ZCA_PLACE_ORDERS,
                         zca_authority_get_name(zca_identity_get_authority(identity)),
                         zca_identity_get_name(identity), ".csr", NULL);
    return path && access(path, F_OK) == 0;
}

static const char *state_without_certificate(struct zca_identity *identity,
                                             const struct zca_key *key)
{
    if (has_request(identity)) {
        return "requested";
    }
    return key ? "no certificate" : "not enrolled";
}

/* A key in memory belongs to another process; one that cannot be read is told as such. */
static void read_key(struct zca_identity *identity, struct zca_key **out_key, struct line *line)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(error_mark) int mark = ERR_set_mark();
    *out_key = zca_identity_key(identity, &failure);
    if (*out_key) {
        line->key_type = zca_key_get_type(*out_key)->name;
        line->origin = origins[zca_key_get_origin(*out_key)];
    } else if (failure.reason != ZCA_ERR_NOT_FOUND) {
        line->key_type = "unreadable";
    }
}

static void read_line(struct zca_identity *identity, struct line *line)
{
    zca_auto(zca_key) struct zca_key *key = NULL;
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    *line = (struct line){
        .name = zca_identity_get_name(identity),
        .authority = zca_authority_get_name(zca_identity_get_authority(identity)),
        .keystore = keystores[zca_identity_get_keystore(identity)],
    };
    read_key(identity, &key, line);
    zca_auto(zca_chain) struct zca_chain *chain = zca_certificate_load_chain(
        zca_identity_get_library(identity), line->authority, line->name, NULL);
    if (!chain || !zca_identity_certificates(identity, &certificates, NULL)) {
        line->state = state_without_certificate(identity, key);
        return;
    }
    line->expires_at_s = zca_chain_get_not_after_s(chain);
    line->state = key && !zca_chain_matches(chain, key)
                      ? "other key"
                      : state_of_certificate(identity, sk_X509_value(certificates, 0), chain);
}

/* ---- local ---- */

static void add_line(struct zca_table *table, const struct line *line)
{
    char expiry[ZCA_RFC3339_SIZE];
    zca_tool_time(line->expires_at_s, expiry);
    const char *cells[] = {line->name,     line->authority, line->key_type, line->origin,
                           line->keystore, expiry,          line->state};
    for (size_t i = 0; i < ZCA_COUNT(cells); i++) {
        zca_table_add(table, cells[i]);
    }
}

static struct zca_json *line_json(const struct line *line)
{
    struct zca_json *json = zca_json_new_object();
    char expiry[ZCA_RFC3339_SIZE];
    zca_tool_time(line->expires_at_s, expiry);
    zca_json_set_text(json, "name", line->name);
    zca_json_set_text(json, "authority", line->authority);
    zca_json_set_text(json, "key_type", line->key_type);
    zca_json_set_text(json, "key_made", line->origin);
    zca_json_set_text(json, "keystore", line->keystore);
    zca_json_set_text(json, "expires_at", line->expires_at_s != 0 ? expiry : NULL);
    zca_json_set_text(json, "state", line->state);
    return json;
}

static bool list_here(struct zca_tool *tool, bool json, struct zca_error *err)
{
    static const char *const titles[] = {"NAME",     "AUTHORITY", "KEY",  "MADE",
                                         "KEYSTORE", "EXPIRES",   "STATE"};
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    zca_auto(zca_table) struct zca_table table = {.num_columns = ZCA_COUNT(titles)};
    zca_auto(zca_json) struct zca_json *array = zca_json_new_array();
    if (!zca_inventory_find(tool->library, zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY),
                            false, &inventory, err)) {
        return false;
    }
    for (size_t i = 0; i < ZCA_COUNT(titles); i++) {
        zca_table_add(&table, titles[i]);
    }
    for (size_t i = 0; i < inventory.num_identities; i++) {
        struct line line;
        read_line(inventory.identities[i], &line);
        add_line(&table, &line);
        zca_json_take(array, NULL, line_json(&line));
    }
    return json ? zca_tool_say_json(array, err) : zca_table_print(&table, err);
}

/* ---- remote ---- */

static const char *record_state(const struct zca_record *record)
{
    bool expired = record->expires_at_s != 0 && record->expires_at_s <= zca_clock_now_s();
    const char *state = expired ? "expired" : "valid";
    return record->revoked ? "revoked" : state;
}

static void add_record(struct zca_table *table, const struct zca_record *record)
{
    char issued[ZCA_RFC3339_SIZE];
    char expiry[ZCA_RFC3339_SIZE];
    zca_tool_time(record->issued_at_s, issued);
    zca_tool_time(record->expires_at_s, expiry);
    const char *cells[] = {record->name, record->serial,       issued,
                           expiry,       record_state(record), record->reason};
    for (size_t i = 0; i < ZCA_COUNT(cells); i++) {
        zca_table_add(table, cells[i]);
    }
}

static struct zca_json *record_json(const struct zca_record *record)
{
    struct zca_json *json = zca_json_new_object();
    char issued[ZCA_RFC3339_SIZE];
    char expiry[ZCA_RFC3339_SIZE];
    zca_tool_time(record->issued_at_s, issued);
    zca_tool_time(record->expires_at_s, expiry);
    zca_json_set_text(json, "id", record->id);
    zca_json_set_text(json, "name", record->name);
    zca_json_set_text(json, "serial", record->serial);
    zca_json_set_text(json, "fingerprint", record->fingerprint);
    zca_json_set_text(json, "issued_at", record->issued_at_s != 0 ? issued : NULL);
    zca_json_set_text(json, "expires_at", record->expires_at_s != 0 ? expiry : NULL);
    zca_json_set_boolean(json, "revoked", record->revoked);
    zca_json_set_text(json, "reason",
                      record->reason && *record->reason != '\0' ? record->reason : NULL);
    return json;
}

static bool list_there(struct zca_tool *tool, bool json, struct zca_error *err)
{
    static const char *const titles[] = {"NAME", "SERIAL", "ISSUED", "EXPIRES", "STATE", "REASON"};
    const char *name = zca_arguments_text(tool->arguments, ZCA_TOOL_AUTHORITY);
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(tool->library, name, err);
    zca_auto(zca_record_list) struct zca_record_list list = {.records = NULL};
    zca_auto(zca_table) struct zca_table table = {.num_columns = ZCA_COUNT(titles)};
    zca_auto(zca_json) struct zca_json *array = zca_json_new_array();
    const struct zca_record_filter all = {.name = NULL};
    if (!authority || !zca_tool_ask_list(authority, &all, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < ZCA_COUNT(titles); i++) {
        zca_table_add(&table, titles[i]);
    }
    for (size_t i = 0; i < list.num_records; i++) {
        add_record(&table, &list.records[i]);
        zca_json_take(array, NULL, record_json(&list.records[i]));
    }
    return json ? zca_tool_say_json(array, err) : zca_table_print(&table, err);
}

bool zca_tool_list(struct zca_tool *tool, struct zca_error *err)
{
    bool json = zca_arguments_has(tool->arguments, ZCA_TOOL_JSON);
    return zca_arguments_has(tool->arguments, ZCA_TOOL_REMOTE) ? list_there(tool, json, err)
                                                               : list_here(tool, json, err);
}
