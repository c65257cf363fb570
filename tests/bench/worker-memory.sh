#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What zca costs a worker of nginx in memory: above one that serves the same key from a file, and as growth over
# many handshakes, also when the key is read at each (variable paths). Fails when a limit is passed.
# usage: worker-memory.sh [HANDSHAKES]
# shellcheck source-path=SCRIPTDIR/../integration disable=SC2119
. "$(dirname "$0")/../integration/lib.sh"
. "$(dirname "$0")/../integration/proxies.sh"
need nginx
client=$build/tests/bench/handshake
number=${1:-6000}
warm_up=3000
prepare_proxy 'allow-plain-key = yes'
sed -i 's/^zca-config = .*/&\nzca-keep-sealing-key = yes/' "$OPENSSL_CONF"
cd "$work" || exit 99
add_identity "$name" "bundle-file = $work/$name.pem" 'sealed-reference = yes'
install -o www-data -m 600 /dev/null "$name.pem"
{ zca renew && zca export "$name" --cert file.crt --key file.key --plain-key; } >setup.log || exit 1
printf 'openssl_conf = init\n[init]\n' >without.cnf

kilobytes() { # PID FIELD: of a process, in its smaps_rollup
    awk -v field="$2:" '$1 == field { sum += $2 } END { print sum + 0 }' "/proc/$1/smaps_rollup"
}

# what a process has for itself, and what it has altogether
own() { # PID
    echo $(($(kilobytes "$1" Private_Dirty) + $(kilobytes "$1" Private_Clean)))
}

handshakes_at() { # PORT NUMBER
    "$client" -n "$name" "$1" "$2" >client.log 2>&1 || { cat client.log; exit 1; }
}

# measure KEY CERTIFICATE NUMBER: of nginx's only worker, after a warm-up and after NUMBER more handshakes.
# Sets anonymous, anonymous_before, resident and private.
measure() {
    local port worker
    port=$(free_port)
    nginx_server "$port" "ssl_certificate $2;" "ssl_certificate_key $1;" | write_nginx_conf
    sed -i 's/^worker_processes .*/worker_processes 1;/' nginx.conf
    start_nginx "$port"
    worker=$(children "$nginx_pid")
    handshakes_at "$port" "$warm_up"
    anonymous_before=$(kilobytes "$worker" Anonymous)
    handshakes_at "$port" "$3"
    anonymous=$(kilobytes "$worker" Anonymous)
    resident=$(kilobytes "$worker" Rss)
    private=$(own "$worker")
    stop "$nginx_pid"
}

limit() { # WHAT VALUE LIMIT
    printf '%-52s %7s KB   limit %7s KB' "$1" "$2" "$3"
    if [ "$2" -le "$3" ]; then
        echo
    else
        echo '   over'
        failed=$((failed + 1))
    fi
}

show() { # WHAT
    printf '%-24s %6s KB resident, %6s KB anonymous, %6s KB of its own\n' "$1" "$resident" "$anonymous" "$private"
}

OPENSSL_CONF=$work/without.cnf measure "$work/file.key" "$work/file.crt" "$number"
show 'a key file, without zca'
resident_without=$resident
private_without=$private
echo "$number handshakes: without zca grows by $((anonymous - anonymous_before)) KB"
measure "$work/$name.pem" "$work/$name.pem" "$number"
show 'a reference'
limit 'a reference, resident, more by' $((resident - resident_without)) 512
limit 'a reference, of its own, more by' $((private - private_without)) 512
limit "$number handshakes: a reference grows by" $((anonymous - anonymous_before)) 64
# shellcheck disable=SC2016  # nginx's variable
measure "$work/\$ssl_server_name.pem" "$work/\$ssl_server_name.pem" $((number / 5))
show 'read at each handshake'
# sixteen handshakes at a time: the heap comes and goes by up to 360 KB
limit "$((number / 5)) handshakes: read at each, grows by" $((anonymous - anonymous_before)) 512
finish
