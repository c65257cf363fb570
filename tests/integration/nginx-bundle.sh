#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's nginx serves one bundle with a key reference, as docs/recipes/nginx.md says: workers without
# access to the key directory, renewal and reload without a lost connection.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need nginx
prepare_proxy
port=$(free_port)
bundle=$work/bundle.pem
add_identity "$name" "bundle-file = $bundle"
nginx_server "$port" "ssl_certificate $bundle;" "ssl_certificate_key $bundle;" | write_nginx_conf

lost_nothing() {
    [ ! -s "$work/lost" ] || { cat "$work/lost"; return 1; }
}

worker_cannot_read() { # FILE
    ! runuser -u www-data -- cat "$1" >/dev/null 2>&1
}

check 'the identity' zca renew
check 'nginx accepts the configuration' nginx_accepts
start_nginx "$port"
check 'curl verifies it' equal 'hello from nginx' "$(fetch "$port")"
check 'it shows the bundle' serves "$bundle" "$port"
check 'workers are www-data' equal www-data "$(child_users "$nginx_pid")"
check 'the key directory is 0700 root' equal '700 root' "$(stat -c '%a %U' "$work/state/zca/keys/default")"
check 'a worker cannot read the key' worker_cannot_read "$work/state/zca/keys/default/$name.key"
check 'nor the bundle' worker_cannot_read "$bundle"

# renewals with a reload each, under load
set_reload "$name" "/bin/kill -HUP $nginx_pid"
(while [ ! -e "$work/enough" ]; do fetch "$port" >/dev/null 2>>"$work/lost" || echo lost >>"$work/lost"; echo 1 >>"$work/asked"; done) &
pids+=("$!")
for round in 1 2 3; do
    check "renewal $round" zca renew "$name" --force
    check 'is served after the reload' wait_for 10 serves "$bundle" "$port"
done
touch "$work/enough"
wait "$!" 2>/dev/null
check 'no request was lost' lost_nothing
check 'and there were some' test "$(wc -l <"$work/asked")" -gt 10

# the authority is not needed for any of this
stop "$server_pid"
kill -HUP "$nginx_pid"
sleep 0.5
check 'a reload without the authority' equal 'hello from nginx' "$(fetch "$port")"
check 'no private key in the clear' equal '' \
    "$(grep -rlE -- '-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY' "$work/state" "$bundle" "$work/nginx")"
stop "$nginx_pid"
finish
