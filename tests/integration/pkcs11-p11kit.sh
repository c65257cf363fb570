#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# p11-kit carries zca-pkcs11.so to other processes: through its server to a client module, through "p11-kit remote" to every
# program that uses p11-kit, and through its proxy. Debian's version knows CKM_ECDSA and the RSA mechanisms there.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need_root # to become somebody else
need p11-kit p11tool certtool setpriv
user=daemon # p11-kit reads no configuration of root's own
client=$(pkg-config --variable=p11_module_path p11-kit-1 2>/dev/null)/p11-kit-client.so
[ -e "$client" ] || skip 'p11-kit-client.so is not installed'
prepare_tokens
prepare_scratch
cd "$work" || exit 99
mine --keypairgen --key-type EC:prime256v1 --id 01 --label ec >>setup.log 2>&1
mine --keypairgen --key-type rsa:2048 --id 02 --label rsa >>setup.log 2>&1
issue "$ec" "$rsa"
printf 'what is signed\n' >data
openssl dgst -sha256 -binary -out digest data
openssl x509 -in "$ec.pem" -noout -pubkey -out "$ec.pub"
openssl x509 -in "$rsa.pem" -noout -pubkey -out "$rsa.pub"

served() { # TOKEN [OPTION...]: pkcs11-tool at the client module
    local token=$1
    shift
    pkcs11-tool --module "$client" --token-label "$token" "$@"
}

# ---- the server ----

eval "$(p11-kit server --sh --provider "$module" "pkcs11:token=$ec" "pkcs11:token=$rsa" "pkcs11:token=$scratch")"
pids+=("$P11_KIT_SERVER_PID")
check 'the client sees the tokens' equal "$ec,$rsa,$scratch" "$(pkcs11-tool --module "$client" --list-slots |
    sed -n 's/^ *token label *: //p' | paste -sd,)"
served_ecdsa() { # TOKEN PUB [OPTION...]
    local token=$1 pub=$2
    shift 2
    rm -f signature
    served "$token" --sign --mechanism ECDSA --input-file digest --output-file signature --signature-format openssl "$@" &&
        openssl dgst -sha256 -verify "$pub" -signature signature data
}
check 'an EC identity signs' served_ecdsa "$ec" "$ec.pub"
mine --read-object --type pubkey --id 01 --output-file ec.der >>setup.log 2>&1
openssl pkey -pubin -inform DER -in ec.der -pubout -out ec.pub
check 'a key behind the PIN signs' served_ecdsa "$scratch" ec.pub --login --pin "$user_pin" --id 01
check 'not with a wrong one' refuses 'CKR_PIN_INCORRECT' served_ecdsa "$scratch" ec.pub --login --pin 9999 --id 01
check 'an RSA identity signs' served "$rsa" --sign --mechanism SHA256-RSA-PKCS --input-file data --output-file signature
check 'as openssl verifies' openssl dgst -sha256 -verify "$rsa.pub" -signature signature data
check 'the certificate comes through' served "$ec" --read-object --type cert --label "$ec" --output-file read.der
check 'as issued' same_certificate read.der "$ec.pem"
stop "$P11_KIT_SERVER_PID"

# ---- remote, for every program of a user that uses p11-kit ----

write_openssl_cnf # give_state_to knows one
give_state_to "$user"
chown "$user:" home
mkdir -p home/.config/pkcs11/modules
printf 'user-config: only\n' >home/.config/pkcs11/pkcs11.conf
printf 'remote: |p11-kit remote --provider %s pkcs11:token=%s pkcs11:token=%s\n' "$module" "$ec" "$rsa" >home/.config/pkcs11/modules/zca.module
chown -R "$user:" home

as_user() { # COMMAND...
    as "$user" env -u XDG_CONFIG_HOME -u OPENSSL_CONF HOME="$work/home" "$@"
}

check 'remote: listed' grep -q "token=$ec" <(as_user p11tool --list-token-urls)
for identity in "$ec" "$rsa"; do
    check "remote: $identity signs" as_user p11tool --batch --test-sign "pkcs11:token=$identity;object=$identity;type=private"
    as_user p11tool --batch --export "pkcs11:token=$identity;object=$identity;type=cert" >read.pem
    check 'remote: its certificate' same_certificate read.pem "$identity.pem"
done

# ---- in the program itself, by configuration ----

printf 'module: %s\n' "$module" >home/.config/pkcs11/modules/zca.module
check 'by configuration: listed' grep -q "token=$ec" <(as_user p11tool --list-token-urls)
check 'by configuration: signs' as_user p11tool --batch --test-sign "pkcs11:token=$ec;object=$ec;type=private"
proxy=$(dirname "$client")/../p11-kit-proxy.so
check 'the proxy shows it' grep -q "$ec" <(as_user pkcs11-tool --module "$proxy" --list-slots)
check 'the proxy signs' as_user pkcs11-tool --module "$proxy" --token-label "$ec" --sign --mechanism ECDSA-SHA256 --input-file data \
    --output-file home/signature --signature-format openssl
check 'as openssl verifies' openssl dgst -sha256 -verify "$ec.pub" -signature home/signature data
finish
