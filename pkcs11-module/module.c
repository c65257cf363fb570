/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only mutable global of the door: the module itself. It is never freed, since applications call us from exit
 * handlers and children.
 */
#include "pkcs11-module/module.h"

#include "base/gate.h"

static struct zca_module module = {.lock = ZCA_SHARED_LOCK_INITIALIZER};

struct zca_module *zca_module_get(void)
{
    return &module;
}

struct zca_module *zca_module_look(struct zca_module *self)
{
    zca_shared_lock_look(&self->lock);
    return self;
}

struct zca_module *zca_module_change(struct zca_module *self)
{
    zca_shared_lock_change(&self->lock);
    return self;
}

void zca_module_leave(struct zca_module *self)
{
    zca_shared_lock_leave(&self->lock);
}

bool zca_module_may_run(const struct zca_module *self)
{
    return self->is_initialised && !(self->is_forked && self->is_strict);
}

void zca_module_outside(void)
{
    zca_gate_leave();
}

void zca_module_inside(void)
{
    zca_gate_enter();
}
