/* SPDX-License-Identifier: Apache-2.0 */
/* The dialects there are: one row each. */
#include "remote/dialect.h"

#include <string.h>

#include "remote/dialects/orgca.h"
#include "remote/dialects/quickztna.h"

static const struct zca_dialect *const dialects[] = {
    &zca_dialect_orgca,
    &zca_dialect_quickztna,
};

/* In the order above. */
static const char *const names[] = {"orgca", "quickztna", NULL};

_Static_assert(ZCA_COUNT(names) == ZCA_COUNT(dialects) + 1, "a dialect without a name");

const struct zca_dialect *zca_dialect_find(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(dialects); i++) {
        if (strcmp(dialects[i]->name, name) == 0) {
            return dialects[i];
        }
    }
    return NULL;
}

const char *const *zca_dialect_names(void)
{
    return names;
}
