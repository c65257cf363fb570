/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PKCS#11 module beside OpenSSL itself, and beside another module: signatures, key pairs, searches, sessions, all with
 * session objects of the module's first token. One thread by its CPU time, two by the wall clock.
 *
 * usage: pkcs11 ROUNDS MODULE [OTHER-MODULE PIN]  costs as JSON lines
 *        pkcs11 count raw|MODULE NUMBER           NUMBER signatures inside counted_signatures, for callgrind
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "base/auto.h"
#include "pkcs11-module/cryptoki.h"
#include "tests/bench/context.h"

#define TURN_US 10000
#define MESSAGE_LEN 600 /* about a certificate */
#define DIGEST_LEN 32
#define DIGEST_INFO_LEN 51
#define SIGNATURE_LEN 256
#define MAX_THREADS 2
#define NUM_PAIRS 5000 /* two objects each */

static unsigned char message[MESSAGE_LEN];
static OSSL_LIB_CTX *context;

/* ---- a module ---- */

struct module {
    CK_FUNCTION_LIST *functions;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE sessions[MAX_THREADS];
    CK_OBJECT_HANDLE ec, rsa; /* private keys */
};

static void check(const char *what, CK_RV rv)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "0x%lx: ", rv);
        bench_stop(what);
    }
}

static CK_OBJECT_HANDLE generate(const struct module *module, CK_MECHANISM_TYPE type,
                                 CK_ATTRIBUTE parameter, CK_ULONG id, CK_OBJECT_HANDLE *out_public)
{
    static CK_BBOOL no = CK_FALSE;
    CK_MECHANISM mechanism = {.mechanism = type};
    CK_OBJECT_HANDLE private_key = 0;
    CK_ATTRIBUTE public_part[] = {
        parameter, {CKA_TOKEN, &no, sizeof(no)},
         {CKA_ID,    &id, sizeof(id)}
    };
    CK_ATTRIBUTE private_part[] = {
        {CKA_TOKEN, &no, sizeof(no)},
        {CKA_ID,    &id, sizeof(id)},
    };
    check("generating a key pair",
          module->functions->C_GenerateKeyPair(module->sessions[0], &mechanism, public_part, 3,
                                               private_part, 2, out_public, &private_key));
    return private_key;
}

static CK_OBJECT_HANDLE generate_ec(const struct module *module, CK_ULONG id,
                                    CK_OBJECT_HANDLE *out_public)
{
    static unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_ATTRIBUTE curve = {CKA_EC_PARAMS, p256, sizeof(p256)};
    return generate(module, CKM_EC_KEY_PAIR_GEN, curve, id, out_public);
}

static struct module open_module(const char *path, const char *pin)
{
    struct module module = {0};
    CK_SLOT_ID slots[64];
    CK_ULONG count = ZCA_COUNT(slots), bits = 2048;
    CK_OBJECT_HANDLE public_key;
    void *loaded = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_list = NULL;
    if (loaded) {
        *(void **)&get_list = dlsym(loaded, "C_GetFunctionList");
    }
    if (!get_list) {
        bench_stop(path);
    }
    check("C_GetFunctionList", get_list(&module.functions));
    CK_C_INITIALIZE_ARGS arguments = {.flags = CKF_OS_LOCKING_OK};
    check("C_Initialize", module.functions->C_Initialize(&arguments));
    CK_RV rv = module.functions->C_GetSlotList(CK_TRUE, slots, &count);
    check("C_GetSlotList", count == 0 ? CKR_SLOT_ID_INVALID : rv);
    module.slot = slots[0];
    for (size_t i = 0; i < MAX_THREADS; i++) {
        check("C_OpenSession",
              module.functions->C_OpenSession(module.slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                              NULL, NULL, &module.sessions[i]));
    }
    if (pin) {
        check("C_Login", module.functions->C_Login(module.sessions[0], CKU_USER, (CK_UTF8CHAR *)pin,
                                                   strlen(pin)));
    }
    module.ec = generate_ec(&module, 0, &public_key);
    module.rsa = generate(&module, CKM_RSA_PKCS_KEY_PAIR_GEN,
                          (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof(bits)}, 0, &public_key);
    return module;
}

/* ---- one operation ---- */

/* A thread of one variant: module NULL is OpenSSL itself. */
struct worker {
    const struct way *way;
    const struct module *module;
    size_t number;
    EVP_PKEY *key;
    EVP_PKEY_CTX *reused;
    double us;
};

struct way {
    const char *name;
    size_t num_threads;
    bool is_rsa;
    void (*prepare_raw)(struct worker *worker);
    void (*run_raw)(struct worker *worker);
    void (*run)(struct worker *worker);
    CK_MECHANISM mechanism;
    size_t input_len;
    long batch; /* calls between two looks at the clock, which is a system call; 0: 8 */
};

static void prepare_signing(struct worker *worker)
{
    const CK_MECHANISM *mechanism = &worker->way->mechanism;
    worker->reused = EVP_PKEY_CTX_new_from_pkey(context, worker->key, NULL);
    bool is_ready = worker->reused && EVP_PKEY_sign_init(worker->reused) == 1;
    if (is_ready && mechanism->mechanism == CKM_RSA_PKCS_PSS) {
        is_ready = EVP_PKEY_CTX_set_rsa_padding(worker->reused, RSA_PKCS1_PSS_PADDING) == 1 &&
                   EVP_PKEY_CTX_set_signature_md(worker->reused, EVP_sha256()) == 1 &&
                   EVP_PKEY_CTX_set_rsa_pss_saltlen(worker->reused, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    if (!is_ready) {
        bench_stop("preparing");
    }
}

static void sign_raw(struct worker *worker)
{
    unsigned char signature[SIGNATURE_LEN];
    size_t len = sizeof(signature);
    if (EVP_PKEY_sign(worker->reused, signature, &len, message, worker->way->input_len) != 1) {
        bench_stop("signing");
    }
}

static void sign_message_raw(struct worker *worker)
{
    unsigned char signature[SIGNATURE_LEN];
    size_t len = sizeof(signature);
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    if (!signer ||
        EVP_DigestSignInit_ex(signer, NULL, "SHA256", context, NULL, worker->key, NULL) != 1 ||
        EVP_DigestSign(signer, signature, &len, message, worker->way->input_len) != 1) {
        bench_stop("signing a message");
    }
    EVP_MD_CTX_free(signer);
}

static void sign(struct worker *worker)
{
    const struct module *module = worker->module;
    CK_SESSION_HANDLE session = module->sessions[worker->number];
    unsigned char signature[SIGNATURE_LEN];
    CK_ULONG len = sizeof(signature);
    CK_MECHANISM mechanism = worker->way->mechanism;
    check("C_SignInit", module->functions->C_SignInit(
                            session, &mechanism, worker->way->is_rsa ? module->rsa : module->ec));
    check("C_Sign",
          module->functions->C_Sign(session, message, worker->way->input_len, signature, &len));
}

static void prepare_generation(struct worker *worker)
{
    worker->reused = EVP_PKEY_CTX_new_from_name(context, "EC", NULL);
    if (!worker->reused || EVP_PKEY_keygen_init(worker->reused) != 1 ||
        EVP_PKEY_CTX_set_group_name(worker->reused, "P-256") != 1) {
        bench_stop("preparing");
    }
}

static void generate_raw(struct worker *worker)
{
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_generate(worker->reused, &key) != 1) {
        bench_stop("generating");
    }
    EVP_PKEY_free(key);
}

static void generate_and_destroy(struct worker *worker)
{
    const struct module *module = worker->module;
    CK_OBJECT_HANDLE public_key = 0;
    CK_OBJECT_HANDLE private_key = generate_ec(module, 0, &public_key);
    check("C_DestroyObject", module->functions->C_DestroyObject(module->sessions[0], private_key));
    check("C_DestroyObject", module->functions->C_DestroyObject(module->sessions[0], public_key));
}

static void get_session_info(struct worker *worker)
{
    CK_SESSION_INFO info;
    check("C_GetSessionInfo", worker->module->functions->C_GetSessionInfo(
                                  worker->module->sessions[worker->number], &info));
}

static void open_and_close(struct worker *worker)
{
    const struct module *module = worker->module;
    CK_SESSION_HANDLE session = 0;
    check("C_OpenSession",
          module->functions->C_OpenSession(module->slot, CKF_SERIAL_SESSION, NULL, NULL, &session));
    check("C_CloseSession", module->functions->C_CloseSession(session));
}

static void find(struct worker *worker)
{
    static CK_ULONG id;
    const struct module *module = worker->module;
    CK_SESSION_HANDLE session = module->sessions[worker->number];
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;
    id = id % NUM_PAIRS + 1;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_ID,    &id,    sizeof(id)   },
    };
    check("C_FindObjectsInit", module->functions->C_FindObjectsInit(session, wanted, 2));
    check("C_FindObjects", module->functions->C_FindObjects(session, &found, 1, &count));
    check("C_FindObjectsFinal", module->functions->C_FindObjectsFinal(session));
    check("finding one", count == 1 ? CKR_OK : CKR_OBJECT_HANDLE_INVALID);
}

/* ---- turns ---- */

static CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, DIGEST_LEN};

#define SIGN(text, threads, rsa, type, parameter, parameter_len, len)                              \
    {                                                                                              \
        text, threads, rsa, prepare_signing, sign_raw, sign, {type, parameter, parameter_len}, len \
    }
#define MESSAGE(text, threads)                                                                     \
    {                                                                                              \
        text, threads, false, NULL, sign_message_raw, sign, {CKM_ECDSA_SHA256, NULL, 0},           \
            MESSAGE_LEN                                                                            \
    }

static const struct way ways[] = {
    SIGN("CKM_ECDSA, 1 thread", 1, false, CKM_ECDSA, NULL, 0, DIGEST_LEN),
    SIGN("CKM_ECDSA, 2 threads", 2, false, CKM_ECDSA, NULL, 0, DIGEST_LEN),
    MESSAGE("CKM_ECDSA_SHA256 of 600 bytes, 1 thread", 1),
    MESSAGE("CKM_ECDSA_SHA256 of 600 bytes, 2 threads", 2),
    SIGN("CKM_RSA_PKCS, 1 thread", 1, true, CKM_RSA_PKCS, NULL, 0, DIGEST_INFO_LEN),
    SIGN("CKM_RSA_PKCS, 2 threads", 2, true, CKM_RSA_PKCS, NULL, 0, DIGEST_INFO_LEN),
    SIGN("CKM_RSA_PKCS_PSS, 1 thread", 1, true, CKM_RSA_PKCS_PSS, &pss, sizeof(pss), DIGEST_LEN),
    {"P-256 key pair, destroyed", 1, false, prepare_generation, generate_raw, generate_and_destroy},
};

/* What OpenSSL has not. */
static const struct way only_modules[] = {
    {"C_GetSessionInfo",          1, false, NULL, NULL, get_session_info, .batch = 256},
    {"session opened and closed", 1, false, NULL, NULL, open_and_close,   .batch = 256},
};
static const struct way search = {"found by CKA_ID among 10,000", 1, false, NULL, NULL, find};

struct comparison {
    const struct way *way;
    const struct module *modules[4]; /* by variant; NULL: OpenSSL */
    EVP_PKEY *key;
};

static void *run_thread(void *argument)
{
    struct worker *worker = argument;
    const struct way *way = worker->way;
    clockid_t clock = way->num_threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
    void (*run)(struct worker *) = worker->module ? way->run : way->run_raw;
    if (!worker->module && way->prepare_raw) {
        way->prepare_raw(worker);
    }
    long batch = way->batch != 0 ? way->batch : 8;
    long count = 0;
    double passed = 0;
    double began = bench_now_us(clock);
    while (passed < TURN_US) {
        for (long i = 0; i < batch; i++) {
            run(worker);
        }
        count += batch;
        passed = bench_now_us(clock) - began;
    }
    EVP_PKEY_CTX_free(worker->reused);
    worker->us = passed / (double)count;
    return NULL;
}

static double take_turn(void *argument, size_t variant)
{
    const struct comparison *comparison = argument;
    struct worker workers[MAX_THREADS];
    pthread_t threads[MAX_THREADS];
    double rate = 0;
    for (size_t i = 0; i < comparison->way->num_threads; i++) {
        workers[i] = (struct worker){.way = comparison->way,
                                     .module = comparison->modules[variant],
                                     .number = i,
                                     .key = comparison->key};
        if (pthread_create(&threads[i], NULL, run_thread, &workers[i]) != 0) {
            bench_stop("starting a thread");
        }
    }
    for (size_t i = 0; i < comparison->way->num_threads; i++) {
        (void)pthread_join(threads[i], NULL); /* it was started */
        rate += 1 / workers[i].us;
    }
    return 1 / rate;
}

/* NULL: the other module has no such mechanism. */
static const struct module *if_it_can(const struct module *other, const struct way *way)
{
    CK_MECHANISM_INFO info;
    bool can = other && (way->mechanism.mechanism == 0 ||
                         other->functions->C_GetMechanismInfo(other->slot, way->mechanism.mechanism,
                                                              &info) == CKR_OK);
    return can ? other : NULL;
}

static void compare(const struct module *ours, const struct module *other, long rounds)
{
    EVP_PKEY *ec = EVP_PKEY_Q_keygen(context, NULL, "EC", "P-256");
    EVP_PKEY *rsa = EVP_PKEY_Q_keygen(context, NULL, "RSA", (size_t)2048);
    struct comparison comparison = {
        .modules = {NULL, NULL, ours}
    };
    if (!ec || !rsa) {
        bench_stop("generating");
    }
    for (size_t i = 0; i < ZCA_COUNT(ways); i++) {
        comparison.way = &ways[i];
        comparison.modules[3] = if_it_can(other, &ways[i]);
        const char *const all[] = {"raw", "again", "zca", comparison.modules[3] ? "other" : NULL,
                                   NULL};
        comparison.key = ways[i].is_rsa ? rsa : ec;
        bench_measure(ways[i].name, all, rounds, take_turn, &comparison);
    }
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
}

static void measure_alone(const struct way *way, const struct module *ours,
                          const struct module *other, long rounds)
{
    const char *const all[] = {"zca", other ? "other" : NULL, NULL};
    struct comparison comparison = {
        .way = way, .modules = {ours, other}
    };
    bench_measure(way->name, all, rounds, take_turn, &comparison);
}

static void fill(const struct module *module)
{
    CK_OBJECT_HANDLE public_key;
    for (CK_ULONG id = 1; module && id <= NUM_PAIRS; id++) {
        (void)generate_ec(module, id, &public_key); /* it is found by its id */
    }
}

/* ---- for callgrind ---- */

__attribute__((noinline)) static void counted_signatures(struct worker *worker, long number)
{
    for (long i = 0; i < number; i++) {
        if (worker->module) {
            worker->way->run(worker);
        } else {
            worker->way->run_raw(worker);
        }
    }
}

static void count(const char *whose, long number)
{
    struct module module;
    struct worker worker = {.way = &ways[0]};
    if (strcmp(whose, "raw") == 0) {
        worker.key = EVP_PKEY_Q_keygen(context, NULL, "EC", "P-256");
        prepare_signing(&worker);
    } else {
        module = open_module(whose, NULL);
        worker.module = &module;
    }
    (worker.module ? sign : sign_raw)(&worker); /* the first makes contexts */
    counted_signatures(&worker, number);
    EVP_PKEY_CTX_free(worker.reused);
    EVP_PKEY_free(worker.key);
}

int main(int argc, char **argv)
{
    context = bench_context_new(false);
    if (argc == 4 && strcmp(argv[1], "count") == 0) {
        count(argv[2], strtol(argv[3], NULL, 10));
    } else if (argc == 3 || argc == 5) {
        long rounds = strtol(argv[1], NULL, 10);
        struct module ours = open_module(argv[2], NULL);
        struct module theirs = {0};
        struct module *other = argc == 5 ? &theirs : NULL;
        if (other) {
            theirs = open_module(argv[3], argv[4]);
        }
        compare(&ours, other, rounds);
        for (size_t i = 0; i < ZCA_COUNT(only_modules); i++) {
            measure_alone(&only_modules[i], &ours, other, rounds);
        }
        fill(&ours);
        fill(other);
        measure_alone(&search, &ours, other, other ? 3 : rounds);
    } else {
        fprintf(stderr, "usage: see the beginning of tests/bench/pkcs11.c\n");
        return 2;
    }
    bench_context_free(context);
    return 0;
}
