#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# GnuTLS with zca-pkcs11.so: p11tool makes, lists, writes and deletes; certtool makes requests and certificates with keys of
# the scratch token, and requests with keys of identities. Its server and client speak TLS with identities.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need p11tool certtool gnutls-serv gnutls-cli strace
prepare_tokens
prepare_scratch
cd "$work" || exit 99
printf 'cn = "gnutls"\nserial = 7\nexpiration_days = 30\nca\ncert_signing_key\n' >template
printf 'cn = "leaf"\nserial = 8\nexpiration_days = 20\n' >leaf

tool() { # [OPTION...]: p11tool
    p11tool --batch --provider "$module" "$@"
}

maker() { # [OPTION...]: certtool
    certtool --provider "$module" --template template "$@"
}

objects() { # URL: the URLs below it
    tool --login --list-all --only-urls "$1"
}

one() { # URL TYPE: the URL of the only object there of the type
    objects "$1;type=$2" | grep "type=$2"
}

check 'tokens' test "$(tool --list-token-urls | grep -c 'manufacturer=')" -ge 5
check 'listing tokens: no connection' equal 0 "$(connects p11tool --provider "$module" --list-tokens)"
check 'listing objects: no connection' equal 0 "$(connects p11tool --batch --provider "$module" --list-all "pkcs11:token=$ec")"

# ---- the scratch token ----

declare -A make=([ec]='ecdsa --curve secp256r1' [p384]='ecdsa --curve secp384r1' [rsa]='rsa --bits 2048')
for kind in ec p384 rsa; do
    # shellcheck disable=SC2086  # words
    check "$kind: a key pair" tool --login --generate-privkey ${make[$kind]} --label "g$kind" --outfile "$kind.pub" "pkcs11:token=$scratch"
    check 'its two objects' equal 2 "$(objects "pkcs11:token=$scratch;object=g$kind" | grep -c "object=g$kind")"
    key="pkcs11:token=$scratch;object=g$kind;type=private"
    check 'a request' certtool --provider "$module" --template leaf --generate-request --load-privkey "$key" --load-pubkey "$kind.pub" --outfile "$kind.csr"
    check 'openssl verifies it' openssl req -in "$kind.csr" -noout -verify
    check 'a certificate' maker --generate-self-signed --load-privkey "$key" --load-pubkey "$kind.pub" --outfile "$kind.pem"
    check 'openssl verifies it' openssl verify -check_ss_sig -CAfile "$kind.pem" "$kind.pem"
    check 'as a CA' certtool --provider "$module" --template leaf --generate-certificate --load-request "$kind.csr" --load-ca-privkey "$key" \
        --load-ca-certificate "$kind.pem" --outfile "leaf-$kind.pem"
    check 'openssl verifies it' openssl verify -check_ss_sig -CAfile "$kind.pem" "leaf-$kind.pem"
    check 'written' tool --login --write --load-certificate "$kind.pem" --label "g$kind" "pkcs11:token=$scratch"
    check 'exported' tool --login --export --outfile read.pem "pkcs11:token=$scratch;object=g$kind;type=cert"
    check 'as it was' same_certificate read.pem "$kind.pem"
done
check 'p11tool tests the signatures of a key' tool --login --test-sign "pkcs11:token=$scratch;object=gec;type=private"
check 'another label' tool --login --set-label other "pkcs11:token=$scratch;object=gp384;type=public"
check 'found by it' one "pkcs11:token=$scratch;object=other" public
check 'deleted' tool --login --delete "pkcs11:token=$scratch;object=gec"
check 'gone' equal '' "$(objects "pkcs11:token=$scratch;object=gec")"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out own.pem
openssl genrsa -out own-rsa.pem 2048 2>/dev/null
for own in own own-rsa; do
    check "import $own.pem" tool --login --write --load-privkey "$own.pem" --label "$own" "pkcs11:token=$scratch"
    openssl pkey -in "$own.pem" -pubout -out own.pub
    check 'it signs' maker --generate-request --load-privkey "pkcs11:token=$scratch;object=$own;type=private" --load-pubkey own.pub --outfile own.csr
    check 'openssl verifies it' openssl req -in own.csr -noout -verify
done

# ---- identities ----

issue "$ec" "$rsa"
for identity in "$ec" "$rsa"; do
    key="pkcs11:token=$identity;object=$identity;type=private"
    check "$identity: certificate exported" tool --export --outfile read.pem "pkcs11:token=$identity;object=$identity;type=cert"
    check 'the issued one' same_certificate read.pem "$identity.pem"
    check 'its chain' tool --export-chain --outfile chain.pem "pkcs11:token=$identity;object=$identity;type=cert"
    check 'verifies' openssl verify -CAfile "$ca" -untrusted chain.pem chain.pem
    check 'p11tool tests its signatures' tool --test-sign "$key"
    check 'a request' maker --generate-request --load-privkey "$key" --outfile own.csr
    check 'for the key of the certificate' fits own.csr "$identity.pem"
done
check 'the CA signs no digest' refuses 'unsupported feature' maker --generate-certificate --load-request own.csr \
    --load-ca-privkey 'pkcs11:token=default;object=default;type=private' --load-ca-certificate "$ca" --outfile none.pem

# ---- TLS ----

for identity in "$ec" "$rsa"; do
    port=$(free_port)
    run_in_background gnutls-serv --provider "$module" --port "$port" --echo --require-client-cert --verify-client-cert \
        --x509cafile "$ca" --x509keyfile "pkcs11:token=$identity;object=$identity;type=private" \
        --x509certfile "pkcs11:token=$identity;object=$identity;type=cert"
    check "$identity serves TLS" wait_for 10 listens "$port"
    for version in 1.2 1.3; do
        check "TLS $version with a client's identity" gnutls-cli --provider "$module" --port "$port" --x509cafile "$ca" \
            --priority "NORMAL:-VERS-ALL:+VERS-TLS$version" --sni-hostname "$identity" --verify-hostname "$identity" \
            --x509keyfile "pkcs11:token=$ec;object=$ec;type=private" --x509certfile "pkcs11:token=$ec;object=$ec;type=cert" 127.0.0.1 </dev/null
    done
    stop "$started"
done
finish
