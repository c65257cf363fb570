#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# With the CA gone, cached identities work and nothing is connected to; `openssl version` never maps libcurl.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl strace

start_authority
write_openssl_cnf
openssl x509 -in zca://web.myorg.ztna -out "$work/web.pem" || { echo "no certificate to begin with"; exit 1; }
openssl x509 -in zca:/// -out "$work/ca.pem" || { echo "no CA certificate to begin with"; exit 1; }
stop "$server_pid"

quiet() { # COMMAND...: succeeds without any network call and without libcurl
    strace -f -e trace=network,openat -o "$work/trace" "$@" >/dev/null || return 1
    if grep -E 'connect\(.*AF_INET|socket\(AF_INET' "$work/trace"; then
        return 1
    fi
    ! grep -E 'libcurl|zca-remote' "$work/trace" | grep -v ENOENT
}

check "openssl version" quiet openssl version
check "a certificate from the cache" quiet openssl x509 -in zca://web.myorg.ztna -noout
check "a key" quiet openssl pkey -in zca://web.myorg.ztna -pubout
check "a signature" quiet openssl dgst -sha256 -sign zca://web.myorg.ztna -out "$work/sig" "$work/web.pem"
check "the CA's certificate" quiet openssl x509 -in zca:/// -noout
check "verification by store" quiet openssl verify -CAstore zca:/// "$work/web.pem"
check "a cold identity says that the CA cannot be reached" refuses "zca" \
    timeout 20 openssl x509 -in 'zca://cold.myorg.ztna?wait=2' -noout
check "an offline URI does not try" refuses "offline" openssl x509 -in 'zca://cold.myorg.ztna?offline=yes' -noout
finish
