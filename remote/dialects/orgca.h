/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect of zca-server: QuickZTNA's API and the extensions of docs/dialects/orgca.md. */
#ifndef ZCA_REMOTE_DIALECTS_ORGCA_H
#define ZCA_REMOTE_DIALECTS_ORGCA_H

#include "remote/dialect.h"

extern const struct zca_dialect zca_dialect_orgca;

#endif
