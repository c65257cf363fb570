#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every line of openssl.cnf.example does what it says: as it is, with each of its options, in each of the places that
# it names. What it tells nginx, dovecot and easy-rsa is loaded by their own tests.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need openssl ss strace
system=$(openssl version -d | sed 's/^[^"]*"//; s/"$//')/openssl.cnf
[ -r "$system" ] || skip 'OpenSSL has no configuration'
start_authority
cd "$work" || exit 1
name=web.myorg.ztna
zca cert "$name" >/dev/null || exit 1

# use FILE [SED-SCRIPT]: FILE, changed like that, becomes the configuration
use() {
    sed "${2:-}" "$1" >used.cnf
    export OPENSSL_CONF=$work/used.cnf
}

# use_option LINE: the example with the commented line of this option, and this value
use_option() {
    grep -q "^# ${1%% = *} = " "$example" || { echo "no such line: $1"; return 1; }
    use "$example" "s|^# ${1%% = *} = .*|$1|"
}

providers() { # those that are active, in their order
    openssl list -providers | sed -n 's/^  \([a-z]*\)$/\1/p' | paste -sd,
}

is_complete() { # default and zca are there, and a key of zca can be used beside the rest of OpenSSL
    equal default,zca "$(providers)" && openssl pkey -in "zca://$name" -noout && openssl dgst -sha256 used.cnf &&
        zca doctor | grep -q 'provider .* loads'
}

# as it is: the module lies in OpenSSL's directory, which OPENSSL_MODULES stands for here
export OPENSSL_MODULES=$build/provider
use "$example"
check 'as it is' is_complete
use "$system"
check 'the system has none of it' equal default "$(providers)"
cat "$example" >>used.cnf
check 'at the end of the file of the system' is_complete
check 'where everything else is still there' openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout other.key -subj /CN=other -out other.csr
use "$system"
echo ".include $example" >>used.cnf
check 'included there' is_complete
use "$example" "s|^# .include .*|.include $system|"
check 'in a file of its own, which includes that of the system' is_complete
check 'where everything else is there, too' openssl req -new -key other.key -subj /CN=other -out other.csr
use "$example" 's/^#.*//; /^\[default\]$/d'
check 'before the first section' is_complete

# a unit's drop-in
cp "$example" service.cnf
line=$(example_line Environment=OPENSSL_CONF=)
variable=${line#Environment=}
check 'in a drop-in' env -u OPENSSL_CONF "${variable%%=*}=$work/service.cnf" openssl pkey -in "zca://$name" -noout

# option by option
unset OPENSSL_MODULES
use "$example"
check 'where the module is not found there is no zca' equal default "$(providers)"
use_option "module = $provider"
check 'module' is_complete
export OPENSSL_MODULES=$build/provider
mv "$ZCA_CONFIG" elsewhere.conf
check 'without zca.conf' refuses 'zca.conf' openssl pkey -in "zca://$name" -noout
use_option "zca-config = $work/elsewhere.conf"
check 'zca-config' openssl pkey -in "zca://$name" -noout
mv elsewhere.conf "$ZCA_CONFIG"
use_option "zca-log = $work/zca.log"
check 'zca-log' refuses 'zca' openssl pkey -in zca://nobody/x -noout
check 'is written' grep -q nobody zca.log
use_option 'zca-auto-enrol = csr'
check 'zca-auto-enrol: nothing without a request' refuses 'zca' openssl x509 -in zca://new.myorg.ztna -noout
use_option 'zca-remote = off'
check 'zca-remote: no network' refuses 'remote' openssl x509 -in zca://new.myorg.ztna -noout
use "$example"
check 'which is what would have been used' openssl x509 -in zca://new.myorg.ztna -noout
check 'pkcs11 is not our scheme' refuses '' openssl x509 -in "pkcs11:object=$name;type=cert" -noout
use_option 'zca-claim-pkcs11-scheme = yes'
check 'zca-claim-pkcs11-scheme' openssl x509 -in "pkcs11:object=$name;type=cert" -noout
use_option 'zca-uris-only = yes'
check 'zca-uris-only' openssl req -new -key "zca://$name" -subj "/CN=$name" -out only.csr
check 'a reference is written' openssl pkey -in "zca://$name" -out only.ref
check 'and not read' refuses 'unsupported' openssl pkey -in only.ref -noout
use "$example"
check 'else it is' openssl pkey -in only.ref -noout
use_option 'zca-keep-sealing-key = yes'
check 'zca-keep-sealing-key' is_complete
check 'reads the sealing key before a key is used' grep -q '/sealing.key' \
    <(strace -f -e trace=openat openssl version 2>&1)
check 'no line is left out' equal '' "$(comm -23 <(sed -n 's/^# \([a-z-]*\) = .*/\1/p' "$example" | sort) \
    <(grep -o "use_option [\"'][a-z-]*" "$here/openssl-example.sh" | sed "s/use_option [\"']//" | sort -u))"
finish
