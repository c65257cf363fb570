/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zca cert: a certificate for a host name, as QuickZTNA's `ztna cert` gives it: four lines, two
 * files, three failures with fixed texts. The key file is a key reference unless asked otherwise.
 */
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/csr.h"
#include "core/deploy.h"
#include "core/enrol.h"
#include "core/withdraw.h"
#include "tool/authority.h"
#include "tool/command.h"
#include "tool/inventory.h"
#include "tool/output.h"

/* ---- before anything is asked ---- */

static char *find_domain(const struct zca_arguments *arguments, struct zca_error *err)
{
    const char *word = zca_arguments_words(arguments)[0];
    long max = sysconf(_SC_HOST_NAME_MAX);
    zca_auto(text) char *name = word ? strdup(word) : calloc(1, (size_t)(max > 0 ? max : 255) + 1);
    if (!name) {
        (void)zca_error_set(err, ZCA_ERR_MEMORY, "finding the domain"); /* NULL tells */
        return NULL;
    }
    if (!word && gethostname(name, (size_t)(max > 0 ? max : 255)) != 0) {
        *name = '\0';
    }
    if (*name == '\0' || strcmp(name, "(none)") == 0) {
        (void)zca_error_set(err, ZCA_ERR_INVALID, /* NULL tells */
                            "no domain specified and machine name is empty");
        return NULL;
    }
    return zca_steal(name);
}

static bool report_not_authenticated(const char *authority, struct zca_error *err)
{
    return zca_error_set(err, ZCA_ERR_AUTH, "not authenticated. Run 'zca login%s%s' first",
                         authority ? " " : "", authority ? authority : "");
}

/* The authority needs to know the organisation we belong to: that is what this machine lacks. */
static bool check_registered(const struct zca_authority *authority, struct zca_error *err)
{
    return zca_authority_get_text(authority, ZCA_AUTHORITY_ORGANIZATION) ||
           zca_error_set(err, ZCA_ERR_CONFIG, "not registered. Run 'zca login %s --org ID' first",
                         zca_authority_get_name(authority));
}

/* Nothing configured at all is the same to a person as not being logged in. */
static struct zca_authority *open_authority(struct zca_tool *tool, const char *name,
                                            struct zca_error *err)
{
    const struct zca_config *config = zca_library_config(tool->library, err);
    if (config && !name && !zca_config_names(config, "authority")[0]) {
        (void)report_not_authenticated(NULL, err); /* NULL tells */
        return NULL;
    }
    zca_auto(zca_authority) struct zca_authority *authority =
        config ? zca_authority_open(tool->library, name, err) : NULL;
    if (authority && !zca_tool_has_credentials(authority)) {
        (void)report_not_authenticated(name, err); /* NULL tells */
        return NULL;
    }
    return authority && check_registered(authority, err) ? zca_steal(authority) : NULL;
}

/* ---- files ---- */

struct files {
    char *certificate;
    char *key;
};

static void files_clear(struct files *files)
{
    free(files->certificate);
    free(files->key);
}

ZCA_DEFINE_AUTO_CLEAR(files, struct files, files_clear);

static char *file_name(const char *given, const char *domain, const char *suffix)
{
    char *name = NULL;
    if (given) {
        return strdup(given);
    }
    return asprintf(&name, "%s%s", domain, suffix) < 0 ? NULL : name;
}

/* A certificate that has been issued and cannot be written helps nobody: look first. */
static bool check_writable(const char *path, struct zca_error *err)
{
    const char *slash = strrchr(path, '/');
    zca_auto(text) char *directory =
        slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    if (!directory) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "checking '%s'", path);
    }
    return access(directory, W_OK | X_OK) == 0 || zca_error_set_errno(err, "writing '%s'", path);
}

static bool find_files(const struct zca_arguments *arguments, const char *domain,
                       struct files *files, struct zca_error *err)
{
    files->certificate =
        file_name(zca_arguments_text(arguments, ZCA_TOOL_CERT_FILE), domain, ".crt");
    files->key = file_name(zca_arguments_text(arguments, ZCA_TOOL_KEY_FILE), domain, ".key");
    if (!files->certificate || !files->key) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "naming the files");
    }
    if (strcmp(files->certificate, files->key) == 0) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "one file for both: leave it out here and run 'zca export %s "
                             "--bundle %s'",
                             domain, files->key);
    }
    return check_writable(files->certificate, err) && check_writable(files->key, err);
}

static bool check_plain_key(const struct zca_identity *identity, struct zca_error *err)
{
    return zca_identity_get_flag(identity, ZCA_IDENTITY_PLAIN_KEY) ||
           zca_error_set(err, ZCA_ERR_POLICY,
                         "a key in the clear is not allowed here: option allow-plain-key of "
                         "zca.conf");
}

/* ---- names on the command line ---- */

/* They make a request of their own, which is then what is sent. */
static bool capture_request(struct zca_identity *identity, const struct zca_csr_names *names,
                            struct zca_buffer *out_der, struct zca_error *err)
{
    unsigned capabilities = 0;
    if (!zca_authority_capabilities(zca_identity_get_authority(identity), &capabilities, err)) {
        return false;
    }
    if ((capabilities & ZCA_CAP_CSR_ISSUE) == 0) {
        return zca_error_set(err, ZCA_ERR_UNSUPPORTED,
                             "this authority takes no requests: --dns and --ip cannot be asked of "
                             "it");
    }
    zca_auto(zca_key) struct zca_key *key = zca_identity_key_or_new(identity, err);
    zca_auto(X509_REQ) X509_REQ *request =
        key ? zca_csr_new(zca_identity_get_library(identity), key, names, err) : NULL;
    return request && zca_der_request(request, out_der, err) &&
           zca_identity_capture(identity, zca_buffer_span(out_der), err);
}

/* out_request: empty when there are none. */
static bool use_names(struct zca_identity *identity, const struct zca_arguments *arguments,
                      struct zca_buffer *out_request, struct zca_error *err)
{
    const char *common_name = zca_identity_get_text(identity, ZCA_IDENTITY_COMMON_NAME);
    const char *domain = common_name ? common_name : zca_identity_get_name(identity);
    const char *const itself[] = {domain, NULL};
    const char *const *dns = zca_arguments_list(arguments, ZCA_TOOL_DNS);
    const char *const *ip = zca_arguments_list(arguments, ZCA_TOOL_IP);
    struct zca_csr_names names = {
        .common_name = domain,
        .dns_names = dns ? dns : itself,
        .ip_addresses = ip,
    };
    return (!dns && !ip) || capture_request(identity, &names, out_request, err);
}

/* What failed here is not what later commands want: their names are their own. An order that is still being looked at
 * goes on. */
static void withdraw_names(struct zca_identity *identity, const struct zca_buffer *request,
                           enum zca_reason reason)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (request->len > 0 && reason != ZCA_ERR_PENDING &&
        !zca_request_withdraw(identity, zca_buffer_span(request), &failure)) {
        zca_tool_warn("the request is kept, and the next command sends it: %s", failure.message);
    }
}

/* ---- the command ---- */

/* Whatever the authority refuses has one of two forms. */
static bool report(const struct zca_error *failure, const char *authority, struct zca_error *err)
{
    if (failure->reason == ZCA_ERR_AUTH) {
        return report_not_authenticated(authority, err);
    }
    *err = *failure;
    return zca_error_context(err, "issue certificate");
}

static bool say_result(const struct files *files, const X509 *certificate, struct zca_error *err)
{
    int64_t expires_at_s = 0;
    char expiry[ZCA_RFC3339_SIZE];
    if (!zca_clock_from_asn1(X509_get0_notAfter(certificate), &expires_at_s, err)) {
        return false;
    }
    zca_tool_time(expires_at_s, expiry);
    zca_tool_say("Certificate written to %s", files->certificate);
    zca_tool_say("Private key written to %s", files->key);
    zca_tool_say("Expires: %s", expiry);
    return true;
}

static bool issue(struct zca_identity *identity, const struct zca_arguments *arguments,
                  const struct files *files, struct zca_error *err)
{
    const char *authority = zca_arguments_text(arguments, ZCA_TOOL_AUTHORITY);
    zca_auto(X509_STACK) STACK_OF(X509) *certificates = NULL;
    zca_auto(zca_buffer) struct zca_buffer request = {.len = 0};
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const struct zca_deploy deploy = {
        .certificate_file = files->certificate,
        .key_file = files->key,
        .plain_key = zca_arguments_has(arguments, ZCA_TOOL_PLAIN_KEY),
    };
    if (!use_names(identity, arguments, &request, &failure) ||
        !zca_enrol(identity, ZCA_ENROL_RENEW, &certificates, &failure)) {
        withdraw_names(identity, &request, failure.reason);
        return report(&failure, authority, err);
    }
    return zca_deploy_write(identity, &deploy, err) &&
           say_result(files, sk_X509_value(certificates, 0), err);
}

bool zca_tool_cert(struct zca_tool *tool, struct zca_error *err)
{
    const struct zca_arguments *arguments = tool->arguments;
    const char *name = zca_arguments_text(arguments, ZCA_TOOL_AUTHORITY);
    zca_auto(files) struct files files = {.key = NULL};
    zca_auto(text) char *domain = find_domain(arguments, err);
    zca_auto(zca_authority) struct zca_authority *authority =
        domain ? open_authority(tool, name, err) : NULL;
    zca_auto(zca_identity) struct zca_identity *identity =
        authority ? zca_tool_open_identity(tool->library, domain, name,
                                           zca_arguments_text(arguments, ZCA_TOOL_TTL), err)
                  : NULL;
    bool plain = zca_arguments_has(arguments, ZCA_TOOL_PLAIN_KEY);
    if (!identity || (plain && !check_plain_key(identity, err)) ||
        !find_files(arguments, zca_identity_get_name(identity), &files, err)) {
        return false;
    }
    zca_tool_say("Requesting certificate for %s...", domain);
    return zca_tool_flush(err) && issue(identity, arguments, &files, err);
}
