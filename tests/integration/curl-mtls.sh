#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's curl authenticates with a bundle that holds a key reference, and verifies the server with the
# CA file alone, as docs/recipes/curl.md says.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl curl ss timeout
name=web.myorg.ztna
start_authority
cd "$work" || exit 1
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
zca cert "$name" >/dev/null && zca cert alice.myorg.ztna >/dev/null || exit 1
zca export "$name" --bundle server.pem >/dev/null && zca export alice.myorg.ztna --bundle alice.pem >/dev/null || exit 1
write_openssl_cnf

fetch() { # OPTION...
    curl -sS --fail --max-time 10 --resolve "$name:$port:127.0.0.1" "$@" "https://$name:$port/"
}

run_in_background openssl s_server -accept "127.0.0.1:$port" -www -Verify 2 -verify_return_error -CAfile "$ca" \
    -cert server.pem -key server.pem -cert_chain server.pem
server=$started
wait_for 10 listens "$port" || cat openssl.log
check 'with the bundle' grep -q 'Subject: CN *= *alice.myorg.ztna' <(fetch --cacert "$ca" --cert alice.pem)
check 'certificate and key apart' fetch --cacert "$ca" --cert alice.myorg.ztna.crt --key alice.myorg.ztna.key
check 'without a certificate: refused' refuses 'curl: ' fetch --cacert "$ca"
check 'with another trust: refused' refuses 'certificate problem' fetch --cacert "$server_trust" --cert alice.pem
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout own.key -subj /CN=alice.myorg.ztna -days 1 \
    -out own.pem 2>/dev/null
check 'with a certificate of its own making: refused' refuses 'curl: ' fetch --cacert "$ca" --cert own.pem --key own.key
check 'another name: refused' refuses 'no alternative certificate subject name' curl -sS --max-time 10 --cacert "$ca" \
    --cert alice.pem --resolve "other.myorg.ztna:$port:127.0.0.1" "https://other.myorg.ztna:$port/"
check 'after a renewal' zca renew alice.myorg.ztna --force
check 'the old bundle still works' fetch --cacert "$ca" --cert alice.pem
check 'and a new one' zca export alice.myorg.ztna --bundle alice.pem
check 'works too' fetch --cacert "$ca" --cert alice.pem
check 'without the provider there is no key' refuses 'curl: (58)' env -u OPENSSL_CONF curl -sS --max-time 10 --cacert "$ca" \
    --cert alice.pem --resolve "$name:$port:127.0.0.1" "https://$name:$port/"
stop "$server_pid"
check 'without the authority' fetch --cacert "$ca" --cert alice.pem
check 'curl does not reach it' equal '' "$(strace -f -e trace=connect curl -sS --max-time 10 --cacert "$ca" --cert alice.pem \
    --resolve "$name:$port:127.0.0.1" "https://$name:$port/" 2>&1 >/dev/null | grep 'connect(.*AF_INET' |
    grep -v "htons($port)")"
stop "$server"
finish
