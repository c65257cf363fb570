#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Apache reads key references as docs/recipes/apache.md says: key and certificate apart, in one
# file with the chain, EC and RSA side by side; graceful serves what was renewed; clients verified by the provider.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apache_server.sh"
need openssl curl runuser
name=web.myorg.ztna
start_authority
ca=$work/state/zca/authorities/default/ca.pem
write_server_cnf
cat >>"$ZCA_CONFIG" <<EOC
[identity $name]
bundle-file = $work/both.pem
key-file = $work/web.key
certificate-file = $work/web.pem
[identity rsa]
key-type = RSA-2048
common-name = $name
dns = $name
bundle-file = $work/rsa.pem
EOC

fetch() { # with plain curl: it knows the CA file and nothing of zca
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$apache_port:127.0.0.1" "https://$name:$apache_port/"
}

fetch_as() { # CERTIFICATE KEY
    curl -sS --fail --max-time 10 --cacert "$ca" --cert "$work/$1" --key "$work/$2" \
        --resolve "$name:$apache_port:127.0.0.1" "https://$name:$apache_port/"
}

serves() { # FILE [s_client option...]: its certificate is what clients see
    local file=$1
    shift
    [ "$(serial_at "$apache_port" "$@")" = "$(openssl x509 -in "$file" -noout -serial)" ]
}

chain_length() {
    openssl s_client -connect "127.0.0.1:$apache_port" -showcerts </dev/null 2>/dev/null |
        grep -c 'BEGIN CERTIFICATE'
}

restart_apache() {
    stop "$apache_pid" && start_apache
}

worker_cannot_read() { # FILE
    ! runuser -u www-data -- cat "$1" >/dev/null 2>&1
}

check 'the identities' zca renew

write_apache_conf "SSLCertificateFile $work/web.pem" "SSLCertificateKeyFile $work/web.key"
check 'Apache accepts files apart' apache2 -t -f "$work/apache.conf"
check 'and starts' start_apache
check 'curl verifies it' equal 'hello from apache' "$(fetch)"
check 'it shows the certificate' serves "$work/web.pem"
check 'workers are www-data' equal www-data "$(apache_users)"
check 'who cannot read the key' worker_cannot_read "$work/state/zca/keys/default/$name.key"
check 'nor the reference' worker_cannot_read "$work/web.key"

# one file: key reference, certificate, chain; mod_ssl sends what follows the first certificate
cat "$work/both.pem" "$ca" >"$work/long.pem"
write_apache_conf "SSLCertificateFile $work/long.pem"
check 'one file is enough' restart_apache
check 'curl verifies it' equal 'hello from apache' "$(fetch)"
check 'the chain is sent' equal 2 "$(chain_length)"

# two kinds of keys, and the renewal of both under load
write_apache_conf "SSLCertificateFile $work/both.pem" "SSLCertificateFile $work/rsa.pem"
check 'EC and RSA side by side' restart_apache
check 'curl verifies it' equal 'hello from apache' "$(fetch)"
check 'EC for those who want it' serves "$work/both.pem" -sigalgs ECDSA+SHA256
check 'RSA for those who want it' serves "$work/rsa.pem" -sigalgs RSA-PSS+SHA256
check 'also in TLS 1.2' serves "$work/rsa.pem" -tls1_2 -cipher aRSA
sed -i "s|^bundle-file = .*|&\nreload = apache2 -f $work/apache.conf -k graceful|" "$ZCA_CONFIG"
ask_meanwhile fetch
for round in 1 2; do
    check "renewal $round" zca renew --force
    check 'graceful serves the EC certificate' wait_for 15 serves "$work/both.pem" -sigalgs ECDSA+SHA256
    check 'and the RSA one' wait_for 15 serves "$work/rsa.pem" -sigalgs RSA-PSS+SHA256
    check 'requests go on' asks_on
done
check 'no request was lost' asked_without_loss

# clients are verified with the CA that the provider has: workers look it up, and need the network for nothing
check 'an identity of a client' zca cert client.myorg.ztna --cert-file "$work/client.crt" --key-file "$work/client.key"
env -u OPENSSL_CONF openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=client.myorg.ztna -keyout "$work/foreign.pem" \
    -out "$work/foreign.crt" >"$work/setup.log" 2>&1
write_apache_conf "SSLCertificateFile $work/both.pem" 'SSLVerifyClient require' 'SSLOpenSSLConfCmd VerifyCAStore zca:///'
check 'client certificates' restart_apache
check 'ours is taken' equal 'hello from apache' "$(fetch_as client.crt client.key)"
check 'a foreign one is not' refuses 'alert' fetch_as foreign.crt foreign.pem
check 'none is not' refuses 'alert' fetch

stop "$server_pid"
check 'clients are verified without the authority' equal 'hello from apache' "$(fetch_as client.crt client.key)"
write_apache_conf "SSLCertificateFile $work/both.pem" "SSLCertificateFile $work/rsa.pem"
read -ra old_workers <<<"$(apache_workers)"
check 'graceful without the authority' command_apache graceful
check 'makes new workers' wait_for 15 apache_replaced "${old_workers[@]}"
check 'that serve' equal 'hello from apache' "$(fetch)"
check_no_private_key "$work/state" "$work/apache" "$work"/{web,both,rsa,long}.pem "$work"/*.key
stop "$apache_pid"
finish
