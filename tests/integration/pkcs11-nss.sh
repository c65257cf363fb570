#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# NSS with zca-pkcs11.so: modutil adds it, certutil makes requests and certificates with keys of the scratch token, and
# sees identities; NSS's own server and client, as Firefox would, speak TLS with them.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need modutil certutil strace
prepare_tokens
prepare_scratch
cd "$work" || exit 99
mkdir db
printf '%s\n' "$user_pin" >pin
head -c 128 /dev/urandom >noise

nss() { # [OPTION...]: certutil
    timeout 60 certutil -d sql:db -f pin "$@" </dev/null
}

shows() { # TEXT COMMAND...
    local text=$1
    shift
    "$@" >shows.out 2>&1
    grep -qF -- "$text" shows.out || { cat shows.out; return 1; }
}

certutil -N -d sql:db --empty-password
check 'the module is added' modutil -dbdir sql:db -add zca -libfile "$module" -force
for token in "$ec" "$rsa" default "$scratch"; do
    check "token $token" shows "Token Name: $token" modutil -dbdir sql:db -list zca
done
check 'listing: no connection' equal 0 "$(connects modutil -dbdir sql:db -list zca)"

# ---- the scratch token ----

declare -A make=([ec]='-k ec -q nistp256' [p384]='-k ec -q nistp384' [rsa]='-k rsa -g 2048')
for kind in ec p384 rsa; do
    # shellcheck disable=SC2086  # words
    check "$kind: a request" nss -R -h "$scratch" ${make[$kind]} -s "CN=r$kind" -z noise -a -o "$kind.csr"
    check 'openssl verifies it' openssl req -in "$kind.csr" -noout -verify
    # shellcheck disable=SC2086  # words
    check 'a self-signed certificate' nss -S -h "$scratch" ${make[$kind]} -s "CN=s$kind" -x -t ,, -n "self$kind" -m 1 -z noise
    check 'exported' nss -L -n "$scratch:self$kind" -h "$scratch" -a -o "$kind.pem"
    check 'openssl verifies it' openssl verify -check_ss_sig -CAfile "$kind.pem" "$kind.pem"
done
check 'its keys' shows "$scratch:selfec" nss -K -h "$scratch"
check 'delete one' nss -F -n "$scratch:selfec" -h "$scratch"
check 'it is gone' refuses 'Could not find cert' nss -L -n "$scratch:selfec" -h "$scratch"

# ---- identities ----

issue "$ec" "$rsa"
nss -A -n 'zca CA' -t CT,C,C -i "$ca"
for identity in "$ec" "$rsa"; do
    check "$identity: certificate" nss -L -h "$identity" -n "$identity:$identity" -a -o read.pem
    check 'the issued one' same_certificate read.pem "$identity.pem"
    check 'with its key' shows " $identity" nss -K -h "$identity"
    check 'listing keys: no connection' equal 0 "$(connects certutil -d sql:db -K -h "$identity" -f pin)"
    check 'valid for a server' shows 'certificate is valid' nss -V -n "$identity:$identity" -u V -e
done

# ---- trust from the token ----

mkdir other
certutil -N -d sql:other --empty-password
modutil -dbdir sql:other -add zca -libfile "$module" -force >/dev/null 2>&1
valid_there() {
    timeout 60 certutil -d sql:other -f pin -V -n "$ec:$ec" -u V -e </dev/null
}

check 'nobody told NSS of the CA' shows 'is invalid' valid_there
sed -i 's/^\[authority default\]/&\nnss-trust = yes/' "$ZCA_CONFIG"
check 'nss-trust does' shows 'certificate is valid' valid_there

# ---- TLS ----

asks() { # PORT NAME VERSION: and is answered; NSS's server waits for more then
    : >answer
    printf 'GET / HTTP/1.0\r\n\r\n' | tstclnt -d sql:db -w "$user_pin" -h 127.0.0.1 -p "$1" -a "$2" -V "$3:$3" -n "$ec:$ec" >answer 2>&1 &
    local client=$!
    pids+=("$client")
    wait_for 20 grep -q 'HTTP/1.0 200' answer || { cat answer; return 1; }
    stop "$client"
}

declare -A named=([1.2]=tls1.2 [1.3]=tls1.3)
for identity in "$ec" "$rsa"; do
    port=$(free_port)
    run_in_background selfserv -d sql:db -w "$user_pin" -p "$port" -n "$identity:$identity" -V tls1.2:tls1.3 -rr
    check "$identity serves TLS" wait_for 10 listens "$port"
    for version in 1.2 1.3; do
        check "TLS $version with a client's identity" asks "$port" "$identity" "${named[$version]}"
    done
    stop "$started"
done
finish
