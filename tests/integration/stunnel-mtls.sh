#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's stunnel as docs/recipes/stunnel.md says: a server and a client that authenticate with key references,
# HUP after a renewal, and the same when the server has given up its user.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl stunnel4 ss ps curl
getent passwd stunnel4 >/dev/null || skip 'there is no user stunnel4'
name=tunnel.myorg.ztna
client=client.myorg.ztna
start_authority
port=$(free_port)
entry=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
write_server_cnf
printf '[identity %s]\nbundle-file = %s\n' "$name" "$work/tunnel.pem" >>"$ZCA_CONFIG"
printf '[identity %s]\nbundle-file = %s\n' "$client" "$work/client.pem" >>"$ZCA_CONFIG"
chmod 755 "$work" "$work/state" "$work/state/zca" "$work/state/zca/authorities" # stunnel4 passes through

# what is behind the tunnel: one answer for each connection
cat >"$work/answer" <<'EOC'
#!/bin/sh
while read -r line && [ "${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\r\n\r\nhello from stunnel\n'
EOC
chmod 755 "$work/answer"

write_server_conf() { # [GLOBAL-LINE...]
    {
        printf 'foreground = yes\npid = \ndebug = info\nsyslog = no\n'
        [ $# -eq 0 ] || printf '%s\n' "$@"
        cat <<EOC
[server]
accept = 127.0.0.1:$port
exec = $work/answer
cert = $work/tunnel.pem
CAfile = $ca
requireCert = yes
verifyChain = yes
EOC
    } >"$work/server.conf"
}

cat >"$work/client.conf" <<EOC
foreground = yes
pid =
syslog = no
[client]
client = yes
accept = 127.0.0.1:$entry
connect = 127.0.0.1:$port
cert = $work/client.pem
CAfile = $ca
verifyChain = yes
checkHost = $name
EOC

start_stunnel() { # CONF PORT
    run_in_background stunnel4 "$1"
    wait_for 10 listens "$2" || { cat "$work/stunnel4.log"; return 1; }
}

start_server_side() {
    start_stunnel "$work/server.conf" "$port"
    tunnel_pid=$started
}

tunnels() { # what a plain client gets at the near end
    equal 'hello from stunnel' "$(curl -sS --max-time 10 "http://127.0.0.1:$entry/")"
}

user_of() { # PID
    ps -o user= -p "$1"
}

rejects_strangers() {
    ! openssl s_client -connect "127.0.0.1:$port" -CAfile "$ca" -tls1_2 </dev/null
}

check 'the identities' zca renew

# root, as Debian starts it
write_server_conf
check 'the server starts' start_server_side
check 'it shows the bundle' serves "$work/tunnel.pem" "$port"
check 'the client starts' start_stunnel "$work/client.conf" "$entry"
client_pid=$started
check 'both authenticate' tunnels
check 'a client without certificate is rejected' rejects_strangers
sed -i "s|^bundle-file = .*tunnel.pem|&\nreload = /bin/kill -HUP $tunnel_pid|" "$ZCA_CONFIG"
check 'a renewal' zca renew "$name" --force
check 'is served after HUP' wait_for 10 serves "$work/tunnel.pem" "$port"
sed -i "s|^bundle-file = .*client.pem|&\nreload = /bin/kill -HUP $client_pid|" "$ZCA_CONFIG"
check 'a renewal of the client' zca renew "$client" --force
check 'is taken too' wait_for 10 tunnels

# a broken reference does not bring it down
before=$(serial_at "$port")
cp "$work/tunnel.pem" "$work/kept.pem"
sed -i '2s/^..../AAAA/' "$work/tunnel.pem"
kill -HUP "$tunnel_pid"
check 'a broken reference is told' wait_for 10 grep -q 'zca::the input is not valid' "$work/stunnel4.log"
check 'and the old one is served on' equal "$before" "$(serial_at "$port")"
cp "$work/kept.pem" "$work/tunnel.pem"
stop "$tunnel_pid"

# setuid: what HUP reads, it reads as that user
sed -i '/^reload = /d' "$ZCA_CONFIG"
write_server_conf 'setuid = stunnel4' 'setgid = stunnel4'
check 'the server starts with setuid' start_server_side
check 'and is stunnel4' equal stunnel4 "$(user_of "$tunnel_pid")"
check 'both authenticate' wait_for 10 tunnels
kill -HUP "$tunnel_pid"
check 'it cannot read the files of root again' wait_for 10 grep -q 'Permission denied' "$work/stunnel4.log"
stop "$tunnel_pid"

# a sealed reference can be opened with what was read as root; the file stays with stunnel4 when it is replaced
sed -i "s|^bundle-file = .*/tunnel.pem|&\nsealed-reference = yes|; s|^log = none|&\nkeep-sealing-key = yes|" "$ZCA_CONFIG"
chmod 644 "$ZCA_CONFIG"
check 'a sealed bundle' zca renew "$name"
chown stunnel4 "$work/tunnel.pem"
check 'the server starts' start_server_side
check 'and is stunnel4' equal stunnel4 "$(user_of "$tunnel_pid")"
sed -i "s|^sealed-reference = yes|&\nreload = /bin/kill -HUP $tunnel_pid|" "$ZCA_CONFIG"
for round in 1 2; do
    check "renewal $round" zca renew "$name" --force
    check 'is served after HUP' wait_for 10 serves "$work/tunnel.pem" "$port"
done
check 'and both authenticate' tunnels
stop "$server_pid"
check 'without the authority too' tunnels
check_no_private_key "$work/state" "$work"/*.pem
stop "$tunnel_pid"
stop "$client_pid"
finish
