#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's haproxy takes key references in every form: crt in both orders, crt beside crt.key, EC and RSA, a
# directory; its own directives load the provider as well; a reload that fails keeps the old state.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need haproxy
prepare_proxy
cd "$work" || exit 99
add_identity "$name"
add_identity web-rsa "common-name = $name" 'key-type = RSA-2048'
forms=(key_first chain_first beside both directory verifying)
declare -A port
used=' '
for form in "${forms[@]}"; do
    until port[$form]=$(free_port) && [[ $used != *" ${port[$form]} "* ]]; do :; done
    used+="${port[$form]} "
done
for identity in "$name" web-rsa; do
    openssl x509 -in "zca://$identity" -noout || exit 1
    zca export "$identity" --bundle "$identity.pem" --cert "$identity.crt" --key "$identity.crt.key" >>setup.log
done
cat "$name.crt" "$name.crt.key" >chain-first.pem
mkdir directory both
cp "$name.pem" directory
cp "$name.pem" both/web.pem.ecdsa
cp web-rsa.pem both/web.pem.rsa
write_haproxy_cfg <<EOC
bind 127.0.0.1:${port[key_first]} ssl crt $work/$name.pem
bind 127.0.0.1:${port[chain_first]} ssl crt $work/chain-first.pem
bind 127.0.0.1:${port[beside]} ssl crt $work/$name.crt
bind 127.0.0.1:${port[both]} ssl crt $work/both/web.pem
bind 127.0.0.1:${port[directory]} ssl crt $work/directory
bind 127.0.0.1:${port[verifying]} ssl crt $work/$name.pem ca-file $ca verify required
EOC

# serves_kind PORT FILE KEY-TYPE: to clients of TLS 1.2 and 1.3 that know only this one
serves_kind() {
    local -A algorithm=([ECDSA]=ECDSA+SHA256 [RSA]=RSA-PSS+SHA256:RSA+SHA256)
    serves "$2" "$1" -servername "$name" -tls1_3 -sigalgs "${algorithm[$3]}" &&
        serves "$2" "$1" -servername "$name" -tls1_2 -cipher "a$3"
}

check 'haproxy accepts all forms' haproxy -c -f haproxy.cfg
start_haproxy "${port[key_first]}"
for form in key_first chain_first beside directory; do
    check "$form: TLS 1.2 and 1.3" serves_kind "${port[$form]}" "$name.pem" ECDSA
    check "$form: curl verifies it" equal 'hello from haproxy' "$(fetch "${port[$form]}")"
done
check 'both: EC for those who know it' serves_kind "${port[both]}" "$name.pem" ECDSA
check 'both: RSA for those who do not' serves_kind "${port[both]}" web-rsa.pem RSA
check 'a client with a reference' equal 'hello from haproxy' "$(curl -sS --max-time 10 --cacert "$ca" \
    --resolve "$name:${port[verifying]}:127.0.0.1" --cert "$name.pem" --key "$name.pem" "https://$name:${port[verifying]}/")"
check 'and one without' refuses 'alert' fetch "${port[verifying]}" --tls-max 1.2

# ---- a reload that fails ----

worker=$(children "$haproxy_pid")
cp "$name.pem" kept.pem
sed -i '2s/^..../AAAA/' "$name.pem"
sed -i "s|^log = none|log = $work/zca.log|" "$ZCA_CONFIG"
kill -USR2 "$haproxy_pid"
check 'a broken reference is told by haproxy' wait_for 10 grep -q 'No Private Key found' haproxy.log
check 'its reason by zca' wait_for 20 grep -q "reading a PEM block 'ZCA PRIVATE KEY'" zca.log
check 'served on' equal 'hello from haproxy' "$(fetch "${port[key_first]}")"
check 'by the same worker' equal "$worker" "$(children "$haproxy_pid")"
cp kept.pem "$name.pem"
kill -USR2 "$haproxy_pid"
check 'after the repair a reload succeeds' wait_for 10 gone "$worker"
check 'and serves' serves "$name.pem" "${port[key_first]}"
stop "$haproxy_pid"

# ---- haproxy as a client ----

write_haproxy_cfg <<EOC
bind 127.0.0.1:${port[key_first]} ssl crt $work/$name.pem
bind 127.0.0.1:${port[verifying]} ssl crt $work/$name.pem ca-file $ca verify required
use_backend verifying if { dst_port ${port[key_first]} }
EOC
cat >>haproxy.cfg <<EOC
backend verifying
    server itself 127.0.0.1:${port[verifying]} ssl crt $work/$name.pem ca-file $ca verify required verifyhost $name
EOC
sed -i 's/^    http-request return.*/& if !{ dst_port '"${port[key_first]}"' }/' haproxy.cfg
start_haproxy "${port[key_first]}"
check 'haproxy itself is a client with a reference' equal 'hello from haproxy' "$(fetch "${port[key_first]}")"
stop "$haproxy_pid"

# ---- haproxy's own directives instead of openssl.cnf ----

printf 'openssl_conf = init\n[init]\n' >empty.cnf
write_haproxy_cfg "ssl-provider-path $(dirname "$provider")" 'ssl-provider default' 'ssl-provider zca' \
    <<<"bind 127.0.0.1:${port[key_first]} ssl crt $work/$name.pem"
export OPENSSL_CONF=$work/empty.cnf
start_haproxy "${port[key_first]}"
check 'ssl-provider: it serves' equal 'hello from haproxy' "$(fetch "${port[key_first]}")"
stop "$haproxy_pid"
finish
