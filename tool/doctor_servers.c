/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca doctor's look at what stands around: files in the way of URIs, and configurations of servers that
 * lose OPENSSL_CONF, change their root, or ask an engine first. The text is searched, not understood.
 */
#include <ctype.h>
#include <dirent.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/file.h"
#include "tool/doctor.h"
#include "tool/pem_file.h"

static const size_t max_file = 1 << 20;
#define DOVECOT_FILES "/etc/dovecot/{dovecot.conf,local.conf,conf.d/*.conf}"

/* ---- files in the way ---- */

/* OpenSSL looks for a file first; and `-keyout zca:web` makes one. `zca://` has no such reading. */
static void check_shadows_in(struct zca_doctor *doctor, const char *directory)
{
    const struct dirent *entry = NULL;
    DIR *listing = opendir(directory);
    while (listing && (entry = readdir(listing))) {
        if (strncmp(entry->d_name, "zca:", strlen("zca:")) == 0) {
            zca_doctor_fail(doctor, "the file '%s' in '%s' is taken for the URI '%s'",
                            entry->d_name, directory, entry->d_name);
            zca_doctor_advise(doctor, "remove it (it may hold a key that -keyout wrote), and write "
                                      "zca://NAME");
        }
    }
    if (listing) {
        (void)closedir(listing); /* it was read only */
    }
}

void zca_doctor_shadows(struct zca_doctor *doctor)
{
    check_shadows_in(doctor, ".");
    check_shadows_in(doctor, "/"); /* where services stand */
}

/* ---- reading configurations ---- */

/* "ssl_key" is not "ssl_key_password" */
static bool continues_word(char next)
{
    return isalnum((unsigned char)next) || next == '_';
}

/* The rest of the first line that begins with `start` and is no comment; NULL: there is none. New memory. */
static char *line_after(const char *path, const char *start)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    char *place = NULL;
    if (!zca_file_load(path, max_file, &text, NULL, NULL) || text.len == 0) {
        return NULL;
    }
    for (char *line = strtok_r((char *)text.data, "\n", &place); line;
         line = strtok_r(NULL, "\n", &place)) {
        line += strspn(line, " \t");
        if (strncmp(line, start, strlen(start)) == 0 && !continues_word(line[strlen(start)])) {
            return strdup(line + strlen(start));
        }
    }
    return NULL;
}

/* As line_after, over the files of a pattern. */
static char *find_line(const char *pattern, const char *start)
{
    char *found = NULL;
    glob_t paths = {0};
    if (glob(pattern, GLOB_BRACE, NULL, &paths) == 0) {
        for (size_t i = 0; !found && i < paths.gl_pathc; i++) {
            found = line_after(paths.gl_pathv[i], start);
        }
    }
    globfree(&paths);
    return found;
}

/* ---- OPENSSL_CONF, which some do not hand on ---- */

/* Nothing is lost where the system's own file activates zca, or where nobody set the variable. */
static bool needs_variable(void)
{
    zca_auto(zca_openssl_conf) struct zca_openssl_conf system = {.has_zca = false};
    const char *directory = OPENSSL_info(OPENSSL_INFO_CONFIG_DIR);
    zca_auto(text) char *path = zca_path_join(directory ? directory : "/", "openssl.cnf", "", NULL);
    bool read = path && zca_openssl_conf_read(path, &system, NULL);
    return secure_getenv("OPENSSL_CONF") && !(read && system.zca_activated);
}

static const struct {
    const char *program;
    const char *file;    /* where it is, the program is used here */
    const char *pattern; /* the files that may hold the line */
    const char *start;   /* of the line */
    const char *line;    /* what to write */
    const char *when;    /* it loses the variable */
} losers[] = {
    {
     .program = "nginx",
     .file = "/etc/nginx/nginx.conf",
     .pattern = "/etc/nginx/nginx.conf",
     .start = "env OPENSSL_CONF",
     .line = "env OPENSSL_CONF;",
     .when = "when it replaces its own binary (USR2)",
     },
    {
     .program = "dovecot",
     .file = "/etc/dovecot/dovecot.conf",
     .pattern = DOVECOT_FILES,
     .start = "import_environment",
     .line = "import_environment = $import_environment OPENSSL_CONF",
     .when = "between its processes",
     },
};

static void check_variable(struct zca_doctor *doctor)
{
    for (size_t i = 0; needs_variable() && i < ZCA_COUNT(losers); i++) {
        if (access(losers[i].file, F_OK) != 0) {
            continue;
        }
        zca_auto(text) char *found = find_line(losers[i].pattern, losers[i].start);
        bool hands_on =
            found && (strstr(losers[i].start, "OPENSSL_CONF") || strstr(found, "OPENSSL_CONF"));
        if (!hands_on) {
            zca_doctor_warn(doctor, "%s loses OPENSSL_CONF %s", losers[i].program, losers[i].when);
            zca_doctor_advise(doctor, "%s in %s, or zca in the system's openssl.cnf",
                              losers[i].line, losers[i].file);
        }
    }
}

/* ---- references ---- */

static bool holds_reference(const char *path, bool *out_sealed)
{
    zca_auto(zca_pem_file) struct zca_pem_file file = {.chain = NULL};
    bool found = zca_pem_file_read(path, &file, NULL) && file.reference.uri;
    *out_sealed = found && file.reference.sealed.len > 0;
    return found;
}

/* The file as OpenSSL reads it; where variables of easy-rsa are missing here, by its lines. */
static bool easyrsa_activates(const char *path)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_openssl_conf) struct zca_openssl_conf conf = {.has_zca = false};
    if (zca_openssl_conf_read(path, &conf, &failure)) {
        return conf.zca_activated;
    }
    zca_auto(text) char *start = line_after(path, "openssl_conf");
    zca_auto(text) char *section = line_after(path, "zca");
    return failure.reason == ZCA_ERR_CONFIG && start && section;
}

/* easy-rsa has its own file and sets OPENSSL_CONF to it, whatever the user set. */
static void check_easyrsa(struct zca_doctor *doctor)
{
    bool sealed = false;
    const char *named = secure_getenv("EASYRSA_PKI");
    const char *pki = named ? named : "pki";
    zca_auto(text) char *key = zca_path_join(pki, "private/ca.key", "", NULL);
    zca_auto(text) char *path = zca_path_join(pki, "openssl-easyrsa.cnf", "", NULL);
    if (!key || !path || !holds_reference(key, &sealed)) {
        return;
    }
    if (!easyrsa_activates(path)) {
        zca_doctor_fail(doctor,
                        "easy-rsa's CA key '%s' is a reference, but '%s' does not activate "
                        "zca",
                        key, path);
        zca_doctor_advise(doctor, "put the lines of openssl.cnf.example into %s", path);
    }
}

/* Its login processes read the key when a client connects, from within their own root. */
static void check_dovecot(struct zca_doctor *doctor)
{
    bool sealed = false;
    zca_auto(text) char *value = find_line(DOVECOT_FILES, "ssl_key");
    char *path = value ? strchr(value, '<') : NULL;
    path = path ? path + 1 + strspn(path + 1, " \t") : NULL;
    if (!path || !holds_reference(path, &sealed)) {
        return;
    }
    if (!sealed || !doctor->openssl_conf.keeps_sealing_key) {
        zca_doctor_fail(doctor,
                        "dovecot's login processes cannot open the reference '%s' from "
                        "within their own root",
                        path);
        zca_doctor_advise(
            doctor, "%s",
            sealed
                ? "zca-keep-sealing-key = yes in zca's section of the openssl.cnf of dovecot"
                : "sealed-reference = yes in its [identity NAME], or zca export --sealed; and zca-keep-sealing-key = yes in the openssl.cnf of dovecot");
    }
}

/* The first file behind a `crt` that is a plain reference; NULL: none. New memory. */
static char *find_plain_crt(const char *file)
{
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    char *place = NULL;
    bool is_next = false;
    if (!zca_file_load(file, max_file, &text, NULL, NULL) || text.len == 0) {
        return NULL;
    }
    for (const char *word = strtok_r((char *)text.data, " \t\n", &place); word;
         word = strtok_r(NULL, " \t\n", &place)) {
        bool sealed = false;
        if (is_next && holds_reference(word, &sealed) && !sealed) {
            return strdup(word);
        }
        is_next = strcmp(word, "crt") == 0;
    }
    return NULL;
}

static void check_haproxy(struct zca_doctor *doctor)
{
    static const char file[] = "/etc/haproxy/haproxy.cfg";
    zca_auto(text) char *root = line_after(file, "chroot");
    zca_auto(text) char *reference = root ? find_plain_crt(file) : NULL;
    if (reference) {
        zca_doctor_warn(doctor,
                        "haproxy changes its root to%s: at run time 'set ssl cert' cannot "
                        "open a reference like '%s'",
                        root, reference);
        zca_doctor_advise(doctor,
                          "reload it instead; or zca export --sealed, and keep-sealing-key "
                          "= yes in [zca] of %s",
                          zca_library_config_file(doctor->tool->library));
    }
}

/* ---- Apache ---- */

/* mod_ssl asks an engine `pkcs11` first where there is one, and that knows nothing of zca. */
static void check_engine(struct zca_doctor *doctor)
{
    static const char *const names[] = {"pkcs11.so", "libpkcs11.so"};
    const char *named = secure_getenv("OPENSSL_ENGINES");
    const char *directory = named ? named : OPENSSL_info(OPENSSL_INFO_ENGINES_DIR);
    for (size_t i = 0; doctor->openssl_conf.claims_pkcs11 && i < ZCA_COUNT(names); i++) {
        zca_auto(text) char *path = zca_path_join(directory ? directory : "/", names[i], "", NULL);
        if (path && access(path, F_OK) == 0) {
            zca_doctor_fail(doctor, "Apache asks the engine '%s' for pkcs11: URIs, and not zca",
                            path);
            zca_doctor_advise(doctor, "apt-get remove libengine-pkcs11-openssl");
            return;
        }
    }
}

void zca_doctor_servers(struct zca_doctor *doctor)
{
    check_variable(doctor);
    check_easyrsa(doctor);
    check_dovecot(doctor);
    check_haproxy(doctor);
    check_engine(doctor);
}
