/* SPDX-License-Identifier: Apache-2.0 */
/* The server's options become the options of its state. */
#include "server/domain.h"

#include "server/options.h"
#include "server/state.h"

bool zca_domain_open(struct zca_server *server, struct zca_error *err)
{
    struct zca_state_options options = {
        .directory = server->state_directory,
        .passphrase_file = zca_server_text(server, ZCA_SERVER_SEALING_PASSPHRASE),
        .key_file = zca_server_text(server, ZCA_SERVER_SEALING_KEY)};
    server->state = zca_state_open(&options, err);
    return server->state != NULL;
}

void zca_domain_close(struct zca_server *server)
{
    zca_state_close(server->state);
    server->state = NULL;
}
