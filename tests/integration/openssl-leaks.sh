#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# openssl under valgrind with each kind of object: no leak, no error, with a certificate from the network, too.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl_ways.sh"
need openssl valgrind

start_authority
printf '[req]\ndistinguished_name = dn\n[dn]\n' >plain.cnf
OPENSSL_CONF=$work/plain.cnf openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key \
    -subj /CN=x.myorg.ztna -out x.csr 2>/dev/null

# leaves ok|refused COMMAND ARGUMENT...: it ends as expected, and leaves nothing behind
leaves() {
    local expected=$1 ended=ok
    shift
    ossl_words "$@"
    rm -f "$work/valgrind"
    valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect,possible \
        --log-file="$work/valgrind" "${words[@]}" >"$work/out" 2>"$work/err" || ended=refused
    if [ "$ended" != "$expected" ]; then
        fail "$*: $ended"
        head -n 5 "$work/err"
    fi
    # lines with -- are about valgrind itself: Debian's does not know mlock2
    if [ ! -e "$work/valgrind" ] || grep -q '^==' "$work/valgrind"; then
        fail "$*"
        head -n 30 "$work/valgrind"
    fi
}

clean() {
    leaves ok "$@"
}

for w in option alone default-first; do
    use "$w"
    [ "$w" = option ] || clean version # which takes no providers
    clean req -new -key "zca://$w.myorg.ztna" -subj "/CN=$w.myorg.ztna" -out web.csr
    clean x509 -in "zca://$w.myorg.ztna" -out web.pem
    clean pkey -in "zca://$w.myorg.ztna" -out web.ref
    clean req -new -key web.ref -subj /CN=x -out /dev/null
    clean storeutl "zca://$w.myorg.ztna"
    clean x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -out x.pem
    leaves refused x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 4000 -out no.pem
    leaves refused dgst -sha256 -sign zca:/// -out no.sig x.csr
    clean crl -in zca:/// -noout
    clean verify -CAstore zca:/// web.pem
    clean genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out /dev/null
    leaves refused x509 -in 'zca://web?typ=cert'
done
finish
