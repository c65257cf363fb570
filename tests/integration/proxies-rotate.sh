#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Twenty renewals at nginx (HUP; variable paths without a reload) and at haproxy (reload and runtime API by turns)
# while eight loops do full handshakes: none fails, and every certificate is seen.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx haproxy python3
rotations=20
prepare_proxy
sed -i 's/^zca-config = .*/&\nzca-keep-sealing-key = yes/' "$OPENSSL_CONF"
cd "$work" || exit 99
other=other.myorg.ztna
until nginx_port=$(free_port) && variable_port=$(free_port) && haproxy_port=$(free_port) &&
    [ "$nginx_port" != "$variable_port" ] && [ "$nginx_port" != "$haproxy_port" ] && [ "$variable_port" != "$haproxy_port" ]; do :; done
add_identity "$name" "bundle-file = $work/nginx.pem"
add_identity "$other" "common-name = $name" "bundle-file = $work/haproxy.pem" 'sealed-reference = yes'
# nginx opens a path with a variable once for the certificate and again for the key: they must match over a renewal
add_identity variable "common-name = $name" "bundle-file = $work/variable.pem" 'sealed-reference = yes' 'reuse-key = yes'
install -o www-data -m 600 /dev/null variable.pem
zca renew >setup.log || exit 1
# shellcheck disable=SC2016  # nginx's variables
{
    nginx_server "$nginx_port" "ssl_certificate $work/nginx.pem;" "ssl_certificate_key $work/nginx.pem;"
    nginx_server "$variable_port" "ssl_certificate $work/\$file.pem;" "ssl_certificate_key $work/\$file.pem;"
} | write_nginx_conf 'map $ssl_server_name $file { default variable; }'
echo "bind 127.0.0.1:$haproxy_port ssl crt $work/haproxy.pem" | write_haproxy_cfg

# seen FILE...: exactly these certificates were shown
seen() {
    local file
    equal "$(for file in "$@"; do serial_in "$file"; done | sed 's/^serial=//' | sort)" \
        "$(sed -n 's/^serial \([0-9A-F]*\) .*/\1/p' "$work/result" | sort)"
}

reload_nginx() {
    kill -HUP "$nginx_pid"
}

reload_haproxy() {
    kill -USR2 "$haproxy_pid"
}

update_haproxy() {
    must_be_committed "$work/haproxy.pem" haproxy.pem
}

# rotate PROXY IDENTITY PORT COMMAND...: renewals, after each of which one of the COMMANDs is run, by turns
rotate() {
    local proxy=$1 identity=$2 port=$3 commands=("${@:4}") round
    load_start "$port" 8
    check "$proxy: the first certificate" wait_for 20 load_saw "$proxy.pem"
    cp "$proxy.pem" "$proxy.0"
    for round in $(seq "$rotations"); do
        zca renew "$identity" --force >>setup.log 2>&1 || check "$proxy: renewal $round" tail -n 3 setup.log
        cp "$proxy.pem" "$proxy.$round"
        "${commands[round % ${#commands[@]}]}" || check "$proxy: taking over $round" false
        wait_for 20 load_saw "$proxy.$round" || { check "$proxy: serving $round" serves "$proxy.$round" "$port"; break; }
    done
    check "$proxy: no handshake failed" load_stop
    check "$proxy: every certificate was seen" seen "$proxy".{0..20}
    grep -vE "serial|seen|so far" "$work/result"
}

start_nginx "$nginx_port"
rotate nginx "$name" "$nginx_port" reload_nginx
rotate variable variable "$variable_port" true
stop "$nginx_pid"
start_haproxy "$haproxy_port"
rotate haproxy "$other" "$haproxy_port" reload_haproxy update_haproxy
stop "$haproxy_pid"
stop "$server_pid"
finish
