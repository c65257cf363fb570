# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests of configuration orders: the openssl.cnf that administrators write, right
# and wrong ones. Works in $work.
# shellcheck disable=SC2034,SC2154  # variables are of and for the files around
cd "$work" || exit 99

arrangements='alone default-first zca-first prefer-zca both-wrong relative include legacy'

set_preference() { # default_properties = ?provider=zca
    sed -i 's/^providers = providers$/&\nalg_section = preference/' "$OPENSSL_CONF"
    printf '[preference]\ndefault_properties = ?provider=zca\n' >>"$OPENSSL_CONF"
}

# zca stands in a file of its own, which the main one includes: at its end, because it opens a section
set_include() {
    write_openssl_cnf default
    printf '[zca_provider]\nactivate = 1\nmodule = %s\n' "$provider" >"$work/zca.cnf"
    sed -i "s|^default = default_provider\$|&\nzca = zca_provider|" "$OPENSSL_CONF"
    printf '.include %s\n' "$work/zca.cnf" >>"$OPENSSL_CONF"
}

# the module by a path that is relative to the directory of modules, which is relative to $work
set_relative() {
    write_openssl_cnf default zca
    ln -sfn "$(dirname "$provider")/.." "$work/modules"
    sed -i "s|^module = .*|module = $(basename "$(dirname "$provider")")/zca.so|" "$OPENSSL_CONF"
    export OPENSSL_MODULES=./modules
}

# arrange NAME: the configuration of what runs from now on
arrange() {
    arrangement=$1
    unset OPENSSL_MODULES
    case $1 in
    alone) write_openssl_cnf zca ;;
    default-first) write_openssl_cnf default zca ;;
    zca-first) write_openssl_cnf zca default ;;
    prefer-zca) write_openssl_cnf default zca && set_preference ;;
    both-wrong) write_openssl_cnf zca default && set_preference ;;
    relative) set_relative ;;
    include) set_include ;;
    legacy) write_openssl_cnf legacy default zca ;;
    esac
}
