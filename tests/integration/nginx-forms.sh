#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's nginx takes key references in every form of its configuration: separate files, one file in both
# orders, EC and RSA side by side; it survives broken ones, and verifies clients through VerifyCAStore.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119,SC2016  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx strace
prepare_proxy
cd "$work" || exit 99
add_identity "$name"
add_identity web-rsa "common-name = $name" 'key-type = RSA-2048'
add_identity client.myorg.ztna
add_identity gone.myorg.ztna
declare -A port
used=' '
for form in separate key_first chain_first both verifying proxy broken; do
    until port[$form]=$(free_port) && [[ $used != *" ${port[$form]} "* ]]; do :; done
    used+="${port[$form]} "
done

# serves_kind PORT FILE KEY-TYPE: to clients of TLS 1.2 and 1.3 that know only this one
serves_kind() {
    local -A algorithm=([ECDSA]=ECDSA+SHA256 [RSA]=RSA-PSS+SHA256:RSA+SHA256)
    serves "$2" "$1" -tls1_3 -sigalgs "${algorithm[$3]}" && serves "$2" "$1" -tls1_2 -cipher "a$3"
}

# make_stranger NAME: NAME.pem, a client certificate like ours, down to the CA's name, of somebody else's CA
make_stranger() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1-ca.pem" -out "$1-ca.pem" \
        -subj "$(openssl x509 -in "$ca" -noout -subject -nameopt sname,sep_comma_plus_space | sed 's|^subject=|/|; s|, |/|g')" &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.pem" -out "$1-cert.pem" \
            -subj /CN=client.myorg.ztna -CA "$1-ca.pem" -CAkey "$1-ca.pem" && cat "$1-cert.pem" >>"$1.pem"
}

who() { # [CLIENT.pem [OPTION...]]: whom the verifying server sees
    local certificate=()
    [ $# -eq 0 ] || certificate=(--cert "$1" --key "$1" "${@:2}")
    curl -sS --max-time 10 --cacert "$ca" --resolve "$name:${port[verifying]}:127.0.0.1" \
        "${certificate[@]}" "https://$name:${port[verifying]}/"
}

for identity in "$name" web-rsa client.myorg.ztna gone.myorg.ztna; do
    openssl x509 -in "zca://$identity" -noout || exit 1
    zca export "$identity" --bundle "$identity.pem" --cert "$identity.crt" --key "$identity.key" >>setup.log
done
cat "$name.crt" "$name.key" >chain-first.pem
cp gone.myorg.ztna.pem broken.pem
{
    nginx_server "${port[separate]}" "ssl_certificate $work/$name.crt;" "ssl_certificate_key $work/$name.key;"
    nginx_server "${port[key_first]}" "ssl_certificate $work/$name.pem;" "ssl_certificate_key $work/$name.pem;"
    nginx_server "${port[chain_first]}" "ssl_certificate $work/chain-first.pem;" \
        "ssl_certificate_key $work/chain-first.pem;"
    nginx_server "${port[both]}" "ssl_certificate $work/$name.pem;" "ssl_certificate_key $work/$name.pem;" \
        "ssl_certificate $work/web-rsa.pem;" "ssl_certificate_key $work/web-rsa.pem;"
    nginx_server "${port[verifying]}" "ssl_certificate $work/$name.pem;" "ssl_certificate_key $work/$name.pem;" \
        'ssl_conf_command VerifyCAStore "zca:///?type=cert";' 'ssl_conf_command VerifyMode Request;' \
        'if ($ssl_client_verify != SUCCESS) { return 403 "$ssl_client_verify"; }' |
        sed 's/hello from nginx/client $ssl_client_s_dn/'
    nginx_server "${port[proxy]}" "ssl_certificate $work/$name.pem;" "ssl_certificate_key $work/$name.pem;" \
        "proxy_ssl_certificate $work/client.myorg.ztna.pem;" "proxy_ssl_certificate_key $work/client.myorg.ztna.pem;" \
        "proxy_ssl_name $name;" 'proxy_ssl_verify on;' "proxy_ssl_trusted_certificate $ca;" |
        sed "s|return 200 .*|proxy_pass https://127.0.0.1:${port[verifying]}; }|"
    nginx_server "${port[broken]}" "ssl_certificate $work/broken.pem;" "ssl_certificate_key $work/broken.pem;"
} | write_nginx_conf
check 'nginx accepts all forms' nginx_accepts
start_nginx "${port[separate]}"
for form in separate key_first chain_first; do
    check "$form: TLS 1.2 and 1.3" serves_kind "${port[$form]}" "$name.pem" ECDSA
    check "$form: curl verifies it" equal 'hello from nginx' "$(fetch "${port[$form]}")"
done
check 'both: EC for those who know it' serves_kind "${port[both]}" "$name.pem" ECDSA
check 'both: RSA for those who do not' serves_kind "${port[both]}" web-rsa.pem RSA
check 'both: curl verifies it' equal 'hello from nginx' "$(fetch "${port[both]}")"

# ---- clients ----

make_stranger stranger >>setup.log 2>&1 || cat setup.log
mapfile -t workers < <(children "$nginx_pid")
trace_start trace "${workers[@]}"
check 'a client of our CA is seen' equal 'client CN=client.myorg.ztna' "$(who client.myorg.ztna.pem)"
check 'one without a certificate is not' equal NONE "$(who)"
for option in --tlsv1.3 '--tls-max 1.2'; do
    # shellcheck disable=SC2086  # two words
    check "a stranger whose CA has the name of ours ($option)" equal 'FAILED:certificate signature failure' \
        "$(who stranger.pem $option)"
    # shellcheck disable=SC2086  # two words
    check "a stranger that is its own CA ($option)" equal 'FAILED:self-signed certificate' "$(who stranger-ca.pem $option)"
done
check 'nginx itself is a client with a reference' equal 'client CN=client.myorg.ztna' "$(fetch "${port[proxy]}")"
stop "$trace_pid"
check 'workers found the CA by themselves' grep -q 'openat.*authorities/default/ca.pem.*= [0-9]' trace
check 'they accepted' test "$(calls trace accept4)" -ge 7
check 'and connected to themselves only' equal 1 "$(calls trace connect)"

# ---- a reload that fails ----

# survives WHAT TEXT: after a change for the worse, a reload fails with TEXT, and the old state goes on
survives() {
    : >nginx/error.log
    kill -HUP "$nginx_pid"
    check "$1: told in nginx's log" wait_for 10 nginx_says "$2"
    check "$1: served on" serves gone.myorg.ztna.crt "${port[broken]}"
    check "$1: beside the others" equal 'hello from nginx' "$(fetch "${port[separate]}")"
    check "$1: by the same workers" equal "${workers[*]}" "$(children "$nginx_pid" | paste -sd' ')"
}

sed -i '2s/^..../AAAA/' broken.pem
survives 'a damaged block' "reading a PEM block 'ZCA PRIVATE KEY'"
cp gone.myorg.ztna.pem broken.pem
mv state/zca/keys/default/gone.myorg.ztna.key hidden
survives 'a key that is gone' "'default/gone.myorg.ztna' has no key"
mv hidden state/zca/keys/default/gone.myorg.ztna.key
chmod 640 state/zca/keys/default/gone.myorg.ztna.key
survives 'a key that is open to others' 'chmod 600 it'
chmod 600 state/zca/keys/default/gone.myorg.ztna.key
mv state/zca/sealing.key hidden
survives 'a sealing key that is gone' 'sealing key:'
mv hidden state/zca/sealing.key
cat "$name.key" gone.myorg.ztna.crt >broken.pem
survives 'a reference to another key' 'key values mismatch'
cp gone.myorg.ztna.pem broken.pem

kill -HUP "$nginx_pid"
check 'after the repair a reload succeeds' wait_for 10 gone "${workers[0]}"
check 'and serves' equal 'hello from nginx' "$(fetch "${port[broken]}" --connect-to "$name:${port[broken]}:127.0.0.1:${port[separate]}")"
stop "$nginx_pid"

# ---- VerifyCAStore alone: the master uses nothing of zca, so the workers open it themselves ----

nginx_server "${port[verifying]}" "ssl_certificate $work/stranger-ca.pem;" "ssl_certificate_key $work/stranger-ca.pem;" \
    'ssl_conf_command VerifyCAStore "zca:///";' 'ssl_conf_command VerifyMode Request;' \
    'if ($ssl_client_verify != SUCCESS) { return 403 "$ssl_client_verify"; }' |
    sed 's/hello from nginx/client $ssl_client_s_dn/' | write_nginx_conf
start_nginx "${port[verifying]}"
check 'with a key file: a client of our CA' equal 'client CN=client.myorg.ztna' "$(who client.myorg.ztna.pem --insecure)"
check 'with a key file: a stranger' equal 'FAILED:certificate signature failure' "$(who stranger.pem --insecure)"
stop "$nginx_pid"
finish
