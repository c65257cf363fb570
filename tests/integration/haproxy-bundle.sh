#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's haproxy serves one bundle with a key reference, as docs/recipes/haproxy.md says: reload in
# master-worker mode, and an update at run time from within its chroot with a sealed reference.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl curl haproxy ss ps python3
id haproxy >/dev/null 2>&1 || skip 'there is no user haproxy'
name=web.myorg.ztna
start_authority
port=$(free_port)
bundle=$work/bundle.pem
ca=$work/state/zca/authorities/default/ca.pem
write_openssl_cnf
sed -i "s|^module = .*|&\nzca-config = $ZCA_CONFIG|" "$OPENSSL_CONF"
sed -i 's/^log = none/&\nkeep-sealing-key = yes/' "$ZCA_CONFIG"
printf '\n[identity %s]\nbundle-file = %s\n' "$name" "$bundle" >>"$ZCA_CONFIG"
mkdir "$work/empty"
chmod 755 "$work" "$work/empty"
cat >"$work/haproxy.cfg" <<EOC
global
    chroot $work/empty
    user haproxy
    group haproxy
    stats socket $work/admin.sock mode 600 level admin
defaults
    mode http
    timeout client 10s
    timeout connect 10s
    timeout server 10s
frontend web
    bind 127.0.0.1:$port ssl crt $bundle
    http-request return status 200 content-type text/plain string "hello from haproxy\n"
EOC

fetch() { # with plain curl: it knows the CA file and nothing of zca
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$port:127.0.0.1" "https://$name:$port/"
}

serves() { # FILE: its certificate is what clients see
    [ "$(serial_at "$port")" = "$(openssl x509 -in "$1" -noout -serial)" ]
}

worker_users() { # only the master is root
    ps -o user= --ppid "$haproxy_pid" | sort -u | paste -sd,
}

command_haproxy() { # TEXT: one command to the admin socket
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(10)
s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode() + b"\n")
answer = b""
while chunk := s.recv(4096):
    answer += chunk
print(answer.decode().strip())' "$work/admin.sock" "$1"
}

check 'the identity' zca renew
check 'haproxy accepts the configuration' haproxy -c -f "$work/haproxy.cfg"
run_in_background haproxy -W -db -f "$work/haproxy.cfg"
haproxy_pid=$started
wait_for 10 listens "$port" || cat "$work/haproxy.log"
check 'curl verifies it' equal 'hello from haproxy' "$(fetch)"
check 'it shows the bundle' serves "$bundle"
check 'the worker is haproxy' equal haproxy "$(worker_users)"

check 'a renewal' zca renew "$name" --force
kill -USR2 "$haproxy_pid"
check 'is served after a reload' wait_for 10 serves "$bundle"

# at run time: the worker sits in its chroot and can read no key
check 'another renewal' zca renew "$name" --force
check 'a sealed bundle' zca export "$name" --bundle "$work/sealed.pem" --sealed
set_answer=$(command_haproxy "set ssl cert $bundle <<
$(cat "$work/sealed.pem")
")
check 'is taken by the running worker' grep -q 'Transaction created' <<<"$set_answer"
commit_answer=$(command_haproxy "commit ssl cert $bundle")
check 'and committed' grep -q 'Success' <<<"$commit_answer"
check 'and served' wait_for 10 serves "$work/sealed.pem"
check 'curl verifies it' equal 'hello from haproxy' "$(fetch)"
stop "$server_pid"
check 'without the authority' equal 'hello from haproxy' "$(fetch)"
stop "$haproxy_pid"
finish
