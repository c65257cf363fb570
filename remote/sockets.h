/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of one client, known so that the child of a fork can let go of its parent's connection without a word. */
#ifndef ZCA_REMOTE_SOCKETS_H
#define ZCA_REMOTE_SOCKETS_H

enum { ZCA_MAX_SOCKETS = 8 /* two address families racing, one kept, some closing */ };

struct zca_sockets {
    int fds[ZCA_MAX_SOCKETS]; /* -1: free */
};

void zca_sockets_init(struct zca_sockets *sockets);

/** zca_sockets_open is socket(2), closed on exec; -1 also when there are too many. */
int zca_sockets_open(struct zca_sockets *sockets, int family, int type, int protocol);

/** zca_sockets_close is close(2). */
int zca_sockets_close(struct zca_sockets *sockets, int fd);

/** zca_sockets_forget puts /dev/null behind each descriptor: the farewell of TLS goes nowhere. In a child of fork(2). */
void zca_sockets_forget(const struct zca_sockets *sockets);

#endif
