#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# After a round of everything: no private key, token or password in a log, an error, an argument list or
# a file that others can read.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl jq strace

start_server
write_config "log-level = debug"
sed -i "s|^log = .*|log = $work/zca.log|" "$ZCA_CONFIG"
{
    strace -f -s 4096 -e trace=execve -o "$work/arguments" zca login "${server_login[@]}" && zca ca init
} >"$work/setup.log" 2>&1 || {
    cat "$work/setup.log"
    exit 1
}
write_openssl_cnf

everything() {
    openssl req -new -key zca://web.myorg.ztna -subj /CN=web.myorg.ztna -out "$work/web.csr"
    openssl x509 -in zca://web.myorg.ztna -out "$work/web.pem"
    openssl pkey -in zca://web.myorg.ztna -out "$work/reference.pem"
    openssl pkey -in zca://web.myorg.ztna -text_pub -noout
    openssl x509 -req -in "$work/web.csr" -CA zca:/// -CAkey zca:/// -days 1 -out "$work/signed.pem"
    openssl pkcs12 -export -in "$work/web.pem" -inkey zca://web.myorg.ztna -out "$work/never.p12" -passout pass:x
    openssl x509 -in 'zca://gone?offline=yes'
    (cd "$work" && zca cert files.myorg.ztna)
    zca export web.myorg.ztna --bundle "$work/bundle.pem"
    zca renew --force web.myorg.ztna
    zca list --remote
    zca doctor
    zca config
    zca logout
    true
}
everything >"$work/everything.log" 2>&1

password=$(cat "$work/server/initial-password")
secrets() { # what must be nowhere in the clear
    printf '%s\n' "$password" "BEGIN PRIVATE KEY" "BEGIN EC PRIVATE KEY" "BEGIN RSA PRIVATE KEY" "eyJhbGciOi"
}

appears_only_in() { # SECRET ALLOWED: files that hold it, but for those that match ALLOWED
    local found
    found=$(grep -rlF -- "$1" "$work" --exclude=check.log | grep -Ev "$2")
    [ -z "$found" ] || { echo "found in: $found"; return 1; }
}

check "everything ran" test -s "$work/signed.pem"
check "the password is in its own file alone" appears_only_in "$password" '/server/initial-password$'
for label in "BEGIN PRIVATE KEY" "BEGIN EC PRIVATE KEY" "BEGIN RSA PRIVATE KEY"; do
    check "no '$label'" appears_only_in "$label" '/server/tls[^/]*\.key$'
done
check "tokens are in the token file alone" appears_only_in eyJhbGciOi '/authorities/[^/]*/token$'
check "no secret in argument lists" appears_only_in "$password" '/server/initial-password$'

private() { # files with secrets: nobody else may read them
    local open
    open=$(find "$work/state/zca/keys" "$work/state/zca/sealing.key" "$work/state/zca/orders" "$work/state/zca/authorities" \
        "$work/server" "$work/bundle.pem" -type f -perm /077 \
        ! -name ca.pem ! -name 'crl*' ! -name tls-ca.pem 2>/dev/null)
    [ -z "$open" ] || { echo "open to others: $open"; return 1; }
}
check "files with secrets are 0600" private
finish
