/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fake authority is told and what it writes down, in the directory $ZCA_FAKE: `plan` (one word per call of each
 * operation, the last word repeats), `log` (one line per call, appended by all processes).
 */
#ifndef ZCA_TESTS_CORE_FAKE_PLAN_H
#define ZCA_TESTS_CORE_FAKE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/** fake_path returns the path of a file of the fake authority in new memory. */
char *fake_path(const char *name);

/** fake_note appends a line to the log and returns how often it was there before. */
size_t fake_note(const char *operation);

/** fake_planned notes a call and returns the plan's word for it in new memory: "submit: unavailable other-key ok". */
char *fake_planned(const char *operation);

/** fake_fails tells whether this word makes a call fail, and fills `err` then. */
bool fake_fails(const char *operation, const char *word, struct zca_error *err);

#endif
