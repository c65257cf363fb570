#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's easy-rsa signs requests and CRLs with a key reference as private/ca.key, as docs/recipes/easy-rsa.md
# says: a CA of its own whose key zca keeps, and the organisation's CA whose key is elsewhere.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
easyrsa=/usr/share/easy-rsa/easyrsa
need openssl ss "$easyrsa"
start_authority
cd "$work" || exit 1
sed "s|^# module = .*|module = $provider|; s|^# zca-config = .*|zca-config = $ZCA_CONFIG|" "$example" >provider.cnf
sed 's|^# \.include|.include|' provider.cnf >openssl.cnf
export OPENSSL_CONF=$work/openssl.cnf
unset ZCA_CONFIG # easy-rsa has its own configuration of OpenSSL, which names ours
export EASYRSA_BATCH=1 EASYRSA_CERT_EXPIRE=20 EASYRSA_CRL_DAYS=20 EASYRSA_ALGO=ec EASYRSA_CURVE=prime256v1

# make_pki NAME URI: what build-ca does, with a key that exists; ca.crt must be there already
make_pki() {
    "$easyrsa" --pki-dir="$work/$1" init-pki &&
        provide "$1" &&
        mkdir "$1/issued" "$1/certs_by_serial" && touch "$1/index.txt" "$1/index.txt.attr" && echo 01 >"$1/serial" &&
        cp "$1.crt" "$1/ca.crt" && openssl pkey -in "$2" -out "$1/private/ca.key"
}

provide() { # NAME: the provider in the PKI's own configuration, by the command that the example gives
    sh -c "$(example_line openssl-easyrsa.cnf | sed "s|/usr/share/doc/zca/openssl.cnf.example|$work/provider.cnf|; s|pki/|$1/|")"
}

in_pki() { # NAME ARGUMENT...: with nothing in the environment that could help
    local pki=$1
    shift
    env -u OPENSSL_CONF "$easyrsa" --pki-dir="$work/$pki" "$@"
}

verifies() { # NAME
    openssl verify -CAfile "$1/ca.crt" "$1/issued/server.crt"
}

is_revoked() { # NAME
    local serial
    serial=$(cut -f4 "$1/index.txt" | head -n 1)
    openssl crl -in "$1/crl.pem" -noout -text | grep -q "Serial Number: $serial"
}

crl_verifies() {
    openssl crl -in "$1/crl.pem" -CAfile "$1/ca.crt" -noout 2>&1 | grep -q 'verify OK'
}

check 'a CA whose key zca keeps' openssl req -x509 -new -key zca://own-ca -subj '/CN=Own CA' -days 3650 -out own.crt \
    -addext keyUsage=critical,keyCertSign,cRLSign
openssl x509 -in zca:/// -out org.crt 2>/dev/null
for pki in own org; do
    uri=zca://own-ca
    [ "$pki" = own ] || uri=zca:///
    check "$pki: PKI" make_pki "$pki" "$uri"
    check 'its ca.key is a reference' grep -q 'BEGIN ZCA PRIVATE KEY' "$pki/private/ca.key"
    check 'a request' in_pki "$pki" gen-req server nopass
    check 'sign-req' in_pki "$pki" sign-req server server
    check 'the certificate verifies' verifies "$pki"
    check 'revoke' in_pki "$pki" revoke server
    check 'gen-crl' in_pki "$pki" gen-crl
    check 'the CRL verifies' crl_verifies "$pki"
    check 'and holds the certificate' is_revoked "$pki"
done

# what goes wrong
check 'a request' in_pki org gen-req long nopass
check 'against the policy: its code is shown' refuses TTL_EXCEEDS_POLICY \
    env EASYRSA_CERT_EXPIRE=825 "$easyrsa" --pki-dir="$work/org" sign-req client long
check 'and nothing was issued' test ! -e org/issued/long.crt
cp /usr/share/easy-rsa/openssl-easyrsa.cnf own/openssl-easyrsa.cnf
check 'a request' in_pki own gen-req other nopass
check 'OPENSSL_CONF alone does not help' refuses 'signing failed' "$easyrsa" --pki-dir="$work/own" sign-req client other
finish
