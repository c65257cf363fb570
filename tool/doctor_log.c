/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca doctor's look at the log: curl, haproxy, Apache and Python show nothing of OpenSSL's error queue, so
 * a log that goes nowhere leaves their users without a reason.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tool/doctor.h"

static const char socket_path[] = "/dev/log";

/* The line to change: the provider's parameter is over what zca.conf says. */
static void advise(struct zca_doctor *doctor, const char *target)
{
    const struct zca_openssl_conf *conf = &doctor->openssl_conf;
    if (conf->zca_log) {
        zca_doctor_advise(doctor, "zca-log = %s in [%s] of openssl.cnf", target, conf->zca_section);
    } else {
        zca_doctor_advise(doctor, "log = %s in [zca] of %s", target,
                          zca_library_config_file(doctor->tool->library));
    }
}

static void check_none(struct zca_doctor *doctor, const char *target)
{
    (void)target; /* as its siblings */
    zca_doctor_warn(doctor, "log = none: curl, haproxy, Apache and Python give no reason for a key "
                            "that does not load");
    advise(doctor, "syslog");
}

static void check_stderr(struct zca_doctor *doctor, const char *target)
{
    (void)target; /* as its siblings */
    zca_doctor_warn(doctor, "log = stderr: of a service that goes nowhere");
    advise(doctor, "syslog");
}

static void check_syslog(struct zca_doctor *doctor, const char *target)
{
    (void)target; /* as its siblings */
    if (access(socket_path, F_OK) != 0) {
        zca_doctor_warn(doctor,
                        "log = syslog, but nobody listens at %s: reasons that curl, haproxy, "
                        "Apache and Python do not show are lost",
                        socket_path);
        advise(doctor, "/var/log/zca.log");
    }
}

static bool is_writable(const char *path)
{
    if (access(path, F_OK) == 0) {
        return access(path, W_OK) == 0;
    }
    zca_auto(text) char *directory = strdup(path);
    char *slash = directory ? strrchr(directory, '/') : NULL;
    if (slash) {
        *slash = '\0';
    }
    return slash && access(*directory != '\0' ? directory : "/", W_OK | X_OK) == 0;
}

static void check_file(struct zca_doctor *doctor, const char *target)
{
    if (*target != '/') {
        zca_doctor_fail(doctor, "log = %s: that is no target and no absolute path", target);
        advise(doctor, "syslog");
    } else if (!is_writable(target)) {
        zca_doctor_fail(doctor, "log file '%s' cannot be written: %s; programs use syslog", target,
                        strerror(errno));
        advise(doctor, "syslog");
    }
}

static const struct {
    const char *target;
    void (*check)(struct zca_doctor *doctor, const char *target);
} targets[] = {
    {"none",   check_none  },
    {"stderr", check_stderr},
    {"syslog", check_syslog},
};

void zca_doctor_log(struct zca_doctor *doctor)
{
    const char *over = doctor->openssl_conf.zca_log;
    if (!doctor->config) {
        return;
    }
    const char *target = over ? over
                              : zca_config_get_text(doctor->config, "zca", NULL,
                                                    &zca_library_options[ZCA_LIBRARY_LOG]);
    for (size_t i = 0; i < ZCA_COUNT(targets); i++) {
        if (strcmp(targets[i].target, target) == 0) {
            targets[i].check(doctor, target);
            return;
        }
    }
    check_file(doctor, target);
}
