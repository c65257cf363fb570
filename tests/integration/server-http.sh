#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The process side of zca-server against the real program: malformed requests, keep-alive, deadlines, a
# crowd of idle connections, files and modes of a first start, SIGHUP, SIGTERM, one server a directory.
# usage: server-http.sh ZCA-SERVER
# shellcheck disable=SC2317  # functions are called by name, through check and trap
set -u
server=$1
here=$(dirname "$0")
for tool in python3 openssl curl; do
    command -v "$tool" >/dev/null || exit 77
done
work=$(mktemp -d) || exit 1
pid=
failed=0

cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

check() { # WHAT COMMAND...: runs the command, prints one line
    local what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok    $what"
    else
        echo "FAIL  $what"
        cat "$work/check.log"
        failed=1
    fi
}

start() { # DIRECTORY OPTION...: starts a server on a free port and waits for it, at most 20 s
    local state=$1
    shift
    rm -f "$work/ready"
    mkfifo "$work/ready"
    "$server" --state-dir "$state" --listen "127.0.0.1:0 127.0.0.2:0" "$@" serve --ready-fd 3 \
        3>"$work/ready" >"$work/out" 2>"$work/log" &
    pid=$!
    read -r -t 20 word port <"$work/ready"
    [ "$word" = ready ] || { cat "$work/out" "$work/log"; exit 1; }
}

runs() { # a child that ended but was not waited for yet does not
    case $(ps -o stat= -p "$pid") in
    '' | Z*) return 1 ;;
    esac
}

wait_for() { # SECONDS COMMAND...: until the command succeeds
    local tries=$(($1 * 20))
    shift
    until "$@" >"$work/wait.log" 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

ended() {
    ! runs
}

stop() { # sends SIGTERM; false when the server does not leave with 0
    kill -TERM "$pid"
    if ! wait_for 30 ended; then
        kill -KILL "$pid"
        return 1
    fi
    wait "$pid"
    local status=$?
    pid=
    return "$status"
}

ticks() { # of the processor, a hundred in a second, that the server has used
    local fields
    read -ra fields <"/proc/$pid/stat"
    echo $((fields[13] + fields[14] + fields[15] + fields[16]))
}

talk() { # CASE
    if ! python3 "$here/server_http.py" "$1" "$port" "$state/tls-ca.pem" "$pid" >"$work/talk.log" 2>&1; then
        failed=1
    fi
    cat "$work/talk.log"
}

refused() { # TEXT OPTION...: the server does not start, exits with 1 or 2, and says TEXT
    local text=$1
    shift
    timeout 30 "$server" --listen 127.0.0.1:0 "$@" >"$work/refused" 2>&1
    case $? in
    1 | 2) grep -q "$text" "$work/refused" ;;
    *) false ;;
    esac
}

absent() { # TEXT FILE
    ! grep -q "$1" "$2"
}

mode() { # MODE FILE
    [ "$(stat -c %a "$2")" = "$1" ]
}

state=$work/state
start "$state"
check "starts with less than 2 s of work: $(ticks) of 200" test "$(ticks)" -lt 200
check "says where it listens" grep -q "listens at https://127.0.0.1:$port" "$work/out"
check "names the file to trust" grep -q "$state/tls-ca.pem" "$work/out"
check "state directory is 0700" mode 700 "$state"
check "TLS root's key is 0600" mode 600 "$state/tls-ca.key"
check "core files are off" grep -Eq '^Max core file size +0 +0' "/proc/$pid/limits"
check "a second server for the same directory is refused" \
    refused "another zca-server runs" --state-dir "$state"
talk doors
talk malformed
talk keep-alive
check "log has a line for each request" \
    grep -Eq 'GET /api/health 200 in [0-9]+ ms, user -, request [0-9a-f]{32}, from 127.0.0.1' "$work/log"
check "log has no query" absent secret-in-query "$work/log"

serial() { # prints the serial number of the server's certificate
    python3 "$here/server_http.py" certificate "$port" "$state/tls-ca.pem" 2>"$work/serial.log"
}

shows_another() { # SERIAL
    local after
    after=$(serial) && [ -n "$after" ] && [ "$after" != "$1" ]
}

before=$(serial)
kill -HUP "$pid"
check "SIGHUP takes a new certificate under the same root" wait_for 20 shows_another "$before"
check "SIGTERM ends it" stop

start "$state" --header-timeout 2s --body-timeout 2s --idle-timeout 3s
talk deadlines
check "SIGTERM ends it" stop

root=$(cat "$state/tls-ca.pem")
start "$state" --max-connections 600
check "a restart keeps the TLS root" test "$root" = "$(cat "$state/tls-ca.pem")"
talk crowd
check "SIGTERM ends it beside open connections" stop

start "$state" --workers 1 --queue 8 --login-limit 0
talk overload
check "SIGTERM ends it" stop
start "$state" --workers 1 --queue 40 --login-limit 0 --stop-timeout 60s
talk farewell
check "and it ends" stop

# ---- the service manager's socket ----

python3 -c '
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(20)
for _ in range(2):
    print(manager.recv(100).decode(), flush=True)
' "$work/notify" >"$work/notified" 2>&1 &
manager=$!
wait_for 20 test -S "$work/notify"
export NOTIFY_SOCKET=$work/notify
start "$state"
unset NOTIFY_SOCKET
check "SIGTERM ends it" stop
wait "$manager"
check "the service manager hears READY and STOPPING" \
    test "$(tr '\n' ' ' <"$work/notified")" = "READY=1 STOPPING=1 "

# ---- whose directory it is ----

if [ "$(id -u)" -eq 0 ]; then
    chmod 0711 "$work"
    install -d -m 0700 -o 65534 -g 65534 "$work/nobody"
    start "$work/nobody"
    check "root becomes the owner of the state directory" grep -Eq '^Uid:([[:space:]]65534){4}$' "/proc/$pid/status"
    check "without groups of its own" grep -Eq '^Groups:[[:space:]]*$' "/proc/$pid/status"
    check "SIGTERM ends it" stop
    install -d -m 0700 -o 65534 -g 65534 "$work/xdg"
    setpriv --reuid 65534 --regid 65534 --clear-groups env XDG_STATE_HOME="$work/xdg" \
        "$server" --listen 127.0.0.1:0 --log none >"$work/xdg.out" 2>&1 &
    pid=$!
    wait_for 20 grep -q "$work/xdg/zca-server/initial-password" "$work/xdg.out"
    check "a user's state is in XDG_STATE_HOME" test -f "$work/xdg/zca-server/initial-password"
    check "SIGTERM ends it" stop
fi

# ---- TLS from files, protocol versions ----

make_pair() { # NAME SUBJECT: a key and a certificate that signs itself
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "$2" \
        -addext subjectAltName=DNS:localhost -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}

status_of() { # STATUS CURL-OPTION...: GET /api/health answers with it; 000 when TLS fails
    local wanted=$1
    shift
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$@" "https://localhost:$port/api/health")" = "$wanted" ]
}

shakes_hands() { # OPTION...: openssl s_client gets through the handshake
    openssl s_client -brief -connect "127.0.0.1:$port" "$@" </dev/null 2>&1 |
        grep -q 'CONNECTION ESTABLISHED'
}

fails_to_shake_hands() {
    ! shakes_hands "$@"
}

make_pair one "/CN=one"
make_pair two "/CN=two"
cp "$work/one.pem" "$work/server.pem"
cp "$work/one.key" "$work/server.key"
start "$state" --tls-certificate "$work/server.pem" --tls-key "$work/server.key"
check "a given certificate is used" status_of 200 --cacert "$work/one.pem"
check "TLS 1.3 is spoken" shakes_hands -tls1_3
check "TLS 1.2 is spoken" shakes_hands -tls1_2
check "TLS 1.1 is not" fails_to_shake_hands -tls1_1 -cipher DEFAULT:@SECLEVEL=0
check "TLS 1.2 without forward secrecy is not" fails_to_shake_hands -tls1_2 -cipher AES128-GCM-SHA256
check "TLS 1.2 with CBC is not" fails_to_shake_hands -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256
check "HTTP/2 is not agreed upon" fails_to_shake_hands -alpn h2
cp "$work/two.pem" "$work/server.pem"
kill -HUP "$pid"
check "SIGHUP with files that do not fit is told" wait_for 20 grep -q "keeping the TLS certificate as it is" "$work/log"
check "and keeps the old certificate" \
    status_of 200 --cacert "$work/one.pem"
cp "$work/two.key" "$work/server.key"
kill -HUP "$pid"
check "SIGHUP takes the new files" wait_for 20 status_of 200 --cacert "$work/two.pem"
check "SIGTERM ends it" stop

chmod 0770 "$state"
check "a state directory others may write to is refused" \
    refused "others may write" --state-dir "$state"
chmod 0700 "$state"
check "an unknown option is a usage error" refused "serve takes" --lisen x
check "an unknown command is a usage error" refused "did you mean serve" --state-dir "$state" serv
check "a bad address is refused" refused "is not IPv4:PORT" --state-dir "$state" --listen localhost
check "a missing TLS file is refused" refused tls-certificate --state-dir "$state" \
    --tls-certificate "$work/none.pem" --tls-key "$work/none.pem"
printf '[server]\nlisten = 127.0.0.1:0\nworkerz = 3\n' >"$work/zca-server.conf"
check "an unknown option of the file names the nearest" \
    refused workers --state-dir "$state" --config "$work/zca-server.conf"
exit "$failed"
