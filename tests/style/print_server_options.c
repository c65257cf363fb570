/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the names of the options of zca-server.conf, one a line, for the check of its manual page. */
#include <stdio.h>

#include "server/options.h"

int main(void)
{
    for (size_t i = 0; i < ZCA_SERVER_NUM_OPTIONS; i++) {
        printf("%s\n", zca_server_options[i].name);
    }
    return 0;
}
