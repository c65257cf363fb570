# Sourced by openssl-*.sh: a temporary directory, a zca.conf, the ways to activate the provider.
# shellcheck shell=bash
#
# ZCA_MODULES   directory of the built zca.so

set -u
unset OPENSSL_CONF OPENSSL_MODULES SSL_CERT_FILE SSL_CERT_DIR ZCA_CONFIG ZCA_LOG
export LC_ALL=C

: "${ZCA_MODULES:?directory of zca.so}"
if ! command -v openssl >/dev/null; then
    echo "no openssl"
    exit 77
fi
work=$(mktemp -d)
failures=0
cleanup() {
    # shellcheck disable=SC2046  # a list of process ids
    kill $(jobs -p) 2>/dev/null
    wait
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
mkdir state

# conf NAME PROVIDERS [ALG]: an openssl.cnf that activates PROVIDERS in this order
conf() {
    {
        printf 'openssl_conf = init\n[init]\nproviders = providers\nconfig_diagnostics = 1\n%s\n' "${3:-}"
        printf '[providers]\n'
        for name in $2; do
            printf '%s = %s_section\n' "$name" "$name"
        done
        printf '[default_section]\nactivate = 1\n'
        printf '[zca_section]\nmodule = %s/zca.so\nactivate = 1\nzca-config = %s/zca.conf\n' \
            "$ZCA_MODULES" "$work"
        printf '[prefer_zca]\ndefault_properties = ?provider=zca\n'
        printf '[req]\ndistinguished_name = dn\n[dn]\n'
    } >"$1.cnf"
}

conf alone zca
conf default-first 'default zca'
conf zca-first 'zca default'
conf prefer-zca 'default zca' 'alg_section = prefer_zca'
printf '[req]\ndistinguished_name = dn\n[dn]\n' >plain.cnf

# use WAY: activates the provider for `ossl`; "option" is -provider on the command line
use() {
    way=$1
    if [ "$way" = option ]; then
        export OPENSSL_CONF=$work/plain.cnf ZCA_CONFIG=$work/zca.conf
    else
        unset ZCA_CONFIG
        export OPENSSL_CONF=$work/$way.cnf
    fi
}
ways='option alone default-first zca-first prefer-zca'

# ossl COMMAND ARGUMENT...: openssl with the provider activated the way `use` said
ossl() {
    command=$1
    shift
    if [ "$way" = option ]; then
        openssl "$command" -provider-path "$ZCA_MODULES" -provider zca "$@"
    else
        openssl "$command" "$@"
    fi
}

fail() {
    echo "FAILED [${way:-}] $*"
    failures=$((failures + 1))
}

# ok WHAT COMMAND...: the command must succeed; its output is shown when it does not
ok() {
    what=$1
    shift
    if ! "$@" >out.txt 2>err.txt; then
        fail "$what: $*"
        tail -n 20 out.txt err.txt
    elif [ -s err.txt ] && grep -q ':error:' err.txt; then
        fail "$what left errors: $*"
        tail -n 20 err.txt
    fi
}

# refused WHAT PATTERN COMMAND...: the command must fail and say PATTERN
refused() {
    what=$1 pattern=$2
    shift 2
    if "$@" >out.txt 2>err.txt; then
        fail "$what succeeded: $*"
    elif ! grep -Eq -- "$pattern" out.txt err.txt; then
        fail "$what does not say '$pattern'"
        tail -n 20 out.txt err.txt
    fi
}

# says PATTERN: the last output holds it
says() {
    grep -Eq -- "$1" out.txt err.txt || { fail "no '$1' in the output"; tail -n 20 out.txt err.txt; }
}

# free_port: a loopback port that nobody listens on
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# wait_port PORT: until somebody listens, at most 10 s
wait_port() {
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
            return 0
        fi
        sleep 0.1
    done
    return 1
}

finish() {
    if [ "$failures" -ne 0 ]; then
        echo "$failures failures"
        exit 1
    fi
    echo "all passed"
    exit 0
}
