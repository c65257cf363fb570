/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor's look at files: zca.conf, the directories, and whether each identity's key opens. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/certificate.h"
#include "core/keystore.h"
#include "core/pin.h"
#include "core/stored.h"
#include "core/verify.h"
#include "tool/doctor.h"
#include "tool/inventory.h"

static const char *config_path(const struct zca_doctor *doctor)
{
    return zca_library_config_file(doctor->tool->library);
}

/* Who may write to a directory may put another in the place of what is in it, unless it is sticky. */
static bool check_writers(struct zca_doctor *doctor, const char *path)
{
    struct stat status;
    return stat(path, &status) != 0 || (status.st_mode & S_ISVTX) != 0 ||
           zca_doctor_mode(doctor, path, S_IWGRP | S_IWOTH);
}

/* The directory that `path` is in. */
static void check_parent(struct zca_doctor *doctor, const char *path)
{
    zca_auto(text) char *parent = strdup(path);
    char *slash = parent ? strrchr(parent, '/') : NULL;
    if (slash && slash != parent) {
        *slash = '\0';
        (void)check_writers(doctor, parent); /* it has said what is wrong */
    }
}

void zca_doctor_config(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const mode_t writable = S_IWGRP | S_IWOTH;
    doctor->config = zca_library_config(doctor->tool->library, &failure);
    const char *path = config_path(doctor);
    if (!doctor->config) {
        zca_doctor_fail(doctor, "zca.conf: %s", failure.message);
        zca_doctor_advise(doctor, "zca.conf(5) lists sections and options");
        return;
    }
    if (access(path, F_OK) != 0) {
        zca_doctor_warn(doctor, "there is no '%s': the defaults are in force", path);
        zca_doctor_advise(doctor, "zca login --url URL --trust FILE");
        return;
    }
    check_parent(doctor, path);
    if (zca_doctor_mode(doctor, path, writable)) {
        zca_doctor_ok(doctor, "configuration '%s'", path);
    }
}

/* ---- directories ---- */

static const struct {
    enum zca_place place;
    mode_t forbidden;
} directories[] = {
    {ZCA_PLACE_KEYS,        077              },
    {ZCA_PLACE_RUNTIME,     077              },
    {ZCA_PLACE_ORDERS,      077              },
    {ZCA_PLACE_CERTS,       S_IWGRP | S_IWOTH},
    {ZCA_PLACE_AUTHORITIES, S_IWGRP | S_IWOTH},
    {ZCA_PLACE_TOKENS,      077              },
};

/* "PLACE/authority", found from a path in it. */
static char *directory_path(struct zca_library *library, enum zca_place place,
                            const char *authority)
{
    char *path = zca_library_path(library, place, authority, "x", "", NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    if (slash) {
        *slash = '\0';
    }
    return path;
}

static void check_owner(struct zca_doctor *doctor, const char *path)
{
    struct stat status;
    if (stat(path, &status) == 0 && status.st_uid != geteuid()) {
        zca_doctor_warn(doctor, "'%s' belongs to user %u, this is user %u", path,
                        (unsigned)status.st_uid, (unsigned)geteuid());
        zca_doctor_advise(doctor, "run zca as that user, or chown %u %s", (unsigned)geteuid(),
                          path);
    }
}

static size_t check_directory(struct zca_doctor *doctor, size_t row, const char *authority)
{
    zca_auto(text) char *path =
        directory_path(doctor->tool->library, directories[row].place, authority);
    if (!path || !zca_doctor_mode(doctor, path, directories[row].forbidden)) {
        return 0;
    }
    check_owner(doctor, path);
    return 1;
}

/* What holds the directories of all authorities: found by one of them. */
static void check_places(struct zca_doctor *doctor, const char *authority)
{
    for (size_t i = 0; authority && i < ZCA_COUNT(directories); i++) {
        zca_auto(text) char *path =
            directory_path(doctor->tool->library, directories[i].place, authority);
        if (path) {
            check_parent(doctor, path);
        }
    }
}

/* ---- workers: a trust store by URI is read anew by processes without privileges ---- */

/* Others need these bits; names the first of `path` and its parents that lacks them. */
static void check_reach(struct zca_doctor *doctor, const char *path, mode_t bits)
{
    struct stat status;
    zca_auto(text) char *part = strdup(path);
    char *slash = part ? part + strlen(part) : NULL;
    for (mode_t needed = bits; slash && slash != part; needed = S_IXOTH) {
        *slash = '\0';
        if (stat(part, &status) == 0 && (status.st_mode & needed) != needed) {
            zca_doctor_warn(doctor, "workers without privileges cannot read below '%s' (mode %04o)",
                            part, (unsigned)status.st_mode & 07777);
            zca_doctor_advise(doctor, "chmod o+%s %s, when servers name zca:// URIs",
                              needed == S_IXOTH ? "x" : "rx", part);
            return;
        }
        slash = strrchr(part, '/');
    }
}

static void check_workers(struct zca_doctor *doctor)
{
    static const enum zca_place public[] = {ZCA_PLACE_CERTS, ZCA_PLACE_AUTHORITIES};

    const char *const *name = zca_config_names(doctor->config, "authority");
    for (; geteuid() == 0 && *name; name++) {
        for (size_t i = 0; i < ZCA_COUNT(public); i++) {
            zca_auto(text) char *path =
                zca_library_directory(doctor->tool->library, public[i], *name, NULL);
            if (path && access(path, F_OK) == 0) {
                check_reach(doctor, path, S_IROTH | S_IXOTH);
                return; /* the others have the same parents */
            }
        }
    }
}

void zca_doctor_directories(struct zca_doctor *doctor)
{
    size_t num_right = 0;
    const char *state = zca_library_state_dir(doctor->tool->library, NULL);
    if (!doctor->config || !state) {
        return;
    }
    if (access(state, F_OK) != 0) {
        zca_doctor_ok(doctor, "state directory '%s' will be made when needed", state);
        return;
    }
    if (access(state, W_OK | X_OK) != 0) {
        zca_doctor_fail(doctor, "state directory '%s': %s", state, strerror(errno));
        zca_doctor_advise(doctor, "run zca as its owner, or set state-dir in %s",
                          config_path(doctor));
        return;
    }
    (void)check_writers(doctor, state); /* it has said what is wrong */
    const char *const *name = zca_config_names(doctor->config, "authority");
    check_places(doctor, *name);
    for (; *name; name++) {
        for (size_t i = 0; i < ZCA_COUNT(directories); i++) {
            num_right += check_directory(doctor, i, *name);
        }
    }
    zca_doctor_ok(doctor, "state directory '%s': %zu directories with right modes", state,
                  num_right);
    check_workers(doctor);
}

/* ---- identities ---- */

/* Whoever owns a key can put another in its place. */
static void check_key_owner(struct zca_doctor *doctor, const char *path)
{
    struct stat key;
    struct stat state;
    const char *directory = zca_library_state_dir(doctor->tool->library, NULL);
    if (directory && stat(path, &key) == 0 && stat(directory, &state) == 0 &&
        key.st_uid != state.st_uid) {
        zca_doctor_fail(doctor, "'%s' belongs to user %u, the state directory to user %u", path,
                        (unsigned)key.st_uid, (unsigned)state.st_uid);
        zca_doctor_advise(doctor, "chown %u %s", (unsigned)state.st_uid, path);
    }
}

/* The sealed file of a key: its mode and owner, when there is one. */
static void check_key_file(struct zca_doctor *doctor, struct zca_identity *identity)
{
    enum zca_place place = zca_identity_get_keystore(identity) == ZCA_KEYSTORE_RUNTIME
                               ? ZCA_PLACE_RUNTIME
                               : ZCA_PLACE_KEYS;
    zca_auto(text) char *path = zca_library_path(
        doctor->tool->library, place, zca_authority_get_name(zca_identity_get_authority(identity)),
        zca_identity_get_name(identity), ".key", NULL);
    if (path) {
        (void)zca_doctor_mode(doctor, path, 077); /* it has said what is wrong */
        check_key_owner(doctor, path);
    }
}

static void check_certificate(struct zca_doctor *doctor, struct zca_identity *identity,
                              const struct zca_key *key)
{
    const char *uri = zca_identity_get_uri(identity);
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_chain) struct zca_chain *chain =
        zca_certificate_load_chain(doctor->tool->library, zca_identity_get_authority_name(identity),
                                   zca_identity_get_name(identity), &failure);
    if (!chain && failure.reason == ZCA_ERR_NOT_FOUND) {
        return;
    }
    if (!chain) {
        zca_doctor_fail(doctor, "identity '%s': %s", uri, failure.message);
        zca_doctor_advise(doctor, "zca renew --force %s", uri);
    } else if (key && !zca_chain_matches(chain, key)) {
        zca_doctor_fail(doctor, "identity '%s': the certificate is for another key", uri);
        zca_doctor_advise(doctor, "zca renew --force %s", uri);
    } else if (zca_chain_get_not_after_s(chain) <= zca_clock_now_s()) {
        zca_doctor_fail(doctor, "identity '%s': the certificate has expired", uri);
        zca_doctor_advise(doctor, "zca renew %s; does zca-renew.timer run?", uri);
    } else if (zca_chain_get_not_before_s(chain) > zca_clock_now_s() + ZCA_CLOCK_SKEW_S) {
        zca_doctor_fail(doctor, "identity '%s': the certificate is not valid yet", uri);
        zca_doctor_advise(doctor, "set the clock: timedatectl set-ntp true");
    } else if (!zca_stored_stands(identity)) {
        zca_doctor_fail(doctor, "identity '%s': the certificate does not lead to the pinned CA",
                        uri);
        zca_doctor_advise(doctor, "zca renew %s: the CA was replaced", uri);
    } else {
        zca_doctor_ok(doctor, "identity '%s'", uri);
    }
}

/* false: there is one that cannot be read, or zca.conf names another; nothing is lost by that. */
static bool sealing_key_opens(struct zca_doctor *doctor, const struct zca_identity *identity)
{
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    zca_auto(text) char *path = zca_library_sealing_path(doctor->tool->library, false, false, NULL);
    bool is_named = zca_config_get_text(doctor->config, "zca", NULL,
                                        &zca_library_options[ZCA_LIBRARY_SEALING_KEY]);
    bool is_gone = !is_named && path && access(path, F_OK) != 0;
    return is_gone ||
           zca_sealing_key_load(doctor->tool->library, zca_identity_get_keystore(identity), false,
                                &sealing_key, &(struct zca_error){.reason = ZCA_ERR_NONE});
}

/* A token that nobody can log in to. */
static void check_pin(struct zca_doctor *doctor, const struct zca_identity *identity)
{
    struct zca_pin_status status = {.is_set = false};
    if (zca_identity_get_pin(identity) != ZCA_PIN_LOCAL) {
        return;
    }
    zca_pin_status(doctor->tool->library, zca_identity_get_authority_name(identity),
                   zca_identity_get_name(identity), &status);
    if (!status.is_set || status.num_failures >= ZCA_PIN_MAX_FAILURES) {
        zca_doctor_warn(doctor, "identity '%s': pin = local, and %s: its token lets nobody log in",
                        zca_identity_get_uri(identity),
                        status.is_set ? "the PIN is locked" : "no PIN is set");
        zca_doctor_advise(doctor, "zca pin %s", zca_identity_get_uri(identity));
    }
}

static void check_identity(struct zca_doctor *doctor, struct zca_identity *identity)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    check_key_file(doctor, identity);
    check_pin(doctor, identity);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, &failure);
    if (!key && failure.reason != ZCA_ERR_NOT_FOUND) {
        zca_doctor_fail(doctor, "identity '%s': %s", zca_identity_get_uri(identity),
                        failure.message);
        if (failure.reason == ZCA_ERR_SEALED && !sealing_key_opens(doctor, identity)) {
            zca_doctor_advise(
                doctor,
                "the key itself may be whole: sealing-key in [zca] of %s must name the "
                "file that sealed it, of its owner, mode 0600",
                config_path(doctor));
        } else if (failure.reason == ZCA_ERR_SEALED) {
            zca_doctor_advise(doctor,
                              "without its sealing key a key is lost: put the sealing key back, "
                              "or remove the key's file and run 'zca cert %s'",
                              zca_identity_get_name(identity));
        } else {
            zca_doctor_advise(doctor, "the key must be readable for who runs the server first, and "
                                      "for nobody else: chown, chmod 600");
        }
        return;
    }
    check_certificate(doctor, identity, key);
}

void zca_doctor_keys(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    const char *authority = zca_arguments_text(doctor->tool->arguments, ZCA_TOOL_AUTHORITY);
    if (!doctor->config) {
        return;
    }
    if (!zca_inventory_find(doctor->tool->library, authority, false, &inventory, &failure)) {
        zca_doctor_fail(doctor, "identities: %s", failure.message);
        zca_doctor_advise(doctor, "see the sections [identity NAME] of %s", config_path(doctor));
        return;
    }
    for (size_t i = 0; i < inventory.num_identities; i++) {
        check_identity(doctor, inventory.identities[i]);
    }
}

/* Keys and what opens them in one directory: a copy of it, in a backup too, is a copy of the keys. */
void zca_doctor_sealing(struct zca_doctor *doctor)
{
    zca_auto(text) char *path =
        doctor->config ? zca_library_sealing_path(doctor->tool->library, false, false, NULL) : NULL;
    if (!path || access(path, F_OK) != 0) {
        return;
    }
    (void)zca_doctor_mode(doctor, path, 077); /* it has said what is wrong */
    check_key_owner(doctor, path);
    if (!zca_config_get_text(doctor->config, "zca", NULL,
                             &zca_library_options[ZCA_LIBRARY_SEALING_KEY])) {
        zca_doctor_warn(doctor,
                        "sealing key '%s' lies beside the keys: a copy of the directory is "
                        "a copy of them",
                        path);
        zca_doctor_advise(doctor,
                          "move it: sealing-key = /another/place in [zca] of %s, or the "
                          "systemd credential zca-sealing-key",
                          config_path(doctor));
    }
}
