/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows become JSON by the columns of their records; bytes are never shown. A write needs the
 * filter id=eq.ID, so that nobody changes a whole table by leaving it out.
 */
#include "server/api/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/account.h"
#include "server/api/action.h"
#include "server/api/filter.h"
#include "server/api/query.h"
#include "server/identifier.h"
#include "server/ledger_audit.h"
#include "server/ledger_machine.h"
#include "server/machine.h"
#include "server/policy.h"
#include "server/refusal.h"
#include "server/response.h"

struct call {
    struct zca_api_call api;
    struct zca_ledger *ledger; /* the transaction, in a write_function */
    struct zca_url_query query;
    struct zca_api_filter filter;
};

typedef bool list_function(struct zca_ledger *ledger, const char *org_id,
                           const struct zca_filter *filter, struct zca_record_list *out_list,
                           struct zca_error *err);

/* Gives the written row to the list, which is then the answer. Runs as one transaction, with the entry in
 * the audit log: see zca_ledger_operation. */
typedef bool write_function(struct call *call, struct zca_record_list *out_list,
                            struct zca_error *err);

struct table {
    const char *name;
    const struct zca_record *record;
    const char *name_column; /* besides created_at, what rows can be ordered by */
    unsigned write_scopes;   /* an API key needs one of them to write */
    list_function *list;
    write_function *post, *patch, *delete;
};

/* ---- rows to JSON ---- */

static bool is_time(const struct zca_column *column)
{
    size_t len = strlen(column->name);
    return (len > 3 && strcmp(column->name + len - 3, "_at") == 0) ||
           strcmp(column->name, "last_seen") == 0;
}

static bool is_selected(const char *select, const char *name)
{
    size_t name_len = strlen(name);
    bool all = !select || strcmp(select, "*") == 0;
    for (const char *rest = select; !all && *rest != '\0';) {
        size_t len = strcspn(rest, ",");
        if (len == name_len && memcmp(rest, name, len) == 0) {
            return true;
        }
        rest += len + (rest[len] == ',');
    }
    return all;
}

static void set_column(struct zca_json *item, const struct zca_column *column, const void *row)
{
    const char *member = (const char *)row + column->offset;
    int64_t number = 0;
    switch (column->type) {
    case ZCA_COLUMN_TEXT:
        zca_json_set_text(item, column->name, *(char *const *)(const void *)member);
        return;
    case ZCA_COLUMN_BOOLEAN:
        zca_json_set_boolean(item, column->name, *(const bool *)member);
        return;
    case ZCA_COLUMN_BYTES:
        return;
    case ZCA_COLUMN_INTEGER:
    case ZCA_COLUMN_OPTIONAL:
        memcpy(&number, member, sizeof(number));
        break;
    }
    if (is_time(column)) {
        zca_api_set_time(item, column->name, number);
    } else if (column->type == ZCA_COLUMN_OPTIONAL && number == 0) {
        zca_json_set_null(item, column->name);
    } else {
        zca_json_set_integer(item, column->name, number);
    }
}

static struct zca_json *format_rows(const struct zca_record_list *rows, const char *select)
{
    struct zca_json *array = zca_json_new_array();
    for (size_t i = 0; i < rows->num; i++) {
        struct zca_json *item = zca_json_new_object();
        for (size_t j = 0; j < rows->record->num_columns; j++) {
            const struct zca_column *column = &rows->record->columns[j];
            if (is_selected(select, column->name)) {
                set_column(item, column, zca_record_at(rows, i));
            }
        }
        zca_json_take(array, NULL, item);
    }
    return array;
}

/* ---- writing ---- */

static bool audit(struct call *call, const char *event_name, const char *object,
                  struct zca_error *err)
{
    struct zca_audit_event event = {.created_at = zca_clock_now_ms(),
                                    .org_id = call->api.org_id,
                                    .actor = call->api.actor,
                                    .event = event_name,
                                    .object = object};
    return zca_ledger_audit_append(call->ledger, &event, err);
}

static bool reread(const struct table *table, struct call *call, const char *id,
                   struct zca_record_list *out_list, struct zca_error *err)
{
    struct zca_filter one = {.id = id, .limit = 1};
    return table->list(call->ledger, call->api.org_id, &one, out_list, err);
}

static const struct table *find_table(const char *name);

static bool post_machine(struct call *call, struct zca_record_list *out_list, struct zca_error *err)
{
    const struct zca_json *json = call->api.request->json;
    zca_auto(zca_machine) struct zca_machine machine = {0};
    struct zca_machine_request request = {.actor = call->api.actor};
    return zca_api_text(json, "name", &request.name, err) &&
           zca_api_text(json, "os", &request.os, err) &&
           zca_machine_add(call->ledger, call->api.org_id, &request, &machine, err) &&
           reread(find_table("machines"), call, machine.id, out_list, err);
}

static bool patch_machine(struct call *call, struct zca_record_list *out_list,
                          struct zca_error *err)
{
    const char *status = NULL;
    if (!zca_api_text(call->api.request->json, "status", &status, err)) {
        return false;
    }
    if (!status) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "status required");
    }
    return zca_machine_set_status(call->ledger, call->api.org_id, call->filter.rows.id, status,
                                  call->api.actor, err) &&
           reread(find_table("machines"), call, call->filter.rows.id, out_list, err);
}

static bool post_report(struct call *call, struct zca_record_list *out_list, struct zca_error *err)
{
    const struct zca_json *json = call->api.request->json;
    const struct zca_json *report = zca_json_get(json, "report");
    struct zca_posture_request request = {.org_id = call->api.org_id, .actor = call->api.actor};
    zca_auto(zca_posture_report) struct zca_posture_report row = {0};
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    if (!zca_api_text(json, "machine_id", &request.machine_id, err)) {
        return false;
    }
    if (!request.machine_id || !zca_json_boolean(json, "compliant", &request.compliant)) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS,
                          "machine_id and compliant (true or false) required");
    }
    if (zca_json_is_object(report) && !zca_json_format(report, &text, err)) {
        return false;
    }
    request.report = (const char *)text.data;
    return zca_machine_report(call->ledger, &request, &row, err) &&
           reread(find_table("posture_reports"), call, row.id, out_list, err);
}

static bool read_policy(struct call *call, struct zca_certificate_policy *policy,
                        struct zca_error *err)
{
    const struct zca_json *json = call->api.request->json;
    bool given = false;
    if (!zca_api_integer(json, "max_ttl_hours", &policy->max_ttl_hours, &given, err) ||
        !zca_api_boolean(json, "require_posture_compliant", &policy->require_posture_compliant,
                         err) ||
        !zca_api_boolean(json, "require_machine_online", &policy->require_machine_online, err)) {
        return false;
    }
    if (given && (policy->max_ttl_hours < 1 || policy->max_ttl_hours > ZCA_MAX_TTL_HOURS)) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "max_ttl_hours must be between 1 and %d",
                          ZCA_MAX_TTL_HOURS);
    }
    return true;
}

static bool post_policy(struct call *call, struct zca_record_list *out_list, struct zca_error *err)
{
    char id[ZCA_UUID_SIZE];
    struct zca_certificate_policy policy = {
        .id = id, .org_id = (char *)(uintptr_t)call->api.org_id, .created_at = zca_clock_now_ms()};
    return zca_uuid_make(id, err) && read_policy(call, &policy, err) &&
           zca_ledger_certificate_policy_insert(call->ledger, &policy, err) &&
           audit(call, "certificate_policy.created", id, err) &&
           reread(find_table("certificate_policies"), call, id, out_list, err);
}

static bool patch_policy(struct call *call, struct zca_record_list *out_list, struct zca_error *err)
{
    const struct table *table = find_table("certificate_policies");
    zca_auto(zca_record_list) struct zca_record_list found = {0};
    if (!reread(table, call, call->filter.rows.id, &found, err)) {
        return false;
    }
    if (found.num == 0) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, NULL);
    }
    struct zca_certificate_policy *policy = zca_record_at(&found, 0);
    return read_policy(call, policy, err) &&
           zca_ledger_certificate_policy_update(call->ledger, policy, err) &&
           audit(call, "certificate_policy.changed", policy->id, err) &&
           reread(table, call, policy->id, out_list, err);
}

static bool delete_policy(struct call *call, struct zca_record_list *out_list,
                          struct zca_error *err)
{
    if (!reread(find_table("certificate_policies"), call, call->filter.rows.id, out_list, err)) {
        return false;
    }
    if (out_list->num == 0) {
        return true;
    }
    return zca_ledger_certificate_policy_delete(call->ledger, call->api.org_id,
                                                call->filter.rows.id, err) &&
           audit(call, "certificate_policy.deleted", call->filter.rows.id, err);
}

static const struct table tables[] = {
    {.name = "machines",
     .record = &zca_machine_record,
     .name_column = "name",
     .write_scopes = ZCA_SCOPE_ADMIN | ZCA_SCOPE_MACHINES,
     .list = zca_ledger_machine_list,
     .post = post_machine,
     .patch = patch_machine                                  },
    { .name = "posture_reports",
     .record = &zca_posture_report_record,
     .name_column = "machine_id",
     .write_scopes = ZCA_SCOPE_ADMIN | ZCA_SCOPE_MACHINES,
     .list = zca_ledger_posture_report_list,
     .post = post_report    },
    {                   .name = "certificate_policies",
     .record = &zca_certificate_policy_record,
     .name_column = "id",
     .write_scopes = ZCA_SCOPE_ADMIN,
     .list = zca_ledger_certificate_policy_list,
     .post = post_policy,
     .patch = patch_policy,
     .delete = delete_policy},
};

static const struct table *find_table(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(tables); i++) {
        if (strcmp(tables[i].name, name) == 0) {
            return &tables[i];
        }
    }
    return NULL;
}

/* ---- requests ---- */

#define READS                                                                                      \
    (ZCA_SCOPE_READ | ZCA_SCOPE_WRITE | ZCA_SCOPE_ADMIN | ZCA_SCOPE_MACHINES | ZCA_SCOPE_AUDIT)

/* One row a method. */
static const struct method {
    const char *name;
    enum zca_role role;
    size_t offset; /* of the write_function in struct table; 0: reads */
    bool needs_id;
    int status;
} methods[] = {
    {"GET",           ZCA_ROLE_AUDITOR,      0,       false, 200},
    { "POST", ZCA_ROLE_ADMIN, offsetof(struct table,   post), false, 201},
    { "PATCH", ZCA_ROLE_ADMIN, offsetof(struct table,  patch),  true, 200},
    { "DELETE", ZCA_ROLE_ADMIN, offsetof(struct table, delete),  true, 200},
};

static const struct method *find_method(const char *name)
{
    for (size_t i = 1; i < ZCA_COUNT(methods); i++) {
        if (strcmp(methods[i].name, name) == 0) {
            return &methods[i];
        }
    }
    return &methods[0];
}

struct writing {
    struct call *call;
    write_function *function;
    struct zca_record_list *rows;
};

static bool write_rows(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct writing *writing = context;
    writing->call->ledger = ledger;
    return writing->function(writing->call, writing->rows, err);
}

static bool run_method(struct call *call, const struct table *table, const struct method *method,
                       struct zca_record_list *rows, struct zca_error *err)
{
    struct zca_ledger *ledger = zca_state_ledger(call->api.state);
    if (method->offset == 0) {
        return table->list(ledger, call->api.org_id, &call->filter.rows, rows, err);
    }
    write_function *const *function =
        (write_function *const *)(const void *)((const char *)table + method->offset);
    if (method->needs_id && !call->filter.rows.id) {
        return zca_refuse(err, ZCA_REFUSE_UNSAFE_WRITE, NULL);
    }
    if (!*function) {
        return zca_refuse(err, ZCA_REFUSE_VALIDATION, "%s is not possible here", method->name);
    }
    struct writing writing = {.call = call, .function = *function, .rows = rows};
    return zca_ledger_transact(ledger, write_rows, &writing, err);
}

static bool answer_table(struct call *call, struct zca_error *err)
{
    const struct zca_http_request *request = call->api.request;
    const struct table *table = find_table(request->path_argument[0]);
    const struct method *method = find_method(request->method);
    if (!table) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, "No such table");
    }
    if (!zca_url_query_parse(request->query, &call->query, err)) {
        return false;
    }
    const char *org_id = zca_url_query_find(&call->query, "org_id");
    if (!org_id && request->json) {
        org_id = zca_json_text(request->json, "org_id");
    }
    if (!org_id) {
        return zca_refuse(err, ZCA_REFUSE_MISSING_FIELDS, "org_id required");
    }
    unsigned scopes = method->offset == 0 ? READS : table->write_scopes;
    zca_auto(zca_record_list) struct zca_record_list rows = {.record = table->record};
    if (!zca_api_admit(&call->api, org_id, method->role, scopes, err) ||
        !zca_api_filter_read(&call->query, table->record, table->name_column, &call->filter, err) ||
        !run_method(call, table, method, &rows, err)) {
        return false;
    }
    zca_response_success(call->api.response, method->status,
                         format_rows(&rows, call->filter.select));
    return true;
}

void zca_api_table(struct zca_server *server, struct zca_http_request *request,
                   struct zca_http_response *response)
{
    struct zca_error err = {0};
    struct call call = {0};
    zca_api_open(&call.api, server, request, response);
    bool ok = answer_table(&call, &err);
    zca_api_close(&call.api, ok, &err);
    zca_url_query_clear(&call.query);
}
