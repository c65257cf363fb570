/* SPDX-License-Identifier: Apache-2.0 */
/* Slots: one for each token that zca.conf describes, always with its token in it. */
#ifndef ZCA_PKCS11_MODULE_SLOT_H
#define ZCA_PKCS11_MODULE_SLOT_H

#include "pkcs11-module/token.h"

/** zca_slots_make makes the tokens of the configuration: identities, authorities, scratch. An identity whose authority is
 * missing is left out, with a line in the log. Before anybody else sees the module. */
ZCA_NODISCARD CK_RV zca_slots_make(struct zca_module *module);

/** zca_slots_wake ends every C_WaitForSlotEvent. */
void zca_slots_wake(void);

/** zca_text_pad fills `target` with UTF-8 text, cut between characters, and blanks behind it (PKCS#11, 3.1). */
void zca_text_pad(CK_UTF8CHAR *target, size_t len, const char *text);

#endif
