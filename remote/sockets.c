/* SPDX-License-Identifier: Apache-2.0 */
/* A few descriptors in a table. */
#include "remote/sockets.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void zca_sockets_init(struct zca_sockets *sockets)
{
    memset(sockets->fds, -1, sizeof(sockets->fds));
}

int zca_sockets_open(struct zca_sockets *sockets, int family, int type, int protocol)
{
    for (int i = 0; i < ZCA_MAX_SOCKETS; i++) {
        if (sockets->fds[i] < 0) {
            sockets->fds[i] = socket(family, type | SOCK_CLOEXEC, protocol);
            return sockets->fds[i];
        }
    }
    return -1;
}

int zca_sockets_close(struct zca_sockets *sockets, int fd)
{
    for (int i = 0; i < ZCA_MAX_SOCKETS; i++) {
        if (sockets->fds[i] == fd) {
            sockets->fds[i] = -1;
        }
    }
    return close(fd);
}

void zca_sockets_forget(const struct zca_sockets *sockets)
{
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < ZCA_MAX_SOCKETS; i++) {
        int fd = sockets->fds[i];
        if (fd >= 0 && (nowhere < 0 || dup3(nowhere, fd, O_CLOEXEC) < 0)) {
            (void)close(fd); /* the connection is the parent's */
        }
    }
    if (nowhere >= 0) {
        (void)close(nowhere); /* held nothing */
    }
}
