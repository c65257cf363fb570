/* SPDX-License-Identifier: Apache-2.0 */
/* QuickZTNA's action `list`: at most 100 records, newest first, without paging. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "remote/call.h"
#include "remote/client.h"
#include "remote/dialects/quickztna.h"

struct listed {
    char *id, *serial, *name, *fingerprint, *certificate, *issued_at, *expires_at;
    char *reason;
    bool revoked;
};

static const struct zca_json_field listed_fields[] = {
    {"id",              ZCA_JSON_TEXT,    offsetof(struct listed, id),          true },
    {"serial_number",   ZCA_JSON_TEXT,    offsetof(struct listed, serial),      true },
    {"subject_cn",      ZCA_JSON_TEXT,    offsetof(struct listed, name),        false},
    {"fingerprint",     ZCA_JSON_TEXT,    offsetof(struct listed, fingerprint), false},
    {"certificate_pem", ZCA_JSON_TEXT,    offsetof(struct listed, certificate), false},
    {"issued_at",       ZCA_JSON_TEXT,    offsetof(struct listed, issued_at),   false},
    {"expires_at",      ZCA_JSON_TEXT,    offsetof(struct listed, expires_at),  false},
    {"revoked",         ZCA_JSON_BOOLEAN, offsetof(struct listed, revoked),     false},
    {"revoke_reason",   ZCA_JSON_TEXT,    offsetof(struct listed, reason),      false},
};

static void clear_listed(struct listed *listed)
{
    zca_json_clear_fields(listed_fields, ZCA_COUNT(listed_fields), listed);
}

ZCA_DEFINE_AUTO_CLEAR(listed, struct listed, clear_listed);

/* SSH certificates stand in the same table of the product, with such names. */
static const char ssh_prefix[] = "ssh:";

bool zca_quickztna_same_number(const char *left, const char *right)
{
    left += strspn(left, "0:");
    right += strspn(right, "0:");
    while (*left != '\0' && strncasecmp(left, right, 1) == 0) {
        left++;
        right++;
        left += *left == ':';
        right += *right == ':';
    }
    return *left == *right;
}

static bool is_wanted(const struct listed *listed, const struct zca_record_filter *filter)
{
    const char *name = listed->name ? listed->name : "";
    return strncmp(name, ssh_prefix, strlen(ssh_prefix)) != 0 &&
           (!filter->name || strcmp(filter->name, name) == 0) &&
           (!filter->serial || zca_quickztna_same_number(filter->serial, listed->serial));
}

/* 0 when it is absent or no time: a list with one odd date is still a list. */
static int64_t parse_time(const char *text)
{
    int64_t time_ms = 0;
    return text && zca_clock_parse(text, &time_ms, NULL) ? time_ms / 1000 : 0;
}

static char *take_text(char **text)
{
    return *text ? zca_steal(*text) : strdup("");
}

static bool fill_record(struct zca_record *record, struct listed *listed, struct zca_error *err)
{
    record->id = take_text(&listed->id);
    record->serial = take_text(&listed->serial);
    record->name = take_text(&listed->name);
    record->fingerprint = take_text(&listed->fingerprint);
    record->reason = take_text(&listed->reason);
    record->issued_at_s = parse_time(listed->issued_at);
    record->expires_at_s = parse_time(listed->expires_at);
    record->revoked = listed->revoked;
    if (!record->id || !record->serial || !record->name || !record->fingerprint ||
        !record->reason) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a record");
    }
    return !listed->certificate ||
           zca_buffer_append_text(&record->certificate, listed->certificate, err);
}

/* Reads one item of the array and adds it when it is wanted. `item` is ours to change. */
static bool add_record(struct zca_record_list *list, struct zca_json *item,
                       const struct zca_record_filter *filter, struct zca_error *err)
{
    zca_auto(listed) struct listed listed = {0};
    if (!zca_json_read_fields(item, listed_fields, ZCA_COUNT(listed_fields), &listed, err)) {
        return false;
    }
    if (!is_wanted(&listed, filter) || (filter->max != 0 && list->num_records == filter->max)) {
        return true;
    }
    struct zca_record *records =
        reallocarray(list->records, list->num_records + 1, sizeof(*records));
    if (!records) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "storing a record");
    }
    list->records = records;
    records[list->num_records] = (struct zca_record){0};
    return fill_record(&records[list->num_records++], &listed, err);
}

static bool add_records(struct zca_record_list *list, const struct zca_json *items,
                        const struct zca_record_filter *filter, struct zca_error *err)
{
    for (size_t i = 0; i < zca_json_length(items); i++) {
        zca_auto(zca_json) struct zca_json *item = zca_json_ref(zca_json_at(items, i));
        if (!add_record(list, item, filter, err)) {
            return zca_error_context(err, "record %zu of the list", i);
        }
    }
    return true;
}

bool zca_quickztna_list(struct zca_client *client, const struct zca_json *body,
                        const struct zca_record_filter *filter, struct zca_record_list *out_list,
                        struct zca_error *err)
{
    static const struct zca_record_filter everything = {0};
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    zca_auto(zca_json) struct zca_json *data = NULL;
    struct zca_call call = {
        .endpoint = &zca_quickztna_endpoints[ZCA_QUICKZTNA_LIST],
        .body = body,
    };
    if (!zca_call_json(client, &call, &data, err)) {
        return false;
    }
    const struct zca_json *items = data ? zca_json_get(data, "certificates") : NULL;
    if (!zca_json_is_array(items)) {
        return zca_error_set(err, ZCA_ERR_PROTOCOL, "authority '%s' answers without a list",
                             client->authority);
    }
    if (!add_records(&list, items, filter ? filter : &everything, err)) {
        return zca_error_context(err, "authority '%s'", client->authority);
    }
    *out_list = list;
    list = (struct zca_record_list){0};
    return true;
}
