/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the files named on the command line through a fuzz target, without libFuzzer: any compiler. */
#include <stdio.h>

#include "base/file.h"
#include "tests/fuzz/demand.h"

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer input = {.data = NULL};
        if (!zca_file_load(argv[i], 1 << 20, &input, NULL, &err)) {
            (void)fprintf(stderr, "%s\n", err.message);
            return 1;
        }
        /* exactly as long as the file, so that a sanitizer sees reads behind it */
        uint8_t *copy = malloc(input.len);
        demand(copy || input.len == 0);
        for (size_t j = 0; j < input.len; j++) {
            copy[j] = input.data[j];
        }
        demand(LLVMFuzzerTestOneInput(copy, input.len) == 0);
        free(copy);
    }
    printf("%d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
