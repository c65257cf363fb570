#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The provider for PKCS #11 modules with zca-pkcs11.so: identities sign for openssl and nginx, and the authority's key signs
# what it can inspect; also where that provider is preferred for everything, and where zca.so is active beside it. Debian 12
# has no package of it: ZCA_TEST_PKCS11_PROVIDER names its file.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
. "$(dirname "$0")/pkcs11.sh"
modules=$(openssl version -m | cut -d'"' -f2)
bridge=${ZCA_TEST_PKCS11_PROVIDER:-$modules/pkcs11.so}
[ -e "$bridge" ] || {
    echo 'ok    nothing to do: Debian 12 has no pkcs11-provider, and ZCA_TEST_PKCS11_PROVIDER names none'
    exit 0
}
need nginx timeout
prepare_tokens
prepare_scratch
cd "$work" || exit 99
chmod 755 "$work"
mine --keypairgen --key-type EC:prime256v1 --id 01 --label ec >>setup.log 2>&1
mine --keypairgen --key-type rsa:2048 --id 02 --label rsa >>setup.log 2>&1
issue "$ec" "$rsa" "$ed"
sed -i "s|^log = none|log = $work/zca.log|" "$ZCA_CONFIG"
printf '%s\n' "$user_pin" >pin

# write_bridge_cnf PREFERRED PROVIDER...: an openssl.cnf with these; PREFERRED yes: for every algorithm that it has
write_bridge_cnf() {
    local preferred=$1
    shift
    write_openssl_cnf "$@"
    sed -i -e "s|^\[pkcs11_provider\]|&\nmodule = $bridge\npkcs11-module-path = $module|" \
        -e "s|^module = $provider|&\nzca-config = $ZCA_CONFIG|" "$OPENSSL_CONF"
    [ "$preferred" = no ] ||
        sed -i 's|^providers = providers|&\nalg_section = algorithms\n[algorithms]\ndefault_properties = ?provider=pkcs11|' "$OPENSSL_CONF"
    cat >>"$OPENSSL_CONF" <<'EOC'
[ca]
default_ca = d
[d]
database = index.txt
new_certs_dir = .
default_md = sha256
default_days = 2
default_crl_days = 2
policy = p
unique_subject = no
rand_serial = yes
crlnumber = crlnumber
[p]
commonName = supplied
EOC
    rm -f index.txt* && : >index.txt
    [ -f crlnumber ] || echo 1000 >crlnumber # never one again
}

quickly() { # COMMAND...: within five seconds; whatever it writes is new
    rm -f own.csr self.pem leaf.pem
    timeout 5 "$@"
}

asks_nothing() { # COMMAND...
    quickly "$@" >asked 2>&1 && ! grep 'PIN' asked
}

write_bridge_cnf no default
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout x.key -subj /CN=x.myorg.ztna \
    -addext subjectAltName=DNS:x.myorg.ztna -out x.csr 2>/dev/null
ca_key='pkcs11:token=default;type=private'

identities() {
    local identity
    for identity in "$ec" "$rsa" "$ed"; do
        local key="pkcs11:token=$identity;object=$identity;type=private"
        check "$arrangement: $identity: a request without a PIN" asks_nothing openssl req -new -key "$key" -subj /CN=x -out own.csr
        check 'for the key of its certificate' fits own.csr "$identity.pem"
        check 'a certificate of its own' quickly openssl req -x509 -new -key "$key" -subj /CN=x -days 2 -out self.pem
        check 'verifies' openssl verify -check_ss_sig -CAfile self.pem self.pem
        check 'its certificate by URI' quickly openssl x509 -in "pkcs11:token=$identity;object=$identity;type=cert" -out leaf.pem
        check 'the issued one' same_certificate leaf.pem "$identity.pem"
    done
    for kind in ec rsa; do
        check "$arrangement: $kind behind the PIN" quickly openssl req -new \
            -key "pkcs11:token=$scratch;object=$kind;type=private?pin-source=file:$work/pin" -subj /CN=x -out own.csr
        check 'verifies' openssl req -in own.csr -noout -verify
    done
}

authority() {
    check "$arrangement: x509 -req -CAkey" quickly openssl x509 -req -in x.csr -CA "$ca" -CAkey "$ca_key" -days 7 -out leaf.pem
    check 'verifies' openssl verify -CAfile "$ca" leaf.pem
    check 'req -x509 -CAkey' quickly openssl req -x509 -in x.csr -CA "$ca" -CAkey "$ca_key" -days 7 -copy_extensions copy -out leaf.pem
    check 'verifies' openssl verify -CAfile "$ca" leaf.pem
    check 'ca' quickly openssl ca -batch -cert "$ca" -keyfile "$ca_key" -in x.csr -out leaf.pem
    check 'verifies' openssl verify -CAfile "$ca" leaf.pem
    check 'ca -gencrl' quickly openssl ca -gencrl -cert "$ca" -keyfile "$ca_key" -out crl.pem
    check 'verifies' openssl crl -in crl.pem -noout -CAfile "$ca"
    : >zca.log
    check 'a lifetime over policy: refused' refuses 'ASN1_item_sign_ctx' quickly openssl x509 -req -in x.csr -CA "$ca" -CAkey "$ca_key" -days 40000 -out leaf.pem
    check 'by policy' grep -q 'POLICY: signing' zca.log
    check 'a digest: refused' refuses 'invalid mechanism' quickly openssl pkeyutl -sign -inkey "$ca_key" -in <(head -c 32 /dev/zero) -out none.sig
}

for arrangement in 'pkcs11' 'pkcs11 preferred' 'pkcs11 and zca' 'zca, pkcs11 preferred' 'pkcs11 first'; do
    case $arrangement in
    pkcs11) write_bridge_cnf no default pkcs11 ;;
    'pkcs11 preferred') write_bridge_cnf yes default pkcs11 ;;
    'pkcs11 and zca') write_bridge_cnf no default pkcs11 zca ;;
    'zca, pkcs11 preferred') write_bridge_cnf yes default zca pkcs11 ;;
    'pkcs11 first') write_bridge_cnf yes pkcs11 zca default ;;
    esac
    identities
    authority
    [[ $arrangement != *zca* ]] ||
        check "$arrangement: the provider zca beside it" quickly openssl req -new -key "zca://$ec" -subj /CN=x -out own.csr
done

# a certificate is requested from within the module while that provider is preferred for everything: libcurl's TLS, too
for identity in fresh.myorg.ztna fresher.myorg.ztna; do
    add_identity "$identity"
    check "$identity is enrolled by looking" quickly openssl x509 -in "pkcs11:token=$identity;object=$identity;type=cert" -out leaf.pem
    check 'by our CA' openssl verify -CAfile "$ca" leaf.pem
done

# ---- nginx: a key file that holds the URI ----

# write_uri_file FILE URI: what that provider decodes
write_uri_file() {
    printf 'asn1 = SEQUENCE:key\n[key]\nwhat = VISIBLESTRING:PKCS\\#11 Provider URI v1.0\nuri = UTF8:"%s"\n' "$2" >asn1.cnf
    openssl asn1parse -genconf asn1.cnf -noout -out uri.der &&
        { echo '-----BEGIN PKCS#11 PROVIDER URI-----'; openssl base64 -in uri.der; echo '-----END PKCS#11 PROVIDER URI-----'; } >"$1"
}

write_bridge_cnf no default pkcs11
sed -i "s|^pkcs11-module-path = .*|&\npkcs11-module-init-args = config=$ZCA_CONFIG|" "$OPENSSL_CONF"
port=$(free_port)
write_uri_file key.pem "pkcs11:token=$ec;object=$ec;type=private"
nginx_server "$port" "ssl_certificate $work/$ec.pem;" "ssl_certificate_key $work/key.pem;" | (unset ZCA_CONFIG && write_nginx_conf)
sed -i -e 's/^user .*/user nobody nogroup;/' -e 's/^worker_processes .*/worker_processes 4;/' nginx.conf
unset ZCA_CONFIG
check 'nginx accepts it' nginx_accepts
start_nginx "$port"
stop "$server_pid"
for round in start HUP; do
    if [ "$round" = HUP ]; then
        mapfile -t workers < <(children "$nginx_pid")
        kill -HUP "$nginx_pid"
        check 'HUP brings new workers' wait_for 20 gone "${workers[0]}"
    fi
    check 'workers of nobody' equal nobody "$(child_users "$nginx_pid")"
    check "after $round: 1,000 handshakes" "$handshakes" "$port" "$ec" "$ca" 4 1000
done
stop "$nginx_pid"
finish
