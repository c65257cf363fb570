#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's lighttpd as docs/recipes/lighttpd.md says: started as root with a bundle, restarted after a renewal; and
# with a sealed one, where USR1 is enough.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl curl lighttpd ss ps
id www-data >/dev/null 2>&1 || skip 'there is no user www-data'
[ -e /usr/lib/lighttpd/mod_openssl.so ] || skip 'lighttpd has no mod_openssl'
name=web.myorg.ztna
start_authority
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
write_server_cnf
printf '[identity %s]\nbundle-file = %s\n' "$name" "$work/web.pem" >>"$ZCA_CONFIG"
mkdir "$work/www" "$work/logs"
chown www-data "$work/logs"
echo 'hello from lighttpd' >"$work/www/index.html"
chmod 755 "$work" "$work/www"

write_lighttpd_conf() { # PEM
    cat >"$work/lighttpd.conf" <<EOC
server.modules = ( "mod_indexfile", "mod_staticfile", "mod_openssl" )
server.document-root = "$work/www"
server.errorlog = "$work/logs/error.log"
server.username = "www-data"
server.groupname = "www-data"
server.bind = "127.0.0.1"
server.port = $port
server.feature-flags = ( "server.graceful-shutdown-timeout" => 5 )
index-file.names = ( "index.html" )
ssl.engine = "enable"
ssl.pemfile = "$1"
EOC
}

start_lighttpd() {
    run_in_background lighttpd -D -f "$work/lighttpd.conf"
    lighttpd_pid=$started
    wait_for 10 listens "$port" || { cat "$work/lighttpd.log" "$work/logs/error.log"; return 1; }
}

greets() { # with plain curl: it knows the CA file and nothing of zca
    equal 'hello from lighttpd' "$(env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$port:127.0.0.1" "https://$name:$port/")"
}

check 'the identity' zca renew
write_lighttpd_conf "$work/web.pem"
check 'lighttpd accepts the configuration' lighttpd -tt -f "$work/lighttpd.conf"
check 'it starts' start_lighttpd
check 'curl verifies it' greets
check 'it shows the bundle' serves "$work/web.pem" "$port"
check 'and is www-data' equal www-data "$(ps -o user= -p "$lighttpd_pid")"
check 'a renewal' zca renew "$name" --force
restart_lighttpd() {
    stop "$lighttpd_pid" && start_lighttpd
}

check 'is served after a restart' restart_lighttpd
check 'indeed' serves "$work/web.pem" "$port"
check 'to curl too' greets

# USR1 reads the files again, as www-data
kill -USR1 "$lighttpd_pid"
check 'USR1 cannot read the files of root' wait_for 10 grep -q 'web.pem: Permission denied' "$work/lighttpd.log"
check 'and lighttpd ends' wait_for 10 gone "$lighttpd_pid"

# a sealed reference can be opened with what was read as root; the file stays with www-data when it is replaced
sed -i "s|^bundle-file = .*|&\nsealed-reference = yes|; s|^log = none|&\nkeep-sealing-key = yes|" "$ZCA_CONFIG"
chmod 644 "$ZCA_CONFIG"
check 'a sealed bundle' zca renew "$name"
chown www-data "$work/web.pem"
check 'it starts' start_lighttpd
check 'and is www-data' equal www-data "$(ps -o user= -p "$lighttpd_pid")"
check 'who cannot read the keys' refuses 'Permission denied' as www-data ls "$work/state/zca/keys"
sed -i "s|^bundle-file = .*|&\nreload = /bin/kill -USR1 $lighttpd_pid|" "$ZCA_CONFIG"
for round in 1 2; do
    check "renewal $round" zca renew "$name" --force
    check 'is served after USR1' wait_for 15 serves "$work/web.pem" "$port"
    check 'to curl too' greets
done
stop "$server_pid"
check 'without the authority' greets
check_no_private_key "$work/state" "$work"/*.pem
stop "$lighttpd_pid"
finish
