/* SPDX-License-Identifier: Apache-2.0 */
/* zca doctor's look at each authority: files, connection, session, clocks, and the pinned CA. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/openssl_auto.h"
#include "base/pem.h"
#include "core/verify.h"
#include "tool/authority.h"
#include "tool/doctor.h"

static const int64_t warn_ahead_s = INT64_C(30) * 24 * 3600;
static const size_t max_trust = 1 << 20;

/* ---- certificates ---- */

/* advice: what gets another one */
static void check_dates(struct zca_doctor *doctor, const char *what, const X509 *certificate,
                        const char *advice)
{
    int64_t from_s = 0;
    int64_t until_s = 0;
    int64_t now_s = zca_clock_now_s();
    if (!zca_clock_from_asn1(X509_get0_notBefore(certificate), &from_s, NULL) ||
        !zca_clock_from_asn1(X509_get0_notAfter(certificate), &until_s, NULL)) {
        zca_doctor_fail(doctor, "%s has unreadable dates", what);
        zca_doctor_advise(doctor, "%s", advice);
    } else if (from_s > now_s + ZCA_CLOCK_SKEW_S) {
        zca_doctor_fail(doctor, "%s is not valid yet: this clock is behind", what);
        zca_doctor_advise(doctor, "set the clock: timedatectl set-ntp true");
    } else if (until_s <= now_s) {
        zca_doctor_fail(doctor, "%s has expired", what);
        zca_doctor_advise(doctor, "%s", advice);
    } else if (until_s <= now_s + warn_ahead_s) {
        zca_doctor_warn(doctor, "%s expires in %" PRId64 " days", what,
                        (until_s - now_s) / (24 * 3600));
        zca_doctor_advise(doctor, "%s", advice);
    } else {
        zca_doctor_ok(doctor, "%s is valid", what);
    }
}

static bool others_read(const char *path)
{
    struct stat status;
    zca_auto(text) char *part = strdup(path);
    bool open = part && stat(part, &status) == 0 && (status.st_mode & S_IROTH) != 0;
    for (char *slash = part ? strrchr(part, '/') : NULL; open && slash && slash != part;
         slash = strrchr(part, '/')) {
        *slash = '\0';
        open = stat(part, &status) == 0 && (status.st_mode & S_IXOTH) != 0;
    }
    return open;
}

/* Who reads zca.conf needs what it names: libcurl says no more than that it cannot set the file. */
static void check_readers(struct zca_doctor *doctor, const char *trust)
{
    const char *config = zca_library_config_file(doctor->tool->library);
    if (others_read(config) && !others_read(trust)) {
        zca_doctor_warn(doctor, "trust '%s' is closed to other users: they cannot enrol", trust);
        zca_doctor_advise(doctor,
                          "copy it, mode 0644, to where all can read, and name that as "
                          "trust in %s",
                          config);
    }
}

static void check_trust(struct zca_doctor *doctor, struct zca_authority *authority)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const char *path = zca_authority_get_text(authority, ZCA_AUTHORITY_TRUST);
    OSSL_LIB_CTX *context = zca_library_context(doctor->tool->library, &failure);
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(text) char *what = NULL;
    if (!path) {
        zca_doctor_ok(doctor, "authority '%s' is trusted by the system's CAs",
                      zca_authority_get_name(authority));
        return;
    }
    zca_auto(X509_STACK) STACK_OF(X509) *certificates =
        context && zca_file_load(path, max_trust, &pem, NULL, &failure)
            ? zca_pem_parse_certificates(context, zca_buffer_span(&pem), &failure)
            : NULL;
    if (!certificates) {
        zca_doctor_fail(doctor, "trust of authority '%s': %s", zca_authority_get_name(authority),
                        failure.message);
        zca_doctor_advise(doctor, "trust = FILE in [authority %s] of %s",
                          zca_authority_get_name(authority),
                          zca_library_config_file(doctor->tool->library));
        return;
    }
    check_readers(doctor, path);
    if (asprintf(&what, "trust '%s'", path) < 0) {
        what = NULL; /* undefined after a failure */
        return;
    }
    check_dates(doctor, what, sk_X509_value(certificates, 0),
                "ask the authority for the CA of its server, and name it as trust");
}

/* ---- session ---- */

static void check_clock(struct zca_doctor *doctor, const struct zca_whoami *whoami)
{
    int64_t ahead_s = zca_clock_now_s() - whoami->server_time_s;
    if (whoami->server_time_s == 0) {
        zca_doctor_warn(doctor, "the authority does not tell its time: clocks are not compared");
        zca_doctor_advise(doctor, "compare them: timedatectl");
    } else if (llabs(ahead_s) > ZCA_CLOCK_SKEW_S) {
        zca_doctor_fail(doctor, "this clock is %lld s %s the authority's", llabs(ahead_s),
                        ahead_s > 0 ? "ahead of" : "behind");
        zca_doctor_advise(doctor, "set the clock: timedatectl set-ntp true");
    } else {
        zca_doctor_ok(doctor, "clocks differ by %lld s", llabs(ahead_s));
    }
}

/* What to do about each way in which asking who we are can fail; the last row is for the rest. */
static const struct {
    enum zca_reason reason;
    const char *advice; /* %s: the authority's name */
} advices[] = {
    {ZCA_ERR_AUTH,        "zca login %s"                                                          },
    {ZCA_ERR_UNAVAILABLE, "is it running, and is url right in [authority %s]?"                    },
    {ZCA_ERR_VERIFY,      "trust in [authority %s] must name the CA of the authority's own server"},
    {ZCA_ERR_CONFIG,      "see [authority %s]"                                                    },
    {ZCA_ERR_NONE,        "see zca(1); authority %s"                                              },
};

static void advise(struct zca_doctor *doctor, enum zca_reason reason, const char *name)
{
    size_t row = 0;
    while (advices[row].reason != reason && advices[row].reason != ZCA_ERR_NONE) {
        row++;
    }
    const char *text = advices[row].advice;
    const char *hole = strstr(text, "%s");
    zca_doctor_advise(doctor, "%.*s%s%s", (int)(hole - text), text, name, hole + 2);
}

static bool check_session(struct zca_doctor *doctor, struct zca_authority *authority)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_whoami) struct zca_whoami whoami = {.subject = NULL};
    zca_auto(text) char *token_file = zca_tool_token_file(authority, NULL);
    const char *name = zca_authority_get_name(authority);
    char expiry[ZCA_RFC3339_SIZE] = "unknown";
    if (token_file) {
        (void)zca_doctor_mode(doctor, token_file, 077); /* it has said what is wrong */
    }
    if (!zca_tool_ask_whoami(authority, &whoami, &failure)) {
        zca_doctor_fail(doctor, "authority '%s' at %s: %s", name, zca_authority_get_url(authority),
                        failure.message);
        advise(doctor, failure.reason, name);
        return failure.reason == ZCA_ERR_AUTH; /* it can be reached */
    }
    if (whoami.expires_at_s != 0) {
        zca_clock_format(whoami.expires_at_s * 1000, expiry);
    }
    zca_doctor_ok(doctor, "authority '%s' at %s: logged in as %s, session until %s", name,
                  zca_authority_get_url(authority), whoami.subject, expiry);
    check_clock(doctor, &whoami);
    return true;
}

/* ---- CA ---- */

static void compare_ca(struct zca_doctor *doctor, struct zca_authority *authority,
                       const X509 *pinned)
{
    unsigned capabilities = 0;
    zca_auto(zca_buffer) struct zca_buffer pem = {.len = 0};
    zca_auto(X509_STACK) STACK_OF(X509) *current = NULL;
    OSSL_LIB_CTX *context = zca_library_context(doctor->tool->library, NULL);
    if (!context || !zca_authority_capabilities(authority, &capabilities, NULL) ||
        (capabilities & ZCA_CAP_CHAIN) == 0 || !zca_tool_ask_ca(authority, &pem, NULL)) {
        return;
    }
    current = zca_pem_parse_certificates(context, zca_buffer_span(&pem), NULL);
    if (current && X509_cmp(sk_X509_value(current, 0), pinned) != 0) {
        zca_doctor_fail(doctor, "authority '%s' has another CA than the pinned one",
                        zca_authority_get_name(authority));
        zca_doctor_advise(doctor, "when that is right: zca ca show --trust --authority %s",
                          zca_authority_get_name(authority));
    }
}

static void check_ca(struct zca_doctor *doctor, struct zca_authority *authority, bool reachable)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    const char *name = zca_authority_get_name(authority);
    zca_auto(X509_STACK) STACK_OF(X509) *pinned = NULL;
    zca_auto(text) char *what = NULL;
    if (!zca_authority_certificates(authority, true, &pinned, &failure)) {
        bool missing = failure.reason == ZCA_ERR_NOT_FOUND;
        (missing ? zca_doctor_warn : zca_doctor_fail)(doctor, "CA of '%s': %s", name,
                                                      failure.message);
        zca_doctor_advise(doctor, "zca ca show --authority %s", name);
        return;
    }
    if (asprintf(&what, "the pinned CA of '%s'", name) < 0) {
        what = NULL; /* undefined after a failure */
        return;
    }
    check_dates(doctor, what, sk_X509_value(pinned, 0),
                "the authority must renew its CA; then: zca ca show --trust");
    if (reachable) {
        compare_ca(doctor, authority, sk_X509_value(pinned, 0));
    }
}

/* ---- all of them ---- */

static void check_authority(struct zca_doctor *doctor, const char *name)
{
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_authority) struct zca_authority *authority =
        zca_authority_open(doctor->tool->library, name, &failure);
    if (!authority) {
        zca_doctor_fail(doctor, "%s", failure.message);
        zca_doctor_advise(doctor, "see [authority %s] in %s", name,
                          zca_library_config_file(doctor->tool->library));
        return;
    }
    check_trust(doctor, authority);
    bool reachable =
        zca_library_remote(doctor->tool->library, NULL) && check_session(doctor, authority);
    check_ca(doctor, authority, reachable);
}

void zca_doctor_authorities(struct zca_doctor *doctor)
{
    const char *only = zca_arguments_text(doctor->tool->arguments, ZCA_TOOL_AUTHORITY);
    if (!doctor->config) {
        return;
    }
    if (only) {
        check_authority(doctor, only);
        return;
    }
    const char *const *name = zca_config_names(doctor->config, "authority");
    if (!*name) {
        zca_doctor_warn(doctor, "no authority is configured");
        zca_doctor_advise(doctor, "zca login --url URL --trust FILE");
    }
    for (; *name; name++) {
        check_authority(doctor, *name);
    }
}
