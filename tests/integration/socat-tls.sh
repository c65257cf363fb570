#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's socat listens and connects with key references, as docs/recipes/socat.md says.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl ss socat timeout
name=web.myorg.ztna other=client.myorg.ztna
start_authority
cd "$work" || exit 1
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
printf '[identity %s]\nkey-type = RSA-2048\n' "$other" >>"$ZCA_CONFIG"
make_identities "$name" "$other"
write_openssl_cnf

ask() { # [OPTION...]: what the server sends back
    local options=$1
    shift
    echo hello | timeout 10 "$@" socat -t 5 - \
        "OPENSSL:127.0.0.1:$port,commonname=$name,cafile=$ca${options:+,$options}"
}

stop "$server_pid" # nothing below needs it
run_in_background socat "OPENSSL-LISTEN:$port,bind=127.0.0.1,fork,reuseaddr,cert=$name.pem,cafile=$ca,verify=1" PIPE
wait_for 10 listens "$port" || cat socat.log
check 'one file' equal hello "$(ask cert="$other.pem")"
check 'two files' equal hello "$(ask cert="$other.crt,key=$other.key")"
check 'TLS 1.2' equal hello "$(ask "cert=$other.pem,openssl-max-proto-version=TLS1.2")"
check 'it shows its certificate' equal "$(openssl x509 -in "$name.pem" -noout -serial)" \
    "$(serial_at "$port" -cert "$other.pem" -key "$other.pem")"
check 'without a certificate: refused' equal '' "$(ask '' 2>/dev/null)"
check 'without the provider: refused' equal '' "$(ask cert="$other.pem" env -u OPENSSL_CONF 2>client.log)"
check 'since there is no key' grep -q 'SSL_CTX_use_PrivateKey_file' client.log
mv "$work/state/zca/keys/default/$other.key" hidden
check 'no key behind the reference: refused' equal '' "$(ask cert="$other.pem" 2>client.log)"
check 'and it says why' grep -q 'SSL_CTX_use_PrivateKey_file.*there is no such object' client.log
finish
