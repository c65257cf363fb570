/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/core_names.h>

#include "base/openssl_auto.h"
#include "core/key_value.h"
#include "tests/core/home.h"

static const uint8_t sealing_bytes[32] = "0123456789abcdef0123456789abcdef";
static const char message[] = "to be signed";

static struct zca_span sealing_key(void)
{
    return zca_span_of(sealing_bytes, sizeof(sealing_bytes));
}

/* One library, and one key of each type: RSA keys take their time. */
static struct zca_library *library;
static struct zca_key *keys[16];

static int setup(void **state)
{
    int rc = check_setup_directory(state);
    library = rc == 0 ? home_library(state, "") : NULL;
    for (size_t i = 0; library && zca_key_type_names[i]; i++) {
        assert_true(i < ZCA_COUNT(keys));
        keys[i] = zca_key_generate(library, zca_key_type_find(zca_key_type_names[i]), NULL);
        rc = keys[i] ? rc : -1;
    }
    return rc;
}

static int teardown(void **state)
{
    for (size_t i = 0; i < ZCA_COUNT(keys); i++) {
        zca_key_free(keys[i]);
    }
    zca_library_free(library);
    return check_teardown_directory(state);
}

static struct zca_key *made(const char *type)
{
    size_t i = 0;
    while (strcmp(zca_key_type_names[i], type) != 0) {
        i++;
    }
    return keys[i];
}

static bool signature_is_good(struct zca_key *key, struct zca_span signature)
{
    struct zca_span spki = zca_key_get_public(key);
    const unsigned char *cursor = spki.data;
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = d2i_PUBKEY(NULL, &cursor, (long)spki.len);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *verify = EVP_MD_CTX_new();
    assert_non_null(pkey);
    return EVP_DigestVerifyInit_ex(verify, NULL, zca_key_get_type(key)->digest, NULL, NULL, pkey,
                                   NULL) == 1 &&
           EVP_DigestVerify(verify, signature.data, signature.len, (const uint8_t *)message,
                            sizeof(message)) == 1;
}

static void assert_signs(struct zca_key *key)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    uint8_t signature[1024];
    size_t len = sizeof(signature);
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = zca_key_pkey(key, &err);
    check_ok(pkey, err);
    zca_auto(EVP_MD_CTX) EVP_MD_CTX *sign = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(sign, NULL, zca_key_get_type(key)->digest,
                                           zca_library_context(library, &err), NULL, pkey, NULL),
                     1);
    assert_int_equal(
        EVP_DigestSign(sign, signature, &len, (const uint8_t *)message, sizeof(message)), 1);
    assert_true(signature_is_good(key, zca_span_of(signature, len)));
}

static void assert_same_public(const struct zca_key *left, const struct zca_key *right)
{
    assert_true(zca_span_equal(zca_key_get_public(left), zca_key_get_public(right)));
}

static void key_of_each_type_signs(void **state)
{
    (void)state;
    for (const char *const *name = zca_key_type_names; *name; name++) {
        struct zca_key *key = made(*name);
        assert_string_equal(zca_key_get_type(key)->name, *name);
        assert_int_equal(zca_key_get_origin(key), ZCA_KEY_MADE_HERE);
        assert_ptr_equal(zca_key_get_library(key), library);
        assert_signs(key);
    }
}

static void key_of_each_type_survives_sealing(void **state)
{
    (void)state;
    for (const char *const *name = zca_key_type_names; *name; name++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
        struct zca_key *key = made(*name);
        check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
        zca_auto(zca_key) struct zca_key *again =
            zca_key_unseal(library, "corp/web", sealing_key(), zca_buffer_span(&record), &err);
        check_ok(again, err);
        assert_same_public(key, again);
        assert_ptr_equal(zca_key_get_type(again), zca_key_get_type(key));
        assert_int_equal(zca_key_get_origin(again), ZCA_KEY_MADE_HERE);
        assert_signs(again);
    }
}

/* What is sealed holds what OpenSSL itself has for the same key. */
static void key_values_are_those_of_openssl(void **state)
{
    (void)state;
    for (const char *const *name = zca_key_type_names; *name; name++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        struct zca_key *key = made(*name);
        zca_auto(EVP_PKEY) EVP_PKEY *pkey = zca_key_pkey(key, &err);
        zca_auto(OSSL_PARAM) OSSL_PARAM *theirs = NULL;
        zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
        OSSL_PARAM params[ZCA_KEY_MAX_VALUES + 2];
        assert_int_equal(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &theirs), 1);
        check_ok(zca_key_values_of(key, &values, &err), err);
        assert_true(zca_key_values_fit(zca_key_get_type(key), &values));
        zca_key_values_lend(zca_key_get_type(key), &values, params);
        size_t num = 0;
        for (const OSSL_PARAM *ours = params; ours->key; ours++, num++) {
            const OSSL_PARAM *other = OSSL_PARAM_locate(theirs, ours->key);
            assert_non_null(other);
            assert_int_equal(ours->data_type, other->data_type);
            if (ours->data_type == OSSL_PARAM_UTF8_STRING) {
                continue; /* groups have several names */
            }
            size_t len = ours->data_size < other->data_size ? ours->data_size : other->data_size;
            assert_memory_equal(ours->data, other->data, len);
        }
        assert_int_equal(num, zca_key_get_type(key)->nid == EVP_PKEY_RSA ? 8
                              : zca_key_get_type(key)->group             ? 3
                                                                         : 2);
    }
}

/* ---- import ---- */

static struct zca_buffer plain_der(EVP_PKEY *pkey, bool traditional)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    struct zca_buffer der = ZCA_SECRET_BUFFER;
    unsigned char *bytes = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
    int len = traditional ? i2d_PrivateKey(pkey, &bytes) : i2d_PKCS8_PRIV_KEY_INFO(info, &bytes);
    assert_true(len > 0);
    check_ok(zca_buffer_append(&der, zca_span_of(bytes, (size_t)len), &err), err);
    PKCS8_PRIV_KEY_INFO_free(info);
    OPENSSL_free(bytes);
    return der;
}

static void assert_imported(EVP_PKEY *pkey, struct zca_span der)
{
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_key) struct zca_key *key = zca_key_import_pkcs8(library, der, &err);
    check_ok(key, err);
    assert_int_equal(zca_key_get_origin(key), ZCA_KEY_MADE_BY_AUTHORITY);
    zca_auto(EVP_PKEY) EVP_PKEY *imported = zca_key_pkey(key, &err);
    assert_int_equal(EVP_PKEY_eq(imported, pkey), 1);
    assert_signs(key);
}

static void key_import_takes_pkcs8_and_traditional(void **state)
{
    (void)state;

    static const struct {
        const char *algorithm, *group;
        size_t bits;
        bool has_traditional;
    } rows[] = {
        {"EC",      "P-256", 0,    true },
        {"EC",      "P-521", 0,    true },
        {"RSA",     NULL,    2048, true },
        {"ED25519", NULL,    0,    false},
    };

    for (size_t i = 0; i < ZCA_COUNT(rows); i++) {
        zca_auto(EVP_PKEY) EVP_PKEY *pkey =
            rows[i].group ? EVP_PKEY_Q_keygen(NULL, NULL, rows[i].algorithm, rows[i].group)
                          : EVP_PKEY_Q_keygen(NULL, NULL, rows[i].algorithm, rows[i].bits);
        zca_auto(zca_buffer) struct zca_buffer pkcs8 = plain_der(pkey, false);
        assert_imported(pkey, zca_buffer_span(&pkcs8));
        if (rows[i].has_traditional) {
            zca_auto(zca_buffer) struct zca_buffer traditional = plain_der(pkey, true);
            assert_imported(pkey, zca_buffer_span(&traditional));
        }
    }
}

static void key_import_of_compressed_point_has_usual_encoding(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    assert_int_equal(EVP_PKEY_set_utf8_string_param(
                         pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed"),
                     1);
    zca_auto(zca_buffer) struct zca_buffer der = plain_der(pkey, false);
    zca_auto(zca_key) struct zca_key *key =
        zca_key_import_pkcs8(library, zca_buffer_span(&der), &err);
    check_ok(key, err);
    assert_int_equal(zca_key_get_public(key).len, 91); /* P-256, uncompressed */
    assert_signs(key);
}

static void key_import_of_wrong_bytes_is_refused(void **state)
{
    (void)state;
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    zca_auto(zca_buffer) struct zca_buffer der = plain_der(pkey, false);
    for (size_t len = 0; len < der.len; len++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        check_refused(zca_key_import_pkcs8(library, zca_span_of(der.data, len), &err), err,
                      ZCA_ERR_INVALID);
    }
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    check_ok(zca_buffer_append_text(&der, "x", &err), err);
    check_refused(zca_key_import_pkcs8(library, zca_buffer_span(&der), &err), err, ZCA_ERR_INVALID);
}

static void key_import_of_two_halves_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    zca_auto(EVP_PKEY) EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    zca_auto(zca_buffer) struct zca_buffer der = plain_der(pkey, false);
    zca_auto(zca_buffer) struct zca_buffer foreign = plain_der(other, false);
    assert_int_equal(der.len, foreign.len);
    memcpy(der.data + der.len - 64, foreign.data + foreign.len - 64, 64); /* the point */
    check_refused(zca_key_import_pkcs8(library, zca_buffer_span(&der), &err), err, ZCA_ERR_INVALID);
}

static void key_import_of_other_types_is_refused(void **state)
{
    (void)state;
    zca_auto(EVP_PKEY) EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
    zca_auto(EVP_PKEY) EVP_PKEY *exchange = EVP_PKEY_Q_keygen(NULL, NULL, "X25519");
    zca_auto(EVP_PKEY) EVP_PKEY *curve = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1");
    EVP_PKEY *pkeys[] = {small, exchange, curve};
    for (size_t i = 0; i < ZCA_COUNT(pkeys); i++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer der = plain_der(pkeys[i], false);
        check_refused(zca_key_import_pkcs8(library, zca_buffer_span(&der), &err), err,
                      ZCA_ERR_UNSUPPORTED);
    }
}

static void key_made_by_authority_says_so_after_sealing(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(EVP_PKEY) EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    zca_auto(zca_buffer) struct zca_buffer der = plain_der(pkey, false);
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    zca_auto(zca_key) struct zca_key *key =
        zca_key_import_pkcs8(library, zca_buffer_span(&der), &err);
    check_ok(key && zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    zca_auto(zca_key) struct zca_key *again =
        zca_key_unseal(library, "corp/web", sealing_key(), zca_buffer_span(&record), &err);
    check_ok(again, err);
    assert_int_equal(zca_key_get_origin(again), ZCA_KEY_MADE_BY_AUTHORITY);
}

/* ---- records ---- */

static void record_changed_anywhere_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t i = 0; i < record.len * ZCA_COUNT(changes); i++) {
        uint8_t *byte = &record.data[i / ZCA_COUNT(changes)];
        uint8_t change = changes[i % ZCA_COUNT(changes)];
        *byte = (uint8_t)(*byte ^ change);
        check_refused(
            zca_key_unseal(library, "corp/web", sealing_key(), zca_buffer_span(&record), &err), err,
            ZCA_ERR_SEALED);
        *byte = (uint8_t)(*byte ^ change);
    }
}

static void record_cut_anywhere_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    for (size_t len = 0; len < record.len; len++) {
        check_refused(
            zca_key_unseal(library, "corp/web", sealing_key(), zca_span_of(record.data, len), &err),
            err, ZCA_ERR_SEALED);
    }
    check_ok(zca_buffer_append_text(&record, "x", &err), err);
    check_refused(
        zca_key_unseal(library, "corp/web", sealing_key(), zca_buffer_span(&record), &err), err,
        ZCA_ERR_SEALED);
}

static void public_part_of_a_record_is_read_without_opening_it(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    check_ok(zca_key_record_public(zca_buffer_span(&record), &public_key, &err), err);
    assert_true(zca_span_equal(zca_buffer_span(&public_key), zca_key_get_public(key)));
}

static void public_part_of_what_is_no_whole_record_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer public_key = {.len = 0};
    check_ok(zca_key_seal(made("P-256"), "corp/web", sealing_key(), &record, &err), err);
    for (size_t len = 0; len < record.len; len++) {
        check_refused(zca_key_record_public(zca_span_of(record.data, len), &public_key, &err), err,
                      ZCA_ERR_SEALED);
    }
    const size_t version_at = 5; /* SEQUENCE and its length are three bytes, INTEGER 1 two */
    assert_int_equal(record.data[version_at], 1);
    record.data[version_at] = 2;
    check_refused(zca_key_record_public(zca_buffer_span(&record), &public_key, &err), err,
                  ZCA_ERR_SEALED);
    assert_int_equal(public_key.len, 0);
}

static void record_of_another_identity_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    static const char *const labels[] = {"corp/we", "corp/web2", "other/web", "", "corp/Web"};
    for (size_t i = 0; i < ZCA_COUNT(labels); i++) {
        check_refused(
            zca_key_unseal(library, labels[i], sealing_key(), zca_buffer_span(&record), &err), err,
            ZCA_ERR_SEALED);
    }
}

static void record_under_another_sealing_key_is_refused(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
    uint8_t other[32];
    memcpy(other, sealing_bytes, sizeof(other));
    other[31] ^= 1;
    check_refused(zca_key_unseal(library, "corp/web", zca_span_of(other, sizeof(other)),
                                 zca_buffer_span(&record), &err),
                  err, ZCA_ERR_SEALED);
    check_refused(
        zca_key_unseal(library, "corp/web", zca_span_of(other, 31), zca_buffer_span(&record), &err),
        err, ZCA_ERR_SEALED);
    check_refused(zca_key_seal(key, "corp/web", zca_span_of(other, 16), &record, &err), err,
                  ZCA_ERR_SEALED);
}

static bool contains(struct zca_span bytes, struct zca_span value)
{
    return memmem(bytes.data, bytes.len, value.data, value.len) != NULL;
}

static void record_holds_no_private_value_in_the_clear(void **state)
{
    (void)state;
    for (const char *const *name = zca_key_type_names; *name; name++) {
        struct zca_error err = {.reason = ZCA_ERR_NONE};
        zca_auto(zca_buffer) struct zca_buffer record = {.len = 0};
        zca_auto(zca_buffer) struct zca_buffer reversed = {.len = 0};
        struct zca_key *key = made(*name);
        check_ok(zca_key_seal(key, "corp/web", sealing_key(), &record, &err), err);
        check_ok(zca_buffer_resize(&reversed, record.len, &err), err);
        for (size_t i = 0; i < record.len; i++) {
            reversed.data[i] = record.data[record.len - 1 - i];
        }
        zca_auto(zca_key_values) struct zca_key_values values = {.secret = ZCA_SECRET_BUFFER};
        check_ok(zca_key_values_of(key, &values, &err), err);
        const uint8_t *at = values.secret.data;
        for (size_t i = 0; at < values.secret.data + values.secret.len; at += values.lens[i++]) {
            assert_false(contains(zca_buffer_span(&record), zca_span_of(at, values.lens[i])));
            assert_false(contains(zca_buffer_span(&reversed), zca_span_of(at, values.lens[i])));
        }
    }
}

static void record_is_sealed_anew_each_time(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer first = {.len = 0};
    zca_auto(zca_buffer) struct zca_buffer second = {.len = 0};
    struct zca_key *key = made("P-256");
    check_ok(zca_key_seal(key, "corp/web", sealing_key(), &first, &err) &&
                 zca_key_seal(key, "corp/web", sealing_key(), &second, &err),
             err);
    assert_int_equal(first.len, second.len);
    assert_memory_not_equal(first.data + first.len - 64, second.data + second.len - 64, 64);
}

/* ---- use ---- */

static void key_export_plain_is_the_key(void **state)
{
    (void)state;
    struct zca_error err = {.reason = ZCA_ERR_NONE};
    zca_auto(zca_buffer) struct zca_buffer der = ZCA_SECRET_BUFFER;
    struct zca_key *key = made("RSA-2048");
    check_ok(zca_key_export_plain(key, &der, &err), err);
    zca_auto(zca_key) struct zca_key *again =
        zca_key_import_pkcs8(library, zca_buffer_span(&der), &err);
    check_ok(again, err);
    assert_same_public(key, again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_of_each_type_signs),
        cmocka_unit_test(key_of_each_type_survives_sealing),
        cmocka_unit_test(key_values_are_those_of_openssl),
        cmocka_unit_test(key_import_takes_pkcs8_and_traditional),
        cmocka_unit_test(key_import_of_compressed_point_has_usual_encoding),
        cmocka_unit_test(key_import_of_wrong_bytes_is_refused),
        cmocka_unit_test(key_import_of_two_halves_is_refused),
        cmocka_unit_test(key_import_of_other_types_is_refused),
        cmocka_unit_test(key_made_by_authority_says_so_after_sealing),
        cmocka_unit_test(record_changed_anywhere_is_refused),
        cmocka_unit_test(record_cut_anywhere_is_refused),
        cmocka_unit_test(public_part_of_a_record_is_read_without_opening_it),
        cmocka_unit_test(public_part_of_what_is_no_whole_record_is_refused),
        cmocka_unit_test(record_of_another_identity_is_refused),
        cmocka_unit_test(record_under_another_sealing_key_is_refused),
        cmocka_unit_test(record_holds_no_private_value_in_the_clear),
        cmocka_unit_test(record_is_sealed_anew_each_time),
        cmocka_unit_test(key_export_plain_is_the_key),
    };
    return cmocka_run_group_tests_name("core/key", tests, setup, teardown);
}
