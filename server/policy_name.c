/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names. The list of an organisation's domains holds domains ("example.com" is it and all below),
 * addresses and networks ("192.0.2.0/24"); an empty list allows every well-formed name.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/identifier.h"
#include "server/policy.h"
#include "server/refusal.h"

#define MAX_NAMES 100
#define MAX_HOST_NAME 253u
#define MAX_LABEL 63u
#define MAX_COMMON_NAME 64 /* ub-common-name, RFC 5280, A.1 */
#define MAX_TEXT 128
#define MAX_MAILBOX 255 /* ub-emailaddress-length */

/* ---- form ---- */

static bool check_label(const char *label, size_t len)
{
    if (len == 0 || len > MAX_LABEL || label[0] == '-' || label[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isalnum((unsigned char)label[i]) && label[i] != '-') {
            return false;
        }
    }
    return true;
}

bool zca_host_name_check(const char *text)
{
    size_t num_labels = 0;
    bool wildcard = strncmp(text, "*.", 2) == 0;
    const char *rest = wildcard ? text + 2 : text;
    if (strlen(text) > MAX_HOST_NAME) {
        return false;
    }
    while (*rest != '\0') {
        size_t len = strcspn(rest, ".");
        if (!check_label(rest, len)) {
            return false;
        }
        num_labels++;
        rest += len;
        if (*rest == '.' && rest[1] == '\0') {
            return false;
        }
        rest += *rest == '.';
    }
    return num_labels >= (wildcard ? 2u : 1u);
}

static bool is_address(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

/* ---- membership ---- */

/* Walks the words of a list; returns the next one, or NULL. */
static const char *next_word(const char **rest, size_t *out_len)
{
    *rest += strspn(*rest, " ,");
    const char *word = *rest;
    *out_len = strcspn(word, " ,");
    *rest += *out_len;
    return *out_len > 0 ? word : NULL;
}

static bool is_within(const char *name, const char *domain, size_t domain_len)
{
    size_t len = strlen(name);
    if (len < domain_len || strncasecmp(name + len - domain_len, domain, domain_len) != 0) {
        return false;
    }
    return len == domain_len || name[len - domain_len - 1] == '.';
}

static bool allows_all(const struct zca_policy *policy)
{
    const char *list = policy->org.allowed_domains;
    return list[strspn(list, " ,")] == '\0';
}

static bool is_own_host(const struct zca_policy *policy, const char *name)
{
    const char *rest = policy->org.allowed_domains;
    size_t len = 0;
    if (allows_all(policy)) {
        return true;
    }
    for (const char *word = next_word(&rest, &len); word; word = next_word(&rest, &len)) {
        /* A wildcard covers what is below its parent: the parent must be ours. */
        const char *plain = strncmp(name, "*.", 2) == 0 ? name + 2 : name;
        if (is_within(plain, word, len)) {
            return true;
        }
    }
    return false;
}

struct network {
    uint8_t bytes[sizeof(struct in6_addr)];
    size_t len;
    size_t bits; /* that count */
};

/* Digits and nothing else: a number that is read in part would be a wider network. */
static bool parse_bits(const char *text, size_t len, size_t *out_bits)
{
    size_t bits = 0;
    for (size_t i = 0; i < len; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
        bits = bits * 10 + (size_t)(text[i] - '0');
    }
    *out_bits = bits;
    return len > 0 && len <= 3;
}

static bool parse_network(const char *word, size_t len, struct network *out_network)
{
    char text[INET6_ADDRSTRLEN];
    struct network network = {.len = sizeof(struct in_addr)};
    const char *slash = memchr(word, '/', len);
    size_t text_len = slash ? (size_t)(slash - word) : len;
    if (text_len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word, text_len);
    text[text_len] = '\0';
    if (inet_pton(AF_INET, text, network.bytes) != 1) {
        network.len = sizeof(struct in6_addr);
        if (inet_pton(AF_INET6, text, network.bytes) != 1) {
            return false;
        }
    }
    network.bits = network.len * 8;
    if (slash && !parse_bits(slash + 1, len - text_len - 1, &network.bits)) {
        return false;
    }
    *out_network = network;
    return network.bits <= network.len * 8;
}

static bool is_in_network(const uint8_t *address, size_t address_len, const char *word, size_t len)
{
    struct network network;
    if (!parse_network(word, len, &network) || network.len != address_len) {
        return false;
    }
    size_t whole = network.bits / 8;
    unsigned mask = network.bits % 8 ? 0xffu << (8 - network.bits % 8) : 0;
    return memcmp(address, network.bytes, whole) == 0 &&
           (mask == 0 || ((address[whole] ^ network.bytes[whole]) & mask) == 0);
}

static bool is_own_address(const struct zca_policy *policy, const uint8_t *address, size_t len)
{
    const char *rest = policy->org.allowed_domains;
    size_t word_len = 0;
    if (allows_all(policy)) {
        return true;
    }
    for (const char *word = next_word(&rest, &word_len); word; word = next_word(&rest, &word_len)) {
        if (is_in_network(address, len, word, word_len)) {
            return true;
        }
    }
    return false;
}

static bool is_own_mailbox(const struct zca_policy *policy, const char *text)
{
    const char *at = strrchr(text, '@');
    return at && at != text && zca_host_name_check(at + 1) && is_own_host(policy, at + 1);
}

/* No top-level domain is a number: such a word is an address with a mistake in it. */
static bool is_domain(const char *word, size_t len)
{
    char text[MAX_HOST_NAME + 1];
    if (len >= sizeof(text)) {
        return false;
    }
    memcpy(text, word, len);
    text[len] = '\0';
    const char *dot = strrchr(text, '.');
    const char *last = dot ? dot + 1 : text;
    return *text != '*' && zca_host_name_check(text) && last[strspn(last, "0123456789")] != '\0';
}

bool zca_policy_check_domains(const char *list, struct zca_error *err)
{
    struct network network;
    size_t len = 0;
    for (const char *word = next_word(&list, &len); word; word = next_word(&list, &len)) {
        if (!is_domain(word, len) && !parse_network(word, len, &network)) {
            return zca_refuse(err, ZCA_REFUSE_VALIDATION,
                              "'%.*s' is no domain, address or network, as in 'example.com "
                              "192.0.2.0/24'; a domain covers the names below it",
                              (int)(len < MAX_TEXT ? len : MAX_TEXT), word);
        }
    }
    return true;
}

/* ---- general names ---- */

/* The text of a string type, or NULL when it has a NUL inside or is not printable ASCII. */
static const char *plain_text(const ASN1_STRING *string)
{
    const char *text = (const char *)ASN1_STRING_get0_data(string);
    int len = ASN1_STRING_length(string);
    for (int i = 0; i < len; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            return NULL;
        }
    }
    return len > 0 && strlen(text) == (size_t)len ? text : NULL;
}

static bool check_host(const struct zca_policy *policy, const GENERAL_NAME *name,
                       struct zca_error *err)
{
    const char *text = plain_text(name->d.dNSName);
    if (!text || !zca_host_name_check(text) || is_address(text)) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "A DNS name is not well formed: '%.100s'",
                          text ? text : "");
    }
    return is_own_host(policy, text)
               ? true
               : zca_refuse(err, ZCA_REFUSE_NAME,
                            "The name '%.150s' is not in the organization's domains", text);
}

static bool check_address(const struct zca_policy *policy, const GENERAL_NAME *name,
                          struct zca_error *err)
{
    const uint8_t *address = ASN1_STRING_get0_data(name->d.iPAddress);
    size_t len = (size_t)ASN1_STRING_length(name->d.iPAddress);
    if (len != sizeof(struct in_addr) && len != sizeof(struct in6_addr)) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "An IP address has %zu bytes", len);
    }
    return is_own_address(policy, address, len)
               ? true
               : zca_refuse(err, ZCA_REFUSE_NAME,
                            "An IP address is not in the organization's networks");
}

static bool check_mailbox(const struct zca_policy *policy, const GENERAL_NAME *name,
                          struct zca_error *err)
{
    const char *text = plain_text(name->d.rfc822Name);
    if (!text || !is_own_mailbox(policy, text)) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "The mailbox '%.100s' is not allowed",
                          text ? text : "");
    }
    return true;
}

static const struct name_kind {
    int type;
    bool (*check)(const struct zca_policy *, const GENERAL_NAME *, struct zca_error *);
} name_kinds[] = {
    {GEN_DNS,   check_host   },
    {GEN_IPADD, check_address},
    {GEN_EMAIL, check_mailbox},
};

bool zca_policy_check_name(const struct zca_policy *policy, const GENERAL_NAME *name,
                           struct zca_error *err)
{
    for (size_t i = 0; i < ZCA_COUNT(name_kinds); i++) {
        if (name_kinds[i].type == name->type) {
            return name_kinds[i].check(policy, name, err);
        }
    }
    return zca_refuse(err, ZCA_REFUSE_NAME,
                      "Only DNS names, IP addresses and mailboxes are allowed");
}

bool zca_policy_check_names(const struct zca_policy *policy, const GENERAL_NAMES *names,
                            struct zca_error *err)
{
    int num = sk_GENERAL_NAME_num(names);
    if (num < 1 || num > MAX_NAMES) {
        return zca_refuse(err, ZCA_REFUSE_NAME, "A certificate needs 1 to %d names, not %d",
                          MAX_NAMES, num);
    }
    for (int i = 0; i < num; i++) {
        if (!zca_policy_check_name(policy, sk_GENERAL_NAME_value(names, i), err)) {
            return false;
        }
    }
    return true;
}

/* ---- subjects ---- */

/* One encoding only: what is compared here must be what others read. */
static bool check_text(const ASN1_STRING *text, int max_len, struct zca_error *err)
{
    int type = ASN1_STRING_type(text);
    const uint8_t *bytes = ASN1_STRING_get0_data(text);
    int len = ASN1_STRING_length(text);
    bool good =
        len > 0 && len <= max_len &&
        (type == V_ASN1_UTF8STRING || type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING);
    for (int i = 0; good && i < len; i++) {
        good = bytes[i] >= ' ' && bytes[i] != 0x7f;
    }
    return good ? true
                : zca_refuse(err, ZCA_REFUSE_NAME,
                             "A subject text is empty, too long, or not plain text");
}

/* Spaces stand in names of people and things, never in a host's; at the ends some readers cut them off. */
static bool is_spaced(const char *name)
{
    size_t len = strlen(name);
    return name[0] != ' ' && name[len - 1] != ' ' && strchr(name, ' ');
}

/* What has no form that is known here could still be a host name to somebody: it is not ours. */
static bool is_own_common_name(const struct zca_policy *policy, const char *name)
{
    uint8_t address[sizeof(struct in6_addr)];
    if (inet_pton(AF_INET, name, address) == 1) {
        return is_own_address(policy, address, sizeof(struct in_addr));
    }
    if (inet_pton(AF_INET6, name, address) == 1) {
        return is_own_address(policy, address, sizeof(address));
    }
    if (strchr(name, '*') || !allows_all(policy)) {
        return zca_uuid_check(name) || is_own_mailbox(policy, name) ||
               (zca_host_name_check(name) && is_own_host(policy, name));
    }
    return true;
}

static bool check_common_name(const struct zca_policy *policy, const ASN1_STRING *text,
                              struct zca_error *err)
{
    const uint8_t *bytes = ASN1_STRING_get0_data(text);
    for (int i = 0; i < ASN1_STRING_length(text); i++) {
        if (bytes[i] >= 0x7f) {
            return zca_refuse(err, ZCA_REFUSE_NAME, "A common name must be ASCII");
        }
    }
    const char *name = (const char *)bytes;
    if (!is_spaced(name) && !is_own_common_name(policy, name)) {
        return zca_refuse(err, ZCA_REFUSE_NAME,
                          "The name '%.64s' is not in the organization's domains", name);
    }
    return true;
}

static bool check_mail_attribute(const struct zca_policy *policy, const ASN1_STRING *text,
                                 struct zca_error *err)
{
    const char *mailbox = plain_text(text);
    return mailbox && is_own_mailbox(policy, mailbox)
               ? true
               : zca_refuse(err, ZCA_REFUSE_NAME, "The mailbox '%.100s' is not allowed",
                            mailbox ? mailbox : "");
}

static const struct attribute_kind {
    int nid;
    int max_len;
    bool taken; /* from the subject of a CSR */
    bool (*check)(const struct zca_policy *, const ASN1_STRING *, struct zca_error *);
} attribute_kinds[] = {
    {NID_commonName,             MAX_COMMON_NAME, true,  check_common_name   },
    {NID_organizationName,       MAX_TEXT,        true,  NULL                },
    {NID_organizationalUnitName, MAX_TEXT,        true,  NULL                },
    {NID_countryName,            MAX_TEXT,        true,  NULL                },
    {NID_localityName,           MAX_TEXT,        true,  NULL                },
    {NID_stateOrProvinceName,    MAX_TEXT,        true,  NULL                },
    {NID_pkcs9_emailAddress,     MAX_MAILBOX,     false, check_mail_attribute},
};

static const struct attribute_kind *find_attribute(int nid)
{
    for (size_t i = 0; i < ZCA_COUNT(attribute_kinds); i++) {
        if (attribute_kinds[i].nid == nid) {
            return &attribute_kinds[i];
        }
    }
    return NULL;
}

bool zca_policy_takes_attribute(int nid)
{
    const struct attribute_kind *kind = find_attribute(nid);
    return kind && kind->taken;
}

bool zca_policy_check_subject(const struct zca_policy *policy, const X509_NAME *subject,
                              struct zca_error *err)
{
    for (int i = 0; i < X509_NAME_entry_count(subject); i++) {
        const X509_NAME_ENTRY *entry = X509_NAME_get_entry(subject, i);
        const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);
        int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        const struct attribute_kind *kind = find_attribute(nid);
        if (!kind) {
            return zca_refuse(err, ZCA_REFUSE_NAME,
                              "A subject may hold CN, O, OU, C, L, ST and emailAddress, not %s",
                              nid == NID_undef ? "an attribute that is unknown" : OBJ_nid2sn(nid));
        }
        if (!check_text(text, kind->max_len, err) ||
            (kind->check && !kind->check(policy, text, err))) {
            return false;
        }
    }
    return true;
}
