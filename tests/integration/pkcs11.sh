# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of the PKCS #11 module share; source it after lib.sh. One scratch token, and identities with tokens of
# their own: an EC, an RSA and an Ed25519 key.
# shellcheck disable=SC2034,SC2154  # variables are for and of the tests that source this file
module=$build/pkcs11-module/zca-pkcs11.so
[ -r "$module" ] || skip 'zca-pkcs11.so is not built'
need openssl pkcs11-tool
scratch=scratch
so_pin=12345678
user_pin=1234
ec=web.myorg.ztna
rsa=rsa.myorg.ztna
ed=ed.myorg.ztna
ca=$work/state/zca/authorities/default/ca.pem
export GNUTLS_PIN=$user_pin

# prepare_tokens [LINE...]: an authority and the tokens, LINEs in [zca]
prepare_tokens() {
    local line
    start_authority
    for line in 'scratch-token = yes' "$@"; do
        sed -i "s|^log = none|&\n$line|" "$ZCA_CONFIG"
    done
    add_identity "$ec"
    add_identity "$rsa" 'key-type = RSA-2048'
    add_identity "$ed" 'key-type = Ed25519'
}

# prepare_scratch: the scratch token named and with its PINs
prepare_scratch() {
    {
        pkcs11-tool --module "$module" --token-label 'zca scratch' --init-token --label "$scratch" --so-pin "$so_pin" &&
            on "$scratch" --login --login-type so --so-pin "$so_pin" --init-pin --new-pin "$user_pin"
    } >"$work/setup.log" 2>&1 || {
        cat "$work/setup.log"
        exit 1
    }
}

on() { # TOKEN [OPTION...]: pkcs11-tool
    local token=$1
    shift
    pkcs11-tool --module "$module" --token-label "$token" "$@"
}

mine() { # [OPTION...]: pkcs11-tool, logged in at the scratch token
    on "$scratch" --login --pin "$user_pin" "$@"
}

# issue NAME...: each identity gets its certificate, written to NAME.pem with its chain, as a tool that looks for it gets it
issue() {
    local name
    for name in "$@"; do
        {
            on "$name" --read-object --type cert --label "$name" --output-file "$work/$name.der" &&
                openssl x509 -inform DER -in "$work/$name.der" -out "$work/$name.pem"
        } >"$work/setup.log" 2>&1 || {
            cat "$work/setup.log"
            exit 1
        }
    done
}

# connects COMMAND...: how often the command calls connect(2) for a network
connects() {
    strace -f -qq -e trace=connect -o "$work/connects" "$@" >/dev/null 2>&1
    grep -c 'connect(.*AF_INET' "$work/connects"
}

issued() { # NAME: the authority's certificate for it is stored
    [ -e "$work/state/zca/certs/default/$1.pem" ]
}

is_issued_by_ca() { # FILE: its first certificate verifies up to the authority's CA
    openssl verify -CAfile "$ca" -untrusted "$1" "$1"
}

same_certificate() { # FILE FILE
    local first
    first=$(openssl x509 -in "$1" -noout -fingerprint) && equal "$first" "$(openssl x509 -in "$2" -noout -fingerprint)"
}

fits() { # REQUEST CERTIFICATE: one key
    local key
    key=$(openssl req -in "$1" -noout -verify -pubkey 2>/dev/null) && equal "$key" "$(openssl x509 -in "$2" -noout -pubkey)"
}

# write_openssl_engine_cnf: an openssl.cnf for the engine of libp11 with this module; exports OPENSSL_CONF
write_openssl_engine_cnf() {
    cat >"$work/engine.cnf" <<EOC
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11_engine
[pkcs11_engine]
engine_id = pkcs11
MODULE_PATH = $module
init = 0
[req]
distinguished_name = dn
[dn]
EOC
    export OPENSSL_CONF="$work/engine.cnf"
}
