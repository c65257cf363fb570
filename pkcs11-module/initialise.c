/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_Initialize, C_Finalize, C_GetInfo, and what a child of fork(2) finds. C_Finalize leaves the tokens as they are: a
 * worker begins again with the keys that it inherited.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/gate.h"
#include "base/lock.h"
#include "pkcs11-module/call.h"
#include "pkcs11-module/error.h"
#include "pkcs11-module/lifetime.h"
#include "pkcs11-module/slot.h"

static pthread_mutex_t beginning = PTHREAD_MUTEX_INITIALIZER; /* C_Initialize and C_Finalize */
static pthread_once_t prepared = PTHREAD_ONCE_INIT;

/* ---- once a process ---- */

/* The gate sees to it that nobody held the lock. */
static void in_child(void)
{
    struct zca_module *module = zca_module_get();
    if (!module->is_initialised) {
        return;
    }
    module->is_forked = true;
    (void)pthread_mutex_init(&beginning, NULL); /* cannot fail on Linux */
    zca_sessions_after_fork(module->sessions);
    for (size_t i = 0; i < module->num_tokens; i++) {
        if (module->tokens[i]->kind->after_fork) {
            module->tokens[i]->kind->after_fork(module->tokens[i]);
        }
    }
}

static void prepare(void)
{
    zca_gate_enter(); /* so that its handlers are there, and go first */
    zca_gate_leave();
    (void)pthread_atfork(NULL, NULL, in_child); /* without memory for it: as other modules are */
    zca_lifetime_watch();
}

/* ---- C_Initialize ---- */

/* The string "config=PATH", or NULL. Small numbers are no pointers: two conformance suites pass 1. */
static CK_RV read_reserved(const void *reserved, const char **out_config)
{
    static const char prefix[] = "config=";
    const char *text = reserved;
    *out_config = NULL;
    if (!reserved) {
        return CKR_OK;
    }
    if ((uintptr_t)reserved < 4096 || strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
        return CKR_ARGUMENTS_BAD;
    }
    *out_config = text + sizeof(prefix) - 1;
    return CKR_OK;
}

/* Mutexes and CKF_LIBRARY_CANT_CREATE_OS_THREADS ask for nothing: we use pthread's, and make no thread. */
static CK_RV read_arguments(const CK_C_INITIALIZE_ARGS *arguments, const char **out_config)
{
    *out_config = NULL;
    if (!arguments) {
        return CKR_OK;
    }
    int num_functions = (arguments->CreateMutex != NULL) + (arguments->DestroyMutex != NULL) +
                        (arguments->LockMutex != NULL) + (arguments->UnlockMutex != NULL);
    if (num_functions != 0 && num_functions != 4) {
        return CKR_ARGUMENTS_BAD;
    }
    return read_reserved(arguments->pReserved, out_config);
}

static bool same_text(const char *left, const char *right)
{
    return left == right || (left && right && strcmp(left, right) == 0);
}

/* A process that may no longer see the file goes on with what it read. */
static bool is_current(const char *config)
{
    struct zca_module *module = zca_module_get();
    struct stat status = {0};
    return module->library && same_text(module->config_file, config) &&
           (stat(zca_library_config_file(module->library), &status) != 0 ||
            zca_file_same(&status, &module->config_status));
}

static void free_token(void *token)
{
    zca_token_free(token);
}

static void drop_tokens(void)
{
    struct zca_module *module = zca_module_get();
    tdestroy(module->tokens_by_id, free_token);
    module->tokens_by_id = NULL;
    free(module->tokens);
    module->tokens = NULL;
    module->num_tokens = 0;
    zca_library_free(module->library);
    module->library = NULL;
    zca_pkcs11_forget_log();
    free(module->config_file);
    module->config_file = NULL;
}

static CK_RV open_library(const char *config)
{
    struct zca_module *module = zca_module_get();
    struct zca_error err = {0};
    const struct zca_library_settings settings = {.config_file = config,
                                                  .keeps_from_engines = true};
    drop_tokens();
    module->config_file = config ? strdup(config) : NULL;
    module->library = zca_library_new(&settings, &err);
    if (!module->library || (config && !module->config_file)) {
        return CKR_HOST_MEMORY;
    }
    module->config_status = (struct stat){0};
    (void)stat(zca_library_config_file(module->library),
               &module->config_status); /* no file, or the next line says why not */
    if (!zca_library_config(module->library, &err)) {
        return zca_pkcs11_fail(module->library, &err);
    }
    return zca_slots_make(module);
}

static bool is_strict(void)
{
    struct zca_module *module = zca_module_get();
    const struct zca_config *config = zca_library_config(module->library, NULL);
    return config &&
           zca_config_get_choice(config, "zca", NULL, &zca_library_options[ZCA_LIBRARY_FORK]) ==
               ZCA_FORK_STRICT;
}

/* Nobody else is in here, and no session exists: tokens may be made without the lock. */
static CK_RV start(const char *config)
{
    struct zca_module *module = zca_module_get();
    if (!module->sessions) {
        module->sessions = zca_sessions_new();
    }
    CK_RV rv = module->sessions ? CKR_OK : CKR_HOST_MEMORY;
    if (rv == CKR_OK && !is_current(config)) {
        rv = open_library(config);
    }
    if (rv != CKR_OK) {
        drop_tokens();
        return rv;
    }
    zca_library_enter(module->library);
    module->is_strict = is_strict();
    return CKR_OK;
}

static CK_RV initialise(const CK_C_INITIALIZE_ARGS *arguments)
{
    struct zca_module *module = zca_module_get();
    const char *config = NULL;
    CK_RV rv = read_arguments(arguments, &config);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&beginning);
    if (module->is_initialised && !module->is_forked) {
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    }
    if (module->is_initialised) { /* a child begins anew */
        zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
        zca_sessions_close_all(alone->sessions, NULL);
        alone->is_initialised = false;
    }
    rv = start(config);
    if (rv != CKR_OK) {
        return rv;
    }
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    alone->is_forked = false;
    alone->is_initialised = true;
    return CKR_OK;
}

CK_RV C_Initialize(void *arguments)
{
    (void)pthread_once(&prepared, prepare); /* cannot fail */
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_Initialize", 0);
    return zca_call_end(&call, initialise(arguments));
}

/* ---- C_Finalize, C_GetInfo ---- */

static CK_RV finalise(const void *reserved)
{
    struct zca_module *module = zca_module_get();
    if (reserved) {
        return CKR_ARGUMENTS_BAD;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&beginning);
    zca_auto(module_lock) struct zca_module *alone = zca_module_change(module);
    if (!zca_module_may_run(alone)) {
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    zca_sessions_close_all(alone->sessions, NULL);
    alone->is_initialised = false;
    alone->is_forked = false;
    zca_slots_wake();
    return CKR_OK;
}

CK_RV C_Finalize(void *reserved)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin_always("C_Finalize", 0);
    return zca_call_end(&call, finalise(reserved));
}

static CK_RV get_info(CK_INFO *info)
{
    if (!info) {
        return CKR_ARGUMENTS_BAD;
    }
    *info = (CK_INFO){
        .cryptokiVersion = {2, 40},
          .libraryVersion = {0, 1 }
    };
    zca_text_pad(info->manufacturerID, sizeof(info->manufacturerID), "zca");
    zca_text_pad(info->libraryDescription, sizeof(info->libraryDescription), "zca organisation CA");
    return CKR_OK;
}

CK_RV C_GetInfo(CK_INFO *info)
{
    zca_auto(zca_call) struct zca_call call = zca_call_begin("C_GetInfo", 0);
    return call.rv ? call.rv : zca_call_end(&call, get_info(info));
}
