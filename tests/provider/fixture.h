/* SPDX-License-Identifier: Apache-2.0 */
/* The one context that all cases of a test program share. */
#ifndef ZCA_TESTS_PROVIDER_FIXTURE_H
#define ZCA_TESTS_PROVIDER_FIXTURE_H

#include <openssl/types.h>

/** context is there from fixture_setup to fixture_teardown. */
extern OSSL_LIB_CTX *context;

/** fixture_setup and fixture_teardown are cmocka group fixtures: context_setup and context_new, and back again. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

#endif
