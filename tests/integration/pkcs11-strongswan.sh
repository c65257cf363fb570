#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# strongSwan's pki with zca-pkcs11.so: identities sign requests, and the certificates of its tokens are found.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need pki setsid
[ -e /usr/lib/ipsec/plugins/libstrongswan-pkcs11.so ] || skip "strongSwan's plug-in pkcs11 is not installed"
prepare_tokens
cd "$work" || exit 99
cat >strongswan.conf <<EOC
pki {
    load = pkcs11 openssl x509 pem pkcs1 pkcs8 pubkey random nonce
}
libstrongswan {
    plugins {
        pkcs11 {
            modules {
                zca {
                    path = $module
                }
            }
        }
    }
}
EOC
export STRONGSWAN_CONF="$work/strongswan.conf"
issue "$ec" "$rsa"

id_of() { # TOKEN: CKA_ID of its private key, in hexadecimal
    on "$1" --list-objects --type privkey | sed -n 's/^ *ID: *//p'
}

makes() { # FILE COMMAND...: pki, with keys that need no PIN
    local file=$1
    shift
    timeout 30 setsid pki "$@" --outform pem </dev/null >"$file"
}

declare -A type=([$ec]=ecdsa [$rsa]=rsa)
for identity in "$ec" "$rsa"; do
    for digest in sha256 sha384 sha512; do
        check "$identity: a request, $digest" makes own.csr --req --keyid "$(id_of "$identity")" --type "${type[$identity]}" --dn "CN=$identity" --digest "$digest"
        check 'for the key of the certificate' fits own.csr "$identity.pem"
    done
    check 'a certificate of its own' makes self.pem --self --keyid "$(id_of "$identity")" --type "${type[$identity]}" --ca --dn "CN=$identity"
    check 'verifies' openssl verify -check_ss_sig -CAfile self.pem self.pem
    check 'as a CA' makes leaf.pem --issue --type pkcs10 --in own.csr --cacert self.pem --dn CN=leaf --cakeyid "$(id_of "$identity")"
    check 'verifies' openssl verify -CAfile self.pem leaf.pem
done
finish
