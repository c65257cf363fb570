/* SPDX-License-Identifier: Apache-2.0 */
/* The module on a host of its own: a scene (tests/core/scene.h) with tokens, and what every test does with them. */
#ifndef ZCA_TESTS_PKCS11_MODULE_BED_H
#define ZCA_TESTS_PKCS11_MODULE_BED_H

#include "pkcs11-module/cryptoki.h"
#include "tests/core/scene.h"

#define BED_SO_PIN "12345678"
#define BED_PIN "1234"

/** bed_setup and bed_teardown give a test a scene in *state; the teardown finalises the module. */
int bed_setup(void **state);
int bed_teardown(void **state);

/** bed_configure writes zca.conf: lines of [zca], authority corp of a fake dialect, then sections. */
void bed_configure(struct scene *scene, const char *lines, const char *dialect,
                   const char *sections);

/** bed_initialise calls C_Initialize with the scene's zca.conf. */
CK_RV bed_initialise(struct scene *scene);

/** bed_start configures an identity `web` and the scratch token, both usable without network, and initialises. */
void bed_start(struct scene *scene);

/** bed_slot returns the slot of the token with this label; fails the test without one. */
CK_SLOT_ID bed_slot(const char *label);

/** bed_open opens a session; flags beside CKF_SERIAL_SESSION. */
CK_SESSION_HANDLE bed_open(const char *label, CK_FLAGS flags);

/** bed_scratch initialises the scratch token as "scratch" with the PINs above and returns a R/W session, logged in. */
CK_SESSION_HANDLE bed_scratch(void);

/** bed_find returns how many objects match and stores the first `max` handles. */
size_t bed_find(CK_SESSION_HANDLE session, const CK_ATTRIBUTE *attributes, CK_ULONG count,
                CK_OBJECT_HANDLE *out_handles, size_t max);

/** bed_look counts the objects of a class with the label "web". No assertions: for threads, too. */
CK_RV bed_look(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_ULONG *out_count);

/** bed_object returns the only object of a class; fails the test when there is none, or another. */
CK_OBJECT_HANDLE bed_object(CK_SESSION_HANDLE session, CK_OBJECT_CLASS class);

/** bed_generate makes a key pair of session objects (is_token: token objects) of this mechanism for P-256, RSA-2048 or
 * Ed25519. */
void bed_generate(CK_SESSION_HANDLE session, CK_MECHANISM_TYPE mechanism, bool is_token,
                  CK_OBJECT_HANDLE *out_public, CK_OBJECT_HANDLE *out_private);

/** bed_value appends an attribute's value; fails the test when it cannot be had. */
void bed_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
               struct zca_buffer *out_value);

/** bed_key returns the public key of an object as OpenSSL's, from CKA_PUBLIC_KEY_INFO. Caller frees. */
EVP_PKEY *bed_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object);

#endif
