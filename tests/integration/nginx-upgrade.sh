#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# nginx's binary upgrade (USR2): the new master finds the provider when nginx.conf hands OPENSSL_CONF on, says
# why when it does not, and no handshake fails meanwhile.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx
prepare_proxy
port=$(free_port)
bundle=$work/bundle.pem
add_identity "$name" "bundle-file = $bundle"
zca renew >"$work/setup.log" || exit 1
nginx_server "$port" "ssl_certificate $bundle;" "ssl_certificate_key $bundle;" | write_nginx_conf

new_master() { # the process of the pid file, another than the old one
    new_pid=$(cat "$work/nginx/pid" 2>/dev/null)
    [ -n "$new_pid" ] && [ "$new_pid" != "$nginx_pid" ] && [ -e "$work/nginx/pid.oldbin" ]
}

upgrade_failed() { # the old master took its name back
    [ ! -e "$work/nginx/pid.oldbin" ] && [ "$(cat "$work/nginx/pid")" = "$nginx_pid" ]
}

has_no_workers() { # the old master, whose child the new one is
    equal "$new_pid" "$(children "$nginx_pid")"
}

# only a daemon heeds USR2
sed -i 's/^daemon off/daemon on/' "$work/nginx.conf"
start_nginx "$port"
wait_for 20 test -s "$work/nginx/pid"
nginx_pid=$(cat "$work/nginx/pid")
pids+=("$nginx_pid")
check 'it serves' serves "$bundle" "$port"

# without the line the new master knows no provider
sed -i '/^env OPENSSL_CONF/d' "$work/nginx.conf"
check 'it goes on without "env OPENSSL_CONF"' nginx_reloads
: >"$work/nginx/error.log"
kill -USR2 "$nginx_pid"
check 'but the new master does not start' wait_for 20 nginx_says 'cannot load certificate key'
check 'and leaves' wait_for 20 upgrade_failed
check 'the old one serves on' serves "$bundle" "$port"

# with it
sed -i "s/^events/$(example_line 'env ')\n&/" "$work/nginx.conf"
check 'it reads nginx.conf again' nginx_reloads
load_start "$port" 4
check 'there is load' load_goes_on
kill -USR2 "$nginx_pid"
check 'with "env OPENSSL_CONF" there is a new master' wait_for 20 new_master
pids+=("$new_pid")
check 'with workers' wait_for 20 has_workers "$new_pid"
check 'many handshakes at both' load_goes_on
kill -WINCH "$nginx_pid"
check 'the workers of the old one end' wait_for 20 has_no_workers
kill -QUIT "$nginx_pid"
check 'the old one ends' wait_for 20 gone "$nginx_pid"
check 'the new one serves' serves "$bundle" "$port"
check 'many handshakes at the new one' load_goes_on
set_reload "$name" "/bin/kill -HUP $new_pid"
check 'it reads its key again' zca renew "$name" --force
check 'and serves what was renewed' wait_for 20 serves "$bundle" "$port"
check 'the load sees it, too' wait_for 20 load_saw "$bundle"
check 'no handshake failed meanwhile' load_stop
check 'both certificates were seen' equal 2 "$(grep -c '^serial' "$work/result")"
stop "$new_pid"
finish
