#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca login: what it writes into zca.conf and what it leaves alone, where tokens and passwords may be.
# shellcheck source-path=SCRIPTDIR disable=SC2317,SC2016  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need jq ss strings
start_server --login-limit 100
password=$(head -n 1 "$work/server/initial-password")
state=$work/state/zca/authorities
token=$state/default/token
user=(--user admin@localhost)

says() { # LINE COMMAND...: one line of the output is this
    local line=$1
    shift
    "$@" >"$work/said" || return 1
    grep -qxF -- "$line" "$work/said" || { cat "$work/said"; return 1; }
}

status_is() { # STATUS COMMAND...
    local wanted=$1 found=0
    shift
    "$@" || found=$?
    equal "$wanted" "$found"
}

# ---- zca.conf ----
printf '# kept: a comment\n[zca]\n  state-dir=%s   # odd spacing\n\n[identity web]\nauthority = default\n' \
    "$work/state/zca" >"$work/before"
cp "$work/before" "$ZCA_CONFIG"
chmod 640 "$ZCA_CONFIG"
sed -i "2a remote-library = $build/remote/zca-remote.so" "$work/before" "$ZCA_CONFIG"
echo wrong >"$work/wrong"
check 'a wrong password is refused' refuses "log in to 'default'" zca login "${server_login[@]}" --password-file \
    "$work/wrong"
check 'with advice' grep -q 'right name and password' "$work/refused.err"
check 'a wrong address is told' refuses "log in to 'default'" zca login --url https://127.0.0.1:1 "${user[@]}" --password-file \
    "$work/server/initial-password"
check 'and neither is kept' cmp "$work/before" "$ZCA_CONFIG"
check 'a login' says "Logged in to 'default' as admin@localhost" zca login "${server_login[@]}"
check 'says the session' grep -q '^Session expires: 20' "$work/said"
check 'only adds lines' equal '' "$(diff "$work/before" "$ZCA_CONFIG" | grep '^<')"
check 'adds the authority' equal "> default-authority = default
>
> [authority default]
> url = $server_url
> dialect = orgca
> trust = $server_trust" "$(diff "$work/before" "$ZCA_CONFIG" | grep '^>' | sed 's/ *$//' | head -n 6)"
check 'keeps the mode of zca.conf' equal 640 "$(stat -c %a "$ZCA_CONFIG")"
cp "$ZCA_CONFIG" "$work/after"
check 'a second login' zca login "${server_login[@]}"
check 'changes nothing' cmp "$work/after" "$ZCA_CONFIG"
check 'another dialect that fails' refuses "log in to 'default'" zca login "${server_login[@]}" --dialect quickztn --password-file \
    "$work/wrong"
check 'is not kept' cmp "$work/after" "$ZCA_CONFIG"
check 'a slash more is the same address' zca login --url "$server_url/" "${user[@]}" --password-file \
    "$work/server/initial-password"
check 'and changes nothing' cmp "$work/after" "$ZCA_CONFIG"
check 'another address is refused' refuses "change url in $ZCA_CONFIG" zca login --url https://127.0.0.1:1 "${user[@]}"
check 'another address under a known name is refused' refuses "authority 'default' is at" \
    zca login --url https://127.0.0.1:1 "${user[@]}"
check 'and changes nothing' cmp "$work/after" "$ZCA_CONFIG"
check 'a second authority' zca login corp "${server_login[@]}"
check 'does not become the default' equal 'default-authority = default' "$(grep default-authority "$ZCA_CONFIG")"
check 'a machine is added without an address' zca login corp --machine m1 "${user[@]}" --password-file \
    "$work/server/initial-password"
check 'to its section' equal 'machine = m1' "$(sed -n '/^\[authority corp\]/,$p' "$ZCA_CONFIG" | grep machine)"
check 'a value that needs quotes' zca login corp --org 'a "b" #c $d \e' "${user[@]}" --password-file \
    "$work/server/initial-password"
check 'is read back as it was' grep -qxF 'organization = a "b" #c $d \e' <(zca config)
check 'a trust file that is not there is refused' refuses 'No such file' \
    zca login third --url "$server_url" --trust "$work/none" "${user[@]}"
check 'a name that cannot be one is refused' refuses 'cannot be the name' zca login 'a/b' --url "$server_url" "${user[@]}"
check 'and nothing was written' equal '' "$(grep -F -e '[authority third' -e '[authority a/b' "$ZCA_CONFIG")"
check 'an unknown authority suggests the near one' refuses "did you mean 'corp'" zca login corpp
check 'a server that is not ours is refused' refuses "log in to 'bare'" \
    zca login bare --url "$server_url" "${user[@]}" --password-file "$work/server/initial-password"
check 'no file yet: made' env ZCA_CONFIG="$work/new/zca.conf" zca login "${server_login[@]}" --config "$work/new/zca.conf" ||
    true
check 'with the authority in it' grep -qx '\[authority default\]' "$work/new/zca.conf"

# ---- passwords and tokens ----
check 'the token file is private' equal 600 "$(stat -c %a "$token")"
check 'the password from standard input' zca login "${user[@]}" <<<"$password"
check 'no password option' status_is 2 zca login "${user[@]}" --password x
check 'an empty password is refused' refuses 'nothing was typed' zca login "${user[@]}" </dev/null
check 'no user and no terminal' refuses 'give --user' zca login </dev/null
if command -v script >/dev/null; then
    ask() { # types at a terminal; shows what it printed
        (wait_for 20 grep -q 'Password: ' "$work/typescript"; printf '%s\n' "$1"; wait_for 20 grep -q 'Role' "$work/typescript") |
            script -qefc "zca login --user admin@localhost" "$work/typescript" >/dev/null
    }
    check 'the password from the terminal' ask "$password"
    check 'is asked for' grep -q 'Password: ' "$work/typescript"
    check 'is not shown' equal '' "$(grep -F -- "$password" "$work/typescript")"
    check 'and works' grep -q 'Logged in' "$work/typescript"
fi
check 'no password in any file of ours' equal '' "$(grep -rlF -- "$password" "$work/state" "$ZCA_CONFIG")"

heeds_interrupts() { # PID: it sleeps, and SIGINT, the second bit, has a handler
    grep -q '^State:.S' "/proc/$1/status" && grep -q '^SigCgt:.*[2367abef]$' "/proc/$1/status" && grep -q zca "/proc/$1/comm"
}

interrupt() { # zca waits for a password; SIGINT ends it with 130
    local pid status=0
    mkfifo "$work/never"
    exec 9<>"$work/never"
    zca login "${user[@]}" <&9 &
    pid=$!
    wait_for 20 heeds_interrupts "$pid" || status=none
    kill -INT "$pid"
    wait "$pid" || status=$?
    exec 9>&-
    equal 130 "$status"
}
check 'an interrupt: status 130' interrupt

# ---- command lines that are not understood ----
check 'export of nothing: status 2' status_is 2 zca export
check 'export to nowhere: status 2' status_is 2 zca export web
check 'revoke of nothing: status 2' status_is 2 zca revoke
check 'pin of nothing: status 2' status_is 2 zca pin
check 'names and all: status 2' status_is 2 zca renew --all web
check 'help for what is not there: status 2' status_is 2 zca help frob
check 'help for a word that several begin with' says 'usage: zca ca show [--OPTION...]' zca help ca
check 'too much, and of what' refuses "'x' is too much: see 'zca help list'" zca list x

# ---- the CA and the list ----
check 'ca init' zca ca init
check 'again: refused' refuses '--rotate' zca ca init
check 'ca show' says "File: $work/state/zca/authorities/default/ca.pem" zca ca show
check 'rotate' zca ca init --rotate
cp "$work/state/zca/authorities/default/ca.pem" "$work/rotated.pem"
check 'rotate elsewhere' zca ca init --rotate
cp "$work/rotated.pem" "$work/state/zca/authorities/default/ca.pem"
check 'a changed CA is told' refuses "has another CA now" zca ca show
check 'and accepted when asked' zca ca show --trust
check 'from then on' zca ca show
check 'a certificate' zca cert one.myorg.ztna --cert-file "$work/one.crt" --key-file "$work/one.key"
check 'is listed here' equal 'one.myorg.ztna P-256 here file valid' \
    "$(zca list --json | jq -r '.[0] | "\(.name) \(.key_type) \(.key_made) \(.keystore) \(.state)"')"
serial=$(zca list --remote --json | jq -r '.[0].serial')
check 'and there' equal 32 "${#serial}"
check 'revoked by serial number' zca revoke --serial "$serial" --reason keyCompromise
check 'for this reason' equal keyCompromise "$(zca list --remote --json | jq -r '.[0].reason')"
check 'a reason that is none is refused' refuses 'name of RFC 5280' zca revoke --serial "$serial" --reason because
check 'is told there' equal true "$(zca list --remote --json | jq -r '.[0].revoked')"
check 'revoked by what?' refuses 'which certificate' zca revoke
check 'another certificate' zca cert id.myorg.ztna --cert-file "$work/id.crt" --key-file "$work/id.key"
id=$(zca list --remote --json | jq -r '.[0].id')
check 'revoked by an id that is none' refuses "lists no certificate with id '${id}x'" zca revoke --id "${id}x"
check 'which revokes nothing' equal false "$(zca list --remote --json | jq -r '.[0].revoked')"
check 'revoked by id' zca revoke --id "$id"
check 'is told there, too' equal true "$(zca list --remote --json | jq -r '.[0].revoked')"
check 'revoked by an unknown serial number' refuses 'lists no certificate' zca revoke --serial 00ff

# ---- an API that cannot return its CA and takes no reason ----
check 'login with the product'"'"'s own API' zca login qz "${server_login[@]}" --dialect quickztna
check 'a CA that has issued is not replaced' refuses 'because it has issued certificates' zca ca init --authority qz
cp "$state/default/ca.pem" "$state/qz/ca.pem"
check 'a certificate' zca cert two.myorg.ztna --authority qz --cert-file "$work/two.crt" --key-file "$work/two.key"
check 'whose key the authority made' equal authority \
    "$(zca list --json --authority qz | jq -r '.[0].key_made')"
check 'revoked, and told that the reason was not taken' grep -q 'warning: the authority recorded the reason' \
    <(zca revoke qz/two.myorg.ztna --reason superseded 2>&1)

# ---- logout ----
check 'logout' zca logout
check 'removes the tokens' test ! -e "$token"
check 'twice is told' refuses 'zca login' zca logout

# ---- many at once ----
ZCA_CONFIG=$work/many.conf write_config
many=()
for number in 1 2 3 4 5 6; do
    ZCA_CONFIG=$work/many.conf zca login "many$number" --url "$server_url" --trust "$server_trust" "${user[@]}" --password-file \
        "$work/server/initial-password" >"$work/many.$number" 2>&1 &
    many+=($!)
done
wait "${many[@]}"
check 'each of six logins at once is written' equal 6 "$(grep -c '^\[authority many' "$work/many.conf")"
check 'with one default' equal 1 "$(grep -c '^default-authority' "$work/many.conf")"
finish
