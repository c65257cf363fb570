#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca pin: a PIN from a file, standard input and a terminal; what is kept, and what is said.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need script ss
write_config
printf '[authority corp]\nurl = https://127.0.0.1:1/\ndialect = orgca\n[identity web]\npin = local\n' >>"$ZCA_CONFIG"
cd "$work" || exit 1
file=$work/state/zca/tokens/corp/web.pin

set_from_input() { # PIN
    printf '%s\n' "$1" | zca pin web
}

type_pins() { # PIN PIN: on a terminal; what the terminal showed goes to $work/screen
    { sleep 1; printf '%s\n' "$1"; sleep 1; printf '%s\n' "$2"; sleep 1; } |
        script -qec 'zca pin web; echo "status $?"' /dev/null >"$work/screen"
}

says() { # TEXT COMMAND...
    local text=$1
    shift
    "$@" | grep -qF -- "$text"
}

lacks() { # TEXT FILE
    ! grep -qF -- "$1" "$2"
}

differ() { # FILE FILE
    ! cmp -s "$1" "$2"
}

check 'from standard input' says 'PIN of zca://corp/web set' set_from_input 'a secret'
check 'kept in a file' test -f "$file"
check 'which is private' equal 600 "$(stat -c %a "$file")"
check 'and does not hold it' lacks 'a secret' "$file"
cp "$file" first
printf 'another secret\n' >pin.txt
check 'from a file' zca pin web --pin-file pin.txt
check 'it is another one' differ first "$file"
check 'too short' refuses '4 to 1024 bytes' set_from_input abc
check 'nothing' refuses 'nothing was typed' zca pin web </dev/null
check 'never as an argument' refuses 'is too much' zca pin web 123456

cp "$file" before
type_pins 'typed secret' 'typed secret'
check 'typed twice' grep -q 'status 0' "$work/screen"
check 'asked twice' grep -q 'Once more' "$work/screen"
check 'without echo' lacks 'typed secret' "$work/screen"
check 'it is the new one' differ before "$file"
cp "$file" before
type_pins 'typed secret' 'mistyped'
check 'two that differ' grep -q 'not the same' "$work/screen"
check 'change nothing' cmp before "$file"

check 'an identity that asks for none' says "set 'pin = local' in [identity mail]" zca pin mail --pin-file pin.txt
check 'another name' test -f "$work/state/zca/tokens/corp/mail.pin"
check 'remove' says 'PIN of zca://corp/web removed' zca pin web --remove
check 'it is gone' test ! -e "$file"
check 'twice is as good' zca pin web --remove
check 'one or the other' refuses 'exclude each other' zca pin web --remove --pin-file pin.txt
check 'which?' refuses 'which identity' zca pin
finish
