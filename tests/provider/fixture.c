/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/provider/fixture.h"

#include "tests/provider/context.h"

OSSL_LIB_CTX *context;

int fixture_setup(void **state)
{
    int failed = context_setup(state);
    context = failed ? NULL : context_new();
    return failed;
}

int fixture_teardown(void **state)
{
    context_free(context);
    return context_teardown(state);
}
