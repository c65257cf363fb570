/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for private values: OpenSSL's secure heap (CRYPTO_secure_malloc_init(3)), which is locked, left out of core
 * dumps and wiped. Key managements put private values there by themselves, once there is one.
 */
#ifndef ZCA_BASE_SECURE_MEMORY_H
#define ZCA_BASE_SECURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * zca_secure_memory_open makes the heap, unless this process has one already or `kib` is 0: before the first
 * private value. Thread-safe; the first call decides for the process. Where the limit for locked memory
 * (RLIMIT_MEMLOCK) is lower, the heap is not locked, but still left out of core dumps.
 *
 * kib   KiB of address space, rounded up to a power of two; pages that nothing was put into take no memory.
 */
void zca_secure_memory_open(size_t kib);

/** zca_secure_memory_has_room tells whether there is room for one more key, and enough left then for those that are
 * there: OpenSSL signs and makes random numbers in this memory, too, and fails where it is full. True for a heap that
 * is not ours. */
bool zca_secure_memory_has_room(void);

/** zca_secure_memory_before_fork finds out what the child has to lock. */
void zca_secure_memory_before_fork(void);

/** zca_secure_memory_lock_again is for the child of a fork(2): locks of memory are not inherited. Async-signal-safe. */
void zca_secure_memory_lock_again(void);

#endif
