/* SPDX-License-Identifier: Apache-2.0 */
/* One examination: each check prints what it found, and for what is wrong the line to change. */
#ifndef ZCA_TOOL_DOCTOR_H
#define ZCA_TOOL_DOCTOR_H

#include <sys/stat.h>

#include "tool/command.h"
#include "tool/openssl_conf.h"

struct zca_doctor {
    const struct zca_tool *tool;
    const struct zca_config *config; /* NULL: it cannot be read */
    struct zca_openssl_conf openssl_conf;
    size_t num_references; /* in files for servers */
    size_t num_failures;
};

/** A check examines one thing, prints one line or more, and goes on whatever it finds. */
typedef void zca_doctor_check(struct zca_doctor *doctor);

zca_doctor_check zca_doctor_config, zca_doctor_directories, zca_doctor_keys, zca_doctor_sealing;
zca_doctor_check zca_doctor_openssl, zca_doctor_module, zca_doctor_remote, zca_doctor_authorities;
zca_doctor_check zca_doctor_log, zca_doctor_shadows, zca_doctor_deployed, zca_doctor_renewal;
zca_doctor_check zca_doctor_servers, zca_doctor_memory;

/** zca_doctor_ok, _warn and _fail print "ok", "warn" or "FAIL" and a line. */
void zca_doctor_ok(struct zca_doctor *doctor, const char *format, ...) ZCA_PRINTF(2, 3);
void zca_doctor_warn(struct zca_doctor *doctor, const char *format, ...) ZCA_PRINTF(2, 3);
void zca_doctor_fail(struct zca_doctor *doctor, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_doctor_advise prints, below the line before it, what to do: a command or a line of a file. */
void zca_doctor_advise(struct zca_doctor *doctor, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_doctor_mode fails when `path` has permission bits of `forbidden`. Not there: nothing.
 * Returns whether it is there and right. */
bool zca_doctor_mode(struct zca_doctor *doctor, const char *path, mode_t forbidden);

#endif
