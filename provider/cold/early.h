/* SPDX-License-Identifier: Apache-2.0 */
/* What a process must have before it changes its root or user: afterwards no file is in reach. */
#ifndef ZCA_PROVIDER_COLD_EARLY_H
#define ZCA_PROVIDER_COLD_EARLY_H

#include "provider/provider.h"

/**
 * zca_early_load reads the configuration, and where that says keep-sealing-key the sealing keys, opens the log and
 * makes the private context. Called while OpenSSL initialises: it reports nothing, and whoever may not
 * read these files is told when a sealed reference does not open. errno is kept.
 */
void zca_early_load(struct zca_provider *provider);

#endif
