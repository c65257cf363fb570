/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic cell rate algorithm (ITU-T I.371): one time a client and rule, the theoretical arrival of
 * its next request. Slots are found by a keyed hash and the one that ran out longest ago is taken
 * over, so that a flood of addresses forgets only those it cannot aim at.
 */
#include "server/limit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#define NUM_SETS 2048u /* of slots; a power of two */
#define NUM_WAYS 4u    /* slots in a set */
#define NUM_COUNTERS 16384u

struct slot {
    struct zca_client_address client;
    size_t rule;
    int64_t arrival_ms; /* theoretical arrival time; in the past: the slot is free */
};

struct zca_limiter {
    uint64_t seed;
    long connections_per_address;
    uint32_t num_connections[NUM_COUNTERS]; /* two clients that share a counter share the limit */
    struct slot slots[NUM_SETS][NUM_WAYS];
    size_t num_rules;
    struct zca_limit_rule rules[];
};

/* Finalizer of MurmurHash3: every bit of the input changes every bit of the output. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 33)) * 0xff51afd7ed558ccdULL;
    value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53ULL;
    return value ^ (value >> 33);
}

static size_t hash_client(const struct zca_limiter *limiter, struct zca_client_address client,
                          size_t salt)
{
    uint64_t hash = mix(limiter->seed ^ client.high);
    return (size_t)mix(hash ^ client.low ^ (limiter->seed << 1) ^ salt);
}

struct zca_client_address zca_client_address_of(const struct sockaddr *address)
{
    struct zca_client_address client = {0};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)address;
        client.low = (uint64_t)0xffff << 32 | ntohl(ipv4->sin_addr.s_addr);
        client.loopback = client.low >> 24 == ((uint64_t)0xffff << 8 | 127);
    }
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *ipv6 = (const void *)address;
        const uint8_t *bytes = ipv6->sin6_addr.s6_addr;
        size_t len = IN6_IS_ADDR_V4MAPPED(&ipv6->sin6_addr) ? 16 : 8;
        for (size_t i = 0; i < len; i++) {
            uint64_t *half = i < 8 ? &client.high : &client.low;
            *half = *half << 8 | bytes[i];
        }
        client.loopback = IN6_IS_ADDR_LOOPBACK(&ipv6->sin6_addr) ||
                          (len == 16 && client.low >> 24 == ((uint64_t)0xffff << 8 | 127));
    }
    return client;
}

struct zca_limiter *zca_limiter_new(const struct zca_limit_rule *rules, size_t num_rules,
                                    long connections_per_address, struct zca_error *err)
{
    zca_auto(zca_limiter) struct zca_limiter *limiter =
        calloc(1, sizeof *limiter + num_rules * sizeof *rules);
    if (!limiter) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making the rate limiter"); /* always false */
        return NULL;
    }
    if (RAND_bytes((unsigned char *)&limiter->seed, sizeof limiter->seed) != 1) {
        (void)zca_error_set_crypto(err, "seeding the rate limiter"); /* always false */
        return NULL;
    }
    limiter->connections_per_address = connections_per_address;
    limiter->num_rules = num_rules;
    memcpy(limiter->rules, rules, num_rules * sizeof *rules);
    return zca_steal(limiter);
}

void zca_limiter_free(struct zca_limiter *limiter)
{
    free(limiter);
}

static uint32_t *connections_of(struct zca_limiter *limiter, struct zca_client_address client)
{
    return &limiter->num_connections[hash_client(limiter, client, 0) % NUM_COUNTERS];
}

bool zca_limiter_enter(struct zca_limiter *limiter, struct zca_client_address client)
{
    uint32_t *count = connections_of(limiter, client);
    if (!client.loopback && *count >= (uint32_t)limiter->connections_per_address) {
        return false;
    }
    (*count)++;
    return true;
}

void zca_limiter_leave(struct zca_limiter *limiter, struct zca_client_address client)
{
    (*connections_of(limiter, client))--;
}

/* The client's slot, or the one of its set that ran out longest ago, made the client's. */
static struct slot *find_slot(struct zca_limiter *limiter, size_t rule,
                              struct zca_client_address client, int64_t now_ms)
{
    struct slot *set = limiter->slots[hash_client(limiter, client, rule + 1) % NUM_SETS];
    struct slot *oldest = &set[0];
    for (size_t i = 0; i < NUM_WAYS; i++) {
        bool same = set[i].arrival_ms != 0 && set[i].rule == rule &&
                    set[i].client.high == client.high && set[i].client.low == client.low;
        if (same) {
            return &set[i];
        }
        if (set[i].arrival_ms < oldest->arrival_ms) {
            oldest = &set[i];
        }
    }
    *oldest = (struct slot){.client = client, .rule = rule, .arrival_ms = now_ms};
    return oldest;
}

long zca_limiter_admit(struct zca_limiter *limiter, size_t rule, struct zca_client_address client,
                       int64_t now_ms)
{
    const struct zca_limit_rule *limit = &limiter->rules[rule];
    if (limit->burst <= 0) {
        return 0;
    }
    struct slot *slot = find_slot(limiter, rule, client, now_ms);
    int64_t interval_ms = limit->period_s * 1000 / limit->burst;
    int64_t tolerance_ms = limit->period_s * 1000 - interval_ms;
    int64_t arrival_ms = slot->arrival_ms > now_ms ? slot->arrival_ms : now_ms;
    if (arrival_ms - now_ms > tolerance_ms) {
        return (long)((arrival_ms - now_ms - tolerance_ms + 999) / 1000);
    }
    slot->arrival_ms = arrival_ms + interval_ms;
    return 0;
}
