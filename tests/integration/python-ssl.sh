#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Python serves and authenticates with key references, as docs/recipes/python.md says.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
python=/usr/bin/python3
need openssl ss "$python"
name=web.myorg.ztna other=client.myorg.ztna
start_authority
cd "$work" || exit 1
ca=$work/state/zca/authorities/default/ca.pem
printf '[identity %s]\nkey-type = RSA-2048\n' "$name" "$other" >>"$ZCA_CONFIG"
make_identities "$name" "$other"
write_openssl_cnf

talk() {
    "$python" "$here/python_ssl.py" "$ca" "$name" "$other"
}

serial_of() { # NAME
    openssl x509 -in "$1.pem" -noout -serial | sed 's/^serial=//'
}

load() { # FILE [KEY]
    "$python" "$here/python_ssl.py" --load "$@"
}

stop "$server_pid" # nothing below needs it
check 'server and client' talk
mv check.log answers
check 'TLS 1.2 and 1.3, one file and two' equal \
    "$(printf '%s TLSv1.2\n%s TLSv1.3\n' "$other" "$other" "$name" "$name")" "$(head -n 4 answers | cut -d' ' -f1,2)"
check 'with the right certificate' equal "$(serial_of "$name")" "$(head -n 4 answers | cut -d' ' -f3 | sort -u)"
check 'a live context changes it' equal "$(serial_of "$other")" "$(sed -n 5p answers | cut -d' ' -f3)"

# trap: Python turns whatever it finds in errno into the exception's type
check 'another key: mismatch' grep -q '^SSLError: \[X509: KEY_VALUES_MISMATCH\]' <(load "$name.crt" "$other.key")
mv "$work/state/zca/keys/default/$name.key" hidden
check 'no key behind the reference: no FileNotFoundError' grep -q '^SSLError:' <(load "$name.pem")
mv hidden "$work/state/zca/keys/default/$name.key"
check 'back again' equal loaded "$(load "$name.pem")"
check 'no such file: FileNotFoundError' grep -q '^FileNotFoundError:' <(load none.pem)
check 'without the provider there is no key' grep -q '^SSLError:' <(OPENSSL_CONF=/dev/null load "$name.pem")
finish
