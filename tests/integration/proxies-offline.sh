#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The authority is stopped: nginx with two workers and haproxy with two threads in its chroot go on through a
# thousand handshakes each, without one call of connect; so do workers that read their key each time.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx haproxy strace
prepare_proxy
sed -i 's/^zca-config = .*/&\nzca-keep-sealing-key = yes/' "$OPENSSL_CONF"
cd "$work" || exit 99
until nginx_port=$(free_port) && variable_port=$(free_port) && haproxy_port=$(free_port) &&
    [ "$nginx_port" != "$variable_port" ] && [ "$nginx_port" != "$haproxy_port" ] && [ "$variable_port" != "$haproxy_port" ]; do :; done
add_identity "$name" "bundle-file = $work/$name.pem" 'sealed-reference = yes'
install -o www-data -m 600 /dev/null "$name.pem"
zca renew >setup.log || exit 1
# shellcheck disable=SC2016  # nginx's variable
{
    nginx_server "$nginx_port" "ssl_certificate $work/$name.pem;" "ssl_certificate_key $work/$name.pem;"
    nginx_server "$variable_port" "ssl_certificate $work/\$ssl_server_name.pem;" \
        "ssl_certificate_key $work/\$ssl_server_name.pem;"
} | write_nginx_conf
echo "bind 127.0.0.1:$haproxy_port ssl crt $work/$name.pem" | write_haproxy_cfg
start_nginx "$nginx_port"
start_haproxy "$haproxy_port"
check 'the authority is stopped' stop "$server_pid"
check 'and gone' refuses 'onnect' zca ca show --trust

# count_calls WHAT PORT PID...: a thousand handshakes at the processes, and what they call meanwhile
count_calls() {
    local what=$1 port=$2
    shift 2
    trace_start trace "$@"
    check "$what: a thousand handshakes" "$handshakes" "$port" "$name" "$ca" 4 1000
    equal 'failed 0' "$("$handshakes" "$port" "$name" "$ca" 1 1 | grep failed)"
    stop "$trace_pid"
    check "$what: they were traced" test "$(grep -cE ' accept4?[( ].* = [0-9]+$' trace)" -ge 1000
    check "$what: nobody was connected to" equal 0 "$(calls trace connect)"
    mv trace "trace.$port"
}

locks_memory() { # PID: for its keys; a lock does not go through a fork by itself
    grep '^VmLck:' "/proc/$1/status" && [ "$(sed -n 's/^VmLck:[ \t]*\([0-9]*\) kB/\1/p' "/proc/$1/status")" -gt 0 ]
}

mapfile -t workers < <(children "$nginx_pid")
check 'nginx has two workers' equal 2 "${#workers[@]}"
check 'nginx: keys are in locked memory' locks_memory "${workers[0]}"
count_calls 'nginx' "$nginx_port" "${workers[@]}"
check 'nginx: no file is opened' equal 0 "$(calls "trace.$nginx_port" openat)"
count_calls 'nginx, variable path' "$variable_port" "${workers[@]}"
worker=$(children "$haproxy_pid")
check 'haproxy has two threads in its chroot' equal "3 $work/empty" \
    "$(find "/proc/$worker/task" -maxdepth 1 | wc -l) $(readlink "/proc/$worker/root")"
check 'haproxy: keys are in locked memory' locks_memory "$worker"
count_calls 'haproxy' "$haproxy_port" "$worker"
check 'haproxy: no file is opened' equal 0 "$(calls "trace.$haproxy_port" openat)"
stop "$nginx_pid"
stop "$haproxy_pid"
finish
