#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# 64 simultaneous openssl processes on a cold identity: one key, one certificate, one issuance.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl jq

processes=64
start_authority
write_openssl_cnf

issued() { # how many certificates the authority knows
    zca list --remote --json | jq length
}

crowd() { # COMMAND...: starts all, {} is the number; all must succeed
    local number pid bad=0 crowd_pids=()
    for number in $(seq "$processes"); do
        "${@//\{\}/$number}" 2>"$work/crowd.$number.err" &
        crowd_pids+=("$!")
    done
    for pid in "${crowd_pids[@]}"; do
        wait "$pid" || bad=$((bad + 1))
    done
    [ "$bad" -eq 0 ] || { echo "$bad of $processes failed"; sort "$work"/crowd.*.err | uniq -c | sort -rn | head -n 5; return 1; }
}

same() { # FILE...: all equal
    [ "$(cat "$@" | sort -u | wc -l)" -eq "$(sort -u "$1" | wc -l)" ]
}

check "64 cold keys" crowd openssl pkey -in zca://cold.myorg.ztna -pubout -out "$work/public.{}"
check "are one key" same "$work"/public.*
before=$(issued)
check "64 cold certificates" crowd openssl x509 -in zca://cold.myorg.ztna -out "$work/certificate.{}"
check "are one certificate" same "$work"/certificate.*
check "and one issuance" equal $((before + 1)) "$(issued)"
finish
