#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's OpenVPN authenticates both ends of a tunnel with key references, as docs/recipes/openvpn.md says: in a
# chroot and as nobody, over restarts, with inline files, and where there are tun devices, with data in the tunnel.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl ss openvpn
name=vpn.myorg.ztna other=client.myorg.ztna
start_authority
cd "$work" || exit 1
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
printf '[identity %s]\nkey-type = Ed25519\n' "$other" >>"$ZCA_CONFIG"
make_identities "$name" "$other"
write_openssl_cnf
stop "$server_pid" # nothing below needs it
chmod 755 "$work"
mkdir -p empty/tmp && chmod 1777 empty/tmp
done_line='Initialization Sequence Completed'

start_openvpn() { # LOG OPTION...
    local log=$1
    shift
    openvpn --ca "$ca" --proto udp4 --data-ciphers AES-256-GCM --ping 2 --ping-restart 20 --verb 3 "$@" >"$log" 2>&1 &
    started=$!
    pids+=("$started")
}

said() { # TEXT TIMES FILE...: each file has the text that often
    local text=$1 times=$2 file
    shift 2
    for file in "$@"; do
        [ "$(grep -cF "$text" "$file")" -ge "$times" ] || { cat "$file"; return 1; }
    done
}

# what clients are usually given: one file with everything in it
{
    printf '<cert>\n%s\n</cert>\n<key>\n%s\n</key>\n' "$(cat "$other.crt")" "$(cat "$other.key")"
    printf 'verify-x509-name %s name\nremote-cert-tls server\nnobind\n' "$name"
} >client.conf
server_options=(--local 127.0.0.1 --port "$port" --dh none --cert "$name.pem" --key "$name.pem" --remote-cert-tls client)
start_openvpn server.log --dev null --tls-server "${server_options[@]}" \
    --user nobody --group nogroup --chroot empty --persist-key --persist-tun
server=$started
wait_for 10 grep -q 'link local' server.log || cat server.log
start_openvpn client.log --dev null --tls-client --remote 127.0.0.1 "$port" --config client.conf
client=$started
check 'a tunnel' wait_for 20 said "$done_line" 1 server.log client.log
check 'in TLS 1.3' said 'Control Channel: TLSv1.3' 1 server.log client.log
check 'the server has seen the client' said "VERIFY OK: depth=0, CN=$other" 1 server.log
check 'the client the server' said "VERIFY X509NAME OK: CN=$name" 1 client.log
check 'the server is nobody' equal nobody "$(stat -c %U "/proc/$server")"
check 'in its chroot' equal "$work/empty" "$(readlink "/proc/$server/root")"
kill -USR1 "$server" "$client"
check 'again after a restart' wait_for 20 said "$done_line" 2 server.log client.log
stop "$client"
stop "$server"

mv "$work/state/zca/keys/default/$name.key" hidden
start_openvpn failed.log --dev null --tls-server "${server_options[@]}"
check 'without the key it does not start' wait_for 10 gone "$started"
check 'and says why' said "there is no such object" 1 failed.log
mv hidden "$work/state/zca/keys/default/$name.key"

# The usual server, and data, in network namespaces of our own: both processes in one, the client's end of the
# tunnel in another, so that what is sent there can only arrive through the tunnel.
cat >tun.sh <<'EOC'
set -eu
ca=$1 port=$2
shift 2
trap 'kill $(jobs -p) 2>/dev/null' EXIT
ip link set lo up
openvpn --dev tun0 --server 10.9.0.0 255.255.255.0 --topology subnet --ca "$ca" "$@" >tun-server.log 2>&1 &
for _ in $(seq 1200); do ! grep -q 'link local' tun-server.log || break; sleep 0.05; done
ip tuntap add dev tun1 mode tun
openvpn --dev tun1 --client --remote 127.0.0.1 "$port" --config client.conf --ca "$ca" --ifconfig-noexec --route-noexec \
    >tun-client.log 2>&1 &
for _ in $(seq 1200); do ! grep -q 'Sequence Completed' tun-client.log || break; sleep 0.05; done
unshare -n sleep 300 &
far=$!
for _ in $(seq 1200); do [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ] || break; sleep 0.05; done
ip link set tun1 netns "$far"
nsenter -n -t "$far" sh -c 'ip addr add 10.9.0.2/24 dev tun1 && ip link set tun1 up'
socat TCP-LISTEN:7,bind=10.9.0.1 PIPE &
for _ in $(seq 1200); do [ -z "$(ss -Hltn 'sport = :7')" ] || break; sleep 0.05; done
echo through the tunnel | nsenter -n -t "$far" socat -t 30 - TCP:10.9.0.1:7,connect-timeout=30
EOC
if ! unshare -n ip tuntap add dev tun9 mode tun 2>/dev/null || ! command -v socat nsenter >/dev/null; then
    echo 'no tun device: no data is sent'
    finish
fi
check 'data goes through a tunnel' equal 'through the tunnel' \
    "$(unshare -n bash tun.sh "$ca" "$port" "${server_options[@]}" 2>&1)"
check 'its server has seen the client' said "[$other] Peer Connection Initiated" 1 tun-server.log
finish
