#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx with a variable in its certificate paths, as docs/recipes/nginx.md says: unprivileged workers read
# sealed references at each handshake, so a renewal is served without a reload.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx
prepare_proxy 'allow-plain-key = yes'
sed -i 's/^zca-config = .*/&\nzca-keep-sealing-key = yes/' "$OPENSSL_CONF"
cd "$work" || exit 99
port=$(free_port)
other=other.myorg.ztna
mkdir vars
for identity in "$name" "$other"; do
    add_identity "$identity" "bundle-file = $work/vars/$identity.pem" 'sealed-reference = yes'
    install -o www-data -m 600 /dev/null "vars/$identity.pem" # renewal keeps the owner
done
# shellcheck disable=SC2016  # nginx's variable
nginx_server "$port" "ssl_certificate $work/vars/\$ssl_server_name.pem;" \
    "ssl_certificate_key $work/vars/\$ssl_server_name.pem;" | write_nginx_conf

serves_name() { # NAME
    serves "vars/$1.pem" "$port" -servername "$1"
}

check 'the identities' zca renew
check 'bundles belong to the workers' equal 'www-data 600' "$(stat -c '%U %a' "vars/$name.pem")"
check 'nginx accepts the configuration' nginx_accepts
start_nginx "$port"
workers=$(children "$nginx_pid")
check 'one name' serves_name "$name"
check 'and the other' serves_name "$other"
check 'curl verifies it' equal 'hello from nginx' "$(fetch "$port")"
for round in 1 2 3; do
    before=$(serial_in "vars/$name.pem")
    check "renewal $round" zca renew "$name" --force
    check 'is another certificate' test "$before" != "$(serial_in "vars/$name.pem")"
    check 'and served at once' serves_name "$name"
done
check 'nobody renews what is current' zca renew
check 'nor writes it again' serves_name "$name"
check 'the workers are the same' equal "$workers" "$(children "$nginx_pid")"
check 'they cannot read the key' refuses 'ermission denied' runuser -u www-data -- \
    cat "state/zca/keys/default/$name.key"
check 'nor what seals it' refuses 'ermission denied' runuser -u www-data -- cat state/zca/sealing.key

# what happens without each part
zca export "$other" --bundle "vars/$other.pem" >/dev/null
check 'a plain reference does not open' refuses 'alert' \
    openssl s_client -connect "127.0.0.1:$port" -servername "$other"
check "nginx's log says why" nginx_says "opening the key reference 'zca://default/$other'"
check 'the others go on' serves_name "$name"
check 'back again' zca renew "$other"
check 'it is served again' serves_name "$other"
stop "$nginx_pid"
sed -i '/^zca-keep-sealing-key/d' "$OPENSSL_CONF"
: >nginx/error.log
start_nginx "$port"
check 'without zca-keep-sealing-key nothing opens' refuses 'alert' fetch "$port"
check "nginx's log says why" nginx_says 'sealing key:'
stop "$nginx_pid"
stop "$server_pid"
finish
