/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of reasons and the functions that fill an error object.
 * Messages are formatted beside the object first: arguments may point into it.
 */
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

struct message {
    char text[sizeof(((struct zca_error *)0)->message)];
};

static const char *const reasons[] = {
    [ZCA_ERR_NONE] = "NONE",
    [ZCA_ERR_MEMORY] = "MEMORY",
    [ZCA_ERR_SYSTEM] = "SYSTEM",
    [ZCA_ERR_CRYPTO] = "CRYPTO",
    [ZCA_ERR_CONFIG] = "CONFIG",
    [ZCA_ERR_INVALID] = "INVALID",
    [ZCA_ERR_NOT_FOUND] = "NOT_FOUND",
    [ZCA_ERR_UNSUPPORTED] = "UNSUPPORTED",
    [ZCA_ERR_AUTH] = "AUTH",
    [ZCA_ERR_MFA_REQUIRED] = "MFA_REQUIRED",
    [ZCA_ERR_FORBIDDEN] = "FORBIDDEN",
    [ZCA_ERR_POLICY] = "POLICY",
    [ZCA_ERR_NOT_INITIALISED] = "NOT_INITIALISED",
    [ZCA_ERR_QUARANTINED] = "QUARANTINED",
    [ZCA_ERR_POSTURE] = "POSTURE",
    [ZCA_ERR_CONFLICT] = "CONFLICT",
    [ZCA_ERR_PENDING] = "PENDING",
    [ZCA_ERR_RATE_LIMITED] = "RATE_LIMITED",
    [ZCA_ERR_UNAVAILABLE] = "UNAVAILABLE",
    [ZCA_ERR_PROTOCOL] = "PROTOCOL",
    [ZCA_ERR_VERIFY] = "VERIFY",
    [ZCA_ERR_SEALED] = "SEALED",
    [ZCA_ERR_EXPIRED] = "EXPIRED",
    [ZCA_ERR_BUSY] = "BUSY",
};
static_assert(ZCA_COUNT(reasons) == ZCA_NUM_REASONS, "every reason has a row");

/* Marks a message that `needed` bytes did not fit into; never cuts a UTF-8 character. */
static void end_message(struct message *message, int needed)
{
    static const char mark[] = "...";
    if (needed >= 0 && (size_t)needed < sizeof(message->text)) {
        return;
    }
    size_t end = sizeof(message->text) - sizeof(mark);
    while (end > 0 && ((unsigned char)message->text[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(message->text + end, mark, sizeof(mark));
}

/* Foreign text in a message must not forge a log line or drive a terminal. */
static void clean_message(struct message *message)
{
    for (char *c = message->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F) {
            *c = '?';
        }
    }
}

static struct message format_message(const char *format, va_list arguments) ZCA_PRINTF(1, 0);

static struct message format_message(const char *format, va_list arguments)
{
    struct message message = {""};
    int saved_errno = errno;
    end_message(&message, vsnprintf(message.text, sizeof(message.text), format, arguments));
    clean_message(&message);
    errno = saved_errno;
    return message;
}

static struct message join(const char *first, const char *second)
{
    struct message message = {""};
    end_message(&message, snprintf(message.text, sizeof(message.text), "%s: %s", first, second));
    return message;
}

static bool fill(struct zca_error *err, enum zca_reason reason, const struct message *message)
{
    if (err) {
        *err = (struct zca_error){.reason = reason};
        memcpy(err->message, message->text, sizeof(message->text));
    }
    return false;
}

bool zca_error_set(struct zca_error *err, enum zca_reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct message message = format_message(format, arguments);
    va_end(arguments);
    return fill(err, reason, &message);
}

static enum zca_reason reason_of_errno(int number)
{
    if (number == ENOMEM) {
        return ZCA_ERR_MEMORY;
    }
    return number == ENOENT ? ZCA_ERR_NOT_FOUND : ZCA_ERR_SYSTEM;
}

bool zca_error_set_errno(struct zca_error *err, const char *format, ...)
{
    int saved_errno = errno;
    va_list arguments;
    va_start(arguments, format);
    struct message message = format_message(format, arguments);
    va_end(arguments);
    struct message cause = {""};
    message = join(message.text, strerror_r(saved_errno, cause.text, sizeof(cause.text)));
    errno = saved_errno;
    return fill(err, reason_of_errno(saved_errno), &message);
}

bool zca_error_set_crypto(struct zca_error *err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct message message = format_message(format, arguments);
    va_end(arguments);
    const char *data = NULL;
    int flags = 0;
    unsigned long number = ERR_peek_last_error_data(&data, &flags);
    const char *text = number != 0 ? ERR_reason_error_string(number) : NULL;
    if (text) {
        message = join(message.text, text);
    }
    if (text && data && *data != '\0' && (flags & ERR_TXT_STRING) != 0) {
        message = join(message.text, data);
    }
    return fill(err, ZCA_ERR_CRYPTO, &message);
}

bool zca_error_context(struct zca_error *err, const char *format, ...)
{
    if (!err || err->reason == ZCA_ERR_NONE) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    struct message context = format_message(format, arguments);
    va_end(arguments);
    struct message message = join(context.text, err->message);
    memcpy(err->message, message.text, sizeof(message.text));
    return false;
}

void zca_error_clear(struct zca_error *err)
{
    if (err) {
        *err = (struct zca_error){.reason = ZCA_ERR_NONE};
    }
}

const char *zca_reason_name(enum zca_reason reason)
{
    return (unsigned)reason < ZCA_NUM_REASONS ? reasons[reason] : "UNKNOWN";
}
