#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Apache takes certificate and key from the provider by pkcs11 URIs, without any file, as
# docs/recipes/apache.md says; only where the administrator asked for the scheme.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apache_server.sh"
need openssl curl
name=web.myorg.ztna
start_authority
ca=$work/state/zca/authorities/default/ca.pem
write_openssl_cnf
sed -i "s|^module = .*|&\nzca-config = $ZCA_CONFIG|" "$OPENSSL_CONF"
printf '[identity %s]\nreload = apache2 -f %s -k graceful\n' "$name" "$work/apache.conf" >>"$ZCA_CONFIG"
# an engine of that name would come first
export OPENSSL_ENGINES=/nonexistent

fetch() { # with plain curl: it knows the CA file and nothing of zca
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$apache_port:127.0.0.1" "https://$name:$apache_port/"
}

serves_stored() { # what clients see is what the provider has
    [ "$(serial_at "$apache_port")" = "$(openssl x509 -in "zca://$name?offline=yes" -noout -serial)" ]
}

does_not_start() {
    ! timeout 10 apache2 -f "$work/apache.conf" -D FOREGROUND 2>&1 && grep -q 'AH00016: Configuration Failed' "$work/apache/error.log"
}

chain_length() {
    openssl s_client -connect "127.0.0.1:$apache_port" -showcerts </dev/null 2>/dev/null |
        grep -c 'BEGIN CERTIFICATE'
}

certificates_kept() { # in the state directory, which is all that there is
    find "$work/state/zca/certs" -name '*.pem' | wc -l
}

by_uri=("SSLCertificateFile \"pkcs11:token=default;object=$name;type=cert\""
    "SSLCertificateKeyFile \"pkcs11:token=default;object=$name;type=private\"")
write_apache_conf "${by_uri[@]}"

# nobody asked for the scheme
check 'by itself the scheme is not ours' refuses "pkcs11" openssl storeutl "pkcs11:object=$name"
check 'so Apache does not start' does_not_start
check 'and says why' grep -q 'OSSL_STORE_open failed' "$work/apache/error.log"

sed -i 's|^module = .*|&\nzca-claim-pkcs11-scheme = yes|' "$OPENSSL_CONF"
check 'openssl takes it' openssl storeutl -noout -certs "pkcs11:object=$name;type=cert"
check 'as the identity' equal 1 "$(certificates_kept)"
check 'Apache starts without any file' start_apache
check 'curl verifies it' equal 'hello from apache' "$(fetch)"
check 'it shows the stored certificate' serves_stored
check 'workers are www-data' equal www-data "$(apache_users)"

for round in 1 2; do
    check "renewal $round" zca renew "$name" --force
    check 'is served by graceful' wait_for 15 serves_stored
    check 'to curl' equal 'hello from apache' "$(fetch)"
done

# certificate and key of one identity: a URI without type names both
write_apache_conf "SSLCertificateFile pkcs11:object=$name"
read -ra old_workers <<<"$(apache_workers)"
check 'one URI is enough' command_apache graceful
check 'and taken' wait_for 15 apache_replaced "${old_workers[@]}"
check 'curl verifies it' equal 'hello from apache' "$(fetch)"

# mod_ssl takes the leaf from the URI; what follows it is a file
write_apache_conf "${by_uri[@]}" "SSLCertificateChainFile $ca"
read -ra old_workers <<<"$(apache_workers)"
check 'a chain file beside' command_apache graceful
check 'is taken' wait_for 15 apache_replaced "${old_workers[@]}"
check 'and sent' equal 2 "$(chain_length)"
stop "$apache_pid"

# an identity that does not exist yet is made and enrolled by the start
other=new.myorg.ztna
write_apache_conf "SSLCertificateFile \"pkcs11:object=$other;type=cert\"" \
    "SSLCertificateKeyFile \"pkcs11:object=$other;type=private\""
check 'a new name' start_apache
check 'is enrolled' wait_for 10 equal "subject=CN = $other" "$(openssl s_client -connect "127.0.0.1:$apache_port" \
    </dev/null 2>/dev/null | openssl x509 -noout -subject)"
stop "$apache_pid"
stop "$server_pid"
write_apache_conf "${by_uri[@]}"
check 'a start without the authority' start_apache
check 'serves' equal 'hello from apache' "$(fetch)"
stop "$apache_pid"
check 'nothing but the state was written' equal '' "$(find "$work" -path "$work/state" -prune -o -name '*.pem' -newer "$work/setup.log" -print)"
finish
