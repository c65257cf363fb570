#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The network from within OpenSSL, in every order of the providers: store, signature and decoder inside openssl,
# inside curl, whose libcurl is ours, and inside a server with threads. No hang, and the provider is never
# asked for help by its own connection. Where nothing needs the network, nothing is even opened.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/order_arrangements.sh"
need openssl curl ss strace timeout
threaded_server=$build/tests/integration/threaded_server
[ -x "$threaded_server" ] || skip 'threaded_server is not built'
start_authority
ca=$work/state/zca/authorities/default/ca.pem
cp "$ca" ca.pem
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x.myorg.ztna \
    -addext subjectAltName=DNS:x.myorg.ztna -out x.csr 2>/dev/null

quick() { # COMMAND...: succeeds within ten seconds
    timeout 10 "$@"
}

opened() { # COMMAND...: files and sockets of ours, one word each
    strace -f -o trace -e trace=openat,connect timeout 10 "$@" >opened.out 2>&1
    grep -o 'zca-core.so\|zca-remote.so\|zca.conf\|sealing.key\|sin_port=htons([0-9]*)' trace | sort -u | paste -sd' '
}

begin_anew() { # the CA is not pinned, the log is empty
    rm -f "$ca"
    cat zca.log >>whole.log 2>/dev/null
    rm -f zca.log
}

# ---- inside openssl ----

in_the_store() {
    begin_anew
    quick openssl x509 -in "zca://$arrangement.myorg.ztna" -noout -subject && cmp ca.pem "$ca" &&
        quick openssl verify -CAfile ca.pem "zca://$arrangement.myorg.ztna" &&
        quick openssl crl -in zca:/// -noout && rm "$work/state/zca/authorities/default/crl.der"
}

in_a_signature() {
    begin_anew
    quick openssl x509 -req -in x.csr -CA ca.pem -CAkey zca:/// -days 2 -out a.pem &&
        quick openssl verify -CAfile ca.pem a.pem
}

# The decoder of a CA's reference needs nothing but the reference; its key signs over the network.
in_a_decoder() {
    quick openssl pkey -in zca:/// -out ca.ref && equal 'zca-core.so zca.conf' "$(opened openssl pkey -in ca.ref -pubout)" &&
        quick openssl x509 -req -in x.csr -CA ca.pem -CAkey ca.ref -days 2 -out b.pem &&
        quick openssl verify -CAfile ca.pem b.pem
}

# ---- inside curl: a signature that the authority refuses ----

fetch_as_ca() { # VERSION
    timeout 10 curl -sS --tls-max "$1" --cacert ca.pem --cert ca.pem --key ca.ref --resolve "web.myorg.ztna:$port:127.0.0.1" \
        "https://web.myorg.ztna:$port/"
}

in_curl() {
    local version
    for version in 1.2 1.3; do
        begin_anew
        refuses 'curl: (' fetch_as_ca "$version" && cmp ca.pem "$ca" &&
            grep -q 'kind must be certificate, crl, ocsp or request (HTTP 400' zca.log || return 1
    done
}

fetch_openssl_as_ca() {
    timeout 10 openssl s_client -connect "127.0.0.1:$port" -cert ca.pem -key zca:/// </dev/null
}

in_a_handshake_of_openssl() {
    begin_anew
    refuses 'kind must be' fetch_openssl_as_ca && cmp ca.pem "$ca"
}

# ---- inside a server with threads ----

in_threads() { # 16 connections for 4 names that nobody has asked for before
    local number client clients=() bad=0 name
    begin_anew
    timeout 60 "$threaded_server" "$threads_port" 16 2>threads.err &
    local threads=$!
    pids+=("$threads")
    wait_for 10 listens "$threads_port" || return 1
    for number in $(seq 16); do
        name=t$((number % 4)).$arrangement.myorg.ztna
        timeout 30 env -u OPENSSL_CONF -u OPENSSL_MODULES curl -sS --cacert ca.pem --resolve "$name:$threads_port:127.0.0.1" \
            "https://$name:$threads_port/" -o "issued.$number" 2>"client.$number.err" &
        clients+=("$!")
    done
    for client in "${clients[@]}"; do
        wait "$client" || bad=$((bad + 1))
    done
    wait "$threads" || bad=$((bad + 1))
    [ "$bad" -eq 0 ] || { echo "$bad failed"; cat client.*.err threads.err | sort | uniq -c | head -n 4; return 1; }
    cat issued.* >all.pem && equal 16 "$(grep -c BEGIN all.pem)" && quick openssl verify -CAfile ca.pem all.pem
}

# ---- what needs nothing opens nothing ----

in_init() {
    equal '' "$(opened openssl version)" && equal '' "$(opened openssl pkey -in x.key -pubout)" &&
        equal "sin_port=htons($port)" "$(opened curl -sSk "https://127.0.0.1:$port/" --cert plain.pem --key x.key)"
}

sed -i "s|^log = none|log = $work/zca.log\nblind-sign = yes|" "$ZCA_CONFIG"
openssl req -x509 -key x.key -subj /CN=x -days 2 -out plain.pem
port=$(free_port)
zca cert web.myorg.ztna >/dev/null && zca export web.myorg.ztna --bundle server.pem >/dev/null || exit 1
arrange default-first
run_in_background openssl s_server -accept "127.0.0.1:$port" -www -Verify 2 -cert server.pem -key server.pem
wait_for 10 listens "$port" || cat openssl.log
threads_port=$(free_port)
for each_arrangement in $arrangements; do
    arrange "$each_arrangement"
    check "$arrangement: in the store" in_the_store
    check "$arrangement: in a signature" in_a_signature
    check "$arrangement: in a decoder" in_a_decoder
    check "$arrangement: in a handshake of openssl" in_a_handshake_of_openssl
    check "$arrangement: in curl" in_curl
    check "$arrangement: in threads" in_threads
done
for each_arrangement in alone default-first legacy include; do
    arrange "$each_arrangement"
    check "$arrangement: in init" in_init
done
begin_anew
check 'the log was kept' grep -q 'kind must be' whole.log
check 'nobody asked for help from within a connection' equal '' "$(grep 'asked for help by its own connection' whole.log)"
finish
