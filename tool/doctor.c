/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor: the table of checks, in the order in which one thing needs the other. */
#include "tool/doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "tool/output.h"

static zca_doctor_check *const checks[] = {
    zca_doctor_config,  zca_doctor_directories, zca_doctor_keys,    zca_doctor_sealing,
    zca_doctor_memory,  zca_doctor_deployed,    zca_doctor_renewal, zca_doctor_openssl,
    zca_doctor_module,  zca_doctor_remote,      zca_doctor_log,     zca_doctor_shadows,
    zca_doctor_servers, zca_doctor_authorities,
};

static void print(const char *verdict, const char *format, va_list arguments) ZCA_PRINTF(2, 0);

static void print(const char *verdict, const char *format, va_list arguments)
{
    char *line = NULL;
    if (vasprintf(&line, format, arguments) < 0) {
        zca_tool_warn("out of memory");
        return;
    }
    zca_auto(text) char *owned = line;
    zca_tool_say("%-5s %s", verdict, owned);
}

void zca_doctor_ok(struct zca_doctor *doctor, const char *format, ...)
{
    va_list arguments;
    (void)doctor; /* as its siblings */
    va_start(arguments, format);
    print("ok", format, arguments);
    va_end(arguments);
}

void zca_doctor_warn(struct zca_doctor *doctor, const char *format, ...)
{
    va_list arguments;
    (void)doctor; /* as its siblings */
    va_start(arguments, format);
    print("warn", format, arguments);
    va_end(arguments);
}

void zca_doctor_fail(struct zca_doctor *doctor, const char *format, ...)
{
    va_list arguments;
    doctor->num_failures++;
    va_start(arguments, format);
    print("FAIL", format, arguments);
    va_end(arguments);
}

void zca_doctor_advise(struct zca_doctor *doctor, const char *format, ...)
{
    va_list arguments;
    (void)doctor; /* as its siblings */
    va_start(arguments, format);
    print("  ->", format, arguments);
    va_end(arguments);
}

bool zca_doctor_mode(struct zca_doctor *doctor, const char *path, mode_t forbidden)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return false;
    }
    if ((status.st_mode & forbidden) != 0) {
        zca_doctor_fail(doctor, "'%s' has mode %04o", path, (unsigned)status.st_mode & 07777);
        zca_doctor_advise(doctor, "chmod %04o %s", (unsigned)(status.st_mode & 07777 & ~forbidden),
                          path);
        return false;
    }
    return true;
}

bool zca_tool_doctor(struct zca_tool *tool, struct zca_error *err)
{
    struct zca_doctor doctor = {.tool = tool};
    for (size_t i = 0; i < ZCA_COUNT(checks); i++) {
        checks[i](&doctor);
    }
    zca_openssl_conf_clear(&doctor.openssl_conf);
    if (doctor.num_failures > 0) {
        zca_error_clear(err); /* all was said above */
        return false;
    }
    return true;
}
