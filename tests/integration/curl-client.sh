#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# curl authenticates with one exported bundle that holds a key reference, and verifies the server with the
# CA's file; libcurl inside the provider and outside of it do not meet.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need curl openssl ss

name=client.myorg.ztna
start_authority
write_openssl_cnf
openssl x509 -in zca:/// -out "$work/ca.pem"
openssl x509 -in "zca://$name" -noout && openssl x509 -in zca://server.myorg.ztna -noout || exit 1
zca export "$name" --bundle "$work/client.pem" --cert "$work/client.crt" --key "$work/client.key" >/dev/null || exit 1
port=$(free_port)
run_in_background openssl s_server -accept "127.0.0.1:$port" -key zca://server.myorg.ztna -cert zca://server.myorg.ztna \
    -CAfile "$work/ca.pem" -Verify 1 -verify_return_error -www
wait_for 10 listens "$port" || { cat "$work/openssl.log"; exit 1; }

fetch() { # OPTION...
    timeout 20 curl -sS --fail --max-time 10 --cacert "$work/ca.pem" --resolve "server.myorg.ztna:$port:127.0.0.1" "$@" \
        "https://server.myorg.ztna:$port/" >"$work/page"
}
says_who() {
    grep -q "Subject: CN=$name" "$work/page"
}

check "one bundle" fetch --cert "$work/client.pem"
check "the server saw our name" says_who
check "certificate and reference apart" fetch --cert "$work/client.crt" --key "$work/client.key"
check "TLS 1.2" fetch --tls-max 1.2 --cert "$work/client.pem"
check "no certificate is refused" refuses "curl" fetch
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=stranger -days 1 -keyout "$work/stranger.key" \
    -out "$work/stranger.pem" 2>/dev/null
check "a stranger is refused" refuses "curl" fetch --cert "$work/stranger.pem" --key "$work/stranger.key"
stop "$server_pid"
check "without the CA too" fetch --cert "$work/client.pem"
finish
