#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca export: what the files hold, who may read them, and that openssl takes them with the provider only.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl ss
start_authority
cd "$work" || exit 1
zca cert web.myorg.ztna >/dev/null || exit 1

blocks() { # FILE: its PEM labels in their order
    sed -n 's/^-----BEGIN \(.*\)-----$/\1/p' "$1" | paste -sd,
}

public_of_key() {
    openssl pkey -in "$1" -pubout
}

public_of_certificate() {
    openssl x509 -in "$1" -noout -pubkey
}

check 'a bundle' zca export web.myorg.ztna --bundle bundle.pem
check 'holds reference, certificate, chain' equal 'ZCA PRIVATE KEY,CERTIFICATE' "$(blocks bundle.pem)"
check 'is private' equal 600 "$(stat -c %a bundle.pem)"
check 'told as what it is' equal 'Key reference, certificate and chain written to bundle.pem' \
    "$(zca export web.myorg.ztna --bundle bundle.pem)"
check 'files one by one' zca export web.myorg.ztna --cert web.pem --key web.key
check 'the certificate' equal CERTIFICATE "$(blocks web.pem)"
check 'is public' equal 644 "$(stat -c %a web.pem)"
check 'the key reference' equal 'ZCA PRIVATE KEY' "$(blocks web.key)"
check 'is private' equal 600 "$(stat -c %a web.key)"
cp bundle.pem first.pem
zca renew web.myorg.ztna --force >/dev/null
check 'a new export' zca export web.myorg.ztna --bundle bundle.pem --cert web.pem --key web.key
check 'keeps the old file under another name' cmp first.pem bundle.pem.previous

check 'openssl without zca reads no key' refuses 'ould not' openssl pkey -in bundle.pem -noout
write_openssl_cnf
check 'openssl with zca reads it' openssl pkey -in bundle.pem -noout
check 'its certificate belongs to it' equal "$(public_of_certificate bundle.pem)" "$(public_of_key bundle.pem)"
check 'it signs' openssl dgst -sha256 -sign bundle.pem -out signature bundle.pem
public_of_certificate bundle.pem >public.pem
check 'and the certificate verifies' openssl dgst -sha256 -verify public.pem -signature signature bundle.pem
check 'openssl writes a reference, not the key' equal 'ZCA PRIVATE KEY' "$(blocks <(openssl pkey -in bundle.pem))"

check 'a sealed reference' zca export web.myorg.ztna --bundle sealed.pem --sealed
mv "$work/state/zca/keys/default/web.myorg.ztna.key" "$work/hidden"
check 'works without the key file' openssl pkey -in sealed.pem -noout
check 'which a plain reference needs' refuses '' openssl dgst -sha256 -sign bundle.pem -out signature bundle.pem
mv "$work/hidden" "$work/state/zca/keys/default/web.myorg.ztna.key"

unset OPENSSL_CONF
check 'a plain key is refused' refuses 'allow-plain-key' zca export web.myorg.ztna --key plain.key --plain-key
check 'and not written' test ! -e plain.key
sed -i 's/^log = none/&\nallow-plain-key = yes/' "$ZCA_CONFIG"
check 'and given where it is allowed' zca export web.myorg.ztna --key plain.key --plain-key
check 'as PKCS#8' equal 'PRIVATE KEY' "$(blocks plain.key)"
check 'private' equal 600 "$(stat -c %a plain.key)"
check 'of the certificate' equal "$(public_of_certificate web.pem)" "$(public_of_key plain.key)"

check 'one file for two purposes is refused' refuses 'named for two purposes' zca export web.myorg.ztna --bundle twice.pem \
    --key ./twice.pem
check 'and not written' test ! -e twice.pem
check 'a plain bundle is called by its name' equal 'Key in the clear, certificate and chain written to plain.pem' \
    "$(zca export web.myorg.ztna --bundle plain.pem --plain-key)"
check 'the reference in its place' zca export web.myorg.ztna --bundle plain.pem
check 'leaves no key in the clear' test ! -e plain.pem.previous
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out foreign.pem 2>/dev/null
cp foreign.pem foreign.kept
check 'the reference in place of a foreign key' zca export web.myorg.ztna --key foreign.pem
check 'keeps that' cmp foreign.kept foreign.pem.previous
check 'where to?' refuses 'where to' zca export web.myorg.ztna
check 'which?' refuses 'which identity' zca export --bundle x.pem
check 'an unknown one' refuses "export 'none': there is no identity 'zca://default/none': 'zca list'" zca export none --bundle x.pem
check 'of which nothing was written' test ! -e x.pem
check 'no directory' refuses 'No such file' zca export web.myorg.ztna --bundle no/x.pem
check 'of which the list of identities says nothing' equal 1 "$(wc -l <"$work/refused.err")"
finish
