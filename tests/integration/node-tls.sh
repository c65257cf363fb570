#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Node serves and authenticates with key references, as docs/recipes/node.md says: Debian's, which uses the system's
# libssl, and builds that have an OpenSSL of their own inside.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl ss node timeout
node=$(command -v node)
name=web.myorg.ztna other=client.myorg.ztna
start_authority
cd "$work" || exit 1
ca=$work/state/zca/authorities/default/ca.pem
printf '[identity %s]\nkey-type = RSA-2048\n' "$other" >>"$ZCA_CONFIG"
make_identities "$name" "$other"
export OPENSSL_CONF=$work/openssl.cnf
sed "s|^# module = .*|module = $provider|" "$example" >"$OPENSSL_CONF"
"$node" -p '"node " + process.version + ", its own OpenSSL: " + !process.config.variables.node_shared_openssl'

load() { # [OPTION...] BUNDLE
    local bundle=${!#}
    "$node" "${@:1:$#-1}" "$here/node_tls.js" --load "$bundle"
}

answers=$(printf '%s '"$other"'\n' TLSv1.3 TLSv1.2 TLSv1.3)
stop "$server_pid" # nothing below needs it
check 'server and clients' timeout 30 "$node" --openssl-shared-config "$here/node_tls.js" "$ca" "$name" "$other"
check 'TLS 1.3 and 1.2, and another certificate at run time' equal "$answers" "$(cat check.log)"
mv "$work/state/zca/keys/default/$name.key" hidden
check 'without the key it says why' grep -q "there is no such object" <(load --openssl-shared-config "$name.pem")
mv hidden "$work/state/zca/keys/default/$name.key"
check 'back again' equal loaded "$(load --openssl-shared-config "$name.pem")"

check 'no option is needed' timeout 30 "$node" "$here/node_tls.js" "$ca" "$name" "$other"
check 'the same' equal "$answers" "$(cat check.log)"
sed -i '/^nodejs_conf/d' "$OPENSSL_CONF"
check 'because of nodejs_conf' grep -qv loaded <(load "$name.pem")
check 'without the provider there is no key' grep -qv loaded <(OPENSSL_CONF=/dev/null load "$name.pem")
finish
