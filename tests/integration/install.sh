#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What `meson install` puts where, and that the set finds its parts there: unpacked over /usr in a mount
# namespace of its own, where no path leads to the build directory.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need meson openssl unshare mount
need_root
source=$(cd "$here/../.." && pwd)

meson setup "$work/build" "$source" --prefix=/usr --buildtype=debugoptimized -Dtests=false >"$work/setup.log" 2>&1 || {
    cat "$work/setup.log"
    exit 1
}
DESTDIR="$work/root" meson install -C "$work/build" >"$work/install.log" 2>&1 || {
    cat "$work/install.log"
    exit 1
}
modules=$(openssl version -m | sed 's/^[^"]*"//; s/"$//')
usr=$work/root/usr

there() { # FILE
    [ -s "$work/root$1" ]
}

pages() { # every page of docs/man
    local page
    for page in "$source"/docs/man/*; do
        there "/usr/share/man/man${page##*.}/$(basename "$page")" || { echo "no $page"; return 1; }
    done
}

for file in "$modules/zca.so" /usr/bin/zca /usr/bin/zca-server /usr/share/doc/zca/openssl.cnf.example \
    /usr/lib/systemd/system/zca-server.service /usr/lib/systemd/system/zca-renew.service \
    /usr/lib/systemd/system/zca-renew.timer /usr/lib/systemd/system/zca-renew@.service \
    /usr/lib/systemd/system/zca-renew@.timer; do
    check "$file" there "$file"
done
check 'every manual page' pages
check 'each file once' equal '' "$(sed -n 's|^Installing .*/\(.*\) to \(.*\)|\2/\1|p' "$work/install.log" | sort | uniq -d)"
check 'units name the programs' grep -q '^ExecStart=/usr/bin/zca renew$' "$usr/lib/systemd/system/zca-renew.service"

unshare -m true 2>/dev/null || { echo "no mount namespaces: the installed set is not run"; finish; }

cat >"$work/use.sh" <<'EOF'
set -eu
mount -t overlay overlay -o "lowerdir=$1/usr:/usr" /usr
grep -q overlay /proc/self/mounts
export PATH=/usr/bin:/usr/sbin:/bin
unset ZCA_CONFIG
zca-server --state-dir "$2/installed" --listen 127.0.0.1:0 >"$2/installed.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
for _ in $(seq 1200); do ! grep -q 'zca login' "$2/installed.log" || break; sleep 0.05; done
printf '[zca]\nstate-dir = %s/state-dir\nruntime-dir = %s/runtime-dir\nlog = none\n' "$2" "$2" >"$2/installed.conf"
login=$(grep -o 'zca login .*' "$2/installed.log")
$login --config "$2/installed.conf"
export ZCA_CONFIG=$2/installed.conf
zca ca init
openssl x509 -provider zca -in zca://web.myorg.ztna -noout -subject
zca doctor | grep 'provider .* loads'
! grep -q "$3" /proc/$server/maps
EOF
check 'the installed set works' unshare -m bash "$work/use.sh" "$work/root" "$work" "$work/build"
finish
