#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's mosquitto and its clients authenticate with key references, as docs/recipes/mosquitto.md says: the broker is
# started as root and reads its files as mosquitto, which has a state of its own, or a sealed reference.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl mosquitto mosquitto_pub mosquitto_sub ss ps
id mosquitto >/dev/null 2>&1 || skip 'there is no user mosquitto'
prepare_service broker.myorg.ztna broker.pem 'dns = broker.myorg.ztna localhost'

write_mosquitto_conf() { # PEM
    cat >"$work/mosquitto.conf" <<EOC
user mosquitto
log_dest stderr
listener $port 127.0.0.1
certfile $1
keyfile $1
cafile $ca
require_certificate true
use_identity_as_username true
allow_anonymous false
EOC
}

start_mosquitto() {
    run_in_background mosquitto -c "$work/mosquitto.conf"
    mosquitto_pid=$started
    wait_for 10 listens "$port" || { cat "$work/mosquitto.log"; return 1; }
}

client() { # sub|pub OPTION...
    local kind=$1
    shift
    timeout 120 "mosquitto_$kind" -h localhost -p "$port" --cafile "$ca" -t greetings "$@"
}

delivers() { # OPTION...: what one client publishes another gets, retained by the broker
    client pub -r -m "hello from mosquitto" "$@" && equal 'hello from mosquitto' "$(client sub -C 1 "$@")"
}

does_not_start() {
    ! timeout 10 mosquitto -c "$work/mosquitto.conf"
}

# it reads its files after it has become mosquitto: what only root can read is out of reach
check 'an identity of root' zca renew "$name"
chmod 755 "$work" "$work/state" "$work/state/zca" "$work/state/zca/authorities"
write_mosquitto_conf "$bundle"
check "with root's files it does not start" does_not_start

rm -r "$work/state/files"
mkdir "$work/state/files"
give_state_to mosquitto
check 'the identity, made by mosquitto' as mosquitto zca renew "$name" --force
check 'it starts' start_mosquitto
check 'and is mosquitto' equal mosquitto "$(ps -o user= -p "$mosquitto_pid")"
check 'it shows the bundle' serves "$bundle" "$port"
check 'clients are known by their certificates' delivers --cert "$work/client.crt" --key "$work/client.key"
check 'from one file, too' delivers --cert "$work/client.pem" --key "$work/client.pem"
check 'as the name in it' grep -q "u'$client'" "$work/mosquitto.log"
check 'without one they are not' refuses 'Error' client pub -m nothing

# a subscriber that stays through renewals
client sub -C 2 --cert "$work/client.pem" --key "$work/client.pem" >"$work/heard" 2>&1 &
listener=$!
check 'a subscriber' wait_for 10 grep -q hello "$work/heard"
sed -i "s|^bundle-file = $bundle|&\nreload = /bin/kill -HUP $mosquitto_pid|" "$ZCA_CONFIG"
for round in 1 2; do
    check "renewal $round" as mosquitto zca renew "$name" --force
    check 'is served after HUP' wait_for 10 serves "$bundle" "$port"
done
check 'clients are known' delivers --cert "$work/client.pem" --key "$work/client.pem"
wait "$listener"
check 'the subscriber stayed' equal 2 "$(grep -c '^hello from mosquitto$' "$work/heard")"

# a broken file is told; what can be read again is served again
cp -p "$bundle" "$work/kept.pem"
sed -i '2s/^..../AAAA/' "$bundle"
chown mosquitto "$bundle"
kill -HUP "$mosquitto_pid"
check 'a broken reference is told' wait_for 10 grep -q 'zca::the input is not valid' "$work/mosquitto.log"
cp -p "$work/kept.pem" "$bundle"
kill -HUP "$mosquitto_pid"
check 'and mended' wait_for 10 serves "$bundle" "$port"

stop "$server_pid"
check 'without the authority' delivers --cert "$work/client.pem" --key "$work/client.pem"
stop "$mosquitto_pid"

# or the keys stay with root: the sealing key is read while OpenSSL initialises, which is before it is mosquitto
chown -R root: "$work/state"
sed -i "s|^bundle-file = $bundle|bundle-file = $work/sealed.pem\nsealed-reference = yes|; /^reload = /d" "$ZCA_CONFIG"
check 'a sealed bundle' zca renew "$name"
chown mosquitto "$work/sealed.pem"
write_mosquitto_conf "$work/sealed.pem"
check 'by itself it is not opened' does_not_start
sed -i 's|^module = .*|&\nzca-keep-sealing-key = yes|' "$OPENSSL_CONF"
check 'the broker starts with it' start_mosquitto
check 'and is mosquitto' equal mosquitto "$(ps -o user= -p "$mosquitto_pid")"
check 'who cannot read the keys' refuses 'Permission denied' as mosquitto ls "$work/state/zca/keys"
check 'clients are known' delivers --cert "$work/client.pem" --key "$work/client.pem"
kill -HUP "$mosquitto_pid"
check 'after HUP too' delivers --cert "$work/client.pem" --key "$work/client.pem"
check_no_private_key "$work/state" "$work"/*.pem "$work"/*.key
stop "$mosquitto_pid"
finish
