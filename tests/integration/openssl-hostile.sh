#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# An authority that returns another key, other names, a CA, an expired or unverifiable chain, HTML, a
# cut or huge body, or nothing: a clear error within the deadline, the old certificate untouched.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need python3 openssl ss

deadline=20 # of each question; 3 when nobody answers
ca="$work/ca"
mkdir -p "$ca"

make_ca() { # NAME SUBJECT
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "$2" \
        -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$ca/$1.key" -out "$ca/$1.pem" 2>/dev/null
}

make_files() {
    make_ca ca "/CN=Test CA" && make_ca other-ca "/CN=Test CA" &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost \
            -addext subjectAltName=IP:127.0.0.1 -keyout "$ca/tls.key" -out "$ca/tls.pem" 2>/dev/null &&
        openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$ca/other.key" 2>/dev/null &&
        openssl pkey -in "$ca/other.key" -pubout -out "$ca/other.pub"
}

behave() {
    echo "$1" >"$ca/behaviour"
}

write_authority() {
    mkdir -p "$work/state/zca/authorities/corp"
    printf '{"access_token":"token","refresh_token":"refresh"}\n' >"$work/state/zca/authorities/corp/token"
    chmod 600 "$work/state/zca/authorities/corp/token"
    write_config "remote-timeout = ${deadline}s"
    printf '[authority corp]\nurl = https://127.0.0.1:%s\ndialect = orgca\ntrust = %s\norganization = o\n' \
        "$(cat "$ca/port")" "$ca/tls.pem" >>"$ZCA_CONFIG"
    printf '[identity web]\ncommon-name = web.myorg.ztna\n' >>"$ZCA_CONFIG"
}

request() { # asks for another certificate with the identity's key
    openssl req -new -key zca://web -subj /CN=web.myorg.ztna -addext subjectAltName=DNS:web.myorg.ztna \
        -out "$work/web.csr"
}

stored() {
    cat "$work/state/zca/certs/corp/web.pem"
}

# a refused answer: the error says TEXT, in time, and neither certificate nor key change
survives() { # BEHAVIOUR TEXT
    local before began took key_before
    behave "$1"
    before=$(stored)
    key_before=$(openssl pkey -in zca://web -pubout)
    request || return 1
    began=$(date +%s)
    refuses "$2" openssl x509 -in zca://web -out "$work/never.pem" || return 1
    took=$(($(date +%s) - began))
    [ "$took" -lt 50 ] || { echo "took $took s"; return 1; }
    [ ! -s "$work/never.pem" ] || { echo "a certificate was written"; return 1; }
    equal "$before" "$(stored)" || return 1
    equal "$key_before" "$(openssl pkey -in zca://web -pubout)" || return 1
    rm -f "$work/state/zca/orders/corp/"web.*
}

make_files || { echo "could not make test certificates"; exit 1; }
behave good
run_in_background python3 "$here/hostile_ca.py" "$ca"
wait_for 10 test -s "$ca/port" || { cat "$work/python3.log"; exit 1; }
write_authority
write_openssl_cnf

check "a good answer is taken" openssl x509 -in zca://web -noout
check "another key" survives other-key "key"
check "other names" survives other-names "names"
check "more names than asked for" survives more-names "names"
check "a CA certificate" survives ca-true "CA"
check "an expired certificate" survives expired "valid"
check "a chain that does not verify" survives other-issuer "chain"
check "HTML in place of JSON" survives html "zca"
check "HTML from a proxy" survives html-502 "502"
check "a cut body" survives cut "zca"
check "a huge body" survives huge "zca"
check "an empty body" survives empty "zca"
sed -i "s/^remote-timeout = .*/remote-timeout = 3s/" "$ZCA_CONFIG"
check "no answer at all" survives silent "zca"
sed -i "s/^remote-timeout = .*/remote-timeout = ${deadline}s/" "$ZCA_CONFIG"
check "a refusal shows the authority's code" survives refuse "MACHINE_QUARANTINED"
behave good
check "a good answer is taken again" openssl x509 -in zca://web -noout
finish
