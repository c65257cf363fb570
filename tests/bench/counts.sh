#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What can be counted exactly: instructions (callgrind), system calls, sockets and libraries of openssl with zca
# inactive, active and used, and instructions of a signature. Fails when a limit is passed.
# usage: counts.sh SIGN-PROGRAM
# shellcheck source-path=SCRIPTDIR/../integration
. "$(dirname "$0")/../integration/lib.sh"
need openssl valgrind strace
bench=$(realpath "$1")
export ZCA_MODULES=$build/provider
cd "$work" || exit 99

write_config 'keystore = file' 'auto-enrol = no' 'remote = off' '[authority corp]' 'url = https://127.0.0.1:1' \
    'dialect = orgca' '[identity bench-rsa]' 'key-type = RSA-2048'

instructions() { # COMMAND...
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | sed -n 's/.*Collected : //p'
}

openssl ecparam -name P-256 -genkey -noout -out file.key
openssl genrsa -out rsa.key 2048 2>/dev/null
declare -A whose=([EC]=file.key [RSA]=rsa.key)

# per_signature KEY-FILE|zca EC|RSA: the difference of 60 and 20, which leaves the start out
per_signature() {
    echo $((($(instructions "$bench" count "$1" "$2" 60) - $(instructions "$bench" count "$1" "$2" 20)) / 40))
}

goal() { # WHAT VALUE GOAL: shown, not enforced yet
    printf '%-44s %12s   goal  %12s%s\n' "$1" "$2" "$3" "$([ "$2" -le "$3" ] || echo '   missed')"
}

limit() { # WHAT VALUE LIMIT
    printf '%-44s %12s   limit %12s' "$1" "$2" "$3"
    if [ "$2" -le "$3" ]; then
        echo
    else
        echo '   over'
        failed=$((failed + 1))
    fi
}

write_openssl_cnf default
cp openssl.cnf without.cnf
write_openssl_cnf default zca
for key in ec rsa; do # makes them
    openssl pkey -in zca://bench-$key -noout
done

request=(openssl req -new -subj /CN=bench -out /dev/null -key)
without=$(OPENSSL_CONF=$work/without.cnf instructions openssl version)
with=$(instructions openssl version)
echo "openssl version: $without instructions without zca, $with with it"
limit "openssl version, zca active, more by" $((with - without)) 150000
file_without=$(OPENSSL_CONF=$work/without.cnf instructions "${request[@]}" file.key)
file_with=$(instructions "${request[@]}" file.key)
uri=$(instructions "${request[@]}" zca://bench-ec)
echo "openssl req -new: $file_without with a key file, $file_with with zca active, $uri with zca://bench-ec"
goal "openssl req, key file, zca active, 1/1000" $((file_with * 1000 / file_without)) 1010
goal "openssl req, zca key to key file, 1/1000" $((uri * 1000 / file_without)) 1000
for kind in EC RSA; do
    standard=$(per_signature "${whose[$kind]}" $kind)
    ours=$(per_signature zca $kind)
    echo "a signature with $kind: $standard by the default provider, $ours by zca"
    limit "a signature with $kind, zca to default, 1/1000" $((ours * 1000 / standard)) 1005
done

strace -f -o trace openssl version >/dev/null
calls=$(wc -l <trace)
OPENSSL_CONF=$work/without.cnf strace -f -o trace.without openssl version >/dev/null
limit "openssl version, more system calls by" $((calls - $(wc -l <trace.without))) 12
limit "openssl version, sockets" "$(grep -c socket trace)" 0
limit "openssl version, libcurl or zca-core mapped" "$(grep -cE 'libcurl|zca-core|zca-remote' trace)" 0
finish
