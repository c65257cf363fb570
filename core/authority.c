/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorities of zca.conf and their clients. A client outlives the object that used it: it goes
 * back to the library, so that the next identity finds an open connection. A client of before a
 * fork is forgotten, not closed: the connection is the parent's.
 */
#include "core/authority.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"

static const size_t max_response = 1024 * 1024;
static const size_t max_idle = 4;

struct zca_authority {
    struct zca_library *library;
    const struct zca_config *config; /* the library's */
    char *name;
    struct zca_client *client; /* NULL until asked for */
    pid_t client_owner;
    struct zca_buffer credential; /* empty: the files of the configuration */
    int64_t credential_expires_at_s;
};

/* ---- idle clients, a part of the library ---- */

struct idle {
    struct idle *next;
    char *authority;
    const struct zca_remote *remote;
    struct zca_client *client;
    pid_t owner;
};

struct pool {
    pthread_mutex_t mutex;
    struct idle *idle;
    size_t num_idle;
};

static void *pool_new(void)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool && pthread_mutex_init(&pool->mutex, NULL) != 0) {
        free(pool);
        return NULL;
    }
    return pool;
}

static void drop_client(const struct zca_remote *remote, struct zca_client *client, pid_t owner)
{
    if (owner == getpid()) {
        remote->client_close(client);
    } else {
        remote->client_forget(client);
    }
}

static void pool_free(void *part)
{
    struct pool *pool = part;
    while (pool->idle) {
        struct idle *idle = pool->idle;
        pool->idle = idle->next;
        drop_client(idle->remote, idle->client, idle->owner);
        free(idle->authority);
        free(idle);
    }
    (void)pthread_mutex_destroy(&pool->mutex); /* nobody holds it any more */
    free(pool);
}

static void pool_forked(void *part)
{
    struct pool *pool = part;
    (void)pthread_mutex_init(&pool->mutex, NULL); /* cannot fail with default attributes */
}

static const struct zca_part_functions pool_functions = {pool_new, pool_free, pool_forked};

static struct pool *open_pool(struct zca_library *library, struct zca_error *err)
{
    return zca_library_part(library, ZCA_PART_CLIENTS, &pool_functions, err);
}

/* Takes a client of this process out of the pool, or returns NULL. */
static struct zca_client *take_idle(struct pool *pool, const char *authority)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&pool->mutex);
    struct idle **link = &pool->idle;
    while (*link && ((*link)->owner != getpid() || strcmp((*link)->authority, authority) != 0)) {
        link = &(*link)->next;
    }
    struct idle *idle = *link;
    if (!idle) {
        return NULL;
    }
    struct zca_client *client = idle->client;
    *link = idle->next;
    pool->num_idle--;
    free(idle->authority);
    free(idle);
    return client;
}

/* Puts a client into the pool; false when it has no place. */
static bool put_idle(struct pool *pool, const char *authority, const struct zca_remote *remote,
                     struct zca_client *client)
{
    zca_auto(lock) pthread_mutex_t *held = zca_lock(&pool->mutex);
    zca_auto(text) char *copy = strdup(authority);
    struct idle *idle = pool->num_idle < max_idle && copy ? malloc(sizeof(*idle)) : NULL;
    if (!idle) {
        return false;
    }
    *idle = (struct idle){
        .next = pool->idle,
        .authority = zca_steal(copy),
        .remote = remote,
        .client = client,
        .owner = getpid(),
    };
    pool->idle = idle;
    pool->num_idle++;
    return true;
}

/* ---- open and close ---- */

static const char *get_text(const struct zca_authority *authority, enum zca_authority_option option)
{
    const char *text = zca_config_get_text(authority->config, "authority", authority->name,
                                           &zca_authority_options[option]);
    return text && *text != '\0' ? text : NULL; /* unset paths are "" */
}

static bool list_names(const char *const *names, struct zca_buffer *text, struct zca_error *err)
{
    for (size_t i = 0; names[i]; i++) {
        if (!zca_buffer_format(text, err, "%s'%s'", i == 0 ? "" : ", ", names[i])) {
            return false;
        }
    }
    return true;
}

static void report_unknown(const char *name, const char *const *names, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer known = {.limit = 200};
    const char *nearest = zca_nearest(name, names);
    if (nearest) {
        zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no authority '%s': did you mean '%s'?",
                      name, nearest);
        return;
    }
    (void)list_names(names, &known, NULL); /* a list that does not fit is cut */
    zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no authority '%s': configured: %s", name,
                  known.len > 0 ? (const char *)known.data : "none; see 'zca login'");
}

/* The name that NULL stands for; borrowed from the configuration. */
static const char *default_name(struct zca_library *library, const struct zca_config *config,
                                const char *const *names, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer known = {.limit = 200};
    const char *name = zca_config_get_text(config, "zca", NULL,
                                           &zca_library_options[ZCA_LIBRARY_DEFAULT_AUTHORITY]);
    if (name && *name != '\0') {
        return name;
    }
    if (!names || !names[0]) {
        zca_error_set(err, ZCA_ERR_NOT_FOUND,
                      "no authority is configured in '%s': 'zca login --url URL' adds one",
                      zca_library_config_file(library));
        return NULL;
    }
    if (names[1]) {
        (void)list_names(names, &known, NULL); /* a list that does not fit is cut */
        zca_error_set(err, ZCA_ERR_NOT_FOUND,
                      "several authorities are configured (%s): name one or set default-authority",
                      known.len > 0 ? (const char *)known.data : "");
        return NULL;
    }
    return names[0];
}

struct zca_authority *zca_authority_open(struct zca_library *library, const char *name,
                                         struct zca_error *err)
{
    static const char *const none[] = {NULL};
    const struct zca_config *config = zca_library_config(library, err);
    if (!config) {
        return NULL;
    }
    const char *const *names = zca_config_names(config, "authority");
    names = names ? names : none;
    const char *found = name ? name : default_name(library, config, names, err);
    if (!found) {
        return NULL;
    }
    if (!zca_config_has(config, "authority", found)) {
        report_unknown(found, names, err);
        return NULL;
    }
    if (!zca_name_valid(found)) {
        zca_error_set(err, ZCA_ERR_CONFIG, "'%s' cannot be the name of an authority", found);
        return NULL;
    }
    zca_auto(zca_authority) struct zca_authority *authority = calloc(1, sizeof(*authority));
    char *copy = strdup(found);
    if (!authority || !copy) {
        free(copy);
        zca_error_set(err, ZCA_ERR_MEMORY, "opening authority '%s'", found);
        return NULL;
    }
    authority->credential.secret = true;
    authority->name = copy;
    authority->library = library;
    authority->config = config;
    return zca_steal(authority);
}

/* Whoever gets the client next has nothing of our credential. */
static bool take_credential_away(const struct zca_authority *authority,
                                 const struct zca_remote *remote)
{
    int64_t expires_at_s = 0;
    return authority->credential.len == 0 ||
           remote->client_authorise(authority->client, zca_span_of(NULL, 0), &expires_at_s, NULL);
}

void zca_authority_close(struct zca_authority *authority)
{
    if (!authority) {
        return;
    }
    if (authority->client) {
        /* it was opened, so the table and the pool are there */
        const struct zca_remote *remote = zca_library_remote(authority->library, NULL);
        struct pool *pool = open_pool(authority->library, NULL);
        bool ours = authority->client_owner == getpid();
        bool kept = remote && pool && ours && take_credential_away(authority, remote) &&
                    put_idle(pool, authority->name, remote, authority->client);
        if (remote && !kept) {
            drop_client(remote, authority->client, authority->client_owner);
        }
    }
    zca_buffer_clear(&authority->credential);
    free(authority->name);
    free(authority);
}

const char *zca_authority_get_name(const struct zca_authority *authority)
{
    return authority->name;
}

const char *zca_authority_get_dialect(const struct zca_authority *authority)
{
    const char *dialect = get_text(authority, ZCA_AUTHORITY_DIALECT);
    return dialect ? dialect : "";
}

const char *zca_authority_get_url(const struct zca_authority *authority)
{
    const char *url = get_text(authority, ZCA_AUTHORITY_URL);
    return url ? url : "";
}

const char *zca_authority_get_text(const struct zca_authority *authority,
                                   enum zca_authority_option option)
{
    return get_text(authority, option);
}

struct zca_library *zca_authority_get_library(const struct zca_authority *authority)
{
    return authority->library;
}

/* ---- client ---- */

bool zca_authority_capabilities(struct zca_authority *authority, unsigned *out_capabilities,
                                struct zca_error *err)
{
    const struct zca_remote *remote = zca_library_remote(authority->library, err);
    if (!remote) {
        return false;
    }
    unsigned capabilities = remote->capabilities(zca_authority_get_dialect(authority));
    if (capabilities == 0) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "authority '%s': there is no dialect '%s'",
                             authority->name, zca_authority_get_dialect(authority));
    }
    *out_capabilities = capabilities;
    return true;
}

static long timeout_ms(const struct zca_authority *authority)
{
    long timeout_s = zca_config_get_number(authority->config, "authority", authority->name,
                                           &zca_authority_options[ZCA_AUTHORITY_TIMEOUT]);
    if (timeout_s <= 0) {
        timeout_s = zca_config_get_number(authority->config, "zca", NULL,
                                          &zca_library_options[ZCA_LIBRARY_TIMEOUT]);
    }
    return timeout_s * 1000;
}

/* TLS needs decoders, which the default provider has: beside another crypto provider it gets a context of its own. */
static bool find_context(const struct zca_authority *authority, OSSL_LIB_CTX **out_context,
                         struct zca_error *err)
{
    const char *crypto = zca_config_get_text(authority->config, "zca", NULL,
                                             &zca_library_options[ZCA_LIBRARY_CRYPTO_PROVIDER]);
    *out_context = NULL;
    if (strcmp(crypto, "default") != 0) {
        return true;
    }
    *out_context = zca_library_context(authority->library, err);
    return *out_context;
}

static struct zca_client *open_client(const struct zca_authority *authority,
                                      const struct zca_remote *remote, struct zca_error *err)
{
    const char *token_file = get_text(authority, ZCA_AUTHORITY_TOKEN_FILE);
    zca_auto(text) char *own_token_file =
        token_file ? NULL
                   : zca_library_path(authority->library, ZCA_PLACE_AUTHORITIES, authority->name,
                                      "token", "", err);
    if (!token_file &&
        (!own_token_file ||
         !zca_library_prepare(authority->library, ZCA_PLACE_AUTHORITIES, authority->name, err))) {
        return NULL;
    }
    struct zca_client_settings settings = {
        .authority = authority->name,
        .dialect = zca_authority_get_dialect(authority),
        .url = zca_authority_get_url(authority),
        .trust_file = get_text(authority, ZCA_AUTHORITY_TRUST),
        .organization = get_text(authority, ZCA_AUTHORITY_ORGANIZATION),
        .machine = get_text(authority, ZCA_AUTHORITY_MACHINE),
        .token_file = token_file ? token_file : own_token_file,
        .api_key_file = get_text(authority, ZCA_AUTHORITY_API_KEY_FILE),
        .certificate_file = get_text(authority, ZCA_AUTHORITY_CERTIFICATE),
        .key_file = get_text(authority, ZCA_AUTHORITY_KEY),
        .timeout_ms = timeout_ms(authority),
        .max_response = max_response,
    };
    return find_context(authority, &settings.context, err) ? remote->client_open(&settings, err)
                                                           : NULL;
}

static bool authorise(struct zca_authority *authority, const struct zca_remote *remote,
                      struct zca_error *err)
{
    return authority->credential.len == 0 ||
           remote->client_authorise(authority->client, zca_buffer_span(&authority->credential),
                                    &authority->credential_expires_at_s, err);
}

struct zca_client *zca_authority_client(struct zca_authority *authority, struct zca_error *err)
{
    const struct zca_remote *remote = zca_library_remote(authority->library, err);
    struct pool *pool = remote ? open_pool(authority->library, err) : NULL;
    if (!pool) {
        return NULL;
    }
    if (authority->client && authority->client_owner != getpid()) {
        remote->client_forget(zca_steal(authority->client));
    }
    if (!authority->client) {
        authority->client = take_idle(pool, authority->name);
    }
    if (!authority->client) {
        authority->client = open_client(authority, remote, err);
    }
    authority->client_owner = getpid();
    return authority->client && authorise(authority, remote, err) ? authority->client : NULL;
}

/* ---- a credential of this process ---- */

bool zca_authority_use_credential(struct zca_authority *authority, struct zca_span credential,
                                  struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer copy = ZCA_SECRET_BUFFER;
    if (credential.len == 0) { /* which would mean those of the files */
        return zca_error_set(err, ZCA_ERR_AUTH, "a credential of authority '%s' is not empty",
                             authority->name);
    }
    if (!zca_buffer_append(&copy, credential, err)) {
        return false;
    }
    zca_buffer_move(&authority->credential, &copy);
    return true;
}

bool zca_authority_has_credential(const struct zca_authority *authority)
{
    return authority->credential.len > 0;
}

static bool ask_who_we_are(struct zca_authority *authority, struct zca_error *err)
{
    zca_auto(zca_whoami) struct zca_whoami whoami = {.subject = NULL};
    const struct zca_remote *remote = zca_library_remote(authority->library, err);
    struct zca_client *client = remote ? zca_authority_client(authority, err) : NULL;
    if (!client || !zca_library_network_begin(authority->library, err)) {
        return false;
    }
    bool ok = remote->whoami(client, &whoami, err);
    zca_library_network_end(authority->library);
    return ok;
}

bool zca_authority_check_credential(struct zca_authority *authority, int64_t *out_expires_at_s,
                                    struct zca_error *err)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    bool is_good = ask_who_we_are(authority, &failure);
    int64_t expires_at_s = authority->credential_expires_at_s;
    if (is_good) {
        *out_expires_at_s = expires_at_s;
        return true;
    }
    if (failure.reason == ZCA_ERR_AUTH && expires_at_s != 0 && expires_at_s <= zca_clock_now_s()) {
        failure.reason = ZCA_ERR_EXPIRED;
        (void)zca_error_context(&failure, "it has expired"); /* false below */
    }
    if (err) {
        *err = failure;
    }
    return zca_error_context(err, "checking a credential at authority '%s'", authority->name);
}
