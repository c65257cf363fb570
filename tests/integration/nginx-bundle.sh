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
ask_meanwhile fetch "$port"
for round in 1 2 3; do
    check "renewal $round" zca renew "$name" --force
    check 'is served after the reload' wait_for 20 serves "$bundle" "$port"
    check 'requests go on' asks_on
done
check 'no request was lost' asked_without_loss

# the authority is not needed for any of this
stop "$server_pid"
check 'a reload without the authority' nginx_reloads
check 'serves on' equal 'hello from nginx' "$(fetch "$port")"
check_no_private_key "$work/state" "$bundle" "$work/nginx"
stop "$nginx_pid"
finish
