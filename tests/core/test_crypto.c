/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/crypto.h"
#include "tests/core/home.h"

static const uint8_t key[32] = {1};
static const uint8_t nonce[12] = {2};
static const uint8_t plain[] = "a private value of more than one block";

static const struct zca_gcm gcm = {
    .key = {.data = key,                         .len = sizeof(key)  },
    .nonce = {.data = nonce,                       .len = sizeof(nonce)},
    .additional = {.data = (const uint8_t *)"corp/web", .len = 8            },
};

struct sealed {
    uint8_t bytes[sizeof(plain) + ZCA_GCM_TAG_LEN];
};

static struct sealed seal(struct zca_library *library)
{
    struct sealed sealed;
    assert_true(zca_gcm_seal(library, &gcm, zca_span_of(plain, sizeof(plain)), sealed.bytes));
    return sealed;
}

static bool open_sealed(struct zca_library *library, const struct sealed *sealed, uint8_t *out)
{
    return zca_gcm_open(library, &gcm, zca_span_of(sealed->bytes, sizeof(sealed->bytes)), out);
}

static void gcm_opens_what_it_sealed(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    uint8_t opened[sizeof(plain)] = {0};
    struct sealed sealed = seal(library);
    assert_true(open_sealed(library, &sealed, opened));
    assert_memory_equal(opened, plain, sizeof(plain));
}

/* The cipher decrypts as it reads, and learns of the change at the end. */
static void gcm_leaves_nothing_of_what_was_changed(void **state)
{
    static const uint8_t nothing[sizeof(plain)] = {0};
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    for (size_t i = 0; i < sizeof(struct sealed); i++) {
        uint8_t opened[sizeof(plain)];
        struct sealed sealed = seal(library);
        sealed.bytes[i] ^= 1;
        memset(opened, 0xAA, sizeof(opened));
        assert_false(open_sealed(library, &sealed, opened));
        assert_memory_equal(opened, nothing, sizeof(nothing));
    }
}

static void gcm_refuses_less_than_a_tag(void **state)
{
    zca_auto(zca_library) struct zca_library *library = home_library(state, "");
    uint8_t opened[1];
    assert_false(zca_gcm_open(library, &gcm, zca_span_of(key, ZCA_GCM_TAG_LEN - 1), opened));
}

#define CASE(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, check_setup_directory, check_teardown_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(gcm_opens_what_it_sealed),
        CASE(gcm_leaves_nothing_of_what_was_changed),
        CASE(gcm_refuses_less_than_a_tag),
    };
    return cmocka_run_group_tests_name("core/crypto", tests, NULL, NULL);
}
