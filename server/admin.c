/* SPDX-License-Identifier: Apache-2.0 */
/* Words and options are read here once; the verbs are in admin_*.c. */
#include "server/admin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server/admin_verb.h"
#include "server/domain.h"
#include "server/ledger_audit.h"

static bool fail_usage(const char *noun, const struct zca_admin_verb *verbs, size_t num_verbs,
                       struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer text = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < num_verbs; i++) {
        ok = zca_buffer_format(&text, err, "%s %s%s%s", i ? " |" : "", verbs[i].verb,
                               *verbs[i].verb ? " " : "", verbs[i].arguments);
    }
    return ok && zca_error_set(err, ZCA_ERR_INVALID, "usage: %s%s", noun, (const char *)text.data);
}

static const struct zca_admin_verb *find_verb(const struct zca_admin_verb *verbs, size_t num_verbs,
                                              const char *word)
{
    for (size_t i = 0; i < num_verbs; i++) {
        if (*verbs[i].verb == '\0' || (word && strcmp(verbs[i].verb, word) == 0)) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* Takes "--NAME VALUE" or "--NAME=VALUE"; returns the words taken, 0 for a mistake. */
static int take_option(const struct zca_admin_verb *verb, struct zca_admin *admin, char **argv)
{
    const char *name = argv[0] + 2;
    size_t len = strcspn(name, "=");
    for (size_t i = 0; i < ZCA_ADMIN_MAX_OPTIONS && verb->options[i]; i++) {
        if (strlen(verb->options[i]) != len || memcmp(verb->options[i], name, len) != 0) {
            continue;
        }
        admin->options[i] = name[len] == '=' ? name + len + 1 : argv[1];
        return admin->options[i] ? (name[len] == '=' ? 1 : 2) : 0;
    }
    return 0;
}

static bool read_words(const struct zca_admin_verb *verb, struct zca_admin *admin, int argc,
                       char **argv)
{
    for (int i = 0; i < argc;) {
        int taken = 1;
        if (strncmp(argv[i], "--", 2) == 0) {
            taken = take_option(verb, admin, &argv[i]);
        } else {
            admin->words[admin->num_words++] = argv[i];
        }
        if (taken == 0) {
            return false;
        }
        i += taken;
    }
    return admin->num_words == verb->num_words;
}

struct running {
    const struct zca_admin_verb *verb;
    struct zca_admin *admin;
};

static bool run_in_transaction(struct zca_ledger *ledger, void *context, struct zca_error *err)
{
    const struct running *running = context;
    running->admin->ledger = ledger;
    return running->verb->run(running->admin, err);
}

static bool run_verb(const struct zca_admin_verb *verb, struct zca_admin *admin,
                     struct zca_error *err)
{
    struct running running = {.verb = verb, .admin = admin};
    if (!zca_domain_open(admin->server, err)) {
        return false;
    }
    admin->state = admin->server->state;
    admin->ledger = zca_state_ledger(admin->state);
    bool ok = verb->writes ? zca_ledger_transact(admin->ledger, run_in_transaction, &running, err)
                           : verb->run(admin, err);
    if (ok && admin->output.len > 0) {
        printf("%s", (const char *)admin->output.data);
    }
    zca_buffer_clear(&admin->output);
    zca_domain_close(admin->server);
    return ok;
}

bool zca_admin_run(const char *noun, const struct zca_admin_verb *verbs, size_t num_verbs,
                   struct zca_server *server, int argc, char **argv, struct zca_error *err)
{
    const struct zca_admin_verb *verb = find_verb(verbs, num_verbs, argc > 0 ? argv[0] : NULL);
    struct zca_admin admin = {.server = server};
    if (!verb) {
        return fail_usage(noun, verbs, num_verbs, err);
    }
    int skip = *verb->verb == '\0' ? 0 : 1;
    admin.words = calloc((size_t)argc + 1, sizeof(*admin.words));
    if (!admin.words) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "reading the command line");
    }
    bool ok = read_words(verb, &admin, argc - skip, argv + skip) ? run_verb(verb, &admin, err)
                                                                 : fail_usage(noun, verb, 1, err);
    free(admin.words);
    return ok;
}

/* ---- helpers ---- */

bool zca_admin_find_org(struct zca_admin *admin, const char *name, struct zca_org *out_org,
                        struct zca_error *err)
{
    zca_auto(zca_record_list) struct zca_record_list list = {0};
    bool found = false;
    if (!name) {
        if (!zca_ledger_org_list(admin->ledger, &list, err)) {
            return false;
        }
        if (list.num != 1) {
            return zca_error_set(err, ZCA_ERR_INVALID,
                                 "there are %zu organisations: say which with --org", list.num);
        }
        const struct zca_org *only = zca_record_at(&list, 0);
        return zca_ledger_org_find(admin->ledger, only->id, out_org, &found, err);
    }
    if (!zca_ledger_org_find(admin->ledger, name, out_org, &found, err)) {
        return false;
    }
    return found ? true
                 : zca_error_set(err, ZCA_ERR_NOT_FOUND, "there is no organisation '%s'", name);
}

bool zca_admin_number(const char *text, int64_t least, int64_t most, int64_t *out_number,
                      struct zca_error *err)
{
    char *end = NULL;
    if (!text) {
        return true;
    }
    long long number = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < least || number > most) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is not a number from %lld to %lld", text,
                             (long long)least, (long long)most);
    }
    *out_number = number;
    return true;
}

bool zca_admin_boolean(const char *text, bool *out_value, struct zca_error *err)
{
    if (!text) {
        return true;
    }
    bool yes = strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "no") != 0) {
        return zca_error_set(err, ZCA_ERR_INVALID, "'%s' is neither yes nor no", text);
    }
    *out_value = yes;
    return true;
}

bool zca_admin_audit(struct zca_admin *admin, const char *org_id, const char *event,
                     const char *object, const char *detail, struct zca_error *err)
{
    struct zca_audit_event entry = {.created_at = zca_clock_now_ms(),
                                    .org_id = org_id,
                                    .actor = ZCA_ADMIN_ACTOR,
                                    .event = event,
                                    .object = object,
                                    .detail = detail};
    return zca_ledger_audit_append(admin->ledger, &entry, err);
}

void zca_admin_print_time(int64_t time_ms)
{
    char text[ZCA_RFC3339_SIZE] = "-";
    if (time_ms) {
        zca_clock_format(time_ms, text);
    }
    printf("%s", text);
}
