/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does the module keep memory? Many signatures, then many children that sign once; the resident set may not
 * grow by 1 MiB.
 * usage: pkcs11-soak MODULE CONFIG TOKEN SIGNATURES CHILDREN
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pkcs11-module/cryptoki.h"

#define MAX_GROWTH_KIB 1024
#define NUM_WARMING 1000

static CK_FUNCTION_LIST *functions;
static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};

static void demand(bool is_good, const char *what)
{
    if (!is_good) {
        (void)fprintf(stderr, "pkcs11-soak: %s\n", what);
        exit(1);
    }
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    demand(file && fscanf(file, "%*d %ld", &pages) == 1, "reading the resident set");
    (void)fclose(file); /* it was read */
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void load(const char *module, const char *config)
{
    char argument[4096];
    void *library = dlopen(module, RTLD_NOW);
    demand(library, "opening the module");
    CK_C_GetFunctionList get_list = NULL;
    void *symbol = dlsym(library, "C_GetFunctionList");
    memcpy(&get_list, &symbol, sizeof(symbol));
    demand(get_list && get_list(&functions) == CKR_OK, "C_GetFunctionList");
    (void)snprintf(argument, sizeof(argument), "config=%s", config); /* too long: no such file */
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK, .pReserved = argument};
    demand(functions->C_Initialize(&arguments) == CKR_OK, "C_Initialize");
}

static CK_SESSION_HANDLE open_token(const char *token)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE session = 0;
    demand(functions->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK, "C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++) {
        demand(functions->C_GetTokenInfo(slots[i], &info) == CKR_OK, "C_GetTokenInfo");
        if (memcmp(info.label, token, strlen(token)) == 0) {
            demand(functions->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session) ==
                       CKR_OK,
                   "C_OpenSession");
            return session;
        }
    }
    demand(false, "no such token");
    return 0;
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE session)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE attribute = {CKA_CLASS, &class, sizeof(class)};
    CK_OBJECT_HANDLE key = 0;
    CK_ULONG count = 0;
    demand(functions->C_FindObjectsInit(session, &attribute, 1) == CKR_OK &&
               functions->C_FindObjects(session, &key, 1, &count) == CKR_OK && count == 1 &&
               functions->C_FindObjectsFinal(session) == CKR_OK,
           "finding the key");
    return key;
}

static bool sign(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    static CK_BYTE digest[32];
    CK_BYTE signature[64];
    CK_ULONG len = sizeof(signature);
    return functions->C_SignInit(session, &ecdsa, key) == CKR_OK &&
           functions->C_Sign(session, digest, sizeof(digest), signature, &len) == CKR_OK;
}

static void sign_many(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, long count)
{
    for (long i = 0; i < count; i++) {
        demand(sign(session, key), "signing");
    }
}

static void fork_many(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, long count)
{
    for (long i = 0; i < count; i++) {
        int status = -1;
        pid_t pid = fork();
        if (pid == 0) {
            _exit(sign(session, key) ? 0 : 1);
        }
        demand(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "a child");
    }
}

static bool report(const char *what, long count, long before)
{
    long growth = resident_kib() - before;
    (void)printf("%ld %s: the resident set grew by %ld KiB\n", count, what, growth);
    return growth < MAX_GROWTH_KIB;
}

int main(int argc, char **argv)
{
    demand(argc == 6, "usage: pkcs11-soak MODULE CONFIG TOKEN SIGNATURES CHILDREN");
    load(argv[1], argv[2]);
    CK_SESSION_HANDLE session = open_token(argv[3]);
    CK_OBJECT_HANDLE key = find_key(session);
    long num_signatures = strtol(argv[4], NULL, 10);
    long num_children = strtol(argv[5], NULL, 10);
    sign_many(session, key, NUM_WARMING);
    fork_many(session, key, 1);
    long before = resident_kib();
    sign_many(session, key, num_signatures);
    bool is_good = report("signatures", num_signatures, before);
    before = resident_kib();
    fork_many(session, key, num_children);
    is_good &= report("children", num_children, before);
    return is_good ? 0 : 1;
}
