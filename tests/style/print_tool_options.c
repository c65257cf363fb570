/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the names of the command line options of zca, one a line, for the check of its manual page. */
#include <stdio.h>

#include "base/auto.h"
#include "tool/options.h"

int main(void)
{
    for (size_t i = ZCA_TOOL_END + 1; i < ZCA_COUNT(zca_tool_options); i++) {
        printf("%s\n", zca_tool_options[i].name);
    }
    return 0;
}
