/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile calls are made in. Children are forked from a process that is ready, so each begins in the same state. */
#include "tests/pkcs11-module/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_CODES 8
#define TIMEOUT_S 30 /* a sanitizer stretches an iterated hash */

static uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;
static CK_ULONG rsa_bits = 2048;
static CK_ULONG secret_len = 32;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static uint8_t bytes[4096];
static uint8_t output[4096];
static uint8_t signature[64];
static uint8_t ciphertext[256];
static uint8_t point[65];
static CK_ULONG output_len, list_count;
static CK_OBJECT_HANDLE new_handle;
static CK_UTF8CHAR label[32];
static char pin[] = BED_PIN;
static char so_pin[] = BED_SO_PIN;
static char text[] = "C_Sign";
static char name[] = "hostile";

static CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256, CKZ_DATA_SPECIFIED, NULL, 0};
static CK_ECDH1_DERIVE_PARAMS ecdh = {CKD_NULL, 0, NULL, sizeof(point), point};
static CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
static CK_MECHANISM rsa = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
static CK_MECHANISM digest = {CKM_SHA256, NULL, 0};
static CK_MECHANISM derive = {CKM_ECDH1_DERIVE, &ecdh, sizeof(ecdh)};
static CK_MECHANISM pair = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
static CK_MECHANISM secret = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};

static CK_ATTRIBUTE new_data[] = {
    {CKA_CLASS, &data_class, sizeof(data_class)}
};
static CK_ATTRIBUTE new_label[] = {
    {CKA_LABEL, name, sizeof(name) - 1}
};
static CK_ATTRIBUTE question[] = {
    {CKA_LABEL, output, sizeof(output)}
};
static CK_ATTRIBUTE public_part[] = {
    {CKA_EC_PARAMS, p256, sizeof(p256)}
};
static CK_ATTRIBUTE private_part[] = {
    {CKA_SIGN, &yes, sizeof(yes)}
};
static CK_ATTRIBUTE secret_part[] = {
    {CKA_VALUE_LEN, &secret_len, sizeof(secret_len)}
};

static const struct {
    enum kind kind;
    void *pointer;
} pointers[] = {
    {KIND_TEXT,         text        },
    {KIND_BYTES,        bytes       },
    {KIND_SIGNATURE,    signature   },
    {KIND_CIPHERTEXT,   ciphertext  },
    {KIND_PIN,          pin         },
    {KIND_SO_PIN,       so_pin      },
    {KIND_LABEL,        label       },
    {KIND_OUT,          output      },
    {KIND_OUT_LEN,      &output_len },
    {KIND_INFO,         output      },
    {KIND_LIST,         output      },
    {KIND_LIST_COUNT,   &list_count },
    {KIND_HANDLE_OUT,   &new_handle },
    {KIND_MECHANISM,    &ecdsa      },
    {KIND_RSA,          &rsa        },
    {KIND_DIGEST,       &digest     },
    {KIND_DERIVE,       &derive     },
    {KIND_PAIR,         &pair       },
    {KIND_SECRET,       &secret     },
    {KIND_NEW_DATA,     new_data    },
    {KIND_NEW_LABEL,    new_label   },
    {KIND_SEARCH,       new_data    },
    {KIND_QUESTION,     question    },
    {KIND_PUBLIC_PART,  public_part },
    {KIND_PRIVATE_PART, private_part},
    {KIND_SECRET_PART,  secret_part },
};

static const struct {
    enum kind kind;
    CK_ULONG number;
} numbers[] = {
    {KIND_NUMBER,        0                                  },
    {KIND_LEN,           32                                 },
    {KIND_LEN_64,        sizeof(signature)                  },
    {KIND_LEN_256,       sizeof(ciphertext)                 },
    {KIND_PIN_LEN,       sizeof(BED_PIN) - 1                },
    {KIND_SO_PIN_LEN,    sizeof(BED_SO_PIN) - 1             },
    {KIND_RANDOM_LEN,    32                                 },
    {KIND_TYPE,          CKM_ECDSA                          },
    {KIND_COUNT,         1                                  },
    {KIND_USER,          CKU_USER                           },
    {KIND_SESSION_FLAGS, CKF_SERIAL_SESSION | CKF_RW_SESSION},
    {KIND_DONT_BLOCK,    CKF_DONT_BLOCK                     },
};

/* ---- making it ---- */

static void make_pair(struct world *world, CK_MECHANISM_TYPE type, enum kind public_kind,
                      enum kind private_kind)
{
    CK_MECHANISM generation = {type, NULL, 0};
    CK_ATTRIBUTE public_attributes[] = {
        {type == CKM_EC_KEY_PAIR_GEN ? CKA_EC_PARAMS : CKA_MODULUS_BITS,
         type == CKM_EC_KEY_PAIR_GEN ? (void *)p256 : &rsa_bits,
         type == CKM_EC_KEY_PAIR_GEN ? sizeof(p256) : sizeof(rsa_bits)                    },
        {CKA_VERIFY,                                                     &yes, sizeof(yes)},
        {CKA_ENCRYPT,                                                    &yes, sizeof(yes)},
    };
    CK_ATTRIBUTE private_attributes[] = {
        {CKA_SIGN,    &yes, sizeof(yes)},
        {CKA_DECRYPT, &yes, sizeof(yes)},
        {CKA_DERIVE,  &yes, sizeof(yes)},
    };
    assert_int_equal(C_GenerateKeyPair(world->session, &generation, public_attributes,
                                       ZCA_COUNT(public_attributes), private_attributes,
                                       ZCA_COUNT(private_attributes),
                                       &world->good[public_kind].number,
                                       &world->good[private_kind].number),
                     CKR_OK);
}

static void make_secret(struct world *world)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE attributes[] = {
        {CKA_CLASS,    &class, sizeof(class)},
        {CKA_KEY_TYPE, &type,  sizeof(type) },
        {CKA_VALUE,    bytes,  32           },
        {CKA_PRIVATE,  &no,    sizeof(no)   },
    };
    assert_int_equal(C_CreateObject(world->session, attributes, ZCA_COUNT(attributes),
                                    &world->good[KIND_SECRET_KEY].number),
                     CKR_OK);
}

static void make_objects(struct world *world)
{
    CK_ULONG len = sizeof(ciphertext);
    assert_int_equal(C_CreateObject(world->session, new_data, 1, &world->gone), CKR_OK);
    assert_int_equal(C_DestroyObject(world->session, world->gone), CKR_OK);
    assert_int_equal(C_CreateObject(world->session, new_data, 1, &world->good[KIND_OBJECT].number),
                     CKR_OK);
    make_pair(world, CKM_EC_KEY_PAIR_GEN, KIND_VERIFY_KEY, KIND_SIGN_KEY);
    make_pair(world, CKM_RSA_PKCS_KEY_PAIR_GEN, KIND_ENCRYPT_KEY, KIND_DECRYPT_KEY);
    make_secret(world);
    world->good[KIND_DERIVE_KEY] = world->good[KIND_SIGN_KEY];
    assert_int_equal(world_prepare(world, BEFORE_ENCRYPT), CKR_OK);
    assert_int_equal(C_Encrypt(world->session, bytes, 32, ciphertext, &len), CKR_OK);
    assert_int_equal(world_prepare(world, BEFORE_SIGN), CKR_OK);
    len = sizeof(signature);
    assert_int_equal(C_Sign(world->session, bytes, 32, signature, &len), CKR_OK);
}

/* The other side of ECDH: the key itself. */
static void read_point(const struct world *world)
{
    zca_auto(zca_buffer) struct zca_buffer der = {0};
    bed_value(world->session, world->good[KIND_VERIFY_KEY].number, CKA_EC_POINT, &der);
    assert_int_equal(der.len, sizeof(point) + 2);
    memcpy(point, der.data + 2, sizeof(point));
}

int world_setup_bare(void **state)
{
    static struct world world;
    void *scene = NULL;
    if (bed_setup(&scene) != 0) {
        return -1;
    }
    world = (struct world){.scene = scene};
    memset(label, ' ', sizeof(label));
    memcpy(label, name, strlen(name));
    for (size_t i = 0; i < ZCA_COUNT(pointers); i++) {
        world.good[pointers[i].kind].pointer = pointers[i].pointer;
    }
    for (size_t i = 0; i < ZCA_COUNT(numbers); i++) {
        world.good[numbers[i].kind].number = numbers[i].number;
    }
    *state = &world;
    return 0;
}

int world_setup(void **state)
{
    if (world_setup_bare(state) != 0) {
        return -1;
    }
    struct world *world = *state;
    bed_configure(world->scene, "scratch-token = yes\nlegacy-mechanisms = yes\n", "plain",
                  "[identity web]\n");
    scene_plan(world->scene, "submit: ok\n");
    assert_int_equal(bed_initialise(world->scene), CKR_OK);
    world->session = bed_scratch();
    world->good[KIND_SESSION].number = world->session;
    world->good[KIND_SLOT].number = bed_slot("scratch");
    world->closed = bed_open("scratch", 0);
    assert_int_equal(C_CloseSession(world->closed), CKR_OK);
    make_objects(world);
    read_point(world);
    return 0;
}

int world_teardown(void **state)
{
    struct world *world = *state;
    void *scene = world->scene;
    return bed_teardown(&scene);
}

/* ---- before a call ---- */

static CK_RV prepare_nothing(const struct world *world)
{
    (void)world;
    return CKR_OK;
}

static CK_RV prepare_digest(const struct world *world)
{
    return C_DigestInit(world->session, &digest);
}

static CK_RV prepare_sign(const struct world *world)
{
    return C_SignInit(world->session, &ecdsa, world->good[KIND_SIGN_KEY].number);
}

static CK_RV prepare_sign_part(const struct world *world)
{
    CK_RV rv = prepare_sign(world);
    return rv ? rv : C_SignUpdate(world->session, bytes, 32);
}

static CK_RV prepare_verify(const struct world *world)
{
    return C_VerifyInit(world->session, &ecdsa, world->good[KIND_VERIFY_KEY].number);
}

static CK_RV prepare_verify_part(const struct world *world)
{
    CK_RV rv = prepare_verify(world);
    return rv ? rv : C_VerifyUpdate(world->session, bytes, 32);
}

static CK_RV prepare_encrypt(const struct world *world)
{
    return C_EncryptInit(world->session, &rsa, world->good[KIND_ENCRYPT_KEY].number);
}

static CK_RV prepare_decrypt(const struct world *world)
{
    return C_DecryptInit(world->session, &rsa, world->good[KIND_DECRYPT_KEY].number);
}

static CK_RV prepare_find(const struct world *world)
{
    return C_FindObjectsInit(world->session, new_data, 1);
}

static CK_RV prepare_message(const struct world *world)
{
    return C_MessageSignInit(world->session, &ecdsa, world->good[KIND_SIGN_KEY].number);
}

static CK_RV prepare_message_part(const struct world *world)
{
    CK_RV rv = prepare_message(world);
    return rv ? rv : C_SignMessageBegin(world->session, NULL, 0);
}

static CK_RV prepare_logout(const struct world *world)
{
    return C_Logout(world->session);
}

static CK_RV prepare_so(const struct world *world)
{
    CK_RV rv = prepare_logout(world);
    return rv ? rv
              : C_Login(world->session, CKU_SO, (CK_UTF8CHAR *)BED_SO_PIN, sizeof(BED_SO_PIN) - 1);
}

static CK_RV prepare_no_session(const struct world *world)
{
    return C_CloseAllSessions(world->good[KIND_SLOT].number);
}

static CK_RV prepare_finalize(const struct world *world)
{
    (void)world;
    return C_Finalize(NULL);
}

CK_RV world_prepare(const struct world *world, enum before before)
{
    static CK_RV (*const ways[NUM_BEFORE])(const struct world *world) = {
        [BEFORE_NOTHING] = prepare_nothing,
        [BEFORE_DIGEST] = prepare_digest,
        [BEFORE_SIGN] = prepare_sign,
        [BEFORE_SIGN_PART] = prepare_sign_part,
        [BEFORE_VERIFY] = prepare_verify,
        [BEFORE_VERIFY_PART] = prepare_verify_part,
        [BEFORE_ENCRYPT] = prepare_encrypt,
        [BEFORE_DECRYPT] = prepare_decrypt,
        [BEFORE_FIND] = prepare_find,
        [BEFORE_MESSAGE] = prepare_message,
        [BEFORE_MESSAGE_PART] = prepare_message_part,
        [BEFORE_SO] = prepare_so,
        [BEFORE_LOGOUT] = prepare_logout,
        [BEFORE_NO_SESSION] = prepare_no_session,
        [BEFORE_FINALIZE] = prepare_finalize,
    };
    return ways[before](world);
}

void world_arguments(const struct world *world, const struct call_row *row,
                     union argument *out_arguments)
{
    output_len = sizeof(output);
    list_count = 64;
    for (size_t i = 0; i < row->num_kinds; i++) {
        out_arguments[i] = world->good[row->kinds[i]];
    }
}

/* ---- children ---- */

/* What a child tells, and that it came so far. */
struct answer {
    bool is_there;
    CK_RV rv;
};

static struct answer *get_answer(void)
{
    static struct answer *answer; /* one for all children */
    if (!answer) {
        void *shared =
            mmap(NULL, sizeof(*answer), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(shared, MAP_FAILED);
        answer = shared;
    }
    *answer = (struct answer){.is_there = false};
    return answer;
}

static int run_child(struct answer *answer, CK_RV (*step)(const void *argument),
                     const void *argument)
{
    int status = -1;
    (void)fflush(NULL); /* or the child would write it, too */
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)alarm(TIMEOUT_S); /* never fails */
        answer->rv = step(argument);
        answer->is_there = true;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static bool is_among(const CK_RV *codes, CK_RV rv)
{
    size_t i = 0;
    while (codes[i] != CODES_END && codes[i] != rv) {
        i++;
    }
    return codes[i] == rv;
}

void world_expect(struct world *world, const char *case_name, CK_RV (*step)(const void *argument),
                  const void *argument, const CK_RV *codes)
{
    struct answer *answer = get_answer();
    int status = run_child(answer, step, argument);
    world->num_calls++;
    if (status == 0 && answer->is_there && is_among(codes, answer->rv)) {
        return;
    }
    world->num_bad++;
    if (!answer->is_there || status != 0) {
        print_error("%s: ended with status 0x%x%s\n", case_name, (unsigned)status,
                    answer->is_there ? " afterwards" : "");
    } else {
        print_error("%s: 0x%lx, not 0x%lx\n", case_name, answer->rv, codes[0]);
    }
}

void world_check(const struct world *world, size_t least)
{
    print_message("%zu calls, %zu wrong\n", world->num_calls, world->num_bad);
    assert_int_equal(world->num_bad, 0);
    assert_true(world->num_calls >= least);
}
