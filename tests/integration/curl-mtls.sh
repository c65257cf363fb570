#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's curl authenticates with a bundle that holds a key reference, and verifies the server with the
# CA file alone, as docs/recipes/curl.md says. The provider within curl may use the network, too.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl curl ss strace timeout
name=web.myorg.ztna
start_authority
cd "$work" || exit 1
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
zca cert "$name" >/dev/null && zca cert alice.myorg.ztna >/dev/null || exit 1
zca export "$name" --bundle server.pem >/dev/null && zca export alice.myorg.ztna --bundle alice.pem >/dev/null || exit 1
printf '[identity rsa.myorg.ztna]\nkey-type = RSA-2048\n' >>"$ZCA_CONFIG"
make_identities rsa.myorg.ztna
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
check 'one file named twice' fetch --cacert "$ca" --cert alice.pem --key alice.pem
check 'in TLS 1.2' fetch --tls-max 1.2 --cacert "$ca" --cert alice.pem
check 'a sealed reference' zca export alice.myorg.ztna --bundle sealed.pem --sealed
check 'works, too' fetch --cacert "$ca" --cert sealed.pem
check 'an RSA key' fetch --cacert "$ca" --cert rsa.myorg.ztna.pem
check 'in TLS 1.2' fetch --tls-max 1.2 --cacert "$ca" --cert rsa.myorg.ztna.pem
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

# The CA's own key as a client's: the provider asks the authority from within curl's handshake, for the pinned
# certificate and for a signature that it must refuse. curl's libcurl and ours are one library in one process.
connects() { # to the authority, by curl
    strace -f -e trace=connect timeout 10 curl -sS --cacert ca.pem --cert ca.pem --key ca.ref \
        --resolve "$name:$port:127.0.0.1" "https://$name:$port/" 2>&1 | grep -c "connect(.*htons(${server_url##*:})"
}

cp "$ca" ca.pem
openssl pkey -in zca:/// -out ca.ref
check 'a signature that the CA could not inspect: refused here' equal 0 "$(connects)"
sed -i "s|^log = none|log = $work/zca.log\nblind-sign = yes|" "$ZCA_CONFIG"
rm "$ca"
check 'with blind-sign the authority is asked' test "$(connects)" -gt 0
check 'and refuses' grep -q 'kind must be certificate, crl, ocsp or request (HTTP 400' zca.log
check 'the CA is pinned again' cmp ca.pem "$ca"
check 'TLS 1.2: refused, too' refuses 'the input is not valid' timeout 10 curl -sS --tls-max 1.2 --cacert ca.pem --cert ca.pem \
    --key ca.ref --resolve "$name:$port:127.0.0.1" "https://$name:$port/"

stop "$server_pid"
check 'without the authority' fetch --cacert "$ca" --cert alice.pem
check 'curl does not reach it' equal '' "$(strace -f -e trace=connect curl -sS --max-time 10 --cacert "$ca" --cert alice.pem \
    --resolve "$name:$port:127.0.0.1" "https://$name:$port/" 2>&1 >/dev/null | grep 'connect(.*AF_INET' |
    grep -v "htons($port)")"
stop "$server"
finish
