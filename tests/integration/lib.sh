# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the integration tests share; source it first. It makes a directory $work with an own
# configuration and state, finds the built programs below $ZCA_BUILD_DIR, and cleans up at the end.
# shellcheck disable=SC2034,SC2119,SC2120  # variables and arguments are for the tests that source this file
set -u

unset OPENSSL_CONF OPENSSL_MODULES SSL_CERT_FILE SSL_CERT_DIR ZCA_LOG http_proxy https_proxy all_proxy
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY
export LC_ALL=C.UTF-8 no_proxy='*'
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
build=${ZCA_BUILD_DIR:-$here/../../build}
build=$(cd "$build" 2>/dev/null && pwd) || { echo "ZCA_BUILD_DIR is not a build directory" >&2; exit 99; }
provider=$build/provider/zca.so
export PATH="$build/tool:$build/server:$PATH"

work=$(mktemp -d "${TMPDIR:-/tmp}/zca-test.XXXXXX") || exit 99
export HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_RUNTIME_DIR="$work/run" XDG_CONFIG_HOME="$work/etc"
export ZCA_CONFIG="$work/zca.conf"
mkdir -p "$HOME" "$work/state" "$work/run" "$work/etc"
chmod 700 "$work/run"
pids=() # what cleanup kills; see also run_in_background
failed=0

cleanup() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null
    done
    for pid in "${pids[@]}"; do
        wait_for 5 gone "$pid" || kill -KILL "$pid" 2>/dev/null
    done
    if [ "${ZCA_KEEP_WORK:-no}" = yes ]; then
        echo "kept: $work" >&2
    else
        rm -rf "$work"
    fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

skip() { # WHY...: this machine cannot run the test
    echo "skipped: $*"
    exit 77
}

need() { # PROGRAM...
    local program
    for program in "$@"; do
        command -v "$program" >/dev/null || skip "$program is not installed"
    done
}

need_root() {
    [ "$(id -u)" -eq 0 ] || skip "not root"
}

gone() { # PID
    ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]
}

check() { # WHAT COMMAND...: one line, and the output of the command when it fails
    local what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok    $what"
    else
        echo "FAIL  $what"
        sed 's/^/      /' "$work/check.log"
        failed=$((failed + 1))
    fi
}

equal() { # WANTED FOUND
    [ "$1" = "$2" ] || { printf 'wanted: %s\nfound:  %s\n' "$1" "$2"; return 1; }
}

refuses() { # TEXT COMMAND...: the command fails, and says TEXT on standard error
    local text=$1
    shift
    if "$@" >"$work/refused.out" 2>"$work/refused.err"; then
        echo "succeeded: $*"
        return 1
    fi
    grep -qF -- "$text" "$work/refused.err" || { echo "does not say '$text':"; cat "$work/refused.err"; return 1; }
}

finish() { # the last line of a test
    [ "$failed" -eq 0 ] || { echo "$failed failed"; exit 1; }
    exit 0
}

wait_for() { # SECONDS COMMAND...: until the command succeeds
    local tries=$(($1 * 20))
    shift
    until "$@" >/dev/null 2>&1; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

# ask_meanwhile COMMAND...: repeats it in the background until asked_without_loss
ask_meanwhile() {
    : >"$work/asked"
    : >"$work/lost"
    (while [ ! -e "$work/enough" ]; do "$@" >/dev/null 2>>"$work/lost" || echo lost >>"$work/lost"; echo 1 >>"$work/asked"; done) &
    asking=$!
    pids+=("$asking")
}

asked_times() { # NUMBER
    [ "$(wc -l <"$work/asked")" -ge "$1" ]
}

asks_on() { # ten times from now on
    wait_for 60 asked_times $(($(wc -l <"$work/asked") + 10))
}

asked_without_loss() {
    touch "$work/enough"
    wait "$asking"
    equal '' "$(cat "$work/lost")"
}

listens() { # PORT
    [ -n "$(ss -Hltn "sport = :$1")" ]
}

free_port() { # a TCP port of loopback on which nobody listens
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 12000))
        listens "$port" || break
    done
    echo "$port"
}

run_in_background() { # COMMAND...: output to $work/NAME.log, the process id to $started
    "$@" >>"$work/$(basename "$1").log" 2>&1 &
    started=$!
    pids+=("$started")
}

stop() { # PID: asks a process that this test started to end, and waits
    kill "$1" 2>/dev/null
    wait_for 10 gone "$1"
}

# start_server [OPTION...]: zca-server on a free port with its state below $work/server.
# Sets server_pid, server_url, server_trust and the array server_login: the arguments of `zca login`.
start_server() {
    [ -x "$build/server/zca-server" ] || skip "zca-server is not built"
    run_in_background zca-server --state-dir "$work/server" --listen 127.0.0.1:0 "$@"
    server_pid=$started
    if ! wait_for 20 grep -q 'listens at' "$work/zca-server.log" || ! wait_for 20 log_in_line; then
        cat "$work/zca-server.log"
        exit 1
    fi
    read -ra server_login <<<"$(log_in_line | sed 's/^ *zca login//')"
    server_url=$(sed -n 's/.* listens at \([^ ]*\).*/\1/p' "$work/zca-server.log" | tail -n 1)
    server_trust=$(sed -n 's/^ *trust  *//p' "$work/zca-server.log" | tail -n 1)
}

log_in_line() {
    grep -o 'zca login --.*' "$work/zca-server.log"
}

# start_authority [OPTION...]: start_server, then `zca login` and `zca ca init`: ready to issue.
start_authority() {
    start_server "$@"
    write_config
    { zca login "${server_login[@]}" && zca ca init; } >"$work/setup.log" 2>&1 || {
        cat "$work/setup.log"
        exit 1
    }
}

write_config() { # [LINE...]: a fresh zca.conf with the directories of this test and LINEs in [zca]
    {
        printf '[zca]\nstate-dir = %s\nruntime-dir = %s\nremote-library = %s\nlog = none\n' "$work/state/zca" \
            "$work/run/zca" "$build/remote/zca-remote.so"
        [ $# -eq 0 ] || printf '%s\n' "$@"
    } >"$ZCA_CONFIG"
}

# write_openssl_cnf [PROVIDER...]: an openssl.cnf that activates these providers in this order, by
# default "default zca"; exports OPENSSL_CONF.
write_openssl_cnf() {
    local name
    [ $# -gt 0 ] || set -- default zca
    {
        printf 'openssl_conf = init\n[init]\nproviders = providers\n[providers]\n'
        for name in "$@"; do
            printf '%s = %s_provider\n' "$name" "$name"
        done
        for name in "$@"; do
            printf '[%s_provider]\nactivate = 1\n' "$name"
            [ "$name" != zca ] || printf 'module = %s\n' "$provider"
        done
        printf '[req]\ndistinguished_name = dn\n[dn]\n'
    } >"$work/openssl.cnf"
    export OPENSSL_CONF="$work/openssl.cnf"
}

# write_server_cnf: for programs that clean their environment, openssl.cnf names zca.conf
write_server_cnf() {
    write_openssl_cnf
    sed -i "s|^module = .*|&\nzca-config = $ZCA_CONFIG|" "$OPENSSL_CONF"
}

add_identity() { # NAME [LINE...]
    printf '\n[identity %s]\n' "$1" >>"$ZCA_CONFIG"
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$ZCA_CONFIG"
}

serial_in() { # FILE
    openssl x509 -in "$1" -noout -serial
}

serves() { # FILE PORT [OPTION...]: its certificate is what clients of the port see
    local file=$1
    shift
    equal "$(serial_in "$file")" "$(serial_at "$@")"
}

check_no_private_key() { # FILE...: nor in any file below
    check 'no private key in the clear' equal '' "$(grep -rlE -- '-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY' "$@")"
}

serial_at() { # PORT [OPTION...]: the serial number of the certificate that a TLS server shows
    local port=$1
    shift
    openssl s_client -connect "127.0.0.1:$port" "$@" </dev/null 2>/dev/null | openssl x509 -noout -serial
}

# make_identities NAME...: with certificate NAME.crt, reference NAME.key and bundle NAME.pem in this directory
make_identities() {
    local name
    for name in "$@"; do
        { zca cert "$name" && zca export "$name" --bundle "$name.pem"; } >"$work/setup.log" 2>&1 || {
            cat "$work/setup.log"
            exit 1
        }
    done
}

example=$here/../../openssl.cnf.example

# example_line TEXT: the line with TEXT among those that the example of openssl.cnf shows for other files
example_line() {
    sed -n 's/^#     //p' "$example" | grep -F -- "$1"
}

# give_state_to USER: what is below the state directory belongs to a server's own user, as docs/recipes/unprivileged.md
# has it; "as USER COMMAND..." runs with that user's rights.
give_state_to() {
    cp "$server_trust" "$work/trust.pem"
    sed -i "s|^trust = .*|trust = $work/trust.pem|" "$ZCA_CONFIG"
    chmod 644 "$ZCA_CONFIG" "$OPENSSL_CONF"
    chown -R "$1:" "$work/state" "$work/run"
    chmod 755 "$work" # so that the user passes through
}

# prepare_service NAME FILE [LINE...]: an authority, the identity NAME with LINEs in zca.conf, whose bundle FILE is to be
# made, and that of a client, which is made. Sets name, bundle, client, ca, port.
prepare_service() {
    name=$1
    bundle=$work/state/files/$2
    client=client.myorg.ztna
    start_authority
    port=$(free_port)
    ca=$work/state/zca/authorities/default/ca.pem
    write_server_cnf
    mkdir "$work/state/files"
    add_identity "$name" "bundle-file = $bundle" "${@:3}"
    add_identity "$client" "bundle-file = $work/client.pem"
    check "the client's identity" zca renew "$client"
    zca export "$client" --cert "$work/client.crt" --key "$work/client.key" >"$work/setup.log" 2>&1
}

as() { # USER COMMAND...
    local user=$1
    shift
    setpriv --reuid "$user" --regid "$user" --init-groups "$@" # unlike runuser without a session
}
