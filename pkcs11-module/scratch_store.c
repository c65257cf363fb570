/* SPDX-License-Identifier: Apache-2.0 */
/* What a process knows of a scratch token, kept in step with the file `token`. */
#include "pkcs11-module/scratch_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/session.h"

static const long longest_turn_ms = 10000;

struct zca_scratch *zca_scratch_of(const struct zca_token *token)
{
    return token->state;
}

struct zca_flight *zca_scratch_enter(struct zca_token *token, CK_RV *out_rv)
{
    struct zca_error err = {0};
    zca_module_outside();
    struct zca_flight *flight = zca_flight_enter_at(token->library, ZCA_PLACE_TOKENS, "scratch",
                                                    "token", longest_turn_ms, &err);
    zca_module_inside();
    *out_rv = flight ? CKR_OK : zca_pkcs11_fail(token->library, &err);
    return flight;
}

/* ---- flags ---- */

struct flag_row {
    enum zca_scratch_pin pin;
    int64_t least; /* failures */
    CK_FLAGS flag;
};

static const struct flag_row flag_rows[] = {
    {ZCA_SCRATCH_USER, 1,                             CKF_USER_PIN_COUNT_LOW},
    {ZCA_SCRATCH_USER, ZCA_SCRATCH_MOST_FAILURES - 1, CKF_USER_PIN_FINAL_TRY},
    {ZCA_SCRATCH_USER, ZCA_SCRATCH_MOST_FAILURES,     CKF_USER_PIN_LOCKED   },
    {ZCA_SCRATCH_SO,   1,                             CKF_SO_PIN_COUNT_LOW  },
    {ZCA_SCRATCH_SO,   ZCA_SCRATCH_MOST_FAILURES - 1, CKF_SO_PIN_FINAL_TRY  },
    {ZCA_SCRATCH_SO,   ZCA_SCRATCH_MOST_FAILURES,     CKF_SO_PIN_LOCKED     },
};

static CK_FLAGS flags_of(const struct zca_scratch *scratch)
{
    CK_FLAGS flags = CKF_RNG | CKF_LOGIN_REQUIRED;
    if (!scratch->is_initialised) {
        return flags;
    }
    flags |= CKF_TOKEN_INITIALIZED;
    flags |= scratch->record.locks[ZCA_SCRATCH_USER].is_set ? CKF_USER_PIN_INITIALIZED : 0;
    for (size_t i = 0; i < ZCA_COUNT(flag_rows); i++) {
        const struct flag_row *row = &flag_rows[i];
        flags |= scratch->record.locks[row->pin].failures >= row->least ? row->flag : 0;
    }
    /* the last try and the lock exclude each other */
    if ((flags & CKF_USER_PIN_LOCKED) != 0) {
        flags &= ~(CK_FLAGS)CKF_USER_PIN_FINAL_TRY;
    }
    if ((flags & CKF_SO_PIN_LOCKED) != 0) {
        flags &= ~(CK_FLAGS)CKF_SO_PIN_FINAL_TRY;
    }
    return flags;
}

/* ---- the file `token` ---- */

/* Without the blanks at its end. Without memory for it the label stays. */
static void set_label(struct zca_token *token, const uint8_t *label)
{
    size_t len = ZCA_SCRATCH_LABEL_LEN;
    while (len > 0 && label[len - 1] == ' ') {
        len--;
    }
    char *text = strndup((const char *)label, len);
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    if (text) {
        free(token->label);
        token->label = text;
    }
}

static void set_known(struct zca_token *token, const struct zca_scratch_token *record)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    bool is_other =
        !record || !scratch->is_initialised ||
        memcmp(record->instance, scratch->record.instance, sizeof(record->instance)) != 0;
    if (is_other) {
        zca_scratch_forget(token);
        zca_buffer_clear(&scratch->open_key);
    }
    scratch->is_initialised = record != NULL;
    if (record) {
        scratch->record = *record;
        set_label(token, record->label);
    }
    atomic_store(&scratch->flags, flags_of(scratch));
}

/* Whoever lost the right to read the file goes on with what is known of it. */
static bool is_out_of_reach(void)
{
    return errno == EACCES || errno == EPERM;
}

void zca_scratch_refresh(struct zca_token *token)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    struct zca_scratch_token record;
    struct zca_error err = {0};
    struct stat status = {0};
    if (stat(scratch->path, &status) != 0) {
        if (!is_out_of_reach() && scratch->is_initialised) {
            scratch->status = (struct stat){0};
            set_known(token, NULL);
        }
        return;
    }
    if (zca_file_same(&status, &scratch->status)) {
        return;
    }
    bool ok = zca_scratch_token_load(scratch->path, &record, &status, &err);
    if (!ok && is_out_of_reach()) {
        return;
    }
    if (!ok) {
        zca_pkcs11_warn(token->library, &err);
    }
    scratch->status = status;
    set_known(token, ok ? &record : NULL);
}

/* ---- keys ---- */

bool zca_scratch_key(struct zca_token *token, bool is_private, struct zca_buffer *out_key,
                     struct zca_error *err)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    if (!is_private) {
        return (scratch->open_key.len != 0 ||
                zca_scratch_open_key(token->library, &scratch->record, &scratch->open_key, err)) &&
               zca_buffer_append(out_key, zca_buffer_span(&scratch->open_key), err);
    }
    zca_auto(zca_buffer) struct zca_buffer room = ZCA_SECRET_BUFFER;
    if (!zca_buffer_resize(&room, ZCA_SCRATCH_MASTER_LEN, err)) {
        return false;
    }
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    if (scratch->master.len != room.len) {
        return zca_error_set(err, ZCA_ERR_AUTH, "nobody is logged in to the token");
    }
    memcpy(room.data, scratch->master.data, room.len);
    zca_buffer_move(out_key, &room);
    return true;
}

/* ---- forgetting ---- */

void zca_scratch_forget(struct zca_token *token)
{
    struct zca_scratch *scratch = zca_scratch_of(token);
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(token->module);
    for (size_t i = 0; i < scratch->files.count; i++) {
        CK_OBJECT_HANDLE handle = scratch->files.array[i]->handle;
        zca_object_free(handle != 0 ? zca_objects_take(token->objects, handle) : NULL);
    }
    zca_scratch_files_clear(&scratch->files);
    scratch->looked_at_ms = 0;
    zca_token_log_out(token); /* the PINs are others now */
    zca_sessions_forget_keys(alone->sessions, token);
}
