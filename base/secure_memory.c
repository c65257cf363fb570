/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secure heap belongs to the process, so what is known of it does, too: the one place where this code
 * has state of its own outside of objects.
 */
#include "base/secure_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include "base/auto.h"

/* A prime of RSA-2048 fits. OpenSSL keeps four bits for each, zeroed when the heap is made: by each command that loads a key. */
static const size_t least_piece = 128;

static struct {
    pthread_once_t once;
    _Atomic size_t size; /* wanted */
    _Atomic size_t made; /* 0: none of ours */
    void *start;         /* of the heap, to be locked again by children; NULL: unknown */
    size_t len;
} heap = {.once = PTHREAD_ONCE_INIT};

/* MLOCK_ONFAULT: pages that hold nothing stay free. */
void zca_secure_memory_lock_again(void)
{
    if (heap.start) {
        (void)mlock2(heap.start, heap.len, MLOCK_ONFAULT); /* as it was, or above the limit */
    }
}

static void take_range(const char *line, const void *inside)
{
    unsigned long start = 0;
    unsigned long end = 0;
    if (sscanf(line, "%lx-%lx", &start, &end) == 2 && start <= (uintptr_t)inside &&
        (uintptr_t)inside < end) {
        heap.start = (void *)start;
        heap.len = end - start;
    }
}

/* OpenSSL does not tell where the heap is; the kernel does. Processes that never fork need not know. */
void zca_secure_memory_before_fork(void)
{
    void *inside = atomic_load(&heap.made) != 0 && !heap.start ? OPENSSL_secure_malloc(1) : NULL;
    FILE *maps = inside ? fopen("/proc/self/maps", "re") : NULL;
    zca_auto(text) char *line = NULL;
    size_t capacity = 0;
    while (maps && !heap.start && getline(&line, &capacity, maps) > 0) {
        take_range(line, inside);
    }
    if (maps) {
        (void)fclose(maps); /* read only */
    }
    OPENSSL_secure_free(inside);
}

static void make_heap(void)
{
    if (CRYPTO_secure_malloc_initialized()) {
        return; /* the application's own */
    }
    (void)ERR_set_mark(); /* fails for an empty queue; then the pop below empties it again */
    size_t size = atomic_load(&heap.size);
    if (CRYPTO_secure_malloc_init(size, least_piece) != 0) {
        atomic_store(&heap.made, size);
    }
    (void)ERR_pop_to_mark(); /* without a heap private values are in wiped ordinary memory */
}

void zca_secure_memory_open(size_t kib)
{
    if (kib == 0 || CRYPTO_secure_malloc_initialized()) {
        return;
    }
    size_t size = 4096;
    while (size < kib * 1024) {
        size *= 2;
    }
    atomic_store(&heap.size, size);            /* of those who come first the last one decides */
    (void)pthread_once(&heap.once, make_heap); /* cannot fail */
}

/* An eighth is left: of 4096 KiB, what some hundred threads need. */
bool zca_secure_memory_has_room(void)
{
    size_t made = atomic_load(&heap.made);
    return made == 0 || CRYPTO_secure_used() < made - made / 8;
}
