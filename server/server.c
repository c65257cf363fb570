/* SPDX-License-Identifier: Apache-2.0 */
/* Finds, makes and checks the state directory. Root acts as the directory's owner, so that an
 * administrative command never leaves files behind that the running server cannot write. */
#include "server/server.h"

#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "server/options.h"

#define ROOT_STATE_HOME "/var/lib"
#define STATE_NAME "zca-server"

/* XDG base directory specification: $XDG_STATE_HOME, by default $HOME/.local/state. */
static char *default_directory(struct zca_error *err)
{
    if (geteuid() == 0) {
        return zca_path_join(ROOT_STATE_HOME, STATE_NAME, "", err);
    }
    const char *state_home = secure_getenv("XDG_STATE_HOME");
    if (state_home && *state_home == '/') {
        return zca_path_join(state_home, STATE_NAME, "", err);
    }
    const char *home = secure_getenv("HOME");
    if (home && *home == '/') {
        return zca_path_join(home, ".local/state/" STATE_NAME, "", err);
    }
    (void)zca_error_set(err, ZCA_ERR_CONFIG, /* always false */
                        "no state directory: set the option state-dir");
    return NULL;
}

static bool become(uid_t user, gid_t group, struct zca_error *err)
{
    if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0 ||
        setresuid(user, user, user) != 0) {
        return zca_error_set_errno(err, "becoming the owner of the state directory");
    }
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0,
                0); /* cannot fail; the change of user may have reset it */
    return true;
}

static bool check_directory(const char *path, struct zca_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return zca_error_set_errno(err, "looking at the state directory '%s'", path);
    }
    if (!S_ISDIR(status.st_mode)) {
        return zca_error_set(err, ZCA_ERR_CONFIG, "state-dir '%s' is not a directory", path);
    }
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return zca_error_set(err, ZCA_ERR_FORBIDDEN,
                             "others may write to the state directory '%s'; chmod it to 0700",
                             path);
    }
    if (geteuid() == 0 && status.st_uid != 0) {
        return become(status.st_uid, status.st_gid, err);
    }
    if (status.st_uid != geteuid()) {
        return zca_error_set(err, ZCA_ERR_FORBIDDEN,
                             "the state directory '%s' belongs to another user", path);
    }
    return true;
}

bool zca_server_open(struct zca_server *server, struct zca_config *config, struct zca_error *err)
{
    server->config = config;
    const char *path = zca_server_text(server, ZCA_SERVER_STATE_DIR);
    server->state_directory = path ? strdup(path) : default_directory(err);
    if (!server->state_directory) {
        return path ? zca_error_set(err, ZCA_ERR_MEMORY, "opening the server") : false;
    }
    return zca_directory_make(server->state_directory, 0700, err) &&
           check_directory(server->state_directory, err);
}

void zca_server_clear(struct zca_server *server)
{
    zca_config_free(server->config);
    free(server->state_directory);
    *server = (struct zca_server){0};
}
