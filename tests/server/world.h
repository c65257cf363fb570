/* SPDX-License-Identifier: Apache-2.0 */
/* A server without a network: a state in a directory of its own, two organisations, users. */
#ifndef ZCA_TESTS_SERVER_WORLD_H
#define ZCA_TESTS_SERVER_WORLD_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/json.h"
#include "server/route.h"
#include "server/server.h"
#include "server/state.h"

enum who { OWNER, ADMIN, MEMBER, AUDITOR, OUTSIDER, NUM_WHO };

struct world {
    struct zca_server server;
    char *directory;
    char org[ZCA_UUID_SIZE];   /* OWNER to AUDITOR have their roles here */
    char other[ZCA_UUID_SIZE]; /* OUTSIDER is an owner there */
    char users[NUM_WHO][ZCA_UUID_SIZE];
};

/* cmocka's setup and teardown: *state is a struct world. */
int world_open(void **state);
int world_close(void **state);

/** world_reopen closes and opens the state again, as a restart does. */
void world_reopen(struct world *world);

/** world_header appends "Bearer TOKEN" for a user; lifetime_s may be negative. */
void world_header(struct world *world, enum who who, int64_t lifetime_s, struct zca_buffer *out);

/* An answer. */
struct answer {
    int status;
    struct zca_json *json; /* NULL when the body is no JSON */
    struct zca_buffer body;
};

void answer_clear(struct answer *answer);
ZCA_DEFINE_AUTO_CLEAR(answer, struct answer, answer_clear);

/** world_ask runs a request through its route. header NULL: no credentials; body NULL: none.
 * path may have a query. A path without a route gives status 404. */
struct answer world_ask(struct world *world, const char *method, const char *path,
                        const char *header, const char *body);

/** world_action posts an action as a user; more: further members ("\"ttl_hours\":1"), or "". */
struct answer world_action(struct world *world, enum who who, const char *action, const char *more);

/** answer_code returns error.code, "" without one. answer_data the text of data.NAME, "" without. */
const char *answer_code(const struct answer *answer);
const char *answer_data(const struct answer *answer, const char *name);

#endif
