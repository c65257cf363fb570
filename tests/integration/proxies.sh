# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the tests of nginx and haproxy share; source it after lib.sh. Configurations are as Debian ships
# them (user, chroot, master and workers), but in the test's own directory.
# shellcheck disable=SC2034,SC2119,SC2120,SC2154  # variables and arguments are for and of the tests that source this file
need_root
need openssl curl ss ps runuser
name=web.myorg.ztna
ca=$work/state/zca/authorities/default/ca.pem
handshakes=$build/tests/integration/handshakes

# prepare_proxy [LINE...]: an authority, an openssl.cnf that leads to this test's zca.conf, LINEs in [zca]
prepare_proxy() {
    local line
    start_authority
    for line in "$@"; do
        sed -i "s|^log = none|&\n$line|" "$ZCA_CONFIG"
    done
    write_server_cnf
    chmod 755 "$work" # workers pass through it
}

set_reload() { # NAME COMMAND: replaces the one it has
    sed -i -e "/^\[identity $1\]/,/^\[/{/^reload = /d}" -e "s|^\[identity $1\]|&\nreload = $2|" "$ZCA_CONFIG"
}

fetch() { # PORT [OPTION...]: with plain curl, which knows the CA file and nothing of zca
    local port=$1
    shift
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$port:127.0.0.1" "$@" "https://$name:$port/"
}

children() { # PID
    ps -o pid= --ppid "$1" | tr -d ' '
}

child_users() { # PID
    ps -o user= --ppid "$1" | sort -u | paste -sd,
}

# trace_start FILE PID...: the accepts and connects of running processes and all their threads.
# Sets trace_pid.
trace_start() {
    local file=$1 pid arguments=()
    shift
    for pid in "$@"; do
        arguments+=(-p "$pid")
    done
    strace -f -qq -e trace=accept,accept4,connect,openat -o "$file" "${arguments[@]}" 2>>"$work/strace.log" &
    trace_pid=$!
    pids+=("$trace_pid")
    for pid in "$@"; do
        wait_for 10 grep -q '^TracerPid:.*[1-9]' "/proc/$pid/status"
    done
}

calls() { # FILE NAME: how many of these calls there were
    grep -cE "^[0-9]+ +$2\(" "$1"
}

# ---- load ----

load_start() { # PORT THREADS: handshakes until load_stop, with pauses that leave time for others; see $work/result
    mkfifo "$work/load"
    "$handshakes" "$1" "$name" "$ca" "$2" 0 10 <"$work/load" >"$work/result" 2>&1 &
    load_pid=$!
    pids+=("$load_pid")
    exec 5>"$work/load"
}

load_stop() { # succeeds when no handshake failed
    exec 5>&-
    rm "$work/load"
    wait "$load_pid"
}

load_saw() { # FILE: its certificate was shown to one of the threads
    grep -q "^seen $(serial_in "$1" | sed 's/^serial=//')$" "$work/result"
}

load_told() { # TIMES: it tells so after every ten handshakes
    [ "$(grep -c '^so far' "$work/result")" -ge "$1" ]
}

load_goes_on() { # a hundred handshakes from now on
    wait_for 30 load_told $(($(grep -c '^so far' "$work/result") + 10))
}

# ---- nginx ----

# write_nginx_conf [LINE...]: nginx.conf with the servers of standard input, LINEs in http
write_nginx_conf() {
    id www-data >/dev/null 2>&1 || skip 'there is no user www-data'
    mkdir -p "$work/nginx"
    cat >"$work/nginx.conf" <<EOC
user www-data;
worker_processes 2;
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
env OPENSSL_CONF;
events {}
http {
    access_log off;
    ssl_protocols TLSv1.2 TLSv1.3;
    client_body_temp_path $work/nginx/body;
    proxy_temp_path $work/nginx/proxy;
    fastcgi_temp_path $work/nginx/fastcgi;
    uwsgi_temp_path $work/nginx/uwsgi;
    scgi_temp_path $work/nginx/scgi;
$(printf '    %s\n' "$@")
$(cat)
}
EOC
}

nginx_server() { # PORT LINE...: a server that greets
    printf '    server {\n        listen 127.0.0.1:%s ssl;\n' "$1"
    shift
    printf '        %s\n' "$@" "location / { return 200 \"hello from nginx\n\"; }"
    printf '    }\n'
}

nginx_accepts() { # the configuration
    nginx -t -c "$work/nginx.conf" -e "$work/nginx/error.log"
}

start_nginx() { # PORT: one that it listens at. Sets nginx_pid
    run_in_background "$(command -v nginx)" -c "$work/nginx.conf" -e "$work/nginx/error.log"
    nginx_pid=$started
    wait_for 10 listens "$1" || cat "$work/nginx.log" "$work/nginx/error.log"
}

has_workers() { # PID: of a master
    [ "$(children "$1" | wc -l)" -eq 2 ]
}

has_other_workers() { # PID WORKER...: none of these is left
    has_workers "$1" && ! children "$1" | grep -qxF "$(printf '%s\n' "${@:2}")"
}

nginx_reloads() { # until its old workers have left
    local old
    mapfile -t old < <(children "$nginx_pid")
    kill -HUP "$nginx_pid"
    wait_for 20 has_other_workers "$nginx_pid" "${old[@]}"
}

nginx_says() { # TEXT: in its log
    grep -qF -- "$1" "$work/nginx/error.log"
}

# ---- haproxy ----

# write_haproxy_cfg [LINE...]: haproxy.cfg with the binds of standard input, LINEs in global
write_haproxy_cfg() {
    id haproxy >/dev/null 2>&1 || skip 'there is no user haproxy'
    mkdir -p "$work/empty"
    chmod 755 "$work/empty"
    cat >"$work/haproxy.cfg" <<EOC
global
    chroot $work/empty
    user haproxy
    group haproxy
    nbthread 2
    stats socket $work/admin.sock mode 600 level admin expose-fd listeners
$(printf '    %s\n' "$@")
defaults
    mode http
    timeout client 10s
    timeout connect 10s
    timeout server 10s
frontend web
$(sed 's/^/    /')
    http-request return status 200 content-type text/plain string "hello from haproxy\n"
EOC
}

start_haproxy() { # PORT. Sets haproxy_pid, the master
    run_in_background haproxy -W -db -f "$work/haproxy.cfg"
    haproxy_pid=$started
    wait_for 10 listens "$1" || cat "$work/haproxy.log"
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

# must_be_committed CRT FILE: at run time, CRT shall be what is in FILE; tells what haproxy does not like
must_be_committed() {
    local answer
    answer=$(command_haproxy "set ssl cert $1 <<
$(cat "$2")
" && command_haproxy "commit ssl cert $1")
    grep -q '^Success' <<<"$answer" || { echo "$answer" >&2; return 1; }
}
