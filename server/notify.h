/* SPDX-License-Identifier: Apache-2.0 */
/* Tells whoever started the server how it is: systemd by its socket, a script by a descriptor. */
#ifndef ZCA_SERVER_NOTIFY_H
#define ZCA_SERVER_NOTIFY_H

/** zca_notify sends `state` ("READY=1", "STOPPING=1", see sd_notify(3)) to the socket that
 * $NOTIFY_SOCKET names. Without one nothing happens; a failure is logged. */
void zca_notify(const char *state);

#endif
