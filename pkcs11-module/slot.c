/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slots are what zca.conf says: the same in every process, present whatever the network does. Numbers come from the
 * token's serial number, so that they stay when the file changes elsewhere.
 */
#include "pkcs11-module/slot.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/gate.h"
#include "base/lock.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/error.h"

/* ---- making them ---- */

struct making {
    struct zca_module *module;
    void *labels; /* tsearch(3)'s tree of those given away, for thousands of tokens */
};

static int compare_labels(const void *left, const void *right)
{
    return strcmp(left, right);
}

static void keep(void *label)
{
    (void)label; /* the token's */
}

/* An identity and its authority may have one name; URIs need two. */
static bool make_label_unique(struct making *making, struct zca_token *token)
{
    if (!tfind(token->label, &making->labels, compare_labels)) {
        return tsearch(token->label, &making->labels, compare_labels) != NULL;
    }
    struct zca_buffer label = {0};
    if (!zca_buffer_format(&label, NULL, "%s %s", token->label, token->kind->model) ||
        !zca_buffer_append(&label, zca_span_of("", 1), NULL)) {
        zca_buffer_clear(&label);
        return false;
    }
    free(token->label);
    token->label = (char *)label.data;
    return tsearch(token->label, &making->labels, compare_labels) != NULL;
}

/* Tokens stand in zca.conf's order, and by number in a tree. */
static bool add(struct zca_module *module, struct zca_token *token)
{
    while (zca_token_of_slot(module, token->id)) {
        token->id++;
    }
    struct zca_token **tokens =
        realloc(module->tokens, (module->num_tokens + 1) * sizeof(struct zca_token *));
    if (!tokens) {
        return false;
    }
    module->tokens = tokens;
    if (!tsearch(token, &module->tokens_by_id, zca_token_compare)) {
        return false;
    }
    tokens[module->num_tokens++] = token;
    return true;
}

static CK_RV add_token(struct making *making, const struct zca_token_kind *kind, const char *name)
{
    struct zca_module *module = making->module;
    struct zca_error err = {0};
    zca_auto(zca_token) struct zca_token *token = zca_token_new(module, kind, name, &err);
    if (!token && err.reason != ZCA_ERR_MEMORY) {
        zca_pkcs11_warn(module->library, &err);
        return CKR_OK;
    }
    if (!token || !make_label_unique(making, token) || !add(module, token)) {
        return CKR_HOST_MEMORY;
    }
    token = NULL; /* the module's */
    return CKR_OK;
}

static CK_RV add_named(struct making *making, const struct zca_token_kind *kind,
                       const char *const *names)
{
    CK_RV rv = CKR_OK;
    for (size_t i = 0; rv == CKR_OK && names && names[i]; i++) {
        rv = add_token(making, kind, names[i]);
    }
    return rv;
}

CK_RV zca_slots_make(struct zca_module *module)
{
    const struct zca_config *config = zca_library_config(module->library, NULL);
    if (!config) {
        return CKR_GENERAL_ERROR;
    }
    struct making making = {.module = module};
    CK_RV rv = add_named(&making, &zca_token_identity, zca_config_names(config, "identity"));
    if (rv == CKR_OK) {
        rv = add_named(&making, &zca_token_authority, zca_config_names(config, "authority"));
    }
    if (rv == CKR_OK &&
        zca_config_get_boolean(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_SCRATCH])) {
        rv = add_token(&making, &zca_token_scratch, "zca scratch");
    }
    tdestroy(making.labels, keep);
    return rv;
}

/* ---- texts ---- */

void zca_text_pad(CK_UTF8CHAR *target, size_t len, const char *text)
{
    size_t used = strlen(text);
    if (used > len) {
        used = len;
        while (used > 0 && ((uint8_t)text[used] & 0xc0) == 0x80) {
            used--; /* into the middle of a character */
        }
    }
    memset(target, ' ', len);
    memcpy(target, text, used);
}

/* ---- C_GetSlotList, C_GetSlotInfo, C_GetTokenInfo ---- */

static CK_RV get_slot_list(const struct zca_module *module, CK_SLOT_ID *slots, CK_ULONG *count)
{
    if (!count) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_ULONG room = *count;
    *count = module->num_tokens;
    if (!slots) {
        return CKR_OK;
    }
    if (room < module->num_tokens) {
        return CKR_BUFFER_TOO_SMALL;
    }
    for (size_t i = 0; i < module->num_tokens; i++) {
        slots[i] = module->tokens[i]->id;
    }
    return CKR_OK;
}

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    (void)token_present; /* every slot has its token */
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetSlotList", 0);
    return call.rv ? call.rv : zca_call_end(&call, get_slot_list(call.module, slots, count));
}

static void refresh(struct zca_token *token)
{
    if (token->kind->refresh) {
        token->kind->refresh(token);
    }
}

static CK_RV get_slot_info(const struct zca_module *module, CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    struct zca_token *token = zca_token_of_slot(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    if (!info) {
        return CKR_ARGUMENTS_BAD;
    }
    refresh(token);
    *info = (CK_SLOT_INFO){.flags = CKF_TOKEN_PRESENT};
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    zca_text_pad(info->slotDescription, sizeof(info->slotDescription), token->label);
    zca_text_pad(info->manufacturerID, sizeof(info->manufacturerID), "zca");
    return CKR_OK;
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetSlotInfo", id);
    return call.rv ? call.rv : zca_call_end(&call, get_slot_info(call.module, id, info));
}

/* Browsers ask for each of their connections. */
static CK_RV get_token_info(const struct zca_module *module, CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    struct zca_token *token = zca_token_of_slot(module, id);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    if (!info) {
        return CKR_ARGUMENTS_BAD;
    }
    refresh(token);
    *info = (CK_TOKEN_INFO){
        .flags = token->kind->flags(token),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulMaxPinLen = token->kind->max_pin,
        .ulMinPinLen = token->kind->min_pin,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
    };
    zca_auto(module_lock) struct zca_module *held = zca_module_look(token->module);
    info->ulSessionCount = token->num_sessions;
    info->ulRwSessionCount = token->num_rw_sessions;
    zca_text_pad(info->label, sizeof(info->label), token->label);
    zca_text_pad(info->manufacturerID, sizeof(info->manufacturerID), "zca");
    zca_text_pad(info->model, sizeof(info->model), token->kind->model);
    zca_text_pad(info->serialNumber, sizeof(info->serialNumber), token->serial);
    memset(info->utcTime, '0', sizeof(info->utcTime)); /* no CKF_CLOCK_ON_TOKEN: it means nothing */
    return CKR_OK;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetTokenInfo", id);
    return call.rv ? call.rv : zca_call_end(&call, get_token_info(call.module, id, info));
}

/* ---- C_GetMechanismList, C_GetMechanismInfo ---- */

static CK_RV get_mechanism_list(const struct zca_module *module, CK_SLOT_ID slot,
                                CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    const struct zca_token *token = zca_token_of_slot(module, slot);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    if (!count) {
        return CKR_ARGUMENTS_BAD;
    }
    CK_ULONG room = list ? *count : 0;
    size_t cursor = 0;
    *count = 0;
    for (const struct zca_mechanism *row = zca_mechanism_next(token->places, &cursor); row;
         row = zca_mechanism_next(token->places, &cursor)) {
        if (*count < room) {
            list[*count] = row->type;
        }
        (*count)++;
    }
    return list && *count > room ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot_id, CK_MECHANISM_TYPE *mechanism_list, CK_ULONG *count)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetMechanismList", slot_id);
    return call.rv ? call.rv
                   : zca_call_end(&call,
                                  get_mechanism_list(call.module, slot_id, mechanism_list, count));
}

static CK_RV get_mechanism_info(const struct zca_module *module, CK_SLOT_ID slot,
                                CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    const struct zca_token *token = zca_token_of_slot(module, slot);
    if (!token) {
        return CKR_SLOT_ID_INVALID;
    }
    const struct zca_mechanism *mechanism = zca_mechanism_find(type, token->places);
    if (!mechanism) {
        return CKR_MECHANISM_INVALID;
    }
    if (!info) {
        return CKR_ARGUMENTS_BAD;
    }
    *info = (CK_MECHANISM_INFO){
        .ulMinKeySize = mechanism->min, .ulMaxKeySize = mechanism->max, .flags = mechanism->flags};
    return CKR_OK;
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot_id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetMechanismInfo", slot_id);
    return call.rv ? call.rv
                   : zca_call_end(&call, get_mechanism_info(call.module, slot_id, type, info));
}

/* ---- C_WaitForSlotEvent ---- */

/* Tokens neither come nor go, so there is nothing to wait for but the end. */
static pthread_mutex_t waiting = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static unsigned num_ends;

void zca_slots_wake(void)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&waiting);
    num_ends++;
    (void)pthread_cond_broadcast(&ended); /* cannot fail */
}

static void wait_for_end(void)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&waiting);
    unsigned before = num_ends;
    while (num_ends == before) {
        (void)pthread_cond_wait(&ended, held); /* cannot fail */
    }
}

static CK_RV wait_for_event(CK_FLAGS flags, const CK_SLOT_ID *slot, const void *reserved)
{
    if (!slot || reserved) {
        return CKR_ARGUMENTS_BAD;
    }
    if ((flags & CKF_DONT_BLOCK) != 0) {
        return CKR_NO_EVENT;
    }
    zca_module_outside();
    wait_for_end();
    zca_module_inside();
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_WaitForSlotEvent", 0);
    return call.rv ? call.rv : zca_call_end(&call, wait_for_event(flags, slot, reserved));
}
