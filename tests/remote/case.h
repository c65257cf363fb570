/* SPDX-License-Identifier: Apache-2.0 */
/* One case of tests/dialects: what is called, with what, and what must come of it. */
#ifndef ZCA_TESTS_REMOTE_CASE_H
#define ZCA_TESTS_REMOTE_CASE_H

#include <stdbool.h>

#include "base/auto.h"

/* The upper part of the file `expect`, "key: value" lines. NULL: not given. */
struct test_case {
    char *dialect;   /* name of the directory above */
    char *request;   /* file `request` */
    char *response;  /* file `response` */
    char *result;    /* the lower part of `expect`, behind "---" */
    char *operation; /* "do": operations of the table, separated by spaces */
    char *token;     /* contents of the token file; "none": there is none */
    char *api_key;
    char *organization;
    char *machine;
    char *timeout_ms;
    char *max_response;
    char *url; /* %d is the port */
    char *user, *password, *one_time_code;
    char *common_name, *dns, *ip, *csr, *ttl, *binding, *request_id, *started_at;
    char *name, *serial, *max;
    char *id, *reason;
    char *kind, *tbs, *digest;
};

/** case_load reads the files of a directory; anything odd in them aborts. */
struct test_case *case_load(const char *dialect, const char *directory);

void case_free(struct test_case *test_case);
ZCA_DEFINE_AUTO(case, struct test_case, case_free);

#endif
