#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether the PKCS#11 module keeps memory: an identity's key signs in one process and in children of it, one signature
# each. Fails when the resident set grew by 1 MiB.
# usage: pkcs11-soak.sh [SIGNATURES [CHILDREN]]    in full: 1000000 100000
# shellcheck source-path=SCRIPTDIR/../integration
. "$(dirname "$0")/../integration/lib.sh"
unset MALLOC_PERTURB_ # meson sets it
cat >"$work/zca.conf" <<END
[zca]
state-dir = $work/state
runtime-dir = $work/run
remote = off
log = none
[authority corp]
url = https://127.0.0.1:1
dialect = orgca
[identity web]
END
"$build/tests/bench/pkcs11-soak" "$build/pkcs11-module/zca-pkcs11.so" "$work/zca.conf" web "${1:-50000}" "${2:-2000}" ||
    failed=$((failed + 1))
finish
