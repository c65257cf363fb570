#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TLS with keys of zca in every order of the providers: each group, TLS 1.2 and 1.3, zca as server and as client,
# openssl and curl. The peer knows nothing of zca. A wrong order must not break what has nothing to do with us.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/order_arrangements.sh"
need openssl curl ss timeout
name=web.myorg.ztna
groups='P-256:prime256v1 P-384:secp384r1 P-521:secp521r1 X25519:X25519'
start_authority
ca=$work/state/zca/authorities/default/ca.pem
zca cert "$name" >/dev/null && zca cert alice.myorg.ztna >/dev/null || exit 1

# the peer's own key: no zca anywhere
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout plain.key -out plain.pem -subj "/CN=$name" \
    -addext "subjectAltName=DNS:$name" -days 1 2>/dev/null

plain() { # COMMAND...: without zca
    timeout 10 env -u OPENSSL_CONF -u OPENSSL_MODULES -u ZCA_CONFIG "$@"
}

tls_option() { # 1.2 or 1.3
    echo "-tls${1/./_}"
}

# `openssl s_server -www` in the background; $server is it
serve() { # PORT COMMAND...
    local port=$1
    shift
    "$@" openssl s_server -accept "127.0.0.1:$port" -www "${options[@]}" >>server.log 2>&1 &
    server=$!
    pids+=("$server")
    wait_for 10 listens "$port" || { tail -n 5 server.log; return 1; }
}

# The first group is the one that is taken; P-256 behind it is for the certificate (RFC 8422, 5.1).
wished() { # GROUP
    [ "$1" = P-256 ] && echo "$1" || echo "$1:P-256"
}

# one handshake and one page, with the group and version that were asked for
fetch_openssl() { # PORT GROUP:CURVE VERSION OPTION...
    local port=$1 group=${2%:*} curve=${2#*:} version=$3
    shift 3
    printf 'GET / HTTP/1.0\r\n\r\n' | "${runner[@]}" openssl s_client -connect "127.0.0.1:$port" -ign_eof \
        -groups "$(wished "$group")" "$(tls_option "$version")" -verify_return_error "$@" >page 2>page.err || { tail -n 5 page.err; return 1; }
    if ! grep -q 'HTTP/1.0 200 ok' page || ! grep -q "^Server Temp Key: .*$curve" page || ! grep -q "^New, TLSv$version" page; then
        grep -a 'Temp Key\|^New\|rror' page page.err
        return 1
    fi
}

fetch_curl() { # PORT GROUP:CURVE VERSION OPTION...
    local port=$1 group=${2%:*} version=$3
    shift 3
    "${runner[@]}" curl -sS --fail --max-time 10 --curves "$(wished "$group")" "--tlsv$version" --tls-max "$version" \
        --resolve "$name:$port:127.0.0.1" "$@" "https://$name:$port/" -o page && grep -q "^New, TLSv$version" page
}

each() { # FUNCTION PORT OPTION...: for every group and version
    local function=$1 port=$2 group version
    shift 2
    for group in $groups; do
        for version in 1.2 1.3; do
            "$function" "$port" "$group" "$version" "$@" || { echo "with $group and TLS $version"; return 1; }
        done
    done
}

reference_files() { # NAME...: NAME.ref and NAME.pem
    local each_name
    for each_name in "$@"; do
        timeout 10 openssl pkey -in "zca://$each_name" -out "$each_name.ref" &&
            timeout 10 openssl x509 -in "zca://$each_name" -out "$each_name.pem" || return 1
    done
}

keys() {
    find "$work/state" "$work/run" -name '*.key*' | sort
}

litter() { # what somebody took for a file name
    find "$work" -maxdepth 1 -name '*zca:*'
}

server_role() {
    options=(-cert "zca://$name" -key "zca://$name")
    check "$arrangement: s_server by URI" serve "$port" exec timeout 60
    runner=(plain)
    check "$arrangement: openssl comes in" each fetch_openssl "$port" -CAfile "$ca" -verify_hostname "$name"
    stop "$server"
    options=(-cert "$name.pem" -key "$name.ref")
    check "$arrangement: s_server by reference" serve "$port" exec timeout 60
    check "$arrangement: curl comes in" each fetch_curl "$port" --cacert "$ca"
    stop "$server"
}

client_role() {
    options=(-cert plain.pem -key plain.key -Verify 2 -verify_return_error -CAfile "$ca")
    check "$arrangement: a plain server" serve "$port" exec env -u OPENSSL_CONF -u OPENSSL_MODULES timeout 60
    runner=(timeout 10)
    check "$arrangement: s_client by URI" each fetch_openssl "$port" -CAfile plain.pem -cert zca://alice.myorg.ztna \
        -key zca://alice.myorg.ztna
    check "$arrangement: curl by reference" each fetch_curl "$port" --cacert plain.pem --cert alice.myorg.ztna.pem \
        --key alice.myorg.ztna.ref
    stop "$server"
}

port=$(free_port)
before=$(keys)
for each_arrangement in $arrangements; do
    arrange "$each_arrangement"
    check "$arrangement: references" reference_files "$name" alice.myorg.ztna
    server_role
    client_role
done
check 'no key was made' equal "$before" "$(keys)"
check 'and no file' equal '' "$(litter)"

# fips: Debian ships the provider's code, not the module
arrange default-first
sed -i 's|^module = .*|&\nzca-crypto-provider = fips|' "$OPENSSL_CONF"
modules=$(openssl version -m | sed 's/.*"\(.*\)"/\1/')
if [ -e "$modules/fips.so" ]; then
    echo 'fips.so is here, but its module configuration is not known: not tested'
else
    check 'without the fips module: told so' refuses "loading OpenSSL's provider 'fips'" \
        timeout 10 openssl pkey -in "zca://$name" -pubout
    check 'and what does not use zca works' timeout 10 openssl pkey -in plain.key -pubout
fi
finish
