/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca doctor's look at files for servers: those that sections of identities name, and those on the command
 * line. A reference whose key is gone, or a pair that is none, shows only when a server starts next.
 */
#include <string.h>

#include "base/clock.h"
#include "core/certificate.h"
#include "core/deploy.h"
#include "core/keystore.h"
#include "tool/doctor.h"
#include "tool/inventory.h"
#include "tool/pem_file.h"

/* ---- the key ---- */

static struct zca_key *open_sealed(struct zca_identity *identity,
                                   const struct zca_reference *reference, struct zca_error *err)
{
    struct zca_library *library = zca_identity_get_library(identity);
    zca_auto(zca_buffer) struct zca_buffer label = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer sealing_key = ZCA_SECRET_BUFFER;
    if (!zca_buffer_format(&label, err, "%s/%s", zca_identity_get_authority_name(identity),
                           zca_identity_get_name(identity)) ||
        !zca_sealing_key_load(library, zca_identity_get_keystore(identity), false, &sealing_key,
                              err)) {
        return NULL;
    }
    return zca_key_unseal(library, (const char *)label.data, zca_buffer_span(&sealing_key),
                          zca_buffer_span(&reference->sealed), err);
}

/* An export writes what is there: without a key there must be another first. */
static void advise_key(struct zca_doctor *doctor, struct zca_identity *identity)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const char *uri = zca_identity_get_uri(identity);
    zca_auto(zca_key) struct zca_key *key = zca_identity_key(identity, &failure);
    if (key) {
        zca_doctor_advise(doctor, "zca export %s writes the file anew; then reload its server",
                          uri);
    } else if (failure.reason == ZCA_ERR_NOT_FOUND) {
        zca_doctor_advise(doctor,
                          "put the key's file back, or 'zca cert %s --authority %s' for a new "
                          "key; then zca export %s writes the file anew",
                          zca_identity_get_name(identity),
                          zca_identity_get_authority_name(identity), uri);
    } else {
        zca_doctor_advise(doctor,
                          "identity '%s' first, as told above; then zca export %s writes the "
                          "file anew",
                          uri, uri);
    }
}

static bool check_key(struct zca_doctor *doctor, const char *path, struct zca_identity *identity,
                      const struct zca_reference *reference)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const struct zca_span public_key = zca_buffer_span(&reference->public_key);
    bool sealed = reference->sealed.len > 0;
    zca_auto(zca_key) struct zca_key *key =
        sealed ? open_sealed(identity, reference, &failure)
               : zca_identity_key_of(identity, public_key, &failure);
    if (!key) {
        zca_doctor_fail(doctor, "'%s': %s", path, failure.message);
        advise_key(doctor, identity);
        return false;
    }
    zca_auto(zca_key) struct zca_key *present = zca_identity_key(identity, NULL);
    if (present && !zca_span_equal(zca_key_get_public(present), public_key)) {
        zca_doctor_warn(doctor, "'%s' refers to the key before the present one of '%s'", path,
                        zca_identity_get_uri(identity));
        zca_doctor_advise(doctor, "zca renew %s, or zca export %s for a file that no section names",
                          zca_identity_get_uri(identity), zca_identity_get_uri(identity));
    }
    return true;
}

static bool check_reference(struct zca_doctor *doctor, const char *path,
                            const struct zca_identity *expected,
                            const struct zca_reference *reference)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_uri) struct zca_uri *uri = zca_uri_parse(reference->uri, &failure);
    if (uri && !uri->name) {
        return true; /* the key of an authority: all of it is at the authority */
    }
    zca_auto(zca_identity) struct zca_identity *identity =
        uri ? zca_identity_open(doctor->tool->library, uri, &failure) : NULL;
    if (!identity) {
        zca_doctor_fail(doctor, "'%s': %s", path, failure.message);
        zca_doctor_advise(doctor, "an [authority] of %s, or a file for another identity",
                          zca_library_config_file(doctor->tool->library));
        return false;
    }
    if (expected && strcmp(zca_identity_get_uri(expected), zca_identity_get_uri(identity)) != 0) {
        zca_doctor_fail(doctor, "'%s' is a reference to '%s', not to '%s'", path, reference->uri,
                        zca_identity_get_uri(expected));
        zca_doctor_advise(doctor, "zca renew %s", zca_identity_get_uri(expected));
        return false;
    }
    return check_key(doctor, path, identity, reference);
}

static bool check_mode(struct zca_doctor *doctor, const char *path,
                       const struct zca_pem_file *contents)
{
    if (contents->has_plain_key && (contents->mode & 077) != 0) {
        zca_doctor_fail(doctor, "'%s' holds a key in the clear and has mode %04o", path,
                        (unsigned)contents->mode);
        zca_doctor_advise(doctor, "chmod 600 %s, and better: a key reference (zca export --key)",
                          path);
        return false;
    }
    return zca_doctor_mode(doctor, path, S_IWGRP | S_IWOTH);
}

/* ---- the certificate ---- */

static bool check_pair(struct zca_doctor *doctor, const char *path,
                       const struct zca_pem_file *contents)
{
    const char *uri = contents->reference.uri;
    bool is_pair = true;
    if (uri && contents->chain) {
        is_pair = zca_span_equal(zca_chain_get_public(contents->chain),
                                 zca_buffer_span(&contents->reference.public_key));
    } else if (contents->plain_key.len > 0 && contents->chain) {
        zca_auto(zca_key) struct zca_key *key = zca_key_import_pkcs8(
            doctor->tool->library, zca_buffer_span(&contents->plain_key), NULL);
        is_pair = !key || zca_chain_matches(contents->chain, key); /* no key: of a type not ours */
    }
    if (!is_pair) {
        zca_doctor_fail(doctor, "'%s': certificate and key%s are not of one pair", path,
                        uri ? " reference" : "");
        zca_doctor_advise(doctor, "zca export %s --bundle %s", uri ? uri : "NAME", path);
    }
    return is_pair;
}

static bool check_dates(struct zca_doctor *doctor, const char *path, const struct zca_chain *chain)
{
    if (chain && zca_chain_get_not_after_s(chain) <= zca_clock_now_s()) {
        zca_doctor_fail(doctor, "'%s': the certificate has expired", path);
        zca_doctor_advise(doctor, "zca renew, or zca export for a file that no section names");
        return false;
    }
    return true;
}

static void compare_stored(struct zca_doctor *doctor, const char *path,
                           const struct zca_identity *identity, const struct zca_chain *chain)
{
    zca_auto(zca_chain) struct zca_chain *stored =
        zca_certificate_load_chain(doctor->tool->library, zca_identity_get_authority_name(identity),
                                   zca_identity_get_name(identity), NULL);
    if (stored && chain &&
        !zca_span_equal(zca_chain_get_der(stored, 0), zca_chain_get_der(chain, 0))) {
        zca_doctor_warn(doctor, "'%s' holds another certificate than '%s' has now", path,
                        zca_identity_get_uri(identity));
        zca_doctor_advise(doctor, "zca renew %s", zca_identity_get_uri(identity));
    }
}

/* ---- files ---- */

static void advise_writing(struct zca_doctor *doctor, const struct zca_identity *expected)
{
    if (expected) {
        zca_doctor_advise(doctor, "zca renew %s writes it", zca_identity_get_uri(expected));
    } else {
        zca_doctor_advise(doctor, "zca export NAME writes a file");
    }
}

/* expected: whose section names the file; NULL: it stands on the command line. */
static void check_file(struct zca_doctor *doctor, const char *path,
                       const struct zca_identity *expected)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_pem_file) struct zca_pem_file contents = {.chain = NULL};
    if (!zca_pem_file_read(path, &contents, &failure)) {
        zca_doctor_fail(doctor, "'%s': %s", path, failure.message);
        advise_writing(doctor, expected);
        return;
    }
    if (!contents.reference.uri && !contents.chain && !contents.has_plain_key) {
        zca_doctor_fail(doctor, "'%s' holds neither a key nor a certificate", path);
        advise_writing(doctor, expected);
        return;
    }
    bool right = check_mode(doctor, path, &contents);
    right = check_pair(doctor, path, &contents) && right;
    right = check_dates(doctor, path, contents.chain) && right;
    if (contents.reference.uri) {
        doctor->num_references++;
        right = check_reference(doctor, path, expected, &contents.reference) && right;
    }
    if (right && expected) {
        compare_stored(doctor, path, expected, contents.chain);
    }
    if (right) {
        zca_doctor_ok(doctor, "file '%s'", path);
    }
}

static void check_section(struct zca_doctor *doctor, const struct zca_identity *identity)
{
    struct zca_deploy deploy;
    if (!zca_deploy_settings(identity, &deploy)) {
        return;
    }
    const char *const paths[] = {deploy.bundle_file, deploy.key_file, deploy.certificate_file};
    for (size_t i = 0; i < ZCA_COUNT(paths); i++) {
        if (paths[i] && *paths[i] != '\0') {
            check_file(doctor, paths[i], identity);
        }
    }
}

void zca_doctor_deployed(struct zca_doctor *doctor)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_inventory) struct zca_inventory inventory = {.identities = NULL};
    const char *authority = zca_arguments_text(doctor->tool->arguments, ZCA_TOOL_AUTHORITY);
    if (!doctor->config) {
        return;
    }
    /* what fails was told by the check of keys */
    bool found = zca_inventory_find(doctor->tool->library, authority, true, &inventory, &failure);
    for (size_t i = 0; found && i < inventory.num_identities; i++) {
        check_section(doctor, inventory.identities[i]);
    }
    char *const *word = zca_arguments_words(doctor->tool->arguments);
    for (; *word; word++) {
        check_file(doctor, *word, NULL);
    }
}
