#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's nginx takes its key from zca-pkcs11.so through the engine of libp11: four workers without any rights of their own
# sign after fork, with the authority stopped, and again after a reload.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
. "$(dirname "$0")/pkcs11.sh"
need nginx
engines=$(openssl version -e | cut -d'"' -f2)
[ -e "$engines/pkcs11.so" ] || skip 'libengine-pkcs11-openssl is not installed'
prepare_tokens
cd "$work" || exit 99
chmod 755 "$work"
issue "$ec" "$rsa"
write_openssl_engine_cnf
sed -i "s|^MODULE_PATH = .*|&\nINIT_ARGS = config=$ZCA_CONFIG|" "$OPENSSL_CONF"
ec_port=$(free_port)
until rsa_port=$(free_port) && [ "$rsa_port" != "$ec_port" ]; do :; done
unset ZCA_CONFIG # nginx gives its workers no environment

{
    for identity in "$ec" "$rsa"; do
        [ "$identity" = "$ec" ] && port=$ec_port || port=$rsa_port
        nginx_server "$port" "ssl_certificate $work/$identity.pem;" \
            "ssl_certificate_key \"engine:pkcs11:pkcs11:token=$identity;type=private\";"
    done
} | write_nginx_conf
sed -i -e 's/^user .*/user nobody nogroup;/' -e 's/^worker_processes .*/worker_processes 4;\nssl_engine pkcs11;/' nginx.conf

shakes() { # PORT NAME: a thousand new handshakes, none fails
    "$handshakes" "$1" "$2" "$ca" 4 1000
}

check 'nginx accepts it' nginx_accepts
start_nginx "$ec_port"
stop "$server_pid"
check 'four workers' equal 4 "$(children "$nginx_pid" | wc -l)"
check 'of nobody' equal nobody "$(child_users "$nginx_pid")"
for round in start HUP HUP; do
    if [ "$round" = HUP ]; then
        mapfile -t workers < <(children "$nginx_pid")
        kill -HUP "$nginx_pid"
        check 'HUP brings new workers' wait_for 20 gone "${workers[0]}"
        check 'four' wait_for 20 equal 4 "$(children "$nginx_pid" | wc -l)"
    fi
    check "after $round: 1,000 handshakes with an EC key" shakes "$ec_port" "$ec"
    check "after $round: 1,000 handshakes with an RSA key" shakes "$rsa_port" "$rsa"
    check 'TLS 1.2' openssl s_client -connect "127.0.0.1:$ec_port" -tls1_2 -CAfile "$ca" -verify_return_error </dev/null
done
kill -KILL "$(children "$nginx_pid" | head -n 1)"
check 'a killed worker is replaced' wait_for 10 equal 4 "$(children "$nginx_pid" | wc -l)"
check 'and signs' shakes "$ec_port" "$ec"
check 'nothing in the log' equal '' "$(grep -E 'alert|emerg|crit|error' nginx/error.log | grep -v 'signal 9')"
stop "$nginx_pid"
finish
