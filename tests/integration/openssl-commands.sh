#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The rows of openssl-commands.table, with zca alone in openssl.cnf and after the default provider.
# ZCA_WAYS='zca-first prefer-zca' runs them in other orders (openssl_ways.sh).
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl_ways.sh"
need openssl
table=$here/openssl-commands.table

start_authority
printf '[identity rsa.myorg.ztna]\nkey-type = RSA-2048\n[identity ed.myorg.ztna]\nkey-type = Ed25519\n' >>"$ZCA_CONFIG"
printf '[req]\ndistinguished_name = dn\n[dn]\n' >plain.cnf

plain() { # COMMAND ARGUMENT...: openssl without zca
    OPENSSL_CONF=$work/plain.cnf openssl "$@"
}

stranger() {
    echo 'the quick brown fox' >data
    plain dgst -sha256 -binary data >digest
    plain req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x.myorg.ztna \
        -days 2 -out x.pem
    plain req -new -key x.key -subj /CN=x.myorg.ztna -addext subjectAltName=DNS:x.myorg.ztna -out x.csr
    plain pkey -in x.key -pubout -out x.pub
}

# What the commands read, made once.
identity() { # KIND
    local uri=zca://$1.myorg.ztna
    openssl req -new -key "$uri" -subj "/CN=$1.myorg.ztna" -addext "subjectAltName=DNS:$1.myorg.ztna" -out "$1.csr" &&
        openssl x509 -in "$uri" -out "$1.crt" &&
        openssl req -x509 -new -key "$uri" -subj "/CN=$1" -days 2 -out "$1.pem" &&
        openssl req -x509 -new -key "$uri" -subj "/CN=$1" -days 2 -addext extendedKeyUsage=critical,timeStamping \
            -out "$1-ts.pem" &&
        openssl pkey -in "$uri" -pubout -out "$1.pub" &&
        openssl pkey -in "$uri" -out "$1.ref"
}

configurations() {
    {
        cat "$OPENSSL_CONF"
        printf '[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nnew_certs_dir = .\ndefault_md = sha256\n'
        printf 'default_days = 2\ndefault_crl_days = 2\npolicy = p\nprivate_key = zca:///\ncertificate = zca:///\n'
        printf 'unique_subject = no\nrand_serial = yes\ncrlnumber = crlnumber\n[p]\ncommonName = supplied\n'
    } >ca.cnf
    {
        cat "$OPENSSL_CONF"
        printf '[tsa]\ndefault_tsa = t\n[t]\nserial = tsa-serial\nsigner_digest = sha256\ndefault_policy = 1.2.3.4\n'
        printf 'digests = sha256\ness_cert_id_alg = sha256\n'
    } >ts.cnf
    : >index.txt
    [ -f crlnumber ] || echo 1000 >crlnumber # the CA has published its own
}

# handshake SERVER-OPTION... -- CLIENT-OPTION...: what the client says of one connection
handshake() {
    local server=() port
    while [ "$1" != -- ]; do
        server+=("$1")
        shift
    done
    shift
    port=$(free_port)
    run_in_background openssl s_server -accept "127.0.0.1:$port" -naccept 1 -www "${server[@]}"
    wait_for 10 listens "$port" || { tail -n 5 "$work/openssl.log" >&2; return 1; }
    openssl s_client -connect "127.0.0.1:$port" -verify_return_error -brief "$@" </dev/null 2>&1
    local status=$?
    stop "$started"
    return "$status"
}

# mock_cmp FILE OPTION...: openssl's own server, in the same process; answers with FILE, which becomes a.pem
mock_cmp() {
    local answer=$1
    shift
    openssl cmp -config '' -use_mock_srv -srv_cert x.pem -srv_key x.key -srv_trusted ca.pem -srv_untrusted ca.pem \
        -rsp_cert "$answer" -srvcert x.pem -certout a.pem -out_trusted ca.pem "$@"
}

trim() { # TEXT
    local text=${1#"${1%%[![:space:]]*}"}
    printf '%s' "${text%"${text##*[![:space:]]}"}"
}

row() { # EXPECTATION COMMAND, both filled in
    case $1 in
    'refused '*) refused "$2" "${1#refused }" eval "$2" ;;
    *)
        ok "a row" eval "$2"
        [ "$1" = ok ] || says "$2" "${1#ok }"
        ;;
    esac
    rows=$((rows + 1))
}

run_table() {
    local kinds expectation command kind
    while IFS='|' read -r kinds expectation command <&3; do
        case $kinds in '#'* | '') continue ;; esac
        expectation=$(trim "$expectation")
        for kind in $kinds; do
            local uri=zca://$kind.myorg.ztna
            local filled=${command//\{kind\}/$kind}
            row "${expectation//\{uri\}/$uri}" "${filled//\{uri\}/$uri}"
        done
    done 3<"$table"
}

rows=0
stranger 2>stranger.log || fail "a stranger's files: $(cat stranger.log)"
use default-first
for kind in ec rsa ed; do
    ok "the files of $kind" identity "$kind"
done
ok "the CA's certificate" openssl x509 -in zca:/// -out ca.pem
ok "the CA's reference" openssl pkey -in zca:/// -out ca.ref
for w in ${ZCA_WAYS:-default-first alone}; do
    use "$w"
    export fresh=fresh-$w # in the table
    configurations
    run_table
done
if grep -rlE 'BEGIN (EC |RSA )?PRIVATE KEY' --exclude=x.key --exclude=a.key --exclude-dir=server . >found; then
    fail "a private key in $(cat found)"
fi
echo "$rows rows"
finish
