/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that lives as long as the process. Filled before the first request, then shared by
 * all workers: members are immutable, or guard themselves with a lock of their own.
 */
#ifndef ZCA_SERVER_SERVER_H
#define ZCA_SERVER_SERVER_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/config.h"
#include "base/error.h"

struct zca_state;

struct zca_server {
    struct zca_config *config; /* read through server/options.h */
    char *state_directory;     /* absolute, exists, 0700, ours */
    struct zca_state *state;   /* the domain: server/state.h; NULL until zca_domain_open */
};

/**
 * zca_server_open fills `server` from a configuration and makes sure of the state directory.
 *
 * server   zero-initialised; cleared with zca_server_clear, also after a failure.
 * config   taken.
 * err      ZCA_ERR_CONFIG, ZCA_ERR_SYSTEM, ZCA_ERR_FORBIDDEN when others may write to the directory.
 */
ZCA_NODISCARD bool zca_server_open(struct zca_server *server, struct zca_config *config,
                                   struct zca_error *err);

/** zca_server_clear releases everything; a zero-initialised or half-opened server is fine. */
void zca_server_clear(struct zca_server *server);
ZCA_DEFINE_AUTO_CLEAR(zca_server, struct zca_server, zca_server_clear);

#endif
