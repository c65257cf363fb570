/* SPDX-License-Identifier: Apache-2.0 */
/* The trace of calls: what to look at when an application says no more than "token error". */
#include "pkcs11-module/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pkcs11-module/rv_name.h"

static pthread_once_t opened = PTHREAD_ONCE_INIT;
static int sink = -1;

static void open_sink(void)
{
    const char *target = secure_getenv("ZCA_P11_TRACE");
    if (!target || *target == '\0') {
        return;
    }
    sink = strcmp(target, "stderr") == 0
               ? STDERR_FILENO
               : open(target, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, S_IRUSR | S_IWUSR);
}

bool zca_trace_enabled(void)
{
    (void)pthread_once(&opened, open_sink); /* cannot fail */
    return sink >= 0;
}

int64_t zca_trace_now_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void zca_trace_write(const char *name, CK_ULONG subject, CK_RV rv, int64_t duration_ns)
{
    int saved_errno = errno;
    const char *result = zca_rv_name(rv);
    (void)dprintf(sink, "zca-pkcs11[%ld]: %s(%lu) = %s (0x%lx), %lld us\n", (long)getpid(), name,
                  subject, result ? result : "CKR_?", rv,
                  (long long)(duration_ns / 1000)); /* a trace that cannot be written is none */
    errno = saved_errno;
}
