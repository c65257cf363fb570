/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor's look at memory for private values: OpenSSL says nothing when it cannot be locked. */
#include <sys/mman.h>
#include <sys/resource.h>

#include "tool/doctor.h"

/* As the heap is locked: pages count from when they are mapped, and take memory when they are used. */
static bool can_lock(size_t len)
{
    void *pages = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool locked = pages != MAP_FAILED && mlock2(pages, len, MLOCK_ONFAULT) == 0;
    if (pages != MAP_FAILED) {
        (void)munmap(pages, len); /* cannot fail: it was mapped as a whole */
    }
    return locked;
}

void zca_doctor_memory(struct zca_doctor *doctor)
{
    struct rlimit limit = {.rlim_cur = 0};
    if (!doctor->config) {
        return;
    }
    const char *file = zca_library_config_file(doctor->tool->library);
    long kib = zca_config_get_number(doctor->config, "zca", NULL,
                                     &zca_library_options[ZCA_LIBRARY_SECURE_MEMORY]);
    if (kib == 0) {
        zca_doctor_warn(doctor, "secure-memory = 0: private values are in ordinary memory");
        zca_doctor_advise(doctor, "secure-memory = 4096 in [zca] of %s", file);
    } else if (!can_lock((size_t)kib * 1024)) {
        (void)getrlimit(RLIMIT_MEMLOCK, &limit); /* cannot fail */
        zca_doctor_warn(doctor,
                        "%ld KiB for private values cannot be locked here, the limit is %llu "
                        "KiB: they may be swapped out",
                        kib, (unsigned long long)limit.rlim_cur / 1024);
        zca_doctor_advise(doctor,
                          "LimitMEMLOCK=%ldK in the unit, memlock in "
                          "/etc/security/limits.conf, or less secure-memory in [zca] of %s",
                          2 * kib, file);
    }
}
