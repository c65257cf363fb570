#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's Apache, started and stopped twenty times: it unloads and reloads mod_ssl, and with it OpenSSL's user,
# while it starts, and forks workers that sign. Each start serves, each end is clean. The wrong order is as good.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
mpm=prefork
. "$(dirname "$0")/apache_server.sh"
. "$(dirname "$0")/order_arrangements.sh"
need openssl curl
name=web.myorg.ztna
rounds=20
start_authority
ca=$work/state/zca/authorities/default/ca.pem
make_identities "$name"
before=$(find "$work/state" | sort)
write_apache_conf "SSLCertificateFile $work/$name.pem"

fetch() {
    env -u OPENSSL_CONF -u OPENSSL_MODULES -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$apache_port:127.0.0.1" "https://$name:$apache_port/"
}

ends() { # by itself within ten seconds, with status 0
    kill "$apache_pid" && wait_for 10 gone "$apache_pid" && wait "$apache_pid"
}

start_and_stop() { # PREPARATION
    local round
    for round in $(seq "$rounds"); do
        if ! start_apache || ! equal 'hello from apache' "$(fetch)" || ! ends; then
            echo "in round $round"
            return 1
        fi
    done
}

graceful_under_way() { # twenty of them, and the last still serves
    local round
    start_apache || return 1
    for round in $(seq "$rounds"); do
        if ! command_apache graceful || ! equal 'hello from apache' "$(fetch)"; then
            echo "in round $round"
            return 1
        fi
    done
    ends
}

killed() { # no teardown at all; the next start is none the worse
    local workers
    start_apache && fetch || return 1
    read -ra workers <<<"$(apache_workers)"
    kill -KILL "$apache_pid" "${workers[@]}"
    wait_for 10 no_worker_left && start_apache && equal 'hello from apache' "$(fetch)" && ends
}

no_worker_left() {
    ! listens "$apache_port"
}

died() { # what Apache says of children and of itself
    grep -E 'AH00051|AH00052|Segmentation|core dump|AH00046' "$work/apache/error.log"
}

arrange default-first
check "$rounds starts and stops" start_and_stop
check "$rounds times graceful" graceful_under_way
check 'killed' killed
arrange zca-first
rounds=5
check 'zca first: starts and stops' start_and_stop
arrange prefer-zca
check 'zca preferred: starts and stops' start_and_stop
check 'no child died' equal '' "$(died)"
check 'nothing was written' equal "$before" "$(find "$work/state" | sort)"
finish
