/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates on demand through the PKCS#11 module: each identity of zca.conf makes its key, and then what a search for
 * certificates takes is measured, which requests one. And durable stores alone, of what a journal has.
 *
 * usage: issue MODULE [NUMBER]      microseconds of the first NUMBER identities, one a line; all by default
 *        issue stores FILE NUMBER   microseconds of NUMBER stores
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "pkcs11-module/cryptoki.h"

#define MAX_SLOTS 256
#define STORE_LEN 2048

static void check(const char *what, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "%s: 0x%lx\n", what, rv);
        exit(1);
    }
}

static CK_FUNCTION_LIST *load(const char *path)
{
    CK_FUNCTION_LIST *functions = NULL;
    CK_C_GetFunctionList get_list = NULL;
    void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (loaded) {
        *(void **)&get_list = dlsym(loaded, "C_GetFunctionList");
    }
    check(path, get_list ? get_list(&functions) : CKR_GENERAL_ERROR);
    return functions;
}

/* The microseconds of a search, which must find something. */
static long search(const CK_FUNCTION_LIST *functions, CK_SESSION_HANDLE session,
                   CK_OBJECT_CLASS class)
{
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)}
    };
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    int64_t began_us = zca_clock_monotonic_us();
    check("C_FindObjectsInit", functions->C_FindObjectsInit(session, template, 1));
    int64_t took_us = zca_clock_monotonic_us() - began_us;
    check("C_FindObjects", functions->C_FindObjects(session, &found, 1, &count));
    check("C_FindObjectsFinal", functions->C_FindObjectsFinal(session));
    check("nothing is found", count == 1 ? CKR_OK : CKR_GENERAL_ERROR);
    return (long)took_us;
}

static void measure(const char *path, CK_ULONG number)
{
    CK_SLOT_ID slots[MAX_SLOTS];
    CK_ULONG count = MAX_SLOTS;
    CK_FUNCTION_LIST *functions = load(path);
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    check("C_Initialize", functions->C_Initialize(&arguments));
    check("C_GetSlotList", functions->C_GetSlotList(CK_TRUE, slots, &count));
    for (CK_ULONG i = 0; i < count && i < number; i++) {
        CK_SESSION_HANDLE session = 0;
        check("C_OpenSession",
              functions->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session));
        (void)search(functions, session, CKO_PRIVATE_KEY); /* makes it */
        printf("%ld\n", search(functions, session, CKO_CERTIFICATE));
        check("C_CloseSession", functions->C_CloseSession(session));
    }
    check("C_Finalize", functions->C_Finalize(NULL));
}

static void measure_stores(const char *path, long number)
{
    static uint8_t bytes[STORE_LEN];
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    for (long i = 0; i < number; i++) {
        int64_t began_us = zca_clock_monotonic_us();
        if (!zca_file_store(path, 0600, zca_span_of(bytes, sizeof(bytes)), &err)) {
            fprintf(stderr, "%s\n", err.message);
            exit(1);
        }
        printf("%ld\n", (long)(zca_clock_monotonic_us() - began_us));
    }
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "stores") == 0) {
        measure_stores(argv[2], strtol(argv[3], NULL, 10));
    } else if (argc == 2 || argc == 3) {
        measure(argv[1], argc == 3 ? strtoul(argv[2], NULL, 10) : MAX_SLOTS);
    } else {
        fprintf(stderr, "usage: issue MODULE [NUMBER] | issue stores FILE NUMBER\n");
        return 1;
    }
    return 0;
}
