#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's redis-server and redis-cli authenticate with key references, as docs/recipes/redis.md says: with a state
# that belongs to redis; and with keys that stay with root, a sealed reference and the sealing key as a credential.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl redis-server redis-cli ss ps
id redis >/dev/null 2>&1 || skip 'there is no user redis'
prepare_service cache.myorg.ztna cache.pem
give_state_to redis
install -d -o redis -m 755 "$work/redis"

write_redis_conf() { # PEM
    cat >"$work/redis.conf" <<EOC
bind 127.0.0.1
port 0
unixsocket $work/redis/socket
tls-port $port
tls-cert-file $1
tls-key-file $1
tls-ca-cert-file $ca
dir $work/redis
save ""
logfile $work/redis/log
EOC
}

start_redis() { # [NAME=VALUE...]: its environment
    run_in_background setpriv --reuid redis --regid redis --init-groups env "$@" redis-server "$work/redis.conf"
    redis_pid=$started
    wait_for 10 listens "$port" || { cat "$work/setpriv.log" "$work/redis/log"; return 1; }
}

ask() { # OPTION...
    redis-cli -h 127.0.0.1 -p "$port" --tls --cacert "$ca" "$@" ping
}

answers() { # OPTION...: with the client's certificate
    equal PONG "$(ask "$@")"
}

is_verified() {
    openssl s_client -connect "127.0.0.1:$port" -CAfile "$ca" -verify_hostname "$name" -verify_return_error \
        -cert "$work/client.crt" -key "$work/client.key" </dev/null
}

does_not_start() {
    ! as redis timeout 10 redis-server "$work/redis.conf" && grep -q 'a sealed key cannot be opened' "$work/redis/log"
}

take() { # PEM: the running server reads it again, also under the same name
    redis-cli -e -s "$work/redis/socket" config set tls-cert-file "$1" tls-key-file "$1"
}

check 'the identity, made by redis' as redis zca renew "$name"
write_redis_conf "$bundle"
check 'redis-server starts' start_redis
check 'as redis' equal redis "$(ps -o user= -p "$redis_pid")"
check 'it shows the bundle' serves "$bundle" "$port"
check 'which the CA verifies' is_verified
check 'redis-cli is known by its certificate' answers --cert "$work/client.crt" --key "$work/client.key"
check 'from one file, too' answers --cert "$work/client.pem" --key "$work/client.pem"
check 'without one it is not' refuses 'Error' ask

sed -i "s|^bundle-file = $bundle|&\nreload = redis-cli -e -s $work/redis/socket config set tls-cert-file $bundle tls-key-file $bundle|" \
    "$ZCA_CONFIG"
for round in 1 2; do
    check "renewal $round" as redis zca renew "$name" --force
    check 'is served without a restart' serves "$bundle" "$port"
done
check 'and verified' is_verified
check 'redis-cli is known' answers --cert "$work/client.pem" --key "$work/client.pem"

# a broken file does not bring it down
before=$(serial_at "$port")
cp -p "$bundle" "$work/kept.pem"
sed '2s/^..../AAAA/' "$work/kept.pem" >"$work/broken.pem"
chmod 644 "$work/broken.pem"
check 'a broken reference is refused' refuses 'ERR' take "$work/broken.pem"
check 'the log says why' grep -q 'the input is not valid' "$work/redis/log"
check 'and the old one is served on' equal "$before" "$(serial_at "$port")"
stop "$redis_pid"

# keys stay with root: the reference carries the key, and systemd would hand over what opens it
chown -R root: "$work/state"
chmod 755 "$work/state" "$work/state/zca" "$work/state/zca/authorities"
install -d -m 755 "$work/credentials"
install -g redis -m 440 "$work/state/zca/sealing.key" "$work/credentials/zca-sealing-key"
sed -i "s|^bundle-file = $bundle|bundle-file = $work/sealed.pem\nsealed-reference = yes|; /^reload = /d" "$ZCA_CONFIG"
check 'a sealed bundle' zca renew "$name"
chown redis "$work/sealed.pem" # it stays so when it is replaced
check 'redis cannot read the keys' refuses 'Permission denied' as redis ls "$work/state/zca/keys"
write_redis_conf "$work/sealed.pem"
check 'redis-server starts with it' start_redis "CREDENTIALS_DIRECTORY=$work/credentials"
check 'and shows it' serves "$work/sealed.pem" "$port"
sed -i "s|^sealed-reference = .*|&\nreload = redis-cli -e -s $work/redis/socket config set tls-cert-file $work/sealed.pem tls-key-file $work/sealed.pem|" \
    "$ZCA_CONFIG"
before=$(serial_at "$port")
check 'a renewal' zca renew "$name" --force
check 'is served without a restart' serves "$work/sealed.pem" "$port"
check 'and is another' test "$before" != "$(serial_at "$port")"
check 'redis-cli is known' answers --cert "$work/client.pem" --key "$work/client.pem"
stop "$server_pid"
check 'without the authority' answers --cert "$work/client.pem" --key "$work/client.pem"
stop "$redis_pid"
check 'without the credential it does not start, and says why' does_not_start
check_no_private_key "$work/state" "$work/redis" "$work"/*.pem "$work"/*.key
finish
