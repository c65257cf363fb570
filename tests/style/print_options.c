/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the names of the options of zca.conf, one a line, for the check of its manual page. */
#include <stdio.h>

#include "core/options.h"

int main(void)
{
    for (size_t i = 0; i < ZCA_COUNT(zca_section_kinds); i++) {
        for (size_t j = 0; j < zca_section_kinds[i].num_options; j++) {
            printf("%s\n", zca_section_kinds[i].options[j].name);
        }
    }
    return 0;
}
