# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests that run openssl: the ways to activate the provider, and checks
# of openssl's own output. Works in $work.
# shellcheck disable=SC2034,SC2154  # variables are of and for the files around
cd "$work" || exit 99

ways='option alone default-first zca-first prefer-zca'

# use WAY: how the provider is activated from now on; `option` is -provider on the command line
use() {
    way=$1
    case $way in
    option) write_openssl_cnf default ;;
    alone) write_openssl_cnf zca ;;
    zca-first) write_openssl_cnf zca default ;;
    *) write_openssl_cnf default zca ;;
    esac
    if [ "$way" = option ]; then # nothing but what the command line says
        printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$OPENSSL_CONF"
    elif [ "$way" = prefer-zca ]; then
        sed -i 's/^providers = providers$/&\nalg_section = preference/' "$OPENSSL_CONF"
        printf '[preference]\ndefault_properties = ?provider=zca\n' >>"$OPENSSL_CONF"
    fi
}

# ossl_words COMMAND ARGUMENT...: the command line of openssl, with the provider activated the way `use` said,
# in the array `words`
ossl_words() {
    local command=$1
    shift
    words=(openssl "$command")
    [ "$way" != option ] || words+=(-provider-path "$(dirname "$provider")" -provider zca)
    words+=("$@")
}

# ossl COMMAND ARGUMENT...: runs it
ossl() {
    ossl_words "$@"
    "${words[@]}"
}

fail() { # WHAT...
    echo "FAIL  [$way] $*"
    failed=$((failed + 1))
}

show() {
    tail -n 20 "$work/out" "$work/err" | cut -c1-300 | sed 's/^/      /'
}

# ok WHAT COMMAND...: the command succeeds and leaves nothing in OpenSSL's error queue
ok() {
    local what=$1
    shift
    if ! "$@" >"$work/out" 2>"$work/err"; then
        fail "$what: $*"
        show
    elif grep -q ':error:' "$work/err"; then
        fail "$what left errors: $*"
        show
    fi
}

# refused WHAT PATTERN COMMAND...: the command fails and says PATTERN
refused() {
    local what=$1 pattern=$2
    shift 2
    if "$@" >"$work/out" 2>"$work/err"; then
        fail "$what succeeded: $*"
    elif ! grep -Eq -- "$pattern" "$work/out" "$work/err"; then
        fail "$what does not say '$pattern'"
        show
    fi
}

# says WHAT PATTERN: the last output holds it
says() {
    grep -Eq -- "$2" "$work/out" "$work/err" || {
        fail "$1: no '$2' in the output"
        show
    }
}

# same WHAT FILE FILE
same() {
    cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"
}
