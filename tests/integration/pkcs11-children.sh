#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A connection that is kept, beside a child: the child makes one of its own, and when it has ended the parent goes on
# with its old one. The authority is zca-server.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need strace
python=/usr/bin/python3 # the one that has the package
"$python" -c 'import PyKCS11' 2>/dev/null || skip 'python3-pykcs11 is not installed'
prepare_tokens
for name in before child after; do
    add_identity "$name.myorg.ztna"
done
cd "$work" || exit 99

run() {
    strace -f -qq -e trace=connect -o trace \
        "$python" "$here/pkcs11_children.py" "$module" before.myorg.ztna child.myorg.ztna after.myorg.ztna >child
}

connects_of() { # parent|child: connections that this process made
    local child
    child=$(cat child)
    case $1 in
    child) grep -c "^$child .*connect(.*AF_INET" trace ;;
    parent) grep -v "^$child " trace | grep -c 'connect(.*AF_INET' ;;
    esac
}

check 'parent, child and parent again request a certificate each' run
for name in before child after; do
    check "the certificate of $name is there" issued "$name.myorg.ztna"
done
check 'the parent connected once' equal 1 "$(connects_of parent)"
check 'the child connected once' equal 1 "$(connects_of child)"
finish
