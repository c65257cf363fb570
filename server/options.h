/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of section [server]: rows of one table, read by number. Every option is also a long
 * option of the command line.
 */
#ifndef ZCA_SERVER_OPTIONS_H
#define ZCA_SERVER_OPTIONS_H

#include <stdbool.h>

#include "base/auto.h"
#include "base/config.h"
#include "base/error.h"
#include "server/server.h"

enum zca_server_option {
    ZCA_SERVER_LISTEN,
    ZCA_SERVER_STATE_DIR,
    ZCA_SERVER_TLS_CERTIFICATE,
    ZCA_SERVER_TLS_KEY,
    ZCA_SERVER_TLS_NAMES,
    ZCA_SERVER_ADMIN_EMAIL,
    ZCA_SERVER_SEALING_KEY,
    ZCA_SERVER_SEALING_PASSPHRASE,
    ZCA_SERVER_LOG,
    ZCA_SERVER_LOG_LEVEL,
    ZCA_SERVER_WORKERS,
    ZCA_SERVER_QUEUE,
    ZCA_SERVER_MAX_CONNECTIONS,
    ZCA_SERVER_MAX_PER_ADDRESS,
    ZCA_SERVER_LOGIN_LIMIT,
    ZCA_SERVER_ENROL_LIMIT,
    ZCA_SERVER_HEADER_TIMEOUT,
    ZCA_SERVER_BODY_TIMEOUT,
    ZCA_SERVER_WRITE_TIMEOUT,
    ZCA_SERVER_IDLE_TIMEOUT,
    ZCA_SERVER_STOP_TIMEOUT,
    ZCA_SERVER_NUM_OPTIONS
};

/** zca_server_options is the table, in the order of the enumeration. */
extern const struct zca_option zca_server_options[ZCA_SERVER_NUM_OPTIONS];

/** zca_server_section is the one section kind of the configuration file. */
extern const struct zca_section_kind zca_server_section;

/* The values, borrowed from the configuration; see the getters of base/config.h. */
const char *zca_server_text(const struct zca_server *server, enum zca_server_option option);
long zca_server_number(const struct zca_server *server, enum zca_server_option option);
size_t zca_server_choice(const struct zca_server *server, enum zca_server_option option);
const char *const *zca_server_list(const struct zca_server *server, enum zca_server_option option);

/**
 * zca_server_config_load reads the configuration file.
 *
 * path   NULL: /etc/zca/zca-server.conf, or defaults for everything when that does not exist.
 */
ZCA_NODISCARD struct zca_config *zca_server_config_load(const char *path, struct zca_error *err);

#endif
