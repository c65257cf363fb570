#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The remote CA through the real openssl: enrolment of what `openssl req` asked for, certificates and CRLs signed
# by the CA's key after inspection, what is refused, and what openssl then says.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl_ways.sh"
need openssl strace

start_authority
printf '[req]\ndistinguished_name = dn\n[dn]\n' >plain.cnf
export OPENSSL_CONF=$work/plain.cnf
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x.myorg.ztna \
    -addext subjectAltName=DNS:x.myorg.ztna -out x.csr 2>/dev/null

enrolment() {
    name=$way.myorg.ztna
    ok "$way request" ossl req -new -key "zca://$name" -subj "/CN=$name" \
        -addext "subjectAltName=DNS:$name,DNS:www.$name" -out web.csr
    ok "certificate" ossl x509 -in "zca://$name" -out web.pem
    ok "certificate in full" ossl x509 -in web.pem -noout -subject -ext subjectAltName,basicConstraints -pubkey
    says "subject" "CN = $name"
    says "alternative names" "DNS:$name, DNS:www.$name"
    says "constraints" "CA:FALSE"
    ok "public key of the request" ossl req -in web.csr -noout -pubkey
    cp out wanted.pub
    ok "public key of the certificate" ossl x509 -in web.pem -noout -pubkey
    same "public key" wanted.pub out
    ok "CA certificate" ossl x509 -in zca:/// -out ca.pem
    ok "verify" ossl verify -trusted zca:/// web.pem
    ok "verify by store" ossl verify -CAstore zca:/// web.pem
    ok "verify by URI" ossl verify -CAfile ca.pem "zca://$name"
    ok "the CA by the identity" ossl x509 -in "zca://$name?type=ca" -out again.pem
    same "the CA by the identity" ca.pem again.pem
    ok "CRL" ossl crl -in zca:/// -noout -issuer
    says "CRL" QuickZTNA
    ok "CRL check" ossl verify -crl_check -trusted zca:/// -CRLfile zca:/// web.pem
    ok "CRL check by store" ossl verify -crl_check -CAstore zca:/// web.pem
    ok "objects" ossl storeutl -noout "zca://$name"
    says "objects" "0: Pkey"
    says "objects" "1: Certificate"
    ok "certificates only" ossl storeutl -noout -certs "zca://$name"
    ok "one certificate" ossl storeutl -noout "zca://$name?type=cert"
    says "one certificate" "Total found: 1"
    refused "a chain that is not there" 'has no chain' ossl x509 -in "zca://$name?type=chain" # its issuer is the root
    ok "pkcs12 without key" ossl pkcs12 -export -nokeys -in "zca://$name" -passout pass:x -out certs.p12
    ok "certificate of a request file" ossl x509 -in "zca://file-$name?csr=x.csr" -noout -subject -pubkey
    says "certificate of a request file" 'CN = x.myorg.ztna'
}

ca_conf() {
    {
        cat "$OPENSSL_CONF"
        printf '[ca]\ndefault_ca = d\n[d]\ndatabase = index.txt\nnew_certs_dir = .\ndefault_md = sha256\n'
        printf 'default_days = 2\ndefault_crl_days = 2\npolicy = p\nprivate_key = zca:///\ncertificate = zca:///\n'
        printf 'unique_subject = no\nrand_serial = yes\ncrlnumber = crlnumber\n[p]\ncommonName = supplied\n'
    } >ca.cnf
    : >index.txt
    [ -f crlnumber ] || echo 1000 >crlnumber # the CA has published its own
}

signed() { # WHAT FILE
    ok "$1: issuer" ossl verify -trusted zca:/// "$2"
}

certificates() {
    ok "x509 -req" ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 7 -out a.pem
    signed "x509 -req" a.pem
    ok "x509 -req, one option" ossl x509 -req -in x.csr -CA zca://default/ -days 7 -sha384 -out b.pem
    signed "x509 -req, one option" b.pem
    ok "x509 -req, certificate file" ossl x509 -req -in x.csr -CA ca.pem -CAkey zca:/// -CAcreateserial -days 7 -out c.pem
    signed "x509 -req, certificate file" c.pem
    ok "req -x509" ossl req -x509 -in x.csr -CA zca:/// -CAkey zca:/// -days 7 -copy_extensions copy -out d.pem
    signed "req -x509" d.pem
    ok "reference" ossl pkey -in zca:/// -out ca.ref
    ok "x509 -req, reference" ossl x509 -req -in x.csr -CA ca.pem -CAkey ca.ref -days 7 -out e.pem
    signed "x509 -req, reference" e.pem
    ca_conf
    ok "ca" ossl ca -batch -config ca.cnf -in x.csr -out f.pem
    signed "ca" f.pem
    ok "ca -revoke" ossl ca -config ca.cnf -revoke f.pem
    ok "ca -gencrl" ossl ca -gencrl -config ca.cnf -out crl.pem
    ok "crl" ossl crl -in crl.pem -noout -CAfile ca.pem -text
    says "crl" 'Revoked Certificates'
    says "crl" 'verify OK'
    ok "ocsp request" ossl ocsp -issuer ca.pem -cert a.pem -no_nonce -reqout request.der
    ok "ocsp response" ossl ocsp -index index.txt -rsigner zca:/// -rkey zca:/// -CA zca:/// -reqin request.der -respout response.der
}

# The text after the reason is the authority's own.
refusals() {
    refused "a lifetime over policy" 'refused the request by policy.*HTTP 4[0-9][0-9], [A-Z_]+' \
        ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 4000 -out no.pem
    printf 'basicConstraints = critical,CA:TRUE\n' >ca.ext
    refused "CA:TRUE" 'refused the request by policy.*HTTP 4[0-9][0-9], [A-Z_]+' \
        ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -extfile ca.ext -out no.pem
    openssl x509 -in ca.pem -noout -pubkey >ca.pub
    openssl x509 -new -force_pubkey ca.pub -subj /CN=Other -signkey x.key -days 1 -out other.pem 2>/dev/null
    refused "another issuer" 'zca:.*HTTP 4[0-9][0-9], [A-Z_]+' \
        ossl x509 -req -in x.csr -CA other.pem -CAkey ca.ref -days 2 -out no.pem
    refused "data" 'refused the request by policy.*not bare digests' ossl dgst -sha256 -sign zca:/// -out no.sig x.csr
    openssl dgst -sha256 -binary x.csr >digest
    refused "a bare digest" 'refused the request by policy.*not bare digests' \
        ossl pkeyutl -sign -inkey zca:/// -in digest -out no.sig
    [ ! -s no.sig ] || fail "a signature was written"
    refused "the CA's private key" . ossl pkey -in zca:/// -outform DER -out no.der
}

wrong_uris() {
    refused "an unknown attribute" "unknown attribute 'typ' in URI; did you mean 'type'" ossl x509 -in 'zca://web?typ=cert'
    if grep -q 'unregistered scheme' err; then
        fail "a bad URI is reported as a missing scheme"
    fi
    refused "an unknown authority" "there is no authority 'nowhere': configured: 'default'" ossl x509 -in zca://nowhere/web
    refused "a bad name" 'no valid name' ossl pkey -in zca://default/a/b -pubout
    refused "a missing key" 'there is no such object' ossl pkey -pubin -in zca://missing -pubout
    refused "a missing request file" 'no-such.csr' ossl x509 -in 'zca://x?csr=no-such.csr'
    echo 'broken' >"$work/broken.conf"
    refused "a broken configuration" 'the configuration is wrong.*broken.conf' env ZCA_CONFIG="$work/broken.conf" \
        openssl x509 -in zca://web
}

# zca:/// for -CA and for -CAkey: one connection, for the signature.
connections() {
    strace -f -e trace=connect -o connects openssl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -out y.pem 2>/dev/null
    [ "$(grep -c AF_INET connects)" -eq 1 ] || fail "x509 -req connects $(grep -c AF_INET connects) times"
}

# A request file is enrolled once, however often its URI is read; TLS reads its URI three times.
repetition() {
    ok "a request file" ossl x509 -in 'zca://again?csr=x.csr' -noout -serial
    cp out serial
    ok "a request file again" ossl x509 -in 'zca://again?csr=x.csr' -noout -serial
    same "serial" serial out
    ok "a key" ossl pkey -in zca://tls.myorg.ztna -noout
    port=$(free_port)
    ossl_words s_server -accept "127.0.0.1:$port" -naccept 1 -www -cert zca://tls.myorg.ztna \
        -key zca://tls.myorg.ztna -cert_chain zca://tls.myorg.ztna
    run_in_background strace -f -e trace=connect -o connects "${words[@]}"
    wait_for 10 listens "$port" || fail "no TLS server"
    ok "TLS" ossl s_client -connect "127.0.0.1:$port" -CAfile ca.pem -verify_return_error -brief </dev/null
    stop "$started"
    [ "$(grep -c AF_INET connects)" -eq 1 ] || fail "s_server connects $(grep -c AF_INET connects) times"
}

# Certificate, key and trust on both sides by URI alone.
mutual_tls() {
    printf '\n[identity rsa.myorg.ztna]\nkey-type = RSA-2048\n' >>"$ZCA_CONFIG"
    for name in tls.myorg.ztna rsa.myorg.ztna; do
        port=$(free_port)
        ok "$name enrols" ossl x509 -in "zca://$name" -noout
        ossl_words s_server -accept "127.0.0.1:$port" -cert "zca://$name" -key "zca://$name" -Verify 1 \
            -CAstore zca:/// -verify_return_error -www
        run_in_background "${words[@]}"
        wait_for 10 listens "$port" || fail "no TLS server"
        for version in tls1_2 tls1_3; do
            ok "$name $version" ossl s_client -connect "127.0.0.1:$port" "-$version" -cert "zca://$name" \
                -key "zca://$name" -CAstore zca:/// -verify_return_error -brief </dev/null
        done
        stop "$started"
    done
}

# A dialect whose CA makes keys and certificates itself.
server_made() {
    sed -i 's/^dialect = .*/dialect = quickztna/' "$ZCA_CONFIG"
    ok "server-made certificate" ossl x509 -in zca://srv.myorg.ztna -out srv.pem
    ok "its key" ossl pkey -in zca://srv.myorg.ztna -pubout
    cp out srv.pub
    ok "its public key" ossl x509 -in srv.pem -noout -pubkey
    same "server-made key" srv.pub out
    ok "signature" ossl dgst -sha256 -sign zca://srv.myorg.ztna -out sig x.csr
    ok "signature verifies" openssl dgst -sha256 -verify srv.pub -signature sig x.csr
    refused "x509 -req" "makes its own certificates.*openssl x509 -in zca://default/NAME" \
        ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -out no.pem
    sed -i 's/^dialect = .*/dialect = orgca/' "$ZCA_CONFIG"
}

# What the organisation's CA may sign is set by its administrator.
foreign_and_weak() {
    zca-server --state-dir "$work/server" org set default --domains myorg.ztna >/dev/null || fail "org set"
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout a.key -subj /CN=bank.example -out a.csr 2>/dev/null
    refused "a foreign name" 'refused the request by policy.*HTTP 403, NAME_NOT_ALLOWED' \
        ossl x509 -req -in a.csr -CA zca:/// -CAkey zca:/// -days 2 -out no.pem
    openssl req -newkey rsa:1024 -nodes -keyout w.key -subj /CN=w.myorg.ztna -out w.csr 2>/dev/null
    refused "a weak key" 'refused the request by policy.*HTTP 400, WEAK_KEY' \
        ossl x509 -req -in w.csr -CA zca:/// -CAkey zca:/// -days 2 -out no.pem
}

# What tools add to certificates is signed as it is; what nobody here knows is not.
extensions() {
    {
        printf 'basicConstraints = CA:FALSE\nsubjectKeyIdentifier = hash\nauthorityKeyIdentifier = keyid,issuer\n'
        printf 'keyUsage = digitalSignature\nextendedKeyUsage = clientAuth\nnsComment = comment\nnsCertType = client\n'
        printf 'subjectAltName = DNS:x.myorg.ztna\ncrlDistributionPoints = URI:http://crl.myorg.ztna/a.crl\n'
        printf 'authorityInfoAccess = OCSP;URI:http://a.myorg.ztna/\ncertificatePolicies = 1.2.3.4\ntlsfeature = status_request\n'
    } >known.ext
    ok "the usual extensions" ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -extfile known.ext -out k.pem
    signed "the usual extensions" k.pem
    ok "what was signed" ossl x509 -in k.pem -noout -text
    [ "$(grep -cE '(X509v3 [A-Z]|Netscape|TLS Feature|Authority Information Access).*:' out)" -eq 12 ] || fail "extensions are missing"
    printf '1.3.6.1.4.1.311.25.2 = DER:0500\n' >unknown.ext
    refused "an unknown extension" 'refused the request by policy.*HTTP 403, EXTENSION_NOT_ALLOWED' \
        ossl x509 -req -in x.csr -CA zca:/// -CAkey zca:/// -days 2 -extfile unknown.ext -out no.pem
    openssl req -new -key x.key -subj "/CN=Some One/emailAddress=ceo@bank.example" -out e.csr 2>/dev/null
    refused "a foreign mailbox" 'refused the request by policy.*HTTP 403, NAME_NOT_ALLOWED' \
        ossl x509 -req -in e.csr -CA zca:/// -CAkey zca:/// -days 2 -out no.pem
}

for w in $ways; do
    use "$w"
    enrolment
    certificates
    refusals
done
use default-first
wrong_uris
connections
repetition
mutual_tls
foreign_and_weak
extensions
server_made
finish
