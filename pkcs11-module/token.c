/* SPDX-License-Identifier: Apache-2.0 */
/* What all kinds of tokens share. */
#include "pkcs11-module/token.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "pkcs11-module/error.h"

/* 16 digits that stay the same as long as kind, name and authority do; for telling tokens apart, not a secret: FNV-1a */
static uint64_t mix(uint64_t hash, const char *text)
{
    for (const char *at = text ? text : ""; *at; at++) {
        hash = (hash ^ (uint8_t)*at) * 1099511628211u;
    }
    return (hash ^ 0xff) * 1099511628211u;
}

static void number(struct zca_token *token, const char *name, const char *origin)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = mix(mix(mix(14695981039346656037u, token->kind->model), name), origin);
    for (size_t i = 0; i < 16; i++) {
        token->serial[i] = digits[(hash >> (60 - 4 * i)) & 0xf];
    }
    token->id = (hash >> 33) | 1;
}

static bool offers_legacy(struct zca_library *library)
{
    const struct zca_config *config = zca_library_config(library, NULL);
    return config &&
           zca_config_get_boolean(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_LEGACY]);
}

struct zca_token *zca_token_new(struct zca_module *module, const struct zca_token_kind *kind,
                                const char *name, struct zca_error *err)
{
    zca_auto(zca_token) struct zca_token *token = calloc(1, sizeof(*token));
    if (token) {
        token->kind = kind;
        token->module = module;
        token->library = module->library;
        token->label = strdup(name);
        token->objects = zca_objects_new();
    }
    if (!token || !token->label || !token->objects) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "out of memory");
        return NULL;
    }
    token->places = kind->places;
    if ((kind->places & ZCA_ON_LOCAL) != 0 && offers_legacy(module->library)) {
        token->places |= ZCA_ON_LEGACY;
    }
    const char *origin = NULL;
    if (!kind->make(token, name, &origin, err)) {
        return NULL;
    }
    number(token, name, origin);
    return zca_steal(token);
}

void zca_token_free(struct zca_token *token)
{
    if (!token) {
        return;
    }
    token->kind->free(token);
    zca_objects_free(token->objects);
    free(token->label);
    free(token);
}

int zca_token_compare(const void *left, const void *right)
{
    const struct zca_token *first = left, *second = right;
    return (first->id > second->id) - (first->id < second->id);
}

struct zca_token *zca_token_of_slot(const struct zca_module *module, CK_SLOT_ID id)
{
    const struct zca_token wanted = {.id = id};
    struct zca_token *const *found = tfind(&wanted, &module->tokens_by_id, zca_token_compare);
    return found ? *found : NULL;
}

bool zca_token_is_open(struct zca_token *token)
{
    return token->login == ZCA_LOGIN_USER || (token->kind->flags(token) & CKF_LOGIN_REQUIRED) == 0;
}

static bool is_private_session_object(void *argument, struct zca_object *object)
{
    struct zca_object **found = argument;
    *found = object->is_private && object->owner != 0 ? object : NULL;
    return !*found;
}

void zca_token_log_out(struct zca_token *token)
{
    struct zca_object *found = NULL;
    if (token->login == ZCA_LOGIN_NONE) {
        return;
    }
    token->login = ZCA_LOGIN_NONE;
    do { /* how many each session owns is an upper bound from now on */
        found = NULL;
        zca_objects_visit(token->objects, NULL, is_private_session_object, &found);
        zca_object_free(found ? zca_objects_take(token->objects, found->handle) : NULL);
    } while (found);
    if (token->kind->logout) {
        token->kind->logout(token);
    }
}

OSSL_LIB_CTX *zca_token_context(struct zca_token *token, CK_RV *out_rv)
{
    struct zca_error err = {0};
    OSSL_LIB_CTX *context = zca_library_context(token->library, &err);
    *out_rv = context ? CKR_OK : zca_pkcs11_fail(token->library, &err);
    return context;
}
