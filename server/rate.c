/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic cell rate algorithm (ITU-T I.371): a name owes time; an event adds a minute's share
 * and is refused when the debt would pass a minute. The name that owes least gives way to a new one.
 */
#include "server/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/lock.h"
#include "server/route.h"

#define NUM_NAMES 1024u
#define MINUTE_US                                                                                  \
    INT64_C(60000000) /* a share in milliseconds would be none above 60,000 a minute */

struct name {
    char text[ZCA_UUID_SIZE];
    int64_t free_at_us; /* when the debt is paid */
};

struct zca_rate {
    pthread_mutex_t mutex;
    struct name names[NUM_NAMES];
};

struct zca_rate *zca_rate_new(struct zca_error *err)
{
    struct zca_rate *rate = calloc(1, sizeof(*rate));
    if (!rate) {
        zca_error_set(err, ZCA_ERR_MEMORY, "preparing rate limits");
        return NULL;
    }
    (void)pthread_mutex_init(&rate->mutex, NULL); /* a default mutex: cannot fail */
    return rate;
}

void zca_rate_free(struct zca_rate *rate)
{
    if (rate) {
        (void)pthread_mutex_destroy(&rate->mutex); /* nobody holds it */
        free(rate);
    }
}

static struct name *find_name(struct zca_rate *rate, const char *text)
{
    struct name *least = &rate->names[0];
    for (size_t i = 0; i < NUM_NAMES; i++) {
        struct name *name = &rate->names[i];
        if (strncmp(name->text, text, sizeof(name->text)) == 0) {
            return name;
        }
        if (name->free_at_us < least->free_at_us) {
            least = name;
        }
    }
    *least = (struct name){0};
    memcpy(least->text, text, strnlen(text, sizeof(least->text) - 1));
    return least;
}

bool zca_rate_admit(struct zca_rate *rate, const char *name, int64_t per_minute, int64_t now_ms)
{
    if (per_minute <= 0) {
        return false;
    }
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&rate->mutex);
    struct name *found = find_name(rate, name);
    int64_t now_us = now_ms * 1000;
    int64_t base_us = found->free_at_us > now_us ? found->free_at_us : now_us;
    int64_t next_us = base_us + MINUTE_US / per_minute;
    if (next_us > now_us + MINUTE_US) {
        return false;
    }
    found->free_at_us = next_us;
    return true;
}
