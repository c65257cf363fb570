# shellcheck shell=bash
# Completion of zca for bash: the words come from the program's own table.

_zca() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]-} rows words
    rows=$(zca help --print-options 2>/dev/null) || return
    [ "$command" != ca ] || command="ca ${COMP_WORDS[2]-}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        words=$(cut -d '|' -f 1 <<<"$rows" | cut -d ' ' -f 1 | sort -u)
    elif [ "$COMP_CWORD" -eq 2 ] && [ "${COMP_WORDS[1]}" = ca ]; then
        words='init show'
    elif [[ $before == --*file || $before == --config || $before == --bundle || $before == --cert || $before == --key ||
        $before == --trust ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
        return
    elif [[ $word == -* ]]; then
        words=$(sed -n "s/^$command | \(--[^ ]*\) .*/\1/p" <<<"$rows")
        words="$words --config --help"
    elif [[ $command == renew || $command == export || $command == revoke || $command == pin ]]; then
        words=$(zca list 2>/dev/null | sed '1d; s/ .*//')
    fi
    mapfile -t COMPREPLY < <(compgen -W "${words-}" -- "$word")
}
complete -o default -F _zca zca
