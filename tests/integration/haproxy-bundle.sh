#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's haproxy serves one bundle with a key reference, as docs/recipes/haproxy.md says: reload in
# master-worker mode, and an update at run time from within its chroot with a sealed reference.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2119  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/proxies.sh"
need haproxy python3
prepare_proxy 'keep-sealing-key = yes'
port=$(free_port)
bundle=$work/bundle.pem
add_identity "$name" "bundle-file = $bundle"
echo "bind 127.0.0.1:$port ssl crt $bundle" | write_haproxy_cfg


check 'the identity' zca renew
check 'haproxy accepts the configuration' haproxy -c -f "$work/haproxy.cfg"
start_haproxy "$port"
worker=$(children "$haproxy_pid")
check 'curl verifies it' equal 'hello from haproxy' "$(fetch "$port")"
check 'it shows the bundle' serves "$bundle" "$port"
check 'the worker is haproxy' equal haproxy "$(child_users "$haproxy_pid")"
check 'in its chroot' equal "$work/empty" "$(readlink "/proc/$worker/root")"

check 'a renewal' zca renew "$name" --force
kill -USR2 "$haproxy_pid"
check 'is served after a reload' wait_for 10 serves "$bundle" "$port"

# at run time: the worker sits in its chroot and can read no key
check 'another renewal' zca renew "$name" --force
check 'a plain reference is refused there' refuses 'must contain at least a certificate and a private key' \
    must_be_committed "$bundle" "$bundle"
check 'a sealed bundle' zca export "$name" --bundle "$work/sealed.pem" --sealed
check 'is taken by the running worker' must_be_committed "$bundle" "$work/sealed.pem"
check 'and served' wait_for 10 serves "$work/sealed.pem" "$port"
check 'curl verifies it' equal 'hello from haproxy' "$(fetch "$port")"
stop "$server_pid"
check 'without the authority' equal 'hello from haproxy' "$(fetch "$port")"
stop "$haproxy_pid"

# with zca-keep-sealing-key the worker needs no key of zca when it starts
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/own.key" -subj "/CN=$name" -days 1 \
    -config <(echo '[req]'; echo 'distinguished_name = req') -out "$work/own.crt" 2>/dev/null
cat "$work/own.crt" "$work/own.key" >"$bundle"
start_haproxy "$port"
check 'a worker without one opens no sealed bundle' refuses '' must_be_committed "$bundle" "$work/sealed.pem"
stop "$haproxy_pid"
sed -i '/^keep-sealing-key/d' "$ZCA_CONFIG"
sed -i 's|^zca-config = .*|&\nzca-keep-sealing-key = yes|' "$OPENSSL_CONF"
start_haproxy "$port"
check 'but with zca-keep-sealing-key' must_be_committed "$bundle" "$work/sealed.pem"
check 'and serves it' wait_for 10 serves "$work/sealed.pem" "$port"
stop "$haproxy_pid"
finish
