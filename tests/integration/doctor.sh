# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests of zca doctor: a healthy host with the identity web.myorg.ztna, and what
# the tests look for in the findings. Works in $work.
# shellcheck disable=SC2034,SC2154  # variables are of and for the files around
start_authority
cd "$work" || exit 1
zca cert web.myorg.ztna >/dev/null || exit 1
write_openssl_cnf
cp "$ZCA_CONFIG" good.conf
cp openssl.cnf good.cnf
state=$work/state/zca

healthy() {
    zca doctor || return 1
    equal '' "$(zca doctor | grep '^FAIL')"
}

arguments=() # of zca doctor

# finding VERDICT TEXT: the lines of findings with TEXT, and the advice below each
finding() {
    awk -v verdict="$1" -v text="$2" '/^(ok|warn|FAIL) /{ on = $1 == verdict && index($0, text) } on' "$work/found"
}

advised() { # each finding that is not ok has advice
    awk '/^(warn|FAIL) /{ if (open) print line; open = 1; line = $0; next } { if (open && !/^  ->/) print line; open = 0 }
        END { if (open) print line }' "$work/found" >"$work/unadvised"
    equal '' "$(cat "$work/unadvised")"
}

told() { # VERDICT TEXT [ADVICE]
    advised || return 1
    [ -n "$(finding "$1" "$2")" ] || { echo "no $1 with '$2':"; cat "$work/found"; return 1; }
    [ $# -lt 3 ] || finding "$1" "$2" | grep '^  ->' | grep -qF -- "$3" ||
        { echo "no advice '$3':"; finding "$1" "$2"; return 1; }
}

finds() { # TEXT ADVICE: a line FAIL with TEXT, advice below it, status 1
    local status=0
    zca doctor "${arguments[@]}" >"$work/found" 2>"$work/found.err" || status=$?
    [ "$status" -eq 1 ] || { echo "status $status"; cat "$work/found"; return 1; }
    told FAIL "$@" && equal '' "$(cat "$work/found.err")"
}

warns() { # TEXT [ADVICE]: a line warn with TEXT
    zca doctor "${arguments[@]}" >"$work/found" 2>&1
    told warn "$@"
}

silent() { # TEXT: no line with it
    zca doctor "${arguments[@]}" >"$work/found" 2>&1
    ! grep -F -- "$1" "$work/found"
}

restore() {
    cp good.conf "$ZCA_CONFIG"
    cp good.cnf openssl.cnf
    export OPENSSL_CONF=$work/openssl.cnf
    unset OPENSSL_MODULES
}

