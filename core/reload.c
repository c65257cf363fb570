/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the reload command in a process group of its own, and waits through a process descriptor. */
#include "core/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

static const char search_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* ---- words ---- */

struct words {
    char *text;  /* the words, each ended by NUL */
    char **argv; /* into `text`, NULL-terminated */
};

static void words_clear(struct words *words)
{
    free(words->text);
    free(words->argv);
}

ZCA_DEFINE_AUTO_CLEAR(words, struct words, words_clear);

static bool split(const char *command, struct words *words, struct zca_error *err)
{
    size_t num = 0;
    char *position = NULL;
    words->text = strdup(command);
    words->argv = calloc(strlen(command) / 2 + 2, sizeof(*words->argv));
    if (!words->text || !words->argv) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "splitting a command");
    }
    for (char *word = strtok_r(words->text, " \t", &position); word;
         word = strtok_r(NULL, " \t", &position)) {
        words->argv[num++] = word;
    }
    return num > 0 || zca_error_set(err, ZCA_ERR_CONFIG, "the reload command is empty");
}

/* The first of the system's directories that holds the program. */
static char *find_program(const char *name, struct zca_error *err)
{
    zca_auto(text) char *directories = strdup(search_path);
    char *position = NULL;
    char *path = strchr(name, '/') ? strdup(name) : NULL;
    for (char *directory = directories ? strtok_r(directories, ":", &position) : NULL;
         directory && !path; directory = strtok_r(NULL, ":", &position)) {
        if (asprintf(&path, "%s/%s", directory, name) < 0) {
            path = NULL; /* undefined after a failure */
        }
        if (path && access(path, X_OK) != 0) {
            free(zca_steal(path));
        }
    }
    if (!path) {
        (void)zca_error_set(err, ZCA_ERR_NOT_FOUND, "the reload command '%s' is not in %s", name,
                            search_path); /* NULL tells */
    }
    return path;
}

/* ---- spawning ---- */

static bool set_up(posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    return sigemptyset(&none) == 0 && sigfillset(&all) == 0 &&
           posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO) == 0 &&
           posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setpgroup(attributes, 0) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                    POSIX_SPAWN_SETPGROUP) == 0;
}

/* errno of the failure, or 0. */
static int spawn(const char *program, char **argv, char **environment, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
        return ENOMEM;
    }
    int rc = set_up(&actions, &attributes)
                 ? posix_spawn(out_pid, program, &actions, &attributes, argv, environment)
                 : EINVAL;
    (void)posix_spawnattr_destroy(&attributes);       /* cannot fail */
    (void)posix_spawn_file_actions_destroy(&actions); /* cannot fail */
    return rc;
}

/* ---- waiting ---- */

static bool wait_until(int descriptor, int64_t deadline_ms)
{
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    for (;;) {
        int64_t left_ms = deadline_ms - zca_clock_monotonic_ms();
        int ready = poll(&entry, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) {
            return true;
        }
        if (left_ms <= 0 || (ready < 0 && errno != EINTR)) {
            return false;
        }
    }
}

static bool reap(pid_t pid, const char *command, struct zca_error *err)
{
    int status = 0;
    pid_t reaped = 0;
    do {
        reaped = waitpid(pid, &status, 0);
    } while (reaped < 0 && errno == EINTR);
    if (reaped < 0) {
        return zca_error_set_errno(err, "waiting for '%s'", command);
    }
    if (WIFSIGNALED(status)) {
        return zca_error_set(err, ZCA_ERR_SYSTEM, "'%s' was killed by signal %d", command,
                             WTERMSIG(status));
    }
    return WEXITSTATUS(status) == 0 ||
           zca_error_set(err, ZCA_ERR_SYSTEM, "'%s' ended with status %d", command,
                         WEXITSTATUS(status));
}

static bool await(pid_t pid, const char *command, int timeout_ms, struct zca_error *err)
{
    int descriptor = pidfd_open(pid, 0);
    bool ended = descriptor >= 0 && wait_until(descriptor, zca_clock_monotonic_ms() + timeout_ms);
    if (descriptor >= 0) {
        (void)close(descriptor); /* nothing was written */
    }
    if (ended) {
        return reap(pid, command, err);
    }
    (void)kill(-pid, SIGKILL);      /* gone already is fine */
    (void)reap(pid, command, NULL); /* killed, as will be said */
    return zca_error_set(err, ZCA_ERR_SYSTEM, "'%s' did not end within %d s and was killed",
                         command, timeout_ms / 1000);
}

bool zca_reload_run(const char *command, const char *uri, int timeout_ms, struct zca_error *err)
{
    zca_auto(words) struct words words = {.text = NULL};
    zca_auto(text) char *path = NULL;
    zca_auto(text) char *identity = NULL;
    char language[] = "LANG=C";
    pid_t pid = -1;
    if (!split(command, &words, err)) {
        return false;
    }
    zca_auto(text) char *program = find_program(words.argv[0], err);
    if (!program) {
        return false;
    }
    if (asprintf(&path, "PATH=%s", search_path) < 0 ||
        asprintf(&identity, "ZCA_IDENTITY=%s", uri) < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "running '%s'", command);
    }
    char *environment[] = {path, language, identity, NULL};
    int rc = spawn(program, words.argv, environment, &pid);
    if (rc != 0) {
        errno = rc;
        return zca_error_set_errno(err, "running '%s'", command);
    }
    return await(pid, command, timeout_ms, err);
}

bool zca_reload_check(const char *command, struct zca_error *err)
{
    zca_auto(words) struct words words = {.text = NULL};
    if (!split(command, &words, err)) {
        return false;
    }
    zca_auto(text) char *program = find_program(words.argv[0], err);
    return program && (access(program, X_OK) == 0 ||
                       zca_error_set_errno(err, "the reload command '%s'", program));
}
