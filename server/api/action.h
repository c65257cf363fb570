/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST bodies with an "action": a table of actions, each with the role it needs in the
 * organisation the body names. An unknown action is refused before anything else is looked at.
 */
#ifndef ZCA_SERVER_API_ACTION_H
#define ZCA_SERVER_API_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/auto.h"
#include "base/error.h"
#include "base/json.h"
#include "server/account.h"
#include "server/route.h"
#include "server/state.h"

/* One request on its way through a handler. */
struct zca_api_call {
    struct zca_server *server;
    struct zca_state *state;
    struct zca_http_request *request;
    struct zca_http_response *response;
    const char *org_id;
    enum zca_role role; /* in org_id */
    const char
        *actor; /* for records: the user's address, with the API key's id when one was used */
    struct zca_buffer actor_text;
};

/** Does the work and fills call->response; false: `err` becomes the answer. */
typedef bool zca_api_function(struct zca_api_call *call, struct zca_error *err);

struct zca_action {
    const char *name;
    enum zca_role role;
    unsigned scopes; /* any of them lets an API key in */
    zca_api_function *run;
};

/** zca_action_run finds the row of the body's action, checks organisation, role and scopes, runs it. */
void zca_action_run(const struct zca_action *actions, size_t num_actions, struct zca_server *server,
                    struct zca_http_request *request, struct zca_http_response *response);

/** zca_api_open starts a call; zca_api_admit gives it the organisation and checks the role there;
 * zca_api_close answers a failure and releases the call. For handlers without actions. */
void zca_api_open(struct zca_api_call *call, struct zca_server *server,
                  struct zca_http_request *request, struct zca_http_response *response);
ZCA_NODISCARD bool zca_api_admit(struct zca_api_call *call, const char *org_id, enum zca_role role,
                                 unsigned scopes, struct zca_error *err);
void zca_api_close(struct zca_api_call *call, bool ok, const struct zca_error *err);

/** zca_api_fail answers with an error: its code and status, or INTERNAL_ERROR for our own failures,
 * which are logged. */
void zca_api_fail(struct zca_http_response *response, const struct zca_error *err);

/* Fields of the body. Absent, null and "" leave the output alone; a wrong type is VALIDATION_ERROR. */
ZCA_NODISCARD bool zca_api_text(const struct zca_json *json, const char *name,
                                const char **out_text, struct zca_error *err);
ZCA_NODISCARD bool zca_api_integer(const struct zca_json *json, const char *name,
                                   int64_t *out_value, bool *out_present, struct zca_error *err);
ZCA_NODISCARD bool zca_api_boolean(const struct zca_json *json, const char *name, bool *out_value,
                                   struct zca_error *err);

/** zca_api_words reads an array of at most 100 texts into a NULL-terminated array of borrowed ones,
 * malloc'd; NULL when the field is absent or empty. */
ZCA_NODISCARD bool zca_api_words(const struct zca_json *json, const char *name,
                                 const char ***out_words, struct zca_error *err);

static inline void zca_api_words_free(const char **words)
{
    free((void *)(uintptr_t)words);
}

ZCA_DEFINE_AUTO(zca_api_words, const char *, zca_api_words_free);

/** zca_api_set_time puts a time in ms as RFC 3339 under `name`, null for 0. */
void zca_api_set_time(struct zca_json *json, const char *name, int64_t time_ms);

#endif
