#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's python3-pykcs11 with zca-pkcs11.so: what pkcs11_python.py does, on every kind of token.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
python=/usr/bin/python3 # the one that has the package
"$python" -c 'import PyKCS11' 2>/dev/null || skip 'python3-pykcs11 is not installed'
prepare_tokens
prepare_scratch
cd "$work" || exit 99
issue "$ec" "$rsa"
for case in $("$python" "$here/pkcs11_python.py" cases); do
    check "$case" "$python" "$here/pkcs11_python.py" "$case" "$module" "$scratch" "$user_pin" "$ec" "$rsa"
done
finish
