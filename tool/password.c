/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal's echo is off only while this thread holds back interrupts and waits for either a line
 * or the interrupt, so that no way out leaves a silent terminal behind.
 */
#include "tool/password.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/file.h"

static const size_t max_line = 1024;

static size_t line_length(const struct zca_buffer *text)
{
    return text->len > 0 ? strcspn((const char *)text->data, "\r\n") : 0;
}

bool zca_password_load(const char *path, struct zca_buffer *out_password, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!zca_file_load(path, max_line, &text, NULL, err) ||
        !zca_buffer_resize(&text, line_length(&text), err)) {
        return zca_error_context(err, "reading the password");
    }
    if (text.len == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' holds no password in its first line",
                             path);
    }
    zca_buffer_move(out_password, &text);
    return true;
}

bool zca_password_has_terminal(void)
{
    return isatty(STDIN_FILENO) == 1;
}

/* ---- waiting without losing an interrupt ---- */

/* Zero-initialised: nothing was changed. */
struct terminal {
    bool is_held;    /* interrupts are held back */
    bool is_changed; /* the echo is off */
    int signals;     /* tells of an interrupt; -1: none */
    sigset_t mask;
    struct termios mode;
};

static void terminal_restore(struct terminal *terminal)
{
    if (terminal->is_changed) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->mode); /* nothing can be done */
    }
    if (terminal->is_held) {
        (void)close(terminal->signals);
        /* a waiting interrupt takes its course now */
        (void)sigprocmask(SIG_SETMASK, &terminal->mask, NULL); /* the mask is ours */
    }
}

ZCA_DEFINE_AUTO_CLEAR(terminal, struct terminal, terminal_restore);

static bool terminal_prepare(struct terminal *terminal, bool hidden, struct zca_error *err)
{
    sigset_t interrupts;
    (void)sigemptyset(&interrupts);        /* cannot fail */
    (void)sigaddset(&interrupts, SIGINT);  /* a known signal */
    (void)sigaddset(&interrupts, SIGTERM); /* as above */
    (void)sigaddset(&interrupts, SIGHUP);  /* as above */
    terminal->signals = signalfd(-1, &interrupts, SFD_CLOEXEC);
    if (terminal->signals < 0) {
        return zca_error_set_errno(err, "preparing the terminal");
    }
    terminal->is_held = sigprocmask(SIG_BLOCK, &interrupts, &terminal->mask) == 0;
    if (!hidden) {
        return true;
    }
    if (tcgetattr(STDIN_FILENO, &terminal->mode) != 0) {
        return zca_error_set_errno(err, "asking the terminal for its mode");
    }
    struct termios silent = terminal->mode;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= (tcflag_t)ECHONL;
    terminal->is_changed = tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
    return terminal->is_changed || zca_error_set_errno(err, "turning the terminal's echo off");
}

/* False when an interrupt came first. */
static bool wait_for_input(const struct terminal *terminal)
{
    struct pollfd files[] = {
        {.fd = STDIN_FILENO,                               .events = POLLIN},
        {.fd = terminal->is_held ? terminal->signals : -1, .events = POLLIN},
    };
    while (poll(files, ZCA_COUNT(files), -1) < 0 && errno == EINTR) {
    }
    return files[1].revents == 0;
}

/* ---- reading ---- */

/* One byte at a time: what follows the line is not ours. */
static bool read_line(const struct terminal *terminal, struct zca_buffer *line,
                      struct zca_error *err)
{
    for (;;) {
        char c = '\0';
        if (!wait_for_input(terminal)) {
            return zca_error_set(err, ZCA_ERR_INVALID, "interrupted");
        }
        ssize_t num_read = read(STDIN_FILENO, &c, 1);
        if (num_read < 0 && errno == EINTR) {
            continue;
        }
        if (num_read < 0) {
            return zca_error_set_errno(err, "reading standard input");
        }
        bool ended = num_read == 0 || c == '\n';
        bool ok = ended || (c != '\0' && zca_buffer_append(line, zca_span_of(&c, 1), err));
        OPENSSL_cleanse(&c, sizeof(c));
        if (ended || !ok) {
            return ok;
        }
    }
}

bool zca_password_ask(const char *prompt, bool hidden, struct zca_buffer *out_line,
                      struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer line = {.secret = true, .limit = max_line};
    {
        zca_auto(terminal) struct terminal terminal = {.signals = -1};
        if (zca_password_has_terminal()) {
            if (!terminal_prepare(&terminal, hidden, err)) {
                return false;
            }
            ssize_t written = write(STDERR_FILENO, prompt, strlen(prompt));
            (void)written; /* who sees no prompt can type all the same */
        }
        if (!read_line(&terminal, &line, err)) {
            return zca_error_context(err, "reading what was typed");
        }
    }

    if (!zca_buffer_resize(&line, line_length(&line), err)) {
        return false;
    }
    if (line.len == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "nothing was typed");
    }
    zca_buffer_move(out_line, &line);
    return true;
}
