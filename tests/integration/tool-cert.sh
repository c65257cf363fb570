#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca cert prints what the QuickZTNA guide shows for its own command, line by line, with its failures.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl jq ss
name=my-server.myorg.ztna

run_cert() { # ARGUMENT...: zca cert in the directory $work/here; output in $work/out, $work/err
    (cd "$work/here" && zca cert "$@" >"$work/out" 2>"$work/err")
}

fails_with() { # STATUS STDERR STDOUT ARGUMENT...: exactly these texts
    local status=$1 wanted_err=$2 wanted_out=$3 found=0
    shift 3
    run_cert "$@" || found=$?
    equal "$status" "$found" && equal "$wanted_err" "$(cat "$work/err")" && equal "$wanted_out" "$(cat "$work/out")"
}

prints() { # CERTIFICATE-FILE KEY-FILE ARGUMENT...: the four lines
    local certificate=$1 key=$2 expires
    shift 2
    run_cert "$@" || { cat "$work/err"; return 1; }
    expires=$(openssl x509 -in "$work/here/$certificate" -noout -enddate | cut -d= -f2)
    expires=$(date -u -d "$expires" +%Y-%m-%dT%H:%M:%S.000Z)
    equal "Requesting certificate for $name...
Certificate written to $certificate
Private key written to $key
Expires: $expires" "$(cat "$work/out")" && equal '' "$(cat "$work/err")"
}

mode_is() { # MODE FILE
    equal "$1" "$(stat -c %a "$work/here/$2")"
}

is_valid() { # FILE: verifies with the pinned CA for the name
    openssl verify -CAfile "$work/state/zca/authorities/default/ca.pem" -verify_hostname "$name" "$work/here/$1"
}

mkdir "$work/here"
write_config
check 'nothing configured: not authenticated' fails_with 1 "zca: not authenticated. Run 'zca login' first" '' "$name"
start_server
write_config
printf '[authority default]\nurl = %s\ndialect = orgca\ntrust = %s\n' "$server_url" "$server_trust" >>"$ZCA_CONFIG"
check 'configured, no session: not authenticated' \
    fails_with 1 "zca: not authenticated. Run 'zca login' first" '' "$name"
check 'with a name: its login' \
    fails_with 1 "zca: not authenticated. Run 'zca login default' first" '' "$name" --authority default
mkdir -p "$work/state/zca/authorities/default"
(umask 077 && echo '{}' >"$work/state/zca/authorities/default/token")
check 'no organisation: not registered' \
    fails_with 1 "zca: not registered. Run 'zca login default --org ID' first" '' "$name"
rm "$work/state/zca/authorities/default/token"

write_config
check 'login' zca login "${server_login[@]}"
check 'no CA: issue certificate: ...' refuses 'zca: issue certificate: ' zca cert "$name" --cert-file "$work/x" \
    --key-file "$work/y"
check 'and the code of the authority' grep -q 'CA_NOT_INITIALIZED' "$work/refused.err"
check 'ca init' zca ca init

check 'the four lines' prints "$name.crt" "$name.key" "$name"
check 'the certificate begins as PEM' equal '-----BEGIN CERTIFICATE-----' "$(head -n 1 "$work/here/$name.crt")"
check 'the key file is a reference' equal '-----BEGIN ZCA PRIVATE KEY-----' "$(head -n 1 "$work/here/$name.key")"
check 'the certificate is public' mode_is 644 "$name.crt"
check 'the key file is private' mode_is 600 "$name.key"
check 'the certificate verifies' is_valid "$name.crt"
check 'own paths, with =' prints server.crt server.key "$name" --cert-file=server.crt --key-file=server.key
check 'own paths are written' is_valid server.crt
check 'a second run issues anew' test "$(openssl x509 -in "$work/here/$name.crt" -noout -serial)" != \
    "$(openssl x509 -in "$work/here/server.crt" -noout -serial)"

san() { # FILE
    openssl x509 -in "$work/here/$1" -noout -ext subjectAltName | tail -n 1 | tr -d ' '
}
check 'more names' run_cert "$name" --dns "$name" --dns www.myorg.ztna --ip 192.0.2.7
check 'are in the certificate' equal "DNS:$name,DNS:www.myorg.ztna,IPAddress:192.0.2.7" "$(san "$name.crt")"
check 'a lifetime' run_cert "$name" --ttl 2h
seconds=$(($(date -d "$(openssl x509 -in "$work/here/$name.crt" -noout -enddate | cut -d= -f2)" +%s) - $(date +%s)))
check 'is kept' test "$seconds" -gt 6900 -a "$seconds" -le 7200
check 'none is none' refuses 'no duration of 60 to' zca cert "$name" --ttl 0
check 'a long one is cut' run_cert "$name" --ttl 8000h
check 'to what the CA allows' equal '' "$(openssl x509 -in "$work/here/$name.crt" -noout -checkend $((721 * 3600)) >/dev/null &&
    echo 'it lives longer than 720 h')"
check 'the host name is the default domain' run_cert --cert-file host.crt --key-file host.key
check 'and is in the certificate' equal "subject=CN = $(hostname)" \
    "$(openssl x509 -in "$work/here/host.crt" -noout -subject)"

before=$(zca list --remote --json | jq length)
check 'a plain key is refused' refuses 'a key in the clear is not allowed here' zca cert "$name" --plain-key
check 'a directory that is not there is refused' refuses 'No such file' zca cert "$name" --cert-file "$work/no/x"
check 'one file for both is refused' refuses 'zca export' zca cert "$name" --cert-file x --key-file x
check 'a name that cannot be one is refused' refuses 'cannot be the name' zca cert 'a b'
check 'and nothing was issued for these' equal "$before" "$(zca list --remote --json | jq length)"

# ---- names that fail are those of one command ----
check 'a name that cannot be one is refused here' refuses "'a b' is not a host name" zca cert slip.myorg.ztna --dns 'a b'
check 'and not sent' equal "$before" "$(zca list --remote --json | jq length)"
check 'a name that the authority refuses' refuses 'issue certificate' zca cert slip.myorg.ztna --dns 'x*y.myorg.ztna'
check 'is not in the way of another command' run_cert slip.myorg.ztna
check 'whose certificate has its own name' equal DNS:slip.myorg.ztna "$(san slip.myorg.ztna.crt)"
url=$(sed -n 's/^url = //p' "$ZCA_CONFIG")
sed -i 's|^url = .*|url = https://127.0.0.1:1|; s/^log = none/&\nremote-timeout = 2s/' "$ZCA_CONFIG"
check 'nor is one that did not reach the authority' refuses 'issue certificate' zca cert slip.myorg.ztna --dns wrong.myorg.ztna
sed -i "s|^url = .*|url = $url|; /^remote-timeout/d" "$ZCA_CONFIG"
check 'in the way of one that does' run_cert slip.myorg.ztna
check 'with its own name' equal DNS:slip.myorg.ztna "$(san slip.myorg.ztna.crt)"

sed -i 's/^log = none/&\nallow-plain-key = yes/' "$ZCA_CONFIG"
check 'a plain key when it is allowed' run_cert "$name" --plain-key
check 'is a key' openssl pkey -in "$work/here/$name.key" -noout
check 'and is private' mode_is 600 "$name.key"

check 'the reference again' run_cert "$name" --cert-file server.crt --key-file server.key
write_openssl_cnf
check 'openssl uses the reference and the certificate' openssl req -new -key "$work/here/server.key" -subj /CN=x \
    -out "$work/x.csr"
check 'an option that does not exist: status 2' fails_with 2 "zca: unknown option '--cert-flie': did you mean '--cert-file'?" '' \
    "$name" --cert-flie x
finish
