#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca renew: when, which, the files that follow, the reload command, and failures that change nothing.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl jq ss
start_authority
cat >>"$ZCA_CONFIG" <<EOC

[identity web.myorg.ztna]
bundle-file = $work/bundle.pem
certificate-file = $work/web.pem
reload = /usr/bin/touch $work/reloaded

[identity mail.myorg.ztna]
reuse-key = yes
EOC
cd "$work" || exit 1

serial() { # FILE
    openssl x509 -in "$1" -noout -serial
}

stored() { # NAME
    echo "$work/state/zca/certs/default/$1.pem"
}

public() {
    openssl x509 -in "$1" -noout -pubkey
}


check 'what zca.conf names is got' zca renew
check 'its files are written' test "$(serial bundle.pem)" = "$(serial "$(stored web.myorg.ztna)")" -a \
    "$(serial web.pem)" = "$(serial bundle.pem)"
check 'its reload is run' test -e reloaded
check 'the other one too' test -e "$(stored mail.myorg.ztna)"
rm reloaded
first=$(serial bundle.pem)
check 'nothing is due then' zca renew
check 'nothing changed' equal "$first" "$(serial bundle.pem)"
check 'nothing was reloaded' test ! -e reloaded
check 'by force' zca renew web.myorg.ztna --force
check 'another certificate' test "$first" != "$(serial bundle.pem)"
check 'the old bundle is kept' equal "$first" "$(serial bundle.pem.previous)"
check 'another key' test "$(public bundle.pem)" != "$(public bundle.pem.previous)"
check 'reloaded' test -e reloaded
before=$(public "$(stored mail.myorg.ztna)")
check 'by force with reuse-key' zca renew zca://default/mail.myorg.ztna --force
check 'keeps the key' equal "$before" "$(public "$(stored mail.myorg.ztna)")"

check 'a lost file' rm bundle.pem
check 'is written again though nothing is due' grep -q '^Not due, but files and reload were made up for: zca://default/web' \
    <(zca renew)
check 'as it was' equal "$(serial "$(stored web.myorg.ztna)")" "$(serial bundle.pem)"

# a certificate of a minute is due at once, or half a minute later
zca cert short.myorg.ztna --ttl 1m --cert-file short.crt --key-file short.key >/dev/null || zca cert short.myorg.ztna --ttl 1h \
    --cert-file short.crt --key-file short.key >/dev/null
check 'one that zca.conf does not name is left alone' equal '' "$(zca renew | grep short)"
check 'unless asked for all' grep -q 'short' <(zca renew --all)
check 'a name that nothing here knows is refused' refuses "no identity 'zca://default/wbe.myorg.ztna'" zca renew wbe.myorg.ztna --force
check 'and nothing was asked for' test ! -e "$(stored wbe.myorg.ztna)"
check 'an authority that is not here is told' refuses "there is no authority 'nope'" zca renew --authority nope
check 'by the list as well' refuses "there is no authority 'nope'" zca list --authority nope
check 'names or all' refuses 'give names or --all' zca renew --all web.myorg.ztna

check 'a command that fails is told' sed -i "s|^reload = .*|reload = /bin/false|" "$ZCA_CONFIG"
check 'with its status' refuses "'/bin/false' ended with status 1" zca renew web.myorg.ztna --force
check 'and repeated by the next run' refuses "'/bin/false' ended with status 1" zca renew
sed -i "s|^reload = .*|reload = /usr/bin/touch $work/again|" "$ZCA_CONFIG"
check 'until it works' zca renew
check 'which it does' test -e again

state_of() { # NAME
    zca list --json | jq -r ".[] | select(.name == \"$1\") | .state"
}
verifies() { # FILE: with the CA that is pinned
    openssl verify -CAfile "$work/state/zca/authorities/default/ca.pem" "$1"
}
check 'after a rotation' zca ca init --rotate
check 'the list tells' equal 'other CA' "$(state_of web.myorg.ztna)"
check 'and renewal is due at once' zca renew
check 'the new certificate verifies' verifies "$(stored web.myorg.ztna)"
check 'as does that of the files' verifies bundle.pem
check 'and stands' equal valid "$(state_of web.myorg.ztna)"
kept=$(serial bundle.pem)
check 'and is not renewed again' zca renew
check 'as the files show' equal "$kept" "$(serial bundle.pem)"

stop "$server_pid"
check 'no authority: the failure is told' refuses "renewing 'zca://default/web.myorg.ztna'" zca renew web.myorg.ztna --force
check 'each of them once' equal 1 "$(grep -c 'zca: ' "$work/refused.err")"
check 'and everything is as it was' equal "$kept" "$(serial bundle.pem)"
check 'what is not due needs no authority' zca renew
finish
