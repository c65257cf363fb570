#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's nginx serves one bundle with a key reference, as docs/recipes/nginx.md says: workers without
# access to the key directory, renewal and reload without a lost connection.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl curl nginx ss ps runuser
id www-data >/dev/null 2>&1 || skip 'there is no user www-data'
name=web.myorg.ztna
start_authority
port=$(free_port)
bundle=$work/bundle.pem
ca=$work/state/zca/authorities/default/ca.pem
write_openssl_cnf
sed -i "s|^module = .*|&\nzca-config = $ZCA_CONFIG|" "$OPENSSL_CONF"
printf '\n[identity %s]\nbundle-file = %s\n' "$name" "$bundle" >>"$ZCA_CONFIG"
chmod 755 "$work" # workers pass through it
mkdir "$work/nginx"
cat >"$work/nginx.conf" <<EOC
user www-data;
worker_processes 2;
daemon off;
pid $work/nginx/pid;
error_log $work/nginx/error.log;
env OPENSSL_CONF;
events {}
http {
    access_log off;
    client_body_temp_path $work/nginx/body;
    proxy_temp_path $work/nginx/proxy;
    fastcgi_temp_path $work/nginx/fastcgi;
    uwsgi_temp_path $work/nginx/uwsgi;
    scgi_temp_path $work/nginx/scgi;
    server {
        listen 127.0.0.1:$port ssl;
        ssl_certificate $bundle;
        ssl_certificate_key $bundle;
        location / { return 200 "hello from nginx\n"; }
    }
}
EOC

fetch() { # with plain curl: it knows the CA file and nothing of zca
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" \
        --resolve "$name:$port:127.0.0.1" "https://$name:$port/"
}

serial_of() {
    openssl x509 -in "$bundle" -noout -serial
}

serves_bundle() {
    [ "$(serial_at "$port")" = "$(serial_of)" ]
}

worker_users() {
    ps -o user= --ppid "$nginx_pid" | sort -u | paste -sd,
}

lost_nothing() {
    [ ! -s "$work/lost" ] || { cat "$work/lost"; return 1; }
}

worker_cannot_read() { # FILE
    ! runuser -u www-data -- cat "$1" >/dev/null 2>&1
}

check 'the identity' zca renew
check 'nginx accepts the configuration' nginx -t -c "$work/nginx.conf" -e "$work/nginx/error.log"
run_in_background nginx -c "$work/nginx.conf" -e "$work/nginx/error.log"
nginx_pid=$started
wait_for 10 listens "$port" || cat "$work/nginx.log" "$work/nginx/error.log"
check 'curl verifies it' equal 'hello from nginx' "$(fetch)"
check 'it shows the bundle' serves_bundle
check 'workers are www-data' equal www-data "$(worker_users)"
check 'the key directory is 0700 root' equal '700 root' "$(stat -c '%a %U' "$work/state/zca/keys/default")"
check 'a worker cannot read the key' worker_cannot_read "$work/state/zca/keys/default/$name.key"
check 'nor the bundle' worker_cannot_read "$bundle"

# renewals with a reload each, under load
sed -i "s|^bundle-file = .*|&\nreload = /bin/kill -HUP $nginx_pid|" "$ZCA_CONFIG"
(while [ ! -e "$work/enough" ]; do fetch >/dev/null 2>>"$work/lost" || echo lost >>"$work/lost"; echo 1 >>"$work/asked"; done) &
pids+=("$!")
for round in 1 2 3; do
    check "renewal $round" zca renew "$name" --force
    check 'is served after the reload' wait_for 10 serves_bundle
done
touch "$work/enough"
wait "$!" 2>/dev/null
check 'no request was lost' lost_nothing
check 'and there were some' test "$(wc -l <"$work/asked")" -gt 10

# a broken file does not bring it down
before=$(serial_of)
cp "$bundle" "$work/kept.pem"
sed -i '2s/^..../AAAA/' "$bundle"
kill -HUP "$nginx_pid"
check 'a broken reference is told' wait_for 10 grep -q 'emerg' "$work/nginx/error.log"
check 'and the old one is served on' equal "$before" "$(serial_at "$port")"
check 'to curl too' equal 'hello from nginx' "$(fetch)"
cp "$work/kept.pem" "$bundle"

# the authority is not needed for any of this
stop "$server_pid"
kill -HUP "$nginx_pid"
sleep 0.5
check 'a reload without the authority' equal 'hello from nginx' "$(fetch)"
check 'no private key in the clear' equal '' \
    "$(grep -rlE -- '-----BEGIN (EC |RSA |ENCRYPTED )?PRIVATE KEY' "$work/state" "$bundle" "$work/nginx")"
stop "$nginx_pid"
finish
