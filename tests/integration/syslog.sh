# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced before lib.sh by the tests that read what programs send to syslog(3): runs the test again in a
# mount namespace of its own, where /dev/log can be made. start_syslog writes what arrives to $work/syslog.
# shellcheck disable=SC2154  # $work is of lib.sh
if [ -z "${ZCA_TEST_NAMESPACE:-}" ]; then
    unshare --mount true 2>/dev/null || { echo "skipped: no mount namespace of its own"; exit 77; }
    ZCA_TEST_NAMESPACE=yes exec unshare --mount "$0" "$@"
fi

# private_dev: a /dev with the usual devices, into which the test may write; gone with the namespace
private_dev() {
    local node
    mount -t tmpfs zca /mnt || return 1
    for node in null zero full random urandom tty; do
        touch "/mnt/$node" && mount --bind "/dev/$node" "/mnt/$node" || return 1
    done
    ln -s /proc/self/fd /mnt/fd
    mkdir -m 1777 /mnt/shm
    mount --move /mnt /dev
}

start_syslog() {
    private_dev || skip 'cannot make a /dev'
    cat >"$work/syslog.py" <<'EOP'
import os, socket, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
while True:
    line = log.recv(65536).rstrip(b"\0\n").decode(errors="replace")
    with open(sys.argv[1], "a") as out:
        print(line, file=out)
EOP
    : >"$work/syslog"
    run_in_background /usr/bin/python3 "$work/syslog.py" "$work/syslog"
    wait_for 10 test -S /dev/log || { echo 'no /dev/log'; exit 1; }
}
