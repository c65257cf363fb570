#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenSC's pkcs11-tool with zca-pkcs11.so: its own tests, keys and objects on the scratch token, and what identities and
# the authority show of themselves.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need strace p11tool
prepare_tokens 'legacy-mechanisms = yes'
cd "$work" || exit 99
printf 'what is signed\n' >data
openssl dgst -sha256 -binary -out digest data

says() { # TEXT COMMAND...: it succeeds, and prints TEXT
    local text=$1
    shift
    { "$@" >says.out 2>&1 && grep -qF -- "$text" says.out; } || { cat says.out; return 1; }
}

never_says() { # TEXT COMMAND...: it succeeds, and does not print TEXT
    local text=$1
    shift
    { "$@" >says.out 2>&1 && ! grep -qF -- "$text" says.out; } || { cat says.out; return 1; }
}

labels() { # of all tokens, in the order of slots
    pkcs11-tool --module "$module" --list-slots | sed -n 's/^ *token label *: //p' | paste -sd,
}

# ---- the start ----

check 'one token each' equal "$ec,$rsa,$ed,default" "$(labels)"
check 'and an uninitialised one' says 'uninitialized' pkcs11-tool --module "$module" --list-slots
check 'slots: no connection' equal 0 "$(connects pkcs11-tool --module "$module" --list-slots)"
check 'mechanisms: no connection' equal 0 "$(connects pkcs11-tool --module "$module" --token-label "$ec" --list-mechanisms)"
check 'objects: no connection' equal 0 "$(connects pkcs11-tool --module "$module" --token-label "$ec" --list-objects)"
check 'and no certificate' equal '' "$(find state/zca/certs -name '*.pem' 2>/dev/null)"
check 'interface 3.0' says 'PKCS 11' pkcs11-tool --module "$module" --list-interfaces
check 'no hardware is claimed' never_says ' hw,' pkcs11-tool --module "$module" --token-label "$ec" --list-mechanisms

# ---- the scratch token: PINs ----

check 'initialise' pkcs11-tool --module "$module" --token-label 'zca scratch' --init-token --label "$scratch" --so-pin "$so_pin"
check 'named' equal "$ec,$rsa,$ed,default,$scratch" "$(labels)"
check 'no user PIN yet' refuses 'CKR_USER_PIN_NOT_INITIALIZED' mine --list-objects
check 'user PIN' on "$scratch" --login --login-type so --so-pin "$so_pin" --init-pin --new-pin 4321
check 'wrong user PIN' refuses 'CKR_PIN_INCORRECT' mine --list-objects
check 'change it' on "$scratch" --login --pin 4321 --change-pin --new-pin "$user_pin"
check 'the new one is right' mine --list-objects
check 'the old one is wrong' refuses 'CKR_PIN_INCORRECT' on "$scratch" --login --pin 4321 --list-objects
check 'wrong SO PIN' refuses 'CKR_PIN_INCORRECT' on "$scratch" --login --login-type so --so-pin 1111 --init-pin --new-pin 1
check 'change the SO PIN' on "$scratch" --login --login-type so --so-pin "$so_pin" --change-pin --new-pin 87654321
check 'and back' on "$scratch" --login --login-type so --so-pin 87654321 --change-pin --new-pin "$so_pin"

# ---- keys made there ----

number=0
for type in EC:prime256v1 EC:secp384r1 EC:secp521r1 rsa:2048 rsa:3072 EC:edwards25519; do
    number=$((number + 1))
    check "key pair $type" mine --keypairgen --key-type "$type" --id "0$number" --label "k$number"
    [ "$type" != EC:edwards25519 ] || continue
    # pkcs11-tool 0.23 cannot write a P-384 key
    check 'its public key' p11tool --provider "$module" --export-pubkey --outfile "k$number.pub" \
        "pkcs11:token=$scratch;id=%0$number;type=public"
done

# signs_as ID MECHANISM INPUT OPENSSL-OPTION...: pkcs11-tool signs and verifies, openssl verifies
signs_as() {
    local id=$1 mechanism=$2 input=$3 format=()
    shift 3
    [[ $mechanism != *EC* ]] || format=(--signature-format openssl)
    rm -f signature
    mine --sign --mechanism "$mechanism" --id "0$id" --input-file "$input" --output-file signature "${format[@]}" &&
        openssl pkeyutl -verify -pubin -inkey "k$id.pub" -in "$input" -sigfile signature "$@"
}

verifies_as() { # ID MECHANISM INPUT: the signature of signs_as, by the module
    local format=()
    [[ $2 != *EC* ]] || format=(--signature-format openssl)
    says 'Signature is valid' mine --verify --mechanism "$2" --id "0$1" --input-file "$3" --signature-file signature "${format[@]}"
}

for id in 1 2 3; do
    check "ECDSA with key $id" signs_as "$id" ECDSA digest
    check 'verified by the module' verifies_as "$id" ECDSA digest
    for hash in 256 384 512; do
        check "ECDSA-SHA$hash with key $id" signs_as "$id" "ECDSA-SHA$hash" data -rawin -digest "sha$hash"
        check 'verified by the module' verifies_as "$id" "ECDSA-SHA$hash" data
    done
done
for id in 4 5; do
    check "RSA-PKCS with key $id" signs_as "$id" RSA-PKCS data
    check 'verified by the module' verifies_as "$id" RSA-PKCS data
    for hash in 256 384 512; do
        check "SHA$hash-RSA-PKCS with key $id" signs_as "$id" "SHA$hash-RSA-PKCS" data -rawin -digest "sha$hash"
        check 'verified by the module' verifies_as "$id" "SHA$hash-RSA-PKCS" data
        check "SHA$hash-RSA-PKCS-PSS with key $id" signs_as "$id" "SHA$hash-RSA-PKCS-PSS" data -rawin -digest "sha$hash" \
            -pkeyopt rsa_padding_mode:pss
        check 'verified by the module' verifies_as "$id" "SHA$hash-RSA-PKCS-PSS" data
    done
done
write_ed25519_key() { # nobody writes it: its point is the key (RFC 8410, 4)
    mine --list-objects --type pubkey | sed -n '/EC_EDWARDS/,/EC_POINT/s/^ *EC_POINT: *//p' | sed 's/^/302a300506032b6570032100/' |
        tr a-f A-F | basenc --decode --base16 >k6.pub
}

write_ed25519_key
check 'Ed25519' mine --sign --mechanism EDDSA --id 06 --input-file data --output-file signature
check 'verified by openssl' openssl pkeyutl -verify -pubin -keyform DER -inkey k6.pub -rawin -in data -sigfile signature
check 'something else is not valid' says 'Invalid signature' mine --verify --mechanism ECDSA --id 01 --input-file digest \
    --signature-file <(head -c 64 /dev/zero | tr '\0' 1)

decrypts() { # MECHANISM OPENSSL-OPTION...
    local mechanism=$1 option=()
    shift
    [[ $mechanism != *OAEP ]] || option=(--hash-algorithm SHA256 --mgf MGF1-SHA256)
    openssl pkeyutl -encrypt -pubin -inkey k4.pub -in data -out encrypted "$@" &&
        mine --decrypt --mechanism "$mechanism" --id 04 --input-file encrypted --output-file decrypted "${option[@]}" &&
        cmp data decrypted
}

check 'RSA-PKCS decrypts' decrypts RSA-PKCS
check 'RSA-PKCS-OAEP decrypts' decrypts RSA-PKCS-OAEP -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256

agrees() { # on a secret with a key of openssl
    openssl ecparam -name prime256v1 -genkey -noout -out other.pem &&
        openssl pkey -in other.pem -pubout -outform DER -out other.pub &&
        openssl pkeyutl -derive -inkey other.pem -peerkey k1.pub -out secret &&
        mine --derive --mechanism ECDH1-DERIVE --id 01 --input-file other.pub --output-file derived && cmp secret derived
}

check 'ECDH1-DERIVE agrees' agrees

# ---- its own tests ----

check '--test' mine --allow-sw --test
check 'no failure in it' never_says 'ERR' mine --allow-sw --test
check '--test-ec' on "$scratch" --login --pin "$user_pin" --session-rw --test-ec --id 77 --key-type EC:prime256v1
check '--test-fork' mine --test-fork
check '--test-threads' pkcs11-tool --module "$module" --use-locking --test-threads ILGISLT0 --test-threads ILGISLT0
check '--test at an EC identity' on "$ec" --allow-sw --test
check '--test at an RSA identity' on "$rsa" --allow-sw --test
check '--moz-cert' mine --moz-cert <(openssl req -x509 -new -key other.pem -subj /CN=moz -days 1 -outform DER)

# ---- other objects ----

openssl req -x509 -new -key other.pem -subj /CN=other -days 1 -outform DER -out other.der
openssl pkey -in other.pem -outform DER -out other.key
check 'write a certificate' mine --write-object other.der --type cert --id 10 --label other
check 'write its public key' mine --write-object other.pub --type pubkey --id 10 --label other
check 'write its private key' mine --write-object other.key --type privkey --id 10 --label other --usage-sign
check 'write data' mine --write-object data --type data --label note --application-label test
check 'read the certificate' mine --read-object --type cert --id 10 --output-file read.der
check 'as it was' cmp other.der read.der
check 'read the data' mine --read-object --type data --label note --application-label test --output-file read
check 'as they were' cmp data read
check 'sign with the key' mine --sign --mechanism ECDSA --id 10 --input-file digest --output-file signature \
    --signature-format openssl
check 'as openssl does' openssl dgst -sha256 -verify other.pub -keyform DER -signature signature data
check 'private keys are not read' equal 'sorry, reading private keys not (yet) supported' "$(mine --read-object --type privkey --id 01 2>&1)"
check 'not seen without login' never_says 'Private Key' on "$scratch" --list-objects
check 'another id' mine --set-id 11 --id 10 --type cert
for type in privkey:10 pubkey:10 cert:11; do
    check "delete ${type%:*}" mine --delete-object --type "${type%:*}" --id "${type#*:}"
done
check 'delete data' mine --delete-object --type data --label note --application-label test
check 'they are gone' never_says other mine --list-objects
check 'the others are not' says k4 mine --list-objects

# ---- identities ----

check 'a key without asking anybody' equal 0 "$(connects pkcs11-tool --module "$module" --token-label "$ec" --list-objects --type privkey)"
check 'listing all asks for no certificate' never_says 'Certificate Object' on "$ec" --list-objects
for identity in "$ec" "$rsa" "$ed"; do
    check "$identity: reading it does" on "$identity" --read-object --type cert --label "$identity" --output-file "$identity.der"
    check 'stored' issued "$identity"
    check 'listed' says 'Certificate Object' on "$identity" --list-objects
    check 'the same' same_certificate "$identity.der" "state/zca/certs/default/$identity.pem"
    check 'of our CA' is_issued_by_ca "state/zca/certs/default/$identity.pem"
    check 'a second time without asking' equal 0 \
        "$(connects pkcs11-tool --module "$module" --token-label "$identity" --read-object --type cert --label "$identity")"
    openssl x509 -inform DER -in "$identity.der" -noout -pubkey -out "$identity.pub"
done

# identity_signs NAME MECHANISM INPUT OPENSSL-OPTION...: what its certificate verifies
identity_signs() {
    local name=$1 mechanism=$2 input=$3 format=()
    shift 3
    [[ $mechanism != *EC* ]] || format=(--signature-format openssl)
    rm -f signature
    on "$name" --sign --mechanism "$mechanism" --input-file "$input" --output-file signature "${format[@]}" &&
        openssl pkeyutl -verify -pubin -inkey "$name.pub" -in "$input" -sigfile signature "$@"
}

check 'EC signs' identity_signs "$ec" ECDSA digest
check 'EC signs data' identity_signs "$ec" ECDSA-SHA256 data -rawin -digest sha256
check 'RSA signs data' identity_signs "$rsa" SHA256-RSA-PKCS data -rawin -digest sha256
check 'RSA signs PSS' identity_signs "$rsa" SHA256-RSA-PKCS-PSS data -rawin -digest sha256 -pkeyopt rsa_padding_mode:pss
check 'Ed25519 signs' identity_signs "$ed" EDDSA data -rawin

# ---- a certificate that is written ----

is_another() { # FILE FILE
    ! same_certificate "$1" "$2"
}

kept=kept.myorg.ztna
add_identity "$kept" 'reuse-key = yes'
kept_file=state/zca/certs/default/$kept.pem
check 'one is issued' on "$kept" --read-object --type cert --label "$kept" --output-file first.der
check 'and renewed' zca renew --force "$kept"
check 'into another' is_another first.der "$kept_file"
check 'the first is written' on "$kept" --write-object first.der --type cert --label "$kept"
check 'it is the identity'\''s again' same_certificate first.der "$kept_file"
check 'with its issuers' is_issued_by_ca "$kept_file"
check 'the CA'\''s is there already' on "$kept" --write-object <(openssl x509 -in "$ca" -outform DER) --type cert
check 'that of another key is refused' refuses 'CKR_ATTRIBUTE_VALUE_INVALID' on "$kept" --write-object "$ec.der" --type cert
check 'so is that of another CA' refuses 'CKR_ATTRIBUTE_VALUE_INVALID' on "$kept" --write-object other.der --type cert
check 'nothing has changed' same_certificate first.der "$kept_file"

# ---- an identity with a PIN ----

secret=secret.myorg.ztna
add_identity "$secret" 'pin = local'
set_pin() { # PIN
    zca pin "$secret" <<<"$1"
}

check 'without a PIN yet' refuses 'CKR_USER_PIN_NOT_INITIALIZED' on "$secret" --login --pin 1234 --list-objects
check 'zca pin' set_pin 24681357
check 'keys are not seen' never_says 'Private Key' on "$secret" --list-objects
check 'no certificate is requested' refuses 'object not found' on "$secret" --read-object --type cert --label "$secret"
check 'nor stored' equal '' "$(find state/zca/certs -name "$secret.pem")"
check 'a wrong PIN' refuses 'CKR_PIN_INCORRECT' on "$secret" --login --pin 1234 --list-objects
check 'with it: requested' on "$secret" --login --pin 24681357 --read-object --type cert --label "$secret" --output-file "$secret.der"
check 'stored' issued "$secret"
openssl x509 -inform DER -in "$secret.der" -noout -pubkey -out "$secret.pub"
check 'it signs' on "$secret" --login --pin 24681357 --sign --mechanism ECDSA --input-file digest --output-file signature \
    --signature-format openssl
check 'as its certificate verifies' openssl dgst -sha256 -verify "$secret.pub" -signature signature data
check 'another PIN' on "$secret" --login --pin 24681357 --change-pin --new-pin 11223344
check 'the old one is wrong' refuses 'CKR_PIN_INCORRECT' on "$secret" --login --pin 24681357 --list-objects
check 'the new one is right' says 'Private Key' on "$secret" --login --pin 11223344 --list-objects
check 'a third by zca pin' set_pin 13572468
check 'the old one is wrong' refuses 'CKR_PIN_INCORRECT' on "$secret" --login --pin 11223344 --list-objects
check 'the new one is right' says 'Private Key' on "$secret" --login --pin 13572468 --list-objects

# ---- the authority ----

check 'the CA is seen without login' says 'Certificate Object' on default --list-objects --type cert
check 'a digest is not signed' refuses 'CKR_MECHANISM_INVALID' on default --sign --mechanism ECDSA --input-file digest \
    --output-file signature
check 'data are not signed' refuses 'CKR_DATA_INVALID' on default --sign --mechanism ECDSA-SHA256 --input-file data \
    --output-file signature
check 'nothing is written there' refuses 'CKR_TOKEN_WRITE_PROTECTED' on default --write-object data --type data --label note
finish
