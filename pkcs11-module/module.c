/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only mutable global of the door: the module itself. It is never freed, since applications call us from exit
 * handlers and children.
 */
#include "pkcs11-module/module.h"

#include "base/gate.h"

static struct zca_module module = {.lock = PTHREAD_RWLOCK_INITIALIZER};

struct zca_module *zca_module_get(void)
{
    return &module;
}

struct zca_module *zca_module_look(struct zca_module *self)
{
    (void)pthread_rwlock_rdlock(
        &self->lock); /* fails for more readers than a process has threads */
    return self;
}

struct zca_module *zca_module_change(struct zca_module *self)
{
    (void)pthread_rwlock_wrlock(&self->lock); /* as above */
    return self;
}

void zca_module_leave(struct zca_module *self)
{
    (void)pthread_rwlock_unlock(&self->lock); /* it is held */
}

void zca_module_outside(void)
{
    zca_gate_leave();
}

void zca_module_inside(void)
{
    zca_gate_enter();
}
