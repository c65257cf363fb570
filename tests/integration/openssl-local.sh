#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Local keys through the real openssl: requests, public keys, signatures, references, TLS, for each way of
# activating the provider. No authority can be reached: nothing here may need one.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/openssl_ways.sh"
need openssl

write_config 'keystore = file' 'auto-enrol = no' '[authority corp]' 'url = https://127.0.0.1:1' 'dialect = orgca' \
    '[identity rsa]' 'key-type = RSA-2048' '[identity ed]' 'key-type = Ed25519'

echo 'the quick brown fox' >data

requests() {
    for name in web rsa ed; do
        ok "$name request" ossl req -new -key "zca://$name" -subj "/CN=$name" \
            -addext "subjectAltName=DNS:$name.example" -out "$name.csr"
        ok "$name request verifies" ossl req -in "$name.csr" -noout -verify -subject
        says "$name request" "CN = $name"
        ok "$name self-signed" ossl req -x509 -new -key "zca://corp/$name" -subj "/CN=$name" -days 2 -out "$name.pem"
        ok "$name self-signed verifies" ossl verify -CAfile "$name.pem" "$name.pem"
        ok "$name public key" ossl pkey -in "zca://$name" -pubout -out "$name.pub"
        ok "$name public key of the request" ossl req -in "$name.csr" -noout -pubkey
        same "$name public key of the request" "$name.pub" out
        ok "$name public key by expectation" ossl pkey -pubin -in "zca://$name" -pubout -out again.pub
        same "$name public key by expectation" "$name.pub" again.pub
    done
    ok "ec" ossl ec -in zca://web -pubout -out again.pub
    same "ec" web.pub again.pub
    ok "rsa" ossl rsa -in zca://rsa -pubout -out again.pub
    same "rsa" rsa.pub again.pub
    ok "text" ossl pkey -in zca://web -text_pub -noout
    says "text" 'NIST CURVE: P-256'
    ok "spkac" ossl spkac -key zca://web -digest sha256 -out spkac
    ok "spkac verifies" ossl spkac -in spkac -verify -noout
    ok "signkey" ossl x509 -req -in web.csr -signkey zca://web -days 1 -out signed.pem
    ok "named curve" openssl asn1parse -in web.csr
    says "named curve" prime256v1
}

signatures() {
    for name in web rsa; do
        ok "$name dgst" ossl dgst -sha256 -sign "zca://$name" -out sig data
        ok "$name dgst verify" ossl dgst -sha256 -verify "$name.pub" -signature sig data
        ok "$name dgst prverify" ossl dgst -sha256 -prverify "zca://$name" -signature sig data
        ok "$name dgst sha384" ossl dgst -sha384 -sign "zca://$name" -out sig data
        ok "$name dgst sha384 verify" openssl dgst -sha384 -verify "$name.pub" -signature sig data
        openssl dgst -sha256 -binary data >digest
        ok "$name pkeyutl" ossl pkeyutl -sign -inkey "zca://$name" -in digest -pkeyopt digest:sha256 -out sig
        ok "$name pkeyutl verify" openssl pkeyutl -verify -pubin -inkey "$name.pub" -in digest \
            -pkeyopt digest:sha256 -sigfile sig
    done
    ok "pss request" ossl req -new -key zca://rsa -subj /CN=pss -sigopt rsa_padding_mode:pss \
        -sigopt rsa_pss_saltlen:32 -out pss.csr
    ok "pss request verifies" openssl req -in pss.csr -noout -verify
    ok "ed25519 rawin" ossl pkeyutl -sign -rawin -inkey zca://ed -in data -out sig
    ok "ed25519 rawin verify" openssl pkeyutl -verify -rawin -pubin -inkey ed.pub -in data -sigfile sig
    for name in web rsa; do
        ok "$name cms" ossl cms -sign -nodetach -in data -signer "$name.pem" -inkey "zca://$name" -outform PEM -out data.cms
        ok "$name cms verify" ossl cms -verify -inform PEM -in data.cms -CAfile "$name.pem" -purpose any
    done
    ok "cms without attributes" ossl cms -sign -noattr -nodetach -in data -signer web.pem -inkey zca://web -out data.cms
    ok "cms without attributes verifies" ossl cms -verify -in data.cms -CAfile web.pem -purpose any
    ok "pkey check" ossl pkey -in zca://web -check -noout
}

references() {
    for name in web rsa ed; do
        ok "$name reference" ossl pkey -in "zca://$name" -out "$name.ref"
        head -1 "$name.ref" | grep -q 'BEGIN ZCA PRIVATE KEY' || fail "$name: not a reference"
        ok "$name reference of the reference" ossl pkey -in "$name.ref" -out again.ref
        same "$name reference" "$name.ref" again.ref
        ok "$name public key of the reference" ossl pkey -in "$name.ref" -pubout -out again.pub
        same "$name public key of the reference" "$name.pub" again.pub
        cat "$name.ref" "$name.pem" >bundle.pem
        ok "$name request by bundle" ossl req -new -key bundle.pem -subj /CN=bundle -out bundle.csr
        ok "$name request by bundle verifies" openssl req -in bundle.csr -noout -verify
        ok "$name certificate in the bundle" ossl x509 -in bundle.pem -noout -subject
        cat "$name.pem" "$name.ref" >bundle.pem
        ok "$name request by bundle, certificate first" ossl req -new -key bundle.pem -subj /CN=bundle -out bundle.csr
    done
    refused "a private key as DER" . ossl pkey -in zca://web -outform DER -out key.der
    refused "a private key for PKCS #12" . ossl pkcs12 -export -inkey zca://web -in web.pem -passout pass:x -out key.p12
    if grep -rlE 'BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY' . >found; then
        fail "a private key in $(cat found)"
    fi
}

# A reference without its key: the reason is ours, whichever way the file is read.
broken_references() {
    local key
    key=$(find "$work/state" -name web.key)
    mv "$key" "$key.gone"
    refused "a reference without key" 'there is no such object.*web.key' ossl req -new -key web.ref -subj /CN=x -out no.csr
    refused "a reference without key for TLS" 'there is no such object.*web.key' \
        ossl s_server -accept 127.0.0.1:0 -cert web.pem -key web.ref
    cat web.ref web.pem >bundle.pem
    ok "the certificate of a bundle without key" ossl x509 -in bundle.pem -noout
    mv "$key.gone" "$key"
    sed '3s/./!/' web.ref >bad.ref
    refused "a damaged reference" "reading a PEM block 'ZCA PRIVATE KEY'" ossl pkey -in bad.ref -noout
    sed '/^-----END/d' web.ref >bad.ref
    refused "a cut reference" "no end line" ossl pkey -in bad.ref -noout
    { head -1 web.ref; head -c 60000 /dev/zero | base64; tail -1 web.ref; } >bad.ref
    refused "a huge reference" "reading a PEM block 'ZCA PRIVATE KEY'" ossl pkey -in bad.ref -noout
}

# With zca first every new key passes through it: it must stay an ordinary one, and must not be kept.
anonymous() {
    before=$(find "$work/state" | sort)
    ok "genpkey EC" ossl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.key
    grep -q 'BEGIN PRIVATE KEY' ec.key || fail "genpkey EC wrote something else"
    ok "genpkey RSA" ossl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key
    ok "genpkey RSA encrypted" ossl genpkey -algorithm RSA -aes256 -pass pass:secret -out rsa.enc.key
    grep -q 'BEGIN ENCRYPTED PRIVATE KEY' rsa.enc.key || fail "an encrypted key is not encrypted"
    ok "encrypted key" ossl pkey -in rsa.enc.key -passin pass:secret -noout
    ok "genpkey ED25519" ossl genpkey -algorithm ED25519 -out ed.key
    ok "newkey" ossl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout new.key -subj /CN=new -out new.pem
    ok "pkcs12" ossl pkcs12 -export -inkey new.key -in new.pem -passout pass:x -out new.p12
    ok "text" ossl pkey -in new.key -noout -text
    ok "peer" ossl pkey -in new.key -pubout -out new.pub
    ok "derive" ossl pkeyutl -derive -inkey ec.key -peerkey new.pub -out secret
    rm -f ec.key rsa.key rsa.enc.key ed.key new.key
    [ "$before" = "$(find "$work/state" | sort)" ] || fail "an anonymous key was kept"
}

tls() {
    for version in tls1_2 tls1_3; do
        for name in web rsa; do
            port=$(free_port)
            ossl_words s_server -accept "127.0.0.1:$port" -cert "$name.pem" -key "$1$name$2" -www -naccept 1
            run_in_background "${words[@]}"
            wait_for 10 listens "$port" || fail "$name $version: no server: $(cat openssl.log)"
            ok "$name $version P-256" ossl s_client -connect "127.0.0.1:$port" "-$version" -groups P-256 \
                -CAfile "$name.pem" -verify_return_error -brief </dev/null
            says "$name $version" 'Verification: OK'
            stop "$started"
        done
    done
}

# zca alone is enough, unless it was told not to be.
ensured() {
    use alone
    ok "hash" ossl dgst -sha256 data
    sed -i 's/^\[zca_provider\]$/&\nzca-ensure-default = no/' "$OPENSSL_CONF"
    refused "no default provider" . ossl dgst -sha256 data
}

ensured
for w in $ways; do
    use "$w"
    requests
    signatures
    references
    broken_references
    anonymous
    tls zca:// ''
done
use default-first
tls '' .ref
finish
