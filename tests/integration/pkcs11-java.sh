#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Java's keytool and jarsigner with zca-pkcs11.so: keys, requests and certificates on the scratch token; an identity is a
# keystore whose entry has the CA's chain, and signs code.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need keytool jarsigner java jar strace curl ss
prepare_tokens
prepare_scratch
cd "$work" || exit 99

# keystore TOKEN: writes the provider's configuration for it
keystore() {
    local index
    index=$(pkcs11-tool --module "$module" --list-slots | sed -n 's/^ *token label *: //p' | grep -nxF "$1") &&
        printf 'name = zca\nlibrary = %s\nslotListIndex = %d\n' "$module" $((${index%%:*} - 1)) >"$1.cfg"
}

# java_tool PROGRAM TOKEN [OPTION...]: keytool or jarsigner
java_tool() {
    local program=$1 token=$2
    shift 2
    timeout 60 "$program" -J-Duser.language=en -J-Xshare:auto -keystore NONE -storetype PKCS11 -storepass "$user_pin" \
        -providerClass sun.security.pkcs11.SunPKCS11 -providerArg "$token.cfg" "$@"
}

keys() { # TOKEN COMMAND [OPTION...]: keytool
    local token=$1 command=$2
    shift 2
    java_tool keytool "$token" "$command" "$@"
}

shows() { # TEXT COMMAND...
    local text=$1
    shift
    "$@" >shows.out 2>&1
    grep -qF -- "$text" shows.out || { cat shows.out; return 1; }
}

# ---- the scratch token ----

keystore "$scratch"
declare -A make=([ec]='-keyalg EC -groupname secp256r1' [p384]='-keyalg EC -groupname secp384r1' [rsa]='-keyalg RSA -keysize 2048')
for kind in ec p384 rsa; do
    # shellcheck disable=SC2086  # words
    check "$kind: a key pair" keys "$scratch" -genkeypair -alias "j$kind" ${make[$kind]} -dname "CN=j$kind" -validity 30 -ext bc:c
    check 'listed' shows 'PrivateKeyEntry' keys "$scratch" -list -alias "j$kind"
    check 'exported' keys "$scratch" -exportcert -alias "j$kind" -rfc -file "$kind.pem"
    check 'openssl verifies it' openssl verify -check_ss_sig -CAfile "$kind.pem" "$kind.pem"
    check 'a request' keys "$scratch" -certreq -alias "j$kind" -file "$kind.csr"
    check 'for its key' fits "$kind.csr" "$kind.pem"
done
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -subj /CN=leaf -out leaf.csr 2>/dev/null
for kind in ec p384 rsa; do
    check "$kind: as a CA" keys "$scratch" -gencert -alias "j$kind" -infile leaf.csr -outfile "leaf-$kind.pem" -rfc -validity 5
    check 'openssl verifies it' openssl verify -CAfile "$kind.pem" "leaf-$kind.pem"
done
check 'a certificate signed as PSS' keys "$scratch" -genkeypair -alias jpss -keyalg RSA -keysize 2048 -sigalg RSASSA-PSS -dname CN=jpss \
    -validity 30
check 'deleted' keys "$scratch" -delete -alias jp384
check 'gone' shows 'does not exist' keys "$scratch" -list -alias jp384

# ---- identities ----

mkdir content
printf 'hello\n' >content/hello
jar --create --file unsigned.jar -C content hello
openssl x509 -in "$ca" -outform DER -out ca.der
keytool -importcert -noprompt -alias ca -file ca.der -keystore trust.p12 -storepass changeit >/dev/null 2>&1
for identity in "$ec" "$rsa"; do
    keystore "$identity"
    check "$identity: an entry" shows "$identity, PrivateKeyEntry" keys "$identity" -list
    check 'enrolled by looking' issued "$identity"
    check 'with the chain' shows 'Certificate chain length: 2' keys "$identity" -list -v -alias "$identity"
    check 'a second time without asking' equal 0 "$(connects keytool -keystore NONE -storetype PKCS11 -storepass "$user_pin" \
        -providerClass sun.security.pkcs11.SunPKCS11 -providerArg "$identity.cfg" -list)"
    check 'exported' keys "$identity" -exportcert -alias "$identity" -rfc -file "$identity.crt"
    check 'the stored one' same_certificate "$identity.crt" "state/zca/certs/default/$identity.pem"
    check 'a request' keys "$identity" -certreq -alias "$identity" -file "$identity.csr"
    check 'for its key' fits "$identity.csr" "$identity.crt"
    cp unsigned.jar "$identity.jar"
    check 'signs code' java_tool jarsigner "$identity" -sigfile ZCA "$identity.jar" "$identity"
    check 'Java verifies it' shows 'jar verified.' jarsigner -verify -keystore trust.p12 -storepass changeit "$identity.jar"
    mkdir "$identity.jar.d"
    (cd "$identity.jar.d" && jar --extract --file "../$identity.jar")
    check 'with two certificates' equal 2 "$(openssl pkcs7 -inform DER -in "$identity.jar.d"/META-INF/ZCA.[ER]* -print_certs | grep -c BEGIN)"
done

# ---- the CA ----

keystore default
check 'the CA is an entry' shows 'default, PrivateKeyEntry' keys default -list
openssl req -new -key leaf.key -subj /CN=leaf.myorg.ztna -out leaf.csr
check 'it signs what keytool made' keys default -gencert -alias default -infile leaf.csr -outfile leaf.pem -rfc -validity 2 \
    -ext san=dns:leaf.myorg.ztna
check 'openssl verifies it' openssl verify -CAfile "$ca" leaf.pem
check 'a CA below it is refused' shows 'keytool error' keys default -gencert -alias default -infile leaf.csr -outfile sub.pem -rfc \
    -ext bc:c=ca:true
check 'nothing was written' test ! -s sub.pem

# ---- TLS ----

tls=(-XX:TieredStopAtLevel=1 "$here/pkcs11_tls.java")

fetch_as() { # IDENTITY PORT [OPTION...]: with a key reference, for the server's name
    local client=$1 port=$2
    shift 2
    curl -sS --fail --max-time 10 --cacert "$ca" --cert "$client.bundle" --resolve "$identity:$port:127.0.0.1" "$@" "https://$identity:$port/"
}

zca export "$ec" --bundle "$ec.bundle" >>setup.log
write_openssl_cnf
for identity in "$ec" "$rsa"; do
    port=$(free_port)
    run_in_background java "${tls[@]}" server "$identity.cfg" "$user_pin" trust.p12 "$port"
    check "$identity serves TLS" wait_for 20 listens "$port"
    check 'TLS 1.3' equal "hello CN=$ec" "$(fetch_as "$ec" "$port")"
    check 'TLS 1.2' equal "hello CN=$ec" "$(fetch_as "$ec" "$port" --tls-max 1.2)"
    check 'another JVM is the client' grep -q "hello CN=$identity" <(java "${tls[@]}" client "$identity.cfg" "$user_pin" trust.p12 "$port")
    stop "$started"
done
finish
