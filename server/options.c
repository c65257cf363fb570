/* SPDX-License-Identifier: Apache-2.0 */
/* The [server] section: what can be set, its range and what it is when nobody sets it. */
#include "server/options.h"

#include <unistd.h>

#define DEFAULT_FILE "/etc/zca/zca-server.conf"

static const char *const log_levels[] = {"error", "warning", "info", "debug", NULL};

/* OPTION, type, name, default, least, most, help */
#define ROW(option, kind, text, fallback, least, most, sentence)                                   \
    [ZCA_SERVER_##option] = {.name = (text),                                                       \
                             .type = ZCA_OPTION_##kind,                                            \
                             .default_value = (fallback),                                          \
                             .min = (least),                                                       \
                             .max = (most),                                                        \
                             .choices = log_levels, /* looked at for CHOICE only */                \
                             .help = (sentence)}

const struct zca_option zca_server_options[ZCA_SERVER_NUM_OPTIONS] = {
    ROW(LISTEN, LIST, "listen", "127.0.0.1:8443", 0, 0,
        "Addresses to listen on: IPv4:PORT, [IPv6]:PORT; port 0 takes a free one."),
    ROW(STATE_DIR, PATH, "state-dir", NULL, 0, 0,
        "Directory of the ledger and the keys; default /var/lib/zca-server for root, else $XDG_STATE_HOME/zca-server."),
    ROW(TLS_CERTIFICATE, PATH, "tls-certificate", NULL, 0, 0,
        "PEM file with the server's certificate and chain; default: one made at start."),
    ROW(TLS_KEY, PATH, "tls-key", NULL, 0, 0, "PEM file with the private key of tls-certificate."),
    ROW(TLS_NAMES, LIST, "tls-names", NULL, 0, 0,
        "Host names and addresses in the made certificate, besides localhost, 127.0.0.1, ::1, the host's name and the listen addresses."),
    ROW(ADMIN_EMAIL, TEXT, "admin-email", "admin@localhost", 0, 0,
        "Name of the owner account made at the first start."),
    ROW(SEALING_KEY, PATH, "sealing-key-file", NULL, 0, 0,
        "File with the 32 bytes, or their hexadecimal digits, that seal the CA keys; default: the systemd credential zca-sealing-key, else a file made in the state directory."),
    ROW(SEALING_PASSPHRASE, PATH, "sealing-passphrase-file", NULL, 0, 0,
        "File whose first line is the passphrase that seals the CA keys, instead of a key."),
    ROW(LOG, TEXT, "log", "stderr", 0, 0,
        "Where lines go: stderr, syslog, none, or a file that is appended to."),
    ROW(LOG_LEVEL, CHOICE, "log-level", "info", 0, 0,
        "Least importance of what is logged; info has one line for each request."),
    ROW(WORKERS, INTEGER, "workers", "16", 1, 256, "Threads that run requests."),
    ROW(QUEUE, INTEGER, "queue", "512", 1, 65536,
        "Requests that may wait for a worker; more are answered 503."),
    ROW(MAX_CONNECTIONS, INTEGER, "max-connections", "4096", 1, 1000000,
        "Open connections; past it the one that idles longest is closed for a new one."),
    ROW(MAX_PER_ADDRESS, INTEGER, "max-connections-per-address", "256", 1, 1000000,
        "Open connections of one client address (IPv6: /64); loopback is exempt."),
    ROW(LOGIN_LIMIT, INTEGER, "login-limit", "10", 0, 1000000,
        "Logins of one address in five minutes; 0: any number."),
    ROW(ENROL_LIMIT, INTEGER, "registration-limit", "10", 0, 1000000,
        "Machine registrations of one address in ten minutes; 0: any number."),
    ROW(HEADER_TIMEOUT, SECONDS, "header-timeout", "10s", 1, 3600,
        "Time for the TLS handshake, and again for the whole head of a request."),
    ROW(BODY_TIMEOUT, SECONDS, "body-timeout", "20s", 1, 3600,
        "Time for the whole body of a request."),
    ROW(WRITE_TIMEOUT, SECONDS, "write-timeout", "30s", 1, 3600,
        "Time for the client to take the whole answer."),
    ROW(IDLE_TIMEOUT, SECONDS, "idle-timeout", "60s", 1, 86400,
        "How long a connection is kept between requests."),
    ROW(STOP_TIMEOUT, SECONDS, "stop-timeout", "5s", 1, 600,
        "Time for running requests to finish when the server is told to stop."),
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
