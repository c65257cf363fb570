/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca login and zca logout. The first login at a new address writes the authority into zca.conf once it
 * has succeeded; a password comes from a file, the terminal or standard input, never from the command line.
 */
#include <string.h>

#include "base/file.h"
#include "tool/authority.h"
#include "tool/command.h"
#include "tool/config_file.h"
#include "tool/output.h"
#include "tool/password.h"

#define DEFAULT_NAME "default"
#define DEFAULT_DIALECT "orgca"

/* ---- zca.conf ---- */

static const struct zca_option *option_row(enum zca_authority_option option)
{
    return &zca_authority_options[option];
}

/* A slash at the end makes no other address. */
static bool is_same_url(const char *left, const char *right)
{
    size_t left_len = strlen(left);
    size_t right_len = strlen(right);
    while (left_len > 0 && left[left_len - 1] == '/') {
        left_len--;
    }
    while (right_len > 0 && right[right_len - 1] == '/') {
        right_len--;
    }
    return left_len == right_len && strncmp(left, right, left_len) == 0;
}

/* An address that is known under this name may not be replaced in passing. */
static bool check_url(const struct zca_config *config, const char *path, const char *name,
                      const char *url, struct zca_error *err)
{
    const char *known =
        zca_config_get_text(config, "authority", name, option_row(ZCA_AUTHORITY_URL));
    return !url || !known || is_same_url(known, url) ||
           zca_error_set(err, ZCA_ERR_CONFLICT,
                         "authority '%s' is at '%s': if that is wrong, change url in %s; to add "
                         "another one, run 'zca login NAME --url %s'",
                         name, known, path, url);
}

static bool find_file(const char *path, char **out_path, struct zca_error *err)
{
    *out_path = path ? realpath(path, NULL) : NULL;
    return !path || *out_path || zca_error_set_errno(err, "finding '%s'", path);
}

/* What the command line and the authority say about it, and what of this zca.conf does not say. */
struct settings {
    const char *path;         /* of zca.conf */
    const char *name;         /* of the authority */
    const char *organization; /* that the authority told; NULL: nothing */
    char *heading;
    char *trust;
    bool is_new;
    struct zca_config_change changes[ZCA_NUM_AUTHORITY_OPTIONS + 1];
};

static void settings_clear(struct settings *settings)
{
    free(settings->heading);
    free(settings->trust);
    settings->heading = NULL;
    settings->trust = NULL;
}

ZCA_DEFINE_AUTO_CLEAR(settings, struct settings, settings_clear);

static const char *organization_of(const struct settings *settings,
                                   const struct zca_arguments *arguments,
                                   const struct zca_config *config)
{
    const char *given = zca_arguments_text(arguments, ZCA_TOOL_ORG);
    const char *known = zca_config_get_text(config, "authority", settings->name,
                                            option_row(ZCA_AUTHORITY_ORGANIZATION));
    bool is_known = known && *known != '\0';
    return given || is_known ? given : settings->organization;
}

static void fill_changes(struct settings *settings, const struct zca_arguments *arguments,
                         const struct zca_config *config)
{
    settings->is_new = !zca_config_has(config, "authority", settings->name);
    bool is_first = !zca_config_names(config, "authority")[0] &&
                    !zca_config_get_text(config, "zca", NULL,
                                         &zca_library_options[ZCA_LIBRARY_DEFAULT_AUTHORITY]);
    const char *url = zca_arguments_text(arguments, ZCA_TOOL_URL);
    const char *dialect = zca_arguments_text(arguments, ZCA_TOOL_DIALECT);
    const char *const values[ZCA_NUM_AUTHORITY_OPTIONS] = {
        [ZCA_AUTHORITY_URL] = settings->is_new ? url : NULL,
        [ZCA_AUTHORITY_DIALECT] = !dialect && settings->is_new ? DEFAULT_DIALECT : dialect,
        [ZCA_AUTHORITY_TRUST] = settings->trust,
        [ZCA_AUTHORITY_ORGANIZATION] = organization_of(settings, arguments, config),
        [ZCA_AUTHORITY_MACHINE] = zca_arguments_text(arguments, ZCA_TOOL_MACHINE),
    };
    settings->changes[0] =
        (struct zca_config_change){"zca", zca_library_options[ZCA_LIBRARY_DEFAULT_AUTHORITY].name,
                                   is_first ? settings->name : NULL};
    for (size_t i = 0; i < ZCA_COUNT(values); i++) {
        settings->changes[i + 1] =
            (struct zca_config_change){settings->heading, zca_authority_options[i].name, values[i]};
    }
}

/* Fills in what depends on the file as it is now. */
static bool read_settings(struct settings *settings, const struct zca_arguments *arguments,
                          struct zca_error *err)
{
    const char *url = zca_arguments_text(arguments, ZCA_TOOL_URL);
    zca_auto(zca_config) struct zca_config *config = zca_config_file_read(settings->path, err);
    settings_clear(settings);
    if (!config || !check_url(config, settings->path, settings->name, url, err) ||
        !find_file(zca_arguments_text(arguments, ZCA_TOOL_TRUST_FILE), &settings->trust, err)) {
        return false;
    }
    if (asprintf(&settings->heading, "authority %s", settings->name) < 0) {
        settings->heading = NULL; /* undefined after a failure */
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing '%s'", settings->path);
    }
    fill_changes(settings, arguments, config);
    return true;
}

/* After the login: a slip of the command line does not stay. */
static bool write_authority(struct settings *settings, const struct zca_arguments *arguments,
                            struct zca_error *err)
{
    zca_auto(zca_config_lock) struct zca_config_lock lock = {.fd = -1};
    if (!zca_config_lock_open(settings->path, &lock, err) ||
        !read_settings(settings, arguments, err) ||
        !zca_config_file_change(settings->path, settings->changes, ZCA_COUNT(settings->changes),
                                err)) {
        return zca_error_context(err, "logged in, but zca.conf is as it was");
    }
    if (settings->is_new) {
        zca_tool_say("Authority '%s' at %s written to %s", settings->name,
                     zca_arguments_text(arguments, ZCA_TOOL_URL), settings->path);
    }
    return true;
}

static bool has_settings(const struct zca_arguments *arguments)
{
    static const enum zca_tool_option settings[] = {ZCA_TOOL_URL, ZCA_TOOL_TRUST_FILE, ZCA_TOOL_ORG,
                                                    ZCA_TOOL_MACHINE, ZCA_TOOL_DIALECT};

    for (size_t i = 0; i < ZCA_COUNT(settings); i++) {
        if (zca_arguments_has(arguments, settings[i])) {
            return true;
        }
    }
    return false;
}

/* The name the settings are for: without an address it must be known already. Caller frees. */
static char *find_name(const struct zca_tool *tool, struct zca_error *err)
{
    const char *name = zca_arguments_words(tool->arguments)[0];
    bool has_url = zca_arguments_has(tool->arguments, ZCA_TOOL_URL);
    zca_auto(zca_authority) struct zca_authority *authority =
        has_url ? NULL : zca_authority_open(tool->library, name, err);
    if (!has_url && !authority) {
        return NULL;
    }
    const char *found = name ? name : DEFAULT_NAME;
    found = authority ? zca_authority_get_name(authority) : found;
    if (!zca_name_valid(found)) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, /* NULL tells */
                            "'%s' cannot be the name of an authority: letters, digits and ._-@",
                            found);
        return NULL;
    }
    char *copy = strdup(found);
    if (!copy) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "naming the authority"); /* NULL tells */
    }
    return copy;
}

/* Makes a library object for the file as it will be. */
static struct zca_library *open_library(const struct zca_tool *tool, struct settings *settings,
                                        struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = ZCA_SECRET_BUFFER;
    if (!has_settings(tool->arguments)) {
        const struct zca_library_settings as_it_is = {.config_file = tool->config_file};
        return zca_library_new(&as_it_is, err);
    }
    if (!read_settings(settings, tool->arguments, err) ||
        !zca_config_file_preview(settings->path, settings->changes, ZCA_COUNT(settings->changes),
                                 &text, err)) {
        return NULL;
    }
    const struct zca_library_settings as_it_will_be = {
        .config_file = settings->path,
        .config_text = (const char *)text.data,
    };
    return zca_library_new(&as_it_will_be, err);
}

/* ---- credentials ---- */

static bool read_user(const struct zca_arguments *arguments, struct zca_buffer *out_user,
                      struct zca_error *err)
{
    const char *user = zca_arguments_text(arguments, ZCA_TOOL_USER);
    if (user) {
        return zca_buffer_append_text(out_user, user, err);
    }
    if (!zca_password_has_terminal()) {
        return zca_error_set(err, ZCA_ERR_INVALID, "who logs in? give --user");
    }
    return zca_password_ask("User: ", false, out_user, err);
}

static bool read_password(const struct zca_arguments *arguments, struct zca_buffer *out_password,
                          struct zca_error *err)
{
    const char *path = zca_arguments_text(arguments, ZCA_TOOL_PASSWORD_FILE);
    return path ? zca_password_load(path, out_password, err)
                : zca_password_ask("Password: ", true, out_password, err);
}

/* Asks a person for the second factor when the authority wants one and none was given. */
static bool log_in(struct zca_authority *authority, struct zca_login *login, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer code = ZCA_SECRET_BUFFER;
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (zca_tool_ask_login(authority, login, &failure)) {
        return true;
    }
    bool can_ask = failure.reason == ZCA_ERR_MFA_REQUIRED && !login->one_time_code &&
                   zca_password_has_terminal();
    if (!can_ask) {
        *err = failure;
        return false;
    }
    if (!zca_password_ask("One-time code: ", true, &code, err)) {
        return false;
    }
    login->one_time_code = (const char *)code.data;
    return zca_tool_ask_login(authority, login, err);
}

/* ---- the commands ---- */

static void say_who(const struct zca_authority *authority, const struct zca_whoami *whoami)
{
    char expiry[ZCA_RFC3339_SIZE];
    zca_tool_time(whoami->expires_at_s, expiry);
    zca_tool_say("Logged in to '%s' as %s", zca_authority_get_name(authority), whoami->subject);
    if (*whoami->role != '\0') {
        zca_tool_say("Role: %s", whoami->role);
    }
    if (*whoami->organization != '\0') {
        zca_tool_say("Organization: %s", whoami->organization);
    }
    if (whoami->expires_at_s != 0) {
        zca_tool_say("Session expires: %s", expiry);
    }
}

/* Who we are, and into zca.conf what it does not say of the authority: calls need the organisation. */
static bool finish_login(struct zca_authority *authority, struct settings *settings,
                         const struct zca_arguments *arguments, struct zca_error *err)
{
    zca_auto(zca_whoami) struct zca_whoami whoami = {.subject = NULL};
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    bool is_known = zca_tool_ask_whoami(authority, &whoami, &failure);
    settings->organization = is_known && *whoami.organization != '\0' ? whoami.organization : NULL;
    bool is_written = write_authority(settings, arguments, err);
    settings->organization = NULL; /* whoami's */
    if (!is_written) {
        return false;
    }
    if (!is_known) {
        *err = failure;
        return zca_error_context(err, "logged in, but asking who we are");
    }
    say_who(authority, &whoami);
    return true;
}

bool zca_tool_login(struct zca_tool *tool, struct zca_error *err)
{
    zca_auto(text) char *name = find_name(tool, err);
    zca_auto(text) char *path = name ? zca_config_file_path(tool->config_file, err) : NULL;
    zca_auto(settings) struct settings settings = {.path = path, .name = name};
    zca_auto(zca_library) struct zca_library *library =
        path ? open_library(tool, &settings, err) : NULL;
    zca_auto(zca_authority) struct zca_authority *authority =
        library ? zca_authority_open(library, name, err) : NULL;
    zca_auto(zca_buffer) struct zca_buffer user = ZCA_SECRET_BUFFER;
    zca_auto(zca_buffer) struct zca_buffer password = ZCA_SECRET_BUFFER;
    if (!authority || !read_user(tool->arguments, &user, err) ||
        !read_password(tool->arguments, &password, err)) {
        return false;
    }
    struct zca_login login = {
        .user = (const char *)user.data,
        .password = zca_buffer_span(&password),
        .one_time_code = zca_arguments_text(tool->arguments, ZCA_TOOL_CODE),
    };
    if (!log_in(authority, &login, err)) {
        return zca_error_context(err, "log in to '%s'", zca_authority_get_name(authority));
    }
    return finish_login(authority, &settings, tool->arguments, err);
}

bool zca_tool_logout(struct zca_tool *tool, struct zca_error *err)
{
    const char *name = zca_arguments_words(tool->arguments)[0];
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(tool->library, name, err);
    zca_auto(text) char *token_file = authority ? zca_tool_token_file(authority, err) : NULL;
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (!token_file) {
        return false;
    }
    bool ok = zca_tool_ask_logout(authority, &failure);
    if (!ok && failure.reason == ZCA_ERR_UNAVAILABLE) {
        zca_tool_warn("%s: the tokens are removed here, but stay valid there until they expire",
                      failure.message);
        ok = zca_file_remove(token_file, &failure);
    }
    if (!ok) {
        *err = failure;
        return zca_error_context(err, "log out");
    }
    zca_tool_say("Logged out of '%s'", zca_authority_get_name(authority));
    return true;
}
