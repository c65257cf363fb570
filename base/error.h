/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error object. The place that detects a failure sets it once; callers add context
 * and return. Code branches on `reason` and on nothing else.
 */
#ifndef ZCA_BASE_ERROR_H
#define ZCA_BASE_ERROR_H

#include <stdbool.h>

#include "base/auto.h"

/* A new reason is a row here, one in base/error.c and one in the table of each door. */
enum zca_reason {
    ZCA_ERR_NONE,
    ZCA_ERR_MEMORY,          /* an allocation failed */
    ZCA_ERR_SYSTEM,          /* a system call failed: file, socket, lock */
    ZCA_ERR_CRYPTO,          /* OpenSSL refused */
    ZCA_ERR_CONFIG,          /* configuration file or option */
    ZCA_ERR_INVALID,         /* bad input from the caller or the user */
    ZCA_ERR_NOT_FOUND,       /* no such object, here or there */
    ZCA_ERR_UNSUPPORTED,     /* this authority, key or build cannot do it */
    ZCA_ERR_AUTH,            /* not logged in, or the login was refused */
    ZCA_ERR_MFA_REQUIRED,    /* a one-time code is needed */
    ZCA_ERR_FORBIDDEN,       /* logged in, but the role does not allow it */
    ZCA_ERR_POLICY,          /* refused by the authority's policy */
    ZCA_ERR_NOT_INITIALISED, /* the authority has no CA yet */
    ZCA_ERR_QUARANTINED,     /* the machine is quarantined */
    ZCA_ERR_POSTURE,         /* the machine is not compliant */
    ZCA_ERR_CONFLICT,        /* exists already, or another state is needed first */
    ZCA_ERR_PENDING,         /* not ready yet; ask again later */
    ZCA_ERR_RATE_LIMITED,    /* too many requests; see retry_after_s */
    ZCA_ERR_UNAVAILABLE,     /* the authority cannot be reached or is down */
    ZCA_ERR_PROTOCOL,        /* the authority's answer makes no sense */
    ZCA_ERR_VERIFY,          /* the authority's answer is well formed but not what was asked */
    ZCA_ERR_SEALED,          /* a sealed key cannot be opened */
    ZCA_ERR_EXPIRED,         /* the certificate has expired */
    ZCA_ERR_BUSY,            /* re-entered, or another process holds the lock */
    ZCA_NUM_REASONS
};

struct zca_error {
    enum zca_reason reason; /* the only thing code may branch on */
    long http_status;       /* 0: no response */
    long retry_after_s;     /* what the authority asked for; 0: nothing */
    char code[48];          /* the authority's own code, verbatim; "" if none */
    char message[256];      /* lower case, no full stop, no secret */
};

/**
 * zca_error_set fills `err` with a reason and a formatted message and clears the other members.
 *
 * err      may be NULL: the caller does not want to know.
 * format   lower case, no full stop: what was attempted, on what, the next step if known.
 *          A message that does not fit ends in "..."; control characters become '?'.
 *
 * Returns false, so that `return zca_error_set(...)` reads well.
 */
bool zca_error_set(struct zca_error *err, enum zca_reason reason, const char *format, ...)
    ZCA_PRINTF(3, 4);

/** zca_error_set_errno is zca_error_set with ZCA_ERR_SYSTEM and ": strerror(errno)" appended.
 * ENOMEM becomes ZCA_ERR_MEMORY, ENOENT ZCA_ERR_NOT_FOUND. errno is preserved. */
bool zca_error_set_errno(struct zca_error *err, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_error_set_crypto is zca_error_set with ZCA_ERR_CRYPTO and the newest entry of the calling
 * thread's OpenSSL error queue appended. It leaves the queue as it was when ZCA last marked it:
 * entries are read with ERR_peek_last_error and never removed. */
bool zca_error_set_crypto(struct zca_error *err, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_error_context puts "context: " before the message and keeps everything else.
 * Returns false. Does nothing but that when `err` is NULL or holds no error. */
bool zca_error_context(struct zca_error *err, const char *format, ...) ZCA_PRINTF(2, 3);

/** zca_error_clear sets `err` to "no error". */
void zca_error_clear(struct zca_error *err);

/** zca_reason_name returns the stable upper-case name of a reason ("NOT_FOUND"); static storage. */
const char *zca_reason_name(enum zca_reason reason);

#endif
