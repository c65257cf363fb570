/* SPDX-License-Identifier: Apache-2.0 */
/* The [server] section: what can be set, its range and what it is when nobody sets it. */
#include "server/options.h"

#include <unistd.h>

#define DEFAULT_FILE "/etc/zca/zca-server.conf"

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

const struct zca_option zca_server_options[ZCA_SERVER_NUM_OPTIONS] = {
    [ZCA_SERVER_LISTEN] = {.name = "listen",
                           .type = ZCA_OPTION_LIST,
                           .default_value = "127.0.0.1:8443",
                           .help = "Addresses to listen on: IPv4:PORT, [IPv6]:PORT; port 0 takes a "
                                   "free one."},
    [ZCA_SERVER_STATE_DIR] = {.name = "state-dir",
                              .type = ZCA_OPTION_PATH,
                              .help = "Directory of the ledger and the keys; default "
                                      "/var/lib/zca-server for root, else "
                                      "$XDG_STATE_HOME/zca-server."},
    [ZCA_SERVER_TLS_CERTIFICATE] = {.name = "tls-certificate",
                                    .type = ZCA_OPTION_PATH,
                                    .help = "PEM file with the server's certificate and chain; "
                                            "default: one made at start."},
    [ZCA_SERVER_TLS_KEY] = {.name = "tls-key",
                            .type = ZCA_OPTION_PATH,
                            .help = "PEM file with the private key of tls-certificate."},
    [ZCA_SERVER_TLS_NAMES] = {.name = "tls-names",
                              .type = ZCA_OPTION_LIST,
                              .help = "Host names and addresses in the made certificate, besides "
                                      "localhost, 127.0.0.1, ::1 and the host's name."},
    [ZCA_SERVER_CLIENT_CA] = {.name = "client-ca",
                              .type = ZCA_OPTION_PATH,
                              .help = "PEM file with the CAs of TLS client certificates, which "
                                      "are then asked for but not required."},
    [ZCA_SERVER_ADMIN_EMAIL] = {.name = "admin-email",
                                .type = ZCA_OPTION_TEXT,
                                .default_value = "admin@localhost",
                                .help = "Name of the owner account made at the first start."},
    [ZCA_SERVER_LOG] = {.name = "log",
                        .type = ZCA_OPTION_TEXT,
                        .default_value = "stderr",
                        .help = "Where lines go: stderr, syslog, none, or a file that is "
                                "appended to."},
    [ZCA_SERVER_LOG_LEVEL] = {.name = "log-level",
                              .type = ZCA_OPTION_CHOICE,
                              .default_value = "info",
                              .choices = log_levels,
                              .help = "Least importance of what is logged; info has one line for "
                                      "each request."},
    [ZCA_SERVER_WORKERS] = {.name = "workers",
                            .type = ZCA_OPTION_INTEGER,
                            .default_value = "16",
                            .min = 1,
                            .max = 256,
                            .help = "Threads that run requests."},
    [ZCA_SERVER_QUEUE] = {.name = "queue",
                          .type = ZCA_OPTION_INTEGER,
                          .default_value = "512",
                          .min = 1,
                          .max = 65536,
                          .help = "Requests that may wait for a worker; more are answered 503."},
    [ZCA_SERVER_MAX_CONNECTIONS] = {.name = "max-connections",
                                    .type = ZCA_OPTION_INTEGER,
                                    .default_value = "4096",
                                    .min = 1,
                                    .max = 1000000,
                                    .help = "Open connections; past it the one that idles longest "
                                            "is closed for a new one."},
    [ZCA_SERVER_MAX_PER_ADDRESS] = {.name = "max-connections-per-address",
                                    .type = ZCA_OPTION_INTEGER,
                                    .default_value = "256",
                                    .min = 1,
                                    .max = 1000000,
                                    .help = "Open connections of one client address (IPv6: /64); "
                                            "loopback is exempt."},
    [ZCA_SERVER_LOGIN_LIMIT] = {.name = "login-limit",
                                .type = ZCA_OPTION_INTEGER,
                                .default_value = "10",
                                .max = 1000000,
                                .help = "Logins of one address in five minutes; 0: any number."},
    [ZCA_SERVER_ENROL_LIMIT] = {.name = "registration-limit",
                                .type = ZCA_OPTION_INTEGER,
                                .default_value = "10",
                                .max = 1000000,
                                .help = "Machine registrations of one address in ten minutes; 0: "
                                        "any number."},
    [ZCA_SERVER_HEADER_TIMEOUT] = {.name = "header-timeout",
                                   .type = ZCA_OPTION_SECONDS,
                                   .default_value = "10s",
                                   .min = 1,
                                   .max = 3600,
                                   .help = "Time for the TLS handshake, and again for the whole "
                                           "head of a request."},
    [ZCA_SERVER_BODY_TIMEOUT] = {.name = "body-timeout",
                                 .type = ZCA_OPTION_SECONDS,
                                 .default_value = "20s",
                                 .min = 1,
                                 .max = 3600,
                                 .help = "Time for the whole body of a request."},
    [ZCA_SERVER_WRITE_TIMEOUT] = {.name = "write-timeout",
                                  .type = ZCA_OPTION_SECONDS,
                                  .default_value = "30s",
                                  .min = 1,
                                  .max = 3600,
                                  .help = "Time for the client to take the whole answer."},
    [ZCA_SERVER_IDLE_TIMEOUT] = {.name = "idle-timeout",
                                 .type = ZCA_OPTION_SECONDS,
                                 .default_value = "60s",
                                 .min = 1,
                                 .max = 86400,
                                 .help = "How long a connection is kept between requests."},
    [ZCA_SERVER_STOP_TIMEOUT] = {.name = "stop-timeout",
                                 .type = ZCA_OPTION_SECONDS,
                                 .default_value = "5s",
                                 .min = 1,
                                 .max = 600,
                                 .help = "Time for running requests to finish when the server is "
                                         "told to stop."},
};

const struct zca_section_kind zca_server_section = {
    .kind = "server",
    .options = zca_server_options,
    .num_options = ZCA_SERVER_NUM_OPTIONS,
};

const char *zca_server_text(const struct zca_server *server, enum zca_server_option option)
{
    return zca_config_get_text(server->config, "server", NULL, &zca_server_options[option]);
}

long zca_server_number(const struct zca_server *server, enum zca_server_option option)
{
    return zca_config_get_number(server->config, "server", NULL, &zca_server_options[option]);
}

size_t zca_server_choice(const struct zca_server *server, enum zca_server_option option)
{
    return zca_config_get_choice(server->config, "server", NULL, &zca_server_options[option]);
}

const char *const *zca_server_list(const struct zca_server *server, enum zca_server_option option)
{
    return zca_config_get_list(server->config, "server", NULL, &zca_server_options[option]);
}

struct zca_config *zca_server_config_load(const char *path, struct zca_error *err)
{
    if (!path && access(DEFAULT_FILE, F_OK) != 0) {
        return zca_config_empty(&zca_server_section, 1, err);
    }
    return zca_config_load(path ? path : DEFAULT_FILE, &zca_server_section, 1, err);
}
