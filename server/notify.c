/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of sd_notify(3): one datagram, a name that starts with '@' is abstract. */
#include "server/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

void zca_notify(const char *state)
{
    const char *name = secure_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!name || (*name != '/' && *name != '@') || strlen(name) >= sizeof address.sun_path) {
        return;
    }
    memcpy(address.sun_path, name, strlen(name));
    if (*name == '@') {
        address.sun_path[0] = '\0';
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    if (fd < 0 ||
        sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address, len) < 0) {
        zca_log(ZCA_LOG_WARNING, "notifying the service manager: %s", strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd); /* a datagram socket has nothing left to lose */
    }
}
