/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/ec.h>
#include <openssl/rand.h>

#include "base/openssl_auto.h"
#include "pkcs11-module/signature.h"
#include "tests/base/check.h"

/* The same two numbers with OpenSSL's own functions. */
static struct zca_span encode(const uint8_t *raw, size_t len, uint8_t der[256])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    int half = (int)len / 2;
    assert_int_equal(
        ECDSA_SIG_set0(pair, BN_bin2bn(raw, half, NULL), BN_bin2bn(raw + half, half, NULL)), 1);
    uint8_t *at = der;
    int der_len = i2d_ECDSA_SIG(pair, &at);
    ECDSA_SIG_free(pair);
    assert_in_range(der_len, 1, 256);
    return zca_span_of(der, (size_t)der_len);
}

static void assert_both_ways(const uint8_t *raw, size_t len)
{
    uint8_t expected[256], made[ZCA_MAX_ECDSA_DER], again[2 * ZCA_MAX_ECDSA_HALF];
    struct zca_span der = encode(raw, len, expected);
    size_t made_len = zca_signature_to_der(zca_span_of(raw, len), made);
    assert_int_equal(made_len, der.len);
    assert_memory_equal(made, der.data, der.len);
    assert_true(zca_signature_from_der(der, again, len));
    assert_memory_equal(again, raw, len);
}

static void both_forms_are_those_of_openssl(void **state)
{
    (void)state;
    static const size_t lens[] = {64, 96, 132};
    for (size_t i = 0; i < ZCA_COUNT(lens); i++) {
        uint8_t raw[132];
        for (size_t round = 0; round < 2000; round++) {
            assert_int_equal(RAND_bytes(raw, sizeof(raw)), 1);
            if (round % 7 == 0) {
                memset(raw, 0, round % lens[i] / 2); /* short numbers */
            }
            assert_both_ways(raw, lens[i]);
        }
        memset(raw, 0, sizeof(raw));
        assert_both_ways(raw, lens[i]);
        memset(raw, 0xff, sizeof(raw));
        assert_both_ways(raw, lens[i]);
    }
}

static void from_der_refuses_what_is_no_signature(void **state)
{
    (void)state;
    uint8_t raw[64], der[256], again[64], three[] = {0x30, 0x81, 0x00};
    memset(raw, 0x77, sizeof(raw));
    struct zca_span whole = encode(raw, sizeof(raw), der);
    for (size_t len = 0; len < whole.len; len++) {
        assert_false(zca_signature_from_der(zca_span_of(der, len), again, sizeof(again)));
    }
    for (size_t i = 0; i < 4; i++) { /* the tags and lengths in front */
        der[i] ^= 1;
        assert_false(zca_signature_from_der(whole, again, sizeof(again)));
        der[i] ^= 1;
    }
    assert_true(zca_signature_from_der(whole, again, sizeof(again)));
    assert_false(zca_signature_from_der(whole, again, 62)); /* longer than the order */
    assert_false(zca_signature_from_der(zca_span_of(three, 2), again, sizeof(again)));
    assert_false(zca_signature_from_der(zca_span_of(three, 3), again, sizeof(again)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_those_of_openssl),
        cmocka_unit_test(from_der_refuses_what_is_no_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
