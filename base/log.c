/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log sink of the process, or of the module this copy is linked into. It never calls
 * openlog: the identity there belongs to the application that loaded us.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

typedef void write_line(enum zca_log_level level, const char *line);

static void write_nothing(enum zca_log_level level, const char *line);

/* The one mutable global of base. Several openers, each a provider of a library context, may come while others
 * write: so its parts are atomic, and a descriptor is never closed, only pointed at another file. */
static struct {
    const char *_Atomic ident;
    _Atomic(enum zca_log_level) level;
    _Atomic(write_line *) write;
    atomic_int fd;
} sink = {.ident = "zca", .level = ZCA_LOG_ERROR, .write = write_nothing, .fd = -1};

struct level_row {
    const char *name;
    int priority;
};

static const struct level_row levels[] = {
    [ZCA_LOG_ERROR] = {"error",   LOG_ERR    },
    [ZCA_LOG_WARNING] = {"warning", LOG_WARNING},
    [ZCA_LOG_INFO] = {"info",    LOG_INFO   },
    [ZCA_LOG_DEBUG] = {"debug",   LOG_DEBUG  },
};

static void write_nothing(enum zca_log_level level, const char *line)
{
    (void)level;
    (void)line;
}

/* syslog itself puts the program's name in front: ours only when that is another's. */
static void write_syslog(enum zca_log_level level, const char *line)
{
    int priority = LOG_DAEMON | levels[level].priority;
    if (strcmp(sink.ident, program_invocation_short_name) == 0) {
        syslog(priority, "%s", line);
    } else {
        syslog(priority, "%s: %s", sink.ident, line);
    }
}

/* One dprintf is one write: lines of several processes do not mix. */
static void write_stderr(enum zca_log_level level, const char *line)
{
    (void)dprintf(STDERR_FILENO, "%s: %s: %s\n", sink.ident, levels[level].name, line);
}

static void write_file(enum zca_log_level level, const char *line)
{
    char now[ZCA_RFC3339_SIZE];
    zca_clock_format(zca_clock_now_ms(), now);
    (void)dprintf(sink.fd, "%s %s[%ld]: %s: %s\n", now, sink.ident, (long)getpid(),
                  levels[level].name, line); /* a full disk must not stop the work */
}

struct target_row {
    const char *name;
    write_line *write;
};

static const struct target_row targets[] = {
    {"syslog", write_syslog },
    {"stderr", write_stderr },
    {"none",   write_nothing},
};

static write_line *find_target(const char *name)
{
    for (size_t i = 0; i < ZCA_COUNT(targets); i++) {
        if (strcmp(name, targets[i].name) == 0) {
            return targets[i].write;
        }
    }
    return NULL;
}

static void take_file(int fd)
{
    int open_fd = -1;
    if (!atomic_compare_exchange_strong(&sink.fd, &open_fd, fd)) {
        (void)dup3(fd, open_fd, O_CLOEXEC); /* else it goes on into the old file */
        (void)close(fd);                    /* nothing was written */
    }
}

bool zca_log_open(const char *ident, const char *target, enum zca_log_level level,
                  struct zca_error *err)
{
    write_line *write = find_target(target);
    int fd = -1;
    if (!write && *target != '/') {
        return zca_error_set(err, ZCA_ERR_CONFIG,
                             "log target '%s' is not syslog, stderr, none or an absolute path",
                             target);
    }
    if (!write) {
        fd = open(target, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
        if (fd < 0) {
            return zca_error_set_errno(err, "opening log file '%s'", target);
        }
    }
    if (fd >= 0) {
        take_file(fd);
    }
    sink.ident = ident;
    sink.level = level;
    sink.write = write ? write : write_file;
    return true;
}

bool zca_log_enabled(enum zca_log_level level)
{
    return level <= sink.level && sink.write != write_nothing;
}

/* What a peer sent must not forge a line or drive a terminal. */
static void clean(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?';
        }
    }
}

void zca_log(enum zca_log_level level, const char *format, ...)
{
    if (!zca_log_enabled(level)) {
        return;
    }
    int saved_errno = errno;
    zca_auto(text) char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int len = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (len < 0) {
        line = NULL; /* undefined after a failure */
    } else {
        clean(line);
    }
    sink.write(level, line ? line : "out of memory while writing the log");
    errno = saved_errno;
}

void zca_log_failure(const struct zca_error *err)
{
    const char *name = zca_reason_name(err->reason);
    const char *code = *err->code != '\0' ? err->code : "no code";
    if (err->http_status == 0) {
        zca_log(ZCA_LOG_ERROR, "%s: %s", name, err->message);
    } else {
        zca_log(ZCA_LOG_ERROR, "%s: %s (HTTP %ld, %s)", name, err->message, err->http_status, code);
    }
}
