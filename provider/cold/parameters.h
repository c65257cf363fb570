/* SPDX-License-Identifier: Apache-2.0 */
/* The provider's section of openssl.cnf: "zca-config", and "zca-" before each option of [zca]. */
#ifndef ZCA_PROVIDER_COLD_PARAMETERS_H
#define ZCA_PROVIDER_COLD_PARAMETERS_H

#include "core/library.h"
#include "provider/provider.h"

/** zca_parameters_library makes the library object as the parameters say; NULL when out of memory.
 * No file is read. */
ZCA_NODISCARD struct zca_library *zca_parameters_library(struct zca_provider *provider);

#endif
