/* SPDX-License-Identifier: Apache-2.0 */
/* The journal of an order as DER. Keys in it are sealed records, so the file holds no secret. */
#include "core/order.h"

#include <limits.h>
#include <string.h>

#include <openssl/asn1t.h>

#include "base/clock.h"
#include "base/file.h"

static const size_t max_journal = 512 * 1024;
static const int journal_version = 1;

/* SEQUENCE { version INTEGER (1), state ENUMERATED, requestId IA5String, startedAt INTEGER,
 * newKey BOOLEAN, ticketId [0] UTF8String OPTIONAL, issuedId [1] UTF8String OPTIONAL,
 * csr [2] OCTET STRING OPTIONAL, candidateKey [3] OCTET STRING OPTIONAL,
 * candidateCertificates [4] OCTET STRING OPTIONAL, replaces [5] OCTET STRING OPTIONAL },
 * context tags implicit */
struct journal {
    int32_t version;
    int32_t state;
    ASN1_IA5STRING *request_id;
    int64_t started_at_s;
    ASN1_BOOLEAN new_key;
    ASN1_UTF8STRING *ticket_id;
    ASN1_UTF8STRING *issued_id;
    ASN1_OCTET_STRING *csr;
    ASN1_OCTET_STRING *candidate_key;
    ASN1_OCTET_STRING *candidate_certificates;
    ASN1_OCTET_STRING *replaces;
};

/* clang-format off: the macros have no semicolons */
ASN1_SEQUENCE(journal) =
    {
        ASN1_EMBED(struct journal, version, INT32),
        ASN1_EMBED(struct journal, state, INT32),
        ASN1_SIMPLE(struct journal, request_id, ASN1_IA5STRING),
        ASN1_EMBED(struct journal, started_at_s, INT64),
        ASN1_SIMPLE(struct journal, new_key, ASN1_BOOLEAN),
        ASN1_IMP_OPT(struct journal, ticket_id, ASN1_UTF8STRING, 0),
        ASN1_IMP_OPT(struct journal, issued_id, ASN1_UTF8STRING, 1),
        ASN1_IMP_OPT(struct journal, csr, ASN1_OCTET_STRING, 2),
        ASN1_IMP_OPT(struct journal, candidate_key, ASN1_OCTET_STRING, 3),
        ASN1_IMP_OPT(struct journal, candidate_certificates, ASN1_OCTET_STRING, 4),
        ASN1_IMP_OPT(struct journal, replaces, ASN1_OCTET_STRING, 5),
} static_ASN1_SEQUENCE_END_name(struct journal, journal)
    /* clang-format on */

    static void journal_free(struct journal * journal)
{
    ASN1_item_free((ASN1_VALUE *)journal, ASN1_ITEM_rptr(journal));
}

ZCA_DEFINE_AUTO(journal, struct journal, journal_free);

/* ---- order to DER ---- */

static bool put_bytes(ASN1_STRING **out_string, int type, struct zca_span bytes)
{
    if (bytes.len == 0) {
        return true; /* optional */
    }
    *out_string = ASN1_STRING_type_new(type);
    return *out_string && bytes.len <= INT_MAX &&
           ASN1_STRING_set(*out_string, bytes.data, (int)bytes.len) == 1;
}

static struct journal *journal_from_order(const struct zca_order *order)
{
    zca_auto(journal) struct journal *journal =
        (struct journal *)ASN1_item_new(ASN1_ITEM_rptr(journal));
    if (!journal) {
        return NULL;
    }
    journal->version = journal_version;
    journal->state = (int32_t)order->state;
    journal->started_at_s = order->started_at_s;
    journal->new_key = order->new_key ? 0xff : 0;
    bool ok = ASN1_STRING_set(journal->request_id, order->request_id, -1) == 1 &&
              put_bytes(&journal->ticket_id, V_ASN1_UTF8STRING, zca_span_text(order->ticket_id)) &&
              put_bytes(&journal->issued_id, V_ASN1_UTF8STRING, zca_span_text(order->issued_id)) &&
              put_bytes(&journal->csr, V_ASN1_OCTET_STRING, zca_buffer_span(&order->csr)) &&
              put_bytes(&journal->candidate_key, V_ASN1_OCTET_STRING,
                        zca_buffer_span(&order->candidate_key)) &&
              put_bytes(&journal->candidate_certificates, V_ASN1_OCTET_STRING,
                        zca_buffer_span(&order->candidate_certificates)) &&
              put_bytes(&journal->replaces, V_ASN1_OCTET_STRING, zca_buffer_span(&order->replaces));
    return ok ? zca_steal(journal) : NULL;
}

static bool format_order(const struct zca_order *order, struct zca_buffer *out_der,
                         struct zca_error *err)
{
    zca_auto(journal) struct journal *journal = journal_from_order(order);
    unsigned char *der = NULL;
    int len = journal ? ASN1_item_i2d((ASN1_VALUE *)journal, &der, ASN1_ITEM_rptr(journal)) : -1;
    if (len < 0) {
        return zca_error_set(err, ZCA_ERR_MEMORY, "writing the journal of an order");
    }
    bool ok = zca_buffer_append(out_der, zca_span_of(der, (size_t)len), err);
    OPENSSL_free(der);
    return ok;
}

/* ---- DER to order ---- */

static struct zca_span string_span(const ASN1_STRING *string)
{
    return string ? zca_span_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string))
                  : zca_span_of(NULL, 0);
}

static bool is_text(struct zca_span bytes)
{
    return bytes.len == 0 || !memchr(bytes.data, '\0', bytes.len);
}

/* Absent text stays NULL. */
static bool take_text(const ASN1_STRING *string, char **out_text, struct zca_error *err)
{
    struct zca_span bytes = string_span(string);
    if (!string) {
        return true;
    }
    *out_text = strndup((const char *)bytes.data, bytes.len);
    return *out_text || zca_error_set(err, ZCA_ERR_MEMORY, "reading the journal of an order");
}

static bool is_sound(const struct journal *journal)
{
    return journal->version == journal_version && journal->state > ZCA_ORDER_NONE &&
           journal->state <= ZCA_ORDER_CONFIRMED && ASN1_STRING_length(journal->request_id) == 32 &&
           is_text(string_span(journal->request_id)) && is_text(string_span(journal->ticket_id)) &&
           is_text(string_span(journal->issued_id)) &&
           (journal->state != ZCA_ORDER_ACCEPTED || journal->ticket_id) &&
           (journal->state < ZCA_ORDER_RECEIVED || journal->candidate_certificates);
}

static bool order_from_journal(const struct journal *journal, struct zca_order *order,
                               struct zca_error *err)
{
    order->state = (enum zca_order_state)journal->state;
    memcpy(order->request_id, ASN1_STRING_get0_data(journal->request_id),
           sizeof(order->request_id) - 1);
    order->started_at_s = journal->started_at_s;
    order->new_key = journal->new_key > 0;
    return take_text(journal->ticket_id, &order->ticket_id, err) &&
           take_text(journal->issued_id, &order->issued_id, err) &&
           zca_buffer_append(&order->csr, string_span(journal->csr), err) &&
           zca_buffer_append(&order->candidate_key, string_span(journal->candidate_key), err) &&
           zca_buffer_append(&order->candidate_certificates,
                             string_span(journal->candidate_certificates), err) &&
           zca_buffer_append(&order->replaces, string_span(journal->replaces), err);
}

static bool parse_order(struct zca_span der, const char *path, struct zca_order *out_order,
                        struct zca_error *err)
{
    const unsigned char *end = der.data;
    zca_auto(journal) struct journal *journal =
        (struct journal *)ASN1_item_d2i(NULL, &end, (long)der.len, ASN1_ITEM_rptr(journal));
    if (!journal || end != der.data + der.len || !is_sound(journal)) {
        return zca_error_set(err, ZCA_ERR_INVALID,
                             "the journal '%s' is damaged: remove it to begin anew", path);
    }
    zca_auto(zca_order) struct zca_order order = {.state = ZCA_ORDER_NONE};
    if (!order_from_journal(journal, &order, err)) {
        return false;
    }
    *out_order = order;
    order = (struct zca_order){.state = ZCA_ORDER_NONE}; /* handed over */
    return true;
}

/* ---- public ---- */

bool zca_order_load(struct zca_library *library, const char *authority, const char *name,
                    struct zca_order *out_order, struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_ORDERS, authority, name, ".order", err);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    struct zca_error failure = {.reason = ZCA_ERR_NONE};
    if (!path) {
        return false;
    }
    if (zca_file_load(path, max_journal, &der, NULL, &failure)) {
        return parse_order(zca_buffer_span(&der), path, out_order, err);
    }
    if (failure.reason == ZCA_ERR_NOT_FOUND) {
        *out_order = (struct zca_order){.state = ZCA_ORDER_NONE};
        return true;
    }
    return zca_error_set(err, failure.reason, "reading the journal: %s", failure.message);
}

bool zca_order_store(struct zca_library *library, const char *authority, const char *name,
                     const struct zca_order *order, struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_ORDERS, authority, name, ".order", err);
    zca_auto(zca_buffer) struct zca_buffer der = {.len = 0};
    if (!path) {
        return false;
    }
    if (order->state == ZCA_ORDER_NONE) {
        return zca_file_remove(path, err);
    }
    return format_order(order, &der, err) &&
           zca_library_prepare(library, ZCA_PLACE_ORDERS, authority, err) &&
           zca_file_store(path, 0600, zca_buffer_span(&der), err);
}

bool zca_order_end(struct zca_library *library, const char *authority, const char *name,
                   struct zca_error *err)
{
    zca_auto(text) char *path =
        zca_library_path(library, ZCA_PLACE_ORDERS, authority, name, ".order", err);
    return path && zca_file_remove_soon(path, err);
}

bool zca_order_begin(struct zca_library *library, struct zca_order *order, struct zca_error *err)
{
    zca_auto(zca_buffer) struct zca_buffer random = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer text = {.len = 0};
    OSSL_LIB_CTX *context = zca_library_context(library, err);
    if (!context || !zca_random(context, 16, &random, err) ||
        !zca_hex_encode(zca_buffer_span(&random), '\0', &text, err)) {
        return false;
    }
    memcpy(order->request_id, text.data, sizeof(order->request_id)); /* with its NUL */
    order->started_at_s = zca_clock_now_s();
    return true;
}

void zca_order_clear(struct zca_order *order)
{
    free(order->ticket_id);
    free(order->issued_id);
    zca_buffer_clear(&order->csr);
    zca_buffer_clear(&order->candidate_key);
    zca_buffer_clear(&order->candidate_certificates);
    zca_buffer_clear(&order->replaces);
    *order = (struct zca_order){.state = ZCA_ORDER_NONE};
}
