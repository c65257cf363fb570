/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token and its kind: identity, authority or scratch. What the kinds do differently is a row of functions each;
 * what they share (info strings, login state, the set of objects) is here.
 */
#ifndef ZCA_PKCS11_MODULE_TOKEN_H
#define ZCA_PKCS11_MODULE_TOKEN_H

#include "base/buffer.h"
#include "core/library.h"
#include "pkcs11-module/mechanism.h"
#include "pkcs11-module/module.h"
#include "pkcs11-module/objects.h"
#include "pkcs11-module/search.h"

/** No PIN is longer, in bytes. */
#define ZCA_MAX_PIN 4096u

enum zca_login_state { ZCA_LOGIN_NONE, ZCA_LOGIN_USER, ZCA_LOGIN_SO };

struct zca_token_kind;

struct zca_token {
    CK_SLOT_ID id;
    const struct zca_token_kind *kind;
    struct zca_module *module;
    struct zca_library *library;
    char *label;     /* UTF-8; shown in 32 bytes */
    char serial[17]; /* 16 hexadecimal digits */
    unsigned places; /* which mechanisms; with ZCA_ON_LEGACY as configured */

    /* under the module's lock */
    enum zca_login_state login;
    size_t num_sessions, num_rw_sessions;
    bool has_profiles;           /* they are among the objects (profile.h) */
    struct zca_objects *objects; /* those of all its sessions, too */

    void *state; /* the kind's own */
};

/*
 * A kind. Functions are called inside the gate and without the module's lock, unless said otherwise; NULL where the kind
 * has no such thing (the caller then answers with the standard's code). They log their own failures (error.h).
 */
struct zca_token_kind {
    const char *model;         /* at most 16 bytes */
    CK_ULONG min_pin, max_pin; /* bytes; both 0: no PIN */
    unsigned places;           /* ZCA_ON_... of its mechanisms, without ZCA_ON_LEGACY */

    /** make fills `state` from the configuration: no network, no directory. free releases it, whatever of it there is.
     * name         the section's.
     * out_origin   what distinguishes tokens of this name, such as the authority's URL; borrowed from `state`. */
    ZCA_NODISCARD bool (*make)(struct zca_token *token, const char *name, const char **out_origin,
                               struct zca_error *err);
    void (*free)(struct zca_token *token);

    /** after_fork forgets in a child what another thread of the parent was doing: locks, requests. */
    void (*after_fork)(struct zca_token *token);

    /** flags returns CKF_ bits of CK_TOKEN_INFO as they are now: no network, cheap (polled by browsers). */
    CK_FLAGS (*flags)(struct zca_token *token);

    /** search brings token->objects up to date before C_FindObjectsInit looks: files read again when they changed, keys
     * made, certificates requested, as the search asks for and the configuration allows. */
    ZCA_NODISCARD CK_RV (*search)(struct zca_token *token, const struct zca_search *search);

    /** login checks a PIN of at most ZCA_MAX_PIN bytes and stores what it opens in `out_opened`, a secret buffer; the token
     * stays as it is. CKR_PIN_INCORRECT, CKR_PIN_EXPIRED, CKR_PIN_LOCKED, CKR_USER_PIN_NOT_INITIALIZED,
     * CKR_USER_TYPE_INVALID.
     * keep takes what login opened once the caller has logged in, logout forgets it: both alone under the module's lock, so
     * they only move and drop memory. */
    ZCA_NODISCARD CK_RV (*login)(struct zca_token *token, CK_USER_TYPE user, struct zca_span pin,
                                 struct zca_buffer *out_opened);
    void (*keep)(struct zca_token *token, struct zca_buffer *opened);
    void (*logout)(struct zca_token *token);

    /** init_token erases and names the token; init_pin and set_pin as C_InitPIN and C_SetPIN. States are checked. */
    ZCA_NODISCARD CK_RV (*init_token)(struct zca_token *token, struct zca_span pin,
                                      const CK_UTF8CHAR *label);
    ZCA_NODISCARD CK_RV (*init_pin)(struct zca_token *token, struct zca_span pin);
    ZCA_NODISCARD CK_RV (*set_pin)(struct zca_token *token, struct zca_span old_pin,
                                   struct zca_span new_pin);

    /** add stores a new token object durably before it is seen; change stores new values of one; remove deletes it.
     * The caller then changes token->objects. Absent add: CKR_TOKEN_WRITE_PROTECTED. */
    ZCA_NODISCARD CK_RV (*add)(struct zca_token *token, struct zca_object *object);
    ZCA_NODISCARD CK_RV (*change)(struct zca_token *token, struct zca_object *object,
                                  const struct zca_values *values);
    ZCA_NODISCARD CK_RV (*remove)(struct zca_token *token, struct zca_object *object);

    /** import takes a certificate for the token's own key (identity), in place of add: checked and stored as one that was
     * issued. out_object: the token's object for it, with names of its own; new reference. CKR_ATTRIBUTE_VALUE_INVALID: it
     * is not what the token would ask for. Only for who may use the key. */
    ZCA_NODISCARD CK_RV (*import)(struct zca_token *token, struct zca_span der,
                                  struct zca_object **out_object);

    /** open reads the key of an object that is_sealed, when somebody is about to use it or to be told private values
     * (zca_session_unseal): the object has its key or secret then, for all. */
    ZCA_NODISCARD CK_RV (*open)(struct zca_token *token, struct zca_object *object);

    /** refresh brings label and flags up to date with what other processes did; before C_GetTokenInfo tells them. */
    void (*refresh)(struct zca_token *token);

    /** generate makes the token's own key pair (CKA_TOKEN) where the kind knows how keys are made and kept (identity);
     * its objects are in token->objects afterwards. Absent: the caller makes one and adds it. */
    ZCA_NODISCARD CK_RV (*generate)(struct zca_token *token, const char *key_type,
                                    struct zca_object **out_public,
                                    struct zca_object **out_private);

    /** sign has a key that is elsewhere sign `message` whole (authority). out_signature: as the mechanism defines it. */
    ZCA_NODISCARD CK_RV (*sign)(struct zca_token *token, const struct zca_mechanism *mechanism,
                                struct zca_span message, struct zca_buffer *out_signature);
};

extern const struct zca_token_kind zca_token_identity;  /* identity.c */
extern const struct zca_token_kind zca_token_authority; /* authority.c */
extern const struct zca_token_kind zca_token_scratch;   /* scratch.c */

/**
 * zca_token_new makes a token; nothing but the configuration is read.
 *
 * name   of the identity or authority; what the serial number is made of.
 * err    for the log.
 */
ZCA_NODISCARD struct zca_token *zca_token_new(struct zca_module *module,
                                              const struct zca_token_kind *kind, const char *name,
                                              struct zca_error *err);
void zca_token_free(struct zca_token *token);
ZCA_DEFINE_AUTO(zca_token, struct zca_token, zca_token_free);

/** zca_token_compare orders tokens by their slots' numbers, for tsearch(3). */
int zca_token_compare(const void *left, const void *right);

/** zca_token_of_slot returns the token of a slot, or NULL; borrowed, lives as long as the module is initialised. */
struct zca_token *zca_token_of_slot(const struct zca_module *module, CK_SLOT_ID id);

/** zca_token_is_open tells whether private objects may be used: the user is logged in, or no login is needed. Under the
 * module's lock; kind->flags takes none. */
bool zca_token_is_open(struct zca_token *token);

/** zca_token_log_out ends the login: private session objects go, and what the kind had opened. Alone under the lock. */
void zca_token_log_out(struct zca_token *token);

/** zca_token_context returns the library's private context, in which all keys of tokens live. */
ZCA_NODISCARD OSSL_LIB_CTX *zca_token_context(struct zca_token *token, CK_RV *out_rv);

#endif
