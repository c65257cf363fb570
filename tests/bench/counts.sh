#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be counted exactly: instructions (callgrind), system calls, sockets and libraries, with zca inactive,
# active and used. Fails when a limit is passed; a goal is shown only. With ZCA_BENCH_JSON=FILE each line is also
# appended to FILE as JSON.
# shellcheck source-path=SCRIPTDIR/../integration
. "$(dirname "$0")/../integration/lib.sh"
need openssl valgrind strace
programs=$build/tests/bench
export ZCA_MODULES=$build/provider SSL_CERT_FILE=/dev/null SSL_CERT_DIR=/nonexistent # not a system's 140 CAs
unset MALLOC_PERTURB_ # meson sets it: filling memory would be counted, too
cd "$work" || exit 99
many=10     # servers in nginx.conf
crowd=10000 # identities
held=1000   # keys that one process loads

collected() { # CALLGRIND-OPTION... COMMAND...: instructions
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}

instructions() { # with|uris|without COMMAND...: the configuration of openssl, and what it runs
    local configuration=$1
    shift
    OPENSSL_CONF=$work/$configuration.cnf collected "$@"
}

per_signature() { # ALGORITHM KEY-FILE|zca
    echo $(($(collected --toggle-collect='counted_signatures*' "$programs/sign" count "$1" "$2" 4) / 4))
}

per_call() { # raw|MODULE: a CKM_ECDSA signature
    echo $(($(collected --toggle-collect='counted_signatures*' "$programs/pkcs11" count "$1" 20) / 20))
}

per_load() { # KIND plain|zca|FILE.cnf URI NUMBER [HELD]
    echo $(($(collected --toggle-collect='counted_loads*' "$programs/load" count "$@") / $4))
}

tell() { # WHAT VALUE limit|goal BOUND
    local verdict=
    [ "$2" -le "$4" ] || verdict=missed
    printf '%-52s %9s   %-5s %9s   %s\n' "$1" "$2" "$3" "$4" "$verdict"
    [ -z "${ZCA_BENCH_JSON:-}" ] || printf '{"bench": "counts", "what": "%s", "value": %s, "%s": %s}\n' \
        "$1" "$2" "$3" "$4" >>"$ZCA_BENCH_JSON"
    [ "$3$verdict" != limitmissed ] || failed=$((failed + 1))
}

ratio() { # WHAT ZCA STANDARD limit|goal BOUND: in thousandths
    printf '%s: %s without zca, %s with it\n' "$1" "$3" "$2"
    tell "$1, 1/1000" $(($2 * 1000 / $3)) "$4" "$5"
}

"$programs/material" "$work" || exit 1

# ---- openssl ----

without=$(instructions without openssl version)
with=$(instructions with openssl version)
printf 'openssl version: %s without zca, %s with it\n' "$without" "$with"
tell 'openssl version, zca active, more by' $((with - without)) limit 150000

request=(openssl req -new -subj /CN=bench -out /dev/null -key)
without=$(instructions without "${request[@]}" p256.key)
ratio 'openssl req, key file, zca active' "$(instructions with "${request[@]}" p256.key)" "$without" goal 1010
ratio 'openssl req, key file, for URIs only' "$(instructions uris "${request[@]}" p256.key)" "$without" limit 1012
ratio 'openssl req -key zca://' "$(instructions with "${request[@]}" zca://bench-p256)" "$without" limit 1000

ratio 'openssl storeutl zca://' "$(instructions with openssl storeutl zca://bench-p256)" \
    "$(instructions without openssl storeutl p256.pem)" limit 900
ratio 'openssl storeutl -keys zca://' "$(instructions with openssl storeutl -keys zca://bench-p256)" \
    "$(instructions without openssl storeutl -keys p256.key)" limit 900

without=$(instructions without openssl x509 -in p256.crt)
ratio 'openssl x509, file, zca active' "$(instructions with openssl x509 -in p256.crt)" "$without" goal 1010
ratio 'openssl x509, file, for URIs only' "$(instructions uris openssl x509 -in p256.crt)" "$without" limit 1015
ratio 'openssl x509 -in zca://' "$(instructions with openssl x509 -in zca://bench-p256)" "$without" limit 1020

OPENSSL_CONF=with.cnf strace -f -o trace openssl version >/dev/null
OPENSSL_CONF=without.cnf strace -f -o trace.without openssl version >/dev/null
tell 'openssl version, more system calls by' $(($(wc -l <trace) - $(wc -l <trace.without))) limit 12
tell 'openssl version, sockets' "$(grep -c socket trace)" limit 0
tell 'openssl version, libcurl or zca-core mapped' "$(grep -cE 'libcurl|zca-core|zca-remote' trace)" limit 0

# ---- in process ----

export ZCA_CONFIG=$work/zca.conf
while read -r algorithm bound; do
    name=${algorithm//-/}
    ratio "a signature with $algorithm" "$(per_signature "$algorithm" zca)" \
        "$(per_signature "$algorithm" "${name,,}.key")" limit "$bound"
done <<EOL
P-256 1000
P-384 1005
RSA-2048 1005
RSA-4096 1005
Ed25519 1005
EOL

if [ -x "$programs/pkcs11" ]; then
    ratio 'a CKM_ECDSA signature of the PKCS#11 module' "$(per_call "$build/pkcs11-module/zca-pkcs11.so")" \
        "$(per_call raw)" limit 1030
fi

ratio 'a key loaded' "$(per_load key zca zca://bench-p256 20)" "$(per_load key plain p256.key 20)" limit 100
ratio 'a key reference loaded' "$(per_load pem zca p256.ref 20)" "$(per_load pem plain p256.key 20)" goal 1050
ratio 'a certificate loaded' "$(per_load certificate zca zca://bench-p256 20)" \
    "$(per_load certificate plain p256.crt 20)" limit 900
without=$(per_load trust plain trust.pem 1)
ratio 'a trust store of 140 CAs, zca active' "$(per_load trust zca trust.pem 1)" "$without" goal 1030
ratio 'a trust store of 140 CAs, for URIs only' "$(per_load trust uris.cnf trust.pem 1)" "$without" limit 1030

# ---- servers ----

nginx_conf() { # FILE KEY-SUFFIX CERTIFICATE-SUFFIX
    local i
    {
        printf 'pid %s/nginx.pid; error_log stderr; events {} http {\n' "$work"
        for i in client_body proxy fastcgi uwsgi scgi; do
            printf '%s_temp_path %s/%s;\n' "$i" "$work" "$i"
        done
        for i in $(seq $many); do
            printf 'server { listen 127.0.0.1:1443 ssl; server_name %s; ssl_certificate %s/many/%s.%s;\n' \
                "$i" "$work" "$i" "$3"
            printf 'ssl_certificate_key %s/many/%s.%s; }\n' "$work" "$i" "$2"
        done
        echo '}'
    } >"$1"
}

if command -v nginx >/dev/null; then
    "$programs/material" "$work" many $many || exit 1
    nginx_conf files.conf key crt
    nginx_conf references.conf ref zca.crt
    ratio "nginx -t, $many key references" "$(instructions with nginx -t -e stderr -c "$work/references.conf")" \
        "$(instructions without nginx -t -e stderr -c "$work/files.conf")" goal 1050
fi

# ---- many identities ----

key=$(per_load key zca zca://bench-p256 20)
certificate=$(per_load certificate zca zca://bench-p256 20)
for number in $(seq $held); do
    printf '[identity held-%s]\nkeystore = memory\n' "$number" >>zca.conf
done
few=$(per_load key zca zca://bench-p256 20 10)
more=$(per_load key zca zca://bench-p256 20 $held)
ratio "a key among $held held by the process and 10" "$more" "$few" limit 1050
"$programs/material" "$work" crowd $crowd || exit 1
ratio "a key among $crowd files and 5" "$(per_load key zca zca://bench-p256 20)" "$key" limit 1050
ratio "a certificate among $crowd files and 5" "$(per_load certificate zca zca://bench-p256 20)" \
    "$certificate" limit 1050
export ZCA_CONFIG=$work/crowd.conf
ratio "a key among $crowd configured and 5" "$(per_load key zca zca://bench-p256 20)" "$key" limit 1050
finish
