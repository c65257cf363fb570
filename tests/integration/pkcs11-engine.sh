#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's OpenSSL, curl and stunnel use zca-pkcs11.so through the engine of libp11: requests and certificates, and TLS on
# both sides with identities, the authority stopped.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need curl stunnel4 strace ss
engines=$(openssl version -e | cut -d'"' -f2)
[ -e "$engines/pkcs11.so" ] || skip 'libengine-pkcs11-openssl is not installed'
prepare_tokens
prepare_scratch
cd "$work" || exit 99
write_openssl_engine_cnf

private() { # TOKEN [LABEL]: its key
    echo "pkcs11:token=$1;${2:+object=$2;}type=private"
}

request() { # URI [OPTION...]: to own.csr
    local uri=$1
    shift
    rm -f own.csr
    openssl req -new -engine pkcs11 -keyform engine -key "$uri" -subj /CN=engine -out own.csr "$@"
}

# ---- the scratch token ----

mine --keypairgen --key-type EC:prime256v1 --id 01 --label ec >>setup.log 2>&1
mine --keypairgen --key-type rsa:2048 --id 02 --label rsa >>setup.log 2>&1
for kind in ec rsa; do
    key="$(private "$scratch" "$kind");pin-value=$user_pin"
    check "$kind: a request" request "$key"
    check 'verifies' openssl req -in own.csr -noout -verify
    check 'a CA' openssl req -x509 -new -engine pkcs11 -keyform engine -key "$key" -subj "/CN=$kind" -days 5 -out "$kind.pem"
    check 'verifies' openssl verify -check_ss_sig -CAfile "$kind.pem" "$kind.pem"
    check 'signs a certificate' openssl x509 -req -in own.csr -engine pkcs11 -CA "$kind.pem" -CAkeyform engine -CAkey "$key" -days 5 -out leaf.pem
    check 'verifies' openssl verify -CAfile "$kind.pem" leaf.pem
done
check 'PSS' request "$(private "$scratch" rsa);pin-value=$user_pin" -sigopt rsa_padding_mode:pss
check 'verifies' openssl req -in own.csr -noout -verify
check 'a wrong PIN' refuses 'PIN incorrect' request "$(private "$scratch" ec);pin-value=9999"

# ---- identities ----

for identity in "$ec" "$rsa"; do
    rm -f own.csr
    check "$identity: a request asks nobody" equal 0 "$(connects openssl req -new -engine pkcs11 -keyform engine \
        -key "$(private "$identity")" -subj /CN=engine -out own.csr)"
    check 'verifies' openssl req -in own.csr -noout -verify
done
issue "$ec" "$rsa"
check 'the same key as its certificate' fits own.csr "$rsa.pem"
check 'the CA signs no digest' refuses 'Mechanism invalid' openssl x509 -req -in own.csr -engine pkcs11 -CA "$ca" -CAkeyform engine \
    -CAkey "$(private default)" -days 5 -out none.pem
check 'nothing was written' test ! -s none.pem
stop "$server_pid"

# ---- TLS, without the authority ----

fetch() { # PORT NAME [OPTION...]
    local port=$1 name=$2
    shift 2
    curl -sS --fail --max-time 10 --cacert "$ca" --resolve "$name:$port:127.0.0.1" "$@" "https://$name:$port/"
}

shows_client() { # PORT NAME SUBJECT OPTION...: the server sees a client of this name
    local subject=$3
    fetch "$1" "$2" "${@:4}" >page && grep -q "Subject: CN *= *$subject" page
}

curl_as() { # IDENTITY: curl's options for it, in "as"
    as=(--engine pkcs11 --key-type ENG --key "$(private "$1")" --cert-type ENG --cert "pkcs11:token=$1;object=$1;type=cert")
}

for identity in "$ec" "$rsa"; do
    port=$(free_port)
    run_in_background openssl s_server -accept "127.0.0.1:$port" -www -engine pkcs11 -keyform engine -key "$(private "$identity")" \
        -cert "$identity.pem" -CAfile "$ca" -Verify 2 -verify_return_error
    s_server=$started
    wait_for 10 listens "$port" || cat openssl.log
    for client in "$ec" "$rsa"; do
        curl_as "$client"
        for version in 1.2 1.3; do
            check "s_server with $identity, curl with $client, TLS $version" shows_client "$port" "$identity" "$client" \
                "${as[@]}" --tlsv"$version" --tls-max "$version"
        done
        check 's_client' openssl s_client -connect "127.0.0.1:$port" -engine pkcs11 -keyform engine -key "$(private "$client")" \
            -cert "$client.pem" -CAfile "$ca" -verify_return_error -verify_hostname "$identity" </dev/null
    done
    check 'curl without one' refuses 'curl: ' fetch "$port" "$identity"
    stop "$s_server"
done

port=$(free_port)
cat >stunnel.conf <<EOC
foreground = yes
pid =
syslog = no
debug = info
engine = pkcs11
engineCtrl = MODULE_PATH:$module
[server]
accept = 127.0.0.1:$port
exec = $work/answer
engineId = pkcs11
key = $(private "$ec")
cert = $work/$ec.pem
CAfile = $ca
requireCert = yes
verifyChain = yes
EOC
cat >answer <<'EOC'
#!/bin/sh
while read -r line && [ "${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\r\n\r\nhello from stunnel\n'
EOC
chmod 755 answer
run_in_background stunnel4 stunnel.conf
wait_for 10 listens "$port" || cat stunnel4.log
curl_as "$rsa"
check 'stunnel' equal 'hello from stunnel' "$(fetch "$port" "$ec" "${as[@]}")"
check 'again' equal 'hello from stunnel' "$(fetch "$port" "$ec" "${as[@]}")"
kill -HUP "$started"
check 'after HUP' equal 'hello from stunnel' "$(fetch "$port" "$ec" "${as[@]}")"
stop "$started"
finish
