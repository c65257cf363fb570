/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh tokens, declared in server/token.h. Each step is one transaction. */
#include <string.h>

#include "server/identifier.h"
#include "server/ledger_account.h"
#include "server/refusal.h"
#include "server/token.h"

#define NUM_RANDOM_BYTES 32u

static bool insert_token(struct zca_ledger *ledger, const char *family, const char *user_id,
                         int64_t now_ms, struct zca_span text, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    if (!zca_token_hash(text, &hash, err)) {
        return false;
    }
    /* The record only borrows what it points to. */
    struct zca_refresh_token token = {.hash = hash,
                                      .family = (char *)(uintptr_t)family,
                                      .user_id = (char *)(uintptr_t)user_id,
                                      .created_at = now_ms,
                                      .expires_at =
                                          now_ms + (int64_t)ZCA_REFRESH_LIFETIME_S * 1000};
    return zca_ledger_refresh_token_insert(ledger, &token, err);
}

bool zca_refresh_token_start(struct zca_ledger *ledger, const char *user_id, int64_t now_ms,
                             struct zca_buffer *out_text, struct zca_error *err)
{
    char family[ZCA_UUID_SIZE];
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    return zca_uuid_make(family, err) && zca_token_make("", NUM_RANDOM_BYTES, &text, err) &&
           zca_ledger_refresh_token_expire(ledger, now_ms, err) &&
           insert_token(ledger, family, user_id, now_ms, zca_buffer_span(&text), err) &&
           zca_buffer_append(out_text, zca_buffer_span(&text), err);
}

struct rotation {
    const char *text;
    int64_t now_ms;
    struct zca_span next;
    char *out_user_id;
    bool good;
};

/* Ends well also when the token is not good: then the end of its family must be committed. */
static bool rotate(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    struct rotation *rotation = context;
    zca_auto(zca_refresh_token) struct zca_refresh_token token = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    bool found = false;
    if (!zca_token_hash(zca_span_text(rotation->text), &hash, err) ||
        !zca_ledger_refresh_token_find(ledger, zca_buffer_span(&hash), &token, &found, err)) {
        return false;
    }
    if (!found || token.expires_at <= rotation->now_ms || strlen(token.user_id) >= ZCA_UUID_SIZE) {
        return true;
    }
    if (token.spent_at) {
        return zca_ledger_refresh_token_revoke(ledger, token.family, err);
    }
    memcpy(rotation->out_user_id, token.user_id, strlen(token.user_id) + 1);
    rotation->good = true;
    return zca_ledger_refresh_token_spend(ledger, zca_buffer_span(&hash), rotation->now_ms, err) &&
           insert_token(ledger, token.family, token.user_id, rotation->now_ms, rotation->next, err);
}

bool zca_refresh_token_rotate(struct zca_ledger *ledger, const char *text, int64_t now_ms,
                              char out_user_id[ZCA_UUID_SIZE], struct zca_buffer *out_text,
                              struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer next = ZCA_SECRET_BUFFER;
    if (!zca_token_make("", NUM_RANDOM_BYTES, &next, err)) {
        return false;
    }
    struct rotation rotation = {
        .text = text, .now_ms = now_ms, .next = zca_buffer_span(&next), .out_user_id = out_user_id};
    if (!zca_ledger_transact(ledger, rotate, &rotation, err)) {
        return false;
    }
    if (!rotation.good) {
        return zca_refuse(err, ZCA_REFUSE_INVALID_TOKEN, NULL);
    }
    return zca_buffer_append(out_text, zca_buffer_span(&next), err);
}

bool zca_refresh_token_end(struct zca_ledger *ledger, const char *text, struct zca_error *err)
{
    zca_auto(zca_refresh_token) struct zca_refresh_token token = {0};
    zca_auto(zca_buffer) struct zca_buffer hash = {0};
    bool found = false;
    if (!zca_token_hash(zca_span_text(text), &hash, err) ||
        !zca_ledger_refresh_token_find(ledger, zca_buffer_span(&hash), &token, &found, err)) {
        return false;
    }
    return found ? zca_ledger_refresh_token_revoke(ledger, token.family, err) : true;
}
