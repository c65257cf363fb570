/* SPDX-License-Identifier: Apache-2.0 */
/* Opens and closes clients, and guards their operations. */
#include "remote/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const long default_timeout_ms = 30L * 1000;
static const size_t default_max_response = 1024UL * 1024;

/* Set while this thread is inside an operation of any client. */
static _Thread_local bool inside;

static bool copy_settings(struct zca_client *client, const struct zca_client_settings *settings,
                          struct zca_error *err)
{
    client->authority = strdup(settings->authority ? settings->authority : "");
    client->organization = strdup(settings->organization ? settings->organization : "");
    client->machine = strdup(settings->machine ? settings->machine : "");
    client->timeout_ms = settings->timeout_ms > 0 ? settings->timeout_ms : default_timeout_ms;
    return (client->authority && client->organization && client->machine) ||
           zca_error_set(err, ZCA_ERR_MEMORY, "copying settings");
}

static struct zca_client *make_client(const struct zca_client_settings *settings,
                                      struct zca_error *err)
{
    zca_auto(zca_client) struct zca_client *client = calloc(1, sizeof(*client));
    if (!client) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "making a client"); /* NULL tells */
        return NULL;
    }
    client->dialect = zca_dialect_find(settings->dialect ? settings->dialect : "");
    if (!client->dialect) {
        (void)zca_error_set(err, ZCA_ERR_CONFIG, "there is no dialect '%s'",
                            settings->dialect ? settings->dialect : ""); /* NULL tells */
        return NULL;
    }
    if (!copy_settings(client, settings, err)) {
        return NULL;
    }
    struct zca_client_settings limited = *settings;
    limited.max_response = limited.max_response > 0 ? limited.max_response : default_max_response;
    client->http = zca_http_open(&limited, err);
    client->auth = client->http ? zca_auth_open(settings, client->dialect->auth, err) : NULL;
    return client->auth ? zca_steal(client) : NULL;
}

struct zca_client *zca_client_open(const struct zca_client_settings *settings,
                                   struct zca_error *err)
{
    struct zca_client *client = make_client(settings, err);
    if (!client) {
        (void)zca_error_context(err, "opening authority '%s'",
                                settings->authority ? settings->authority : ""); /* NULL tells */
    }
    return client;
}

/* Everything but the connection. */
static void release(struct zca_client *client)
{
    zca_auth_close(client->auth);
    free(client->authority);
    free(client->organization);
    free(client->machine);
    free(client);
}

void zca_client_close(struct zca_client *client)
{
    if (client) {
        zca_http_close(client->http);
        release(client);
    }
}

void zca_client_forget(struct zca_client *client)
{
    if (client) {
        zca_http_forget(client->http);
        release(client);
    }
}

struct zca_client *zca_client_enter(struct zca_client *client, bool offered, const char *operation,
                                    struct zca_error *err)
{
    if (!offered) {
        (void)zca_error_set(err, ZCA_ERR_UNSUPPORTED, "%s: dialect '%s' of authority '%s' cannot",
                            operation, client->dialect->name, client->authority); /* NULL tells */
        return NULL;
    }
    if (inside) {
        (void)zca_error_set(err, ZCA_ERR_BUSY,
                            "%s at authority '%s': this thread is asking an authority already",
                            operation, client->authority); /* NULL tells */
        return NULL;
    }
    inside = true;
    client->renewed = false;
    client->deadline_ms = zca_clock_monotonic_ms() + client->timeout_ms;
    return client;
}

void zca_client_leave(struct zca_client *client)
{
    if (client) {
        inside = false;
    }
}
