#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Perl serves and authenticates with key references, by IO::Socket::SSL and by Net::SSLeay, as
# docs/recipes/perl.md says.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
perl=/usr/bin/perl
need openssl ss "$perl"
"$perl" -MIO::Socket::SSL -e1 2>/dev/null || skip 'there is no IO::Socket::SSL'
name=web.myorg.ztna other=client.myorg.ztna
start_authority
cd "$work" || exit 1
ca=$work/state/zca/authorities/default/ca.pem
printf '[identity %s]\nkey-type = Ed25519\n' "$other" >>"$ZCA_CONFIG"
make_identities "$name" "$other"
write_openssl_cnf

load() { # BUNDLE
    "$perl" "$here/perl_ssl.pl" --load "$1"
}

stop "$server_pid" # nothing below needs it
check 'server and clients' timeout 20 "$perl" "$here/perl_ssl.pl" "$ca" "$name" "$other"
check 'TLS 1.3 and 1.2, and with Net::SSLeay alone' equal \
    "$(printf '%s '"$other"'\n' TLSv1_3 TLSv1_2 TLSv1.3)" "$(cat check.log)"
check 'a server starts' equal loaded "$(load "$name.pem")"
mv "$work/state/zca/keys/default/$name.key" hidden
check 'without the key it says why' grep -q "there is no such object" <(load "$name.pem")
mv hidden "$work/state/zca/keys/default/$name.key"
check 'without the provider there is no key' grep -qv loaded <(OPENSSL_CONF=/dev/null load "$name.pem")
finish
