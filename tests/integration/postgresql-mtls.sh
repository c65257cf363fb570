#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's PostgreSQL and psql authenticate with key references, as docs/recipes/postgresql.md says: the server and
# the renewal run as postgres, with a state of their own.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl psql ss ps
id postgres >/dev/null 2>&1 || skip 'there is no user postgres'
bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/postgres" ] || skip 'the PostgreSQL server is not installed'
prepare_service db.myorg.ztna db.pem
give_state_to postgres

# a cluster of its own: the users of a database are those that certificates name
data=$work/pg/data
install -d -o postgres -m 700 "$work/pg"
check 'a cluster' as postgres "$bin/initdb" --no-sync -D "$data" -U postgres
as postgres tee -a "$data/postgresql.conf" >/dev/null <<EOC
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$work/pg'
fsync = off
ssl = on
ssl_cert_file = '$bundle'
ssl_key_file = '$bundle'
ssl_ca_file = '$ca'
EOC
as postgres tee "$data/pg_hba.conf" >/dev/null <<EOC
local all postgres peer
hostssl all all 127.0.0.1/32 cert
EOC

start_postgresql() {
    run_in_background setpriv --reuid postgres --regid postgres --init-groups "$bin/postgres" -D "$data"
    postgres_pid=$started
    wait_for 20 as postgres psql -h "$work/pg" -p "$port" -c 'select 1' || { cat "$work/setpriv.log"; return 1; }
}

ask() { # OPTION...: who the server takes us for, and whether that is over TLS
    psql -w -At "host=$name hostaddr=127.0.0.1 port=$port dbname=postgres user=$client sslmode=verify-full sslrootcert=$ca $*" \
        -c 'select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()'
}

known_as_client() { # OPTION...
    equal "$client|t" "$(ask "$@")"
}

check 'the identity, made by postgres' as postgres zca renew "$name"
check 'the file is 0600 postgres' equal '600 postgres' "$(stat -c '%a %U' "$bundle")"
check 'PostgreSQL starts' start_postgresql
check 'as postgres' equal postgres "$(ps -o user= -p "$postgres_pid")"
check 'a user for the client' as postgres psql -h "$work/pg" -p "$port" -c "create role \"$client\" login"
check 'it shows the bundle' serves "$bundle" "$port" -starttls postgres
check 'psql verifies it, and is known by its certificate' known_as_client \
    "sslcert=$work/client.crt sslkey=$work/client.key"
check 'from one file, too' known_as_client "sslcert=$work/client.pem sslkey=$work/client.pem"
check 'without certificate it is not' refuses 'requires a valid client certificate' ask 'sslcert=/nonexistent'
check 'a colon means an engine to psql' refuses 'engine' ask "sslcert=$work/client.crt sslkey=zca://$client"

# a renewal by postgres, with a connection that stays
sed -i "s|^bundle-file = $bundle|&\nreload = $bin/pg_ctl reload -D $data|" "$ZCA_CONFIG"
mkfifo "$work/questions"
psql -w -At "host=$name hostaddr=127.0.0.1 port=$port dbname=postgres user=$client sslmode=verify-full sslrootcert=$ca \
    sslcert=$work/client.pem sslkey=$work/client.pem" <"$work/questions" >"$work/answers" 2>&1 &
stays=$!
exec 3>"$work/questions"
echo 'select 1;' >&3
check 'a connection' wait_for 10 grep -qx 1 "$work/answers"
for round in 1 2; do
    check "renewal $round" as postgres zca renew "$name" --force
    check 'is served after the reload' wait_for 10 serves "$bundle" "$port" -starttls postgres
done
check 'psql verifies it' known_as_client "sslcert=$work/client.pem sslkey=$work/client.pem"
echo 'select 2;' >&3
exec 3>&-
wait "$stays"
check 'the connection stayed' equal '1 2' "$(xargs <"$work/answers")"
check 'a renewal of the client' zca renew "$client" --force
check 'is known' known_as_client "sslcert=$work/client.pem sslkey=$work/client.pem"

# a broken file does not bring it down
before=$(serial_at "$port" -starttls postgres)
cp -p "$bundle" "$work/kept.pem"
sed -i '2s/^..../AAAA/' "$bundle"
chown postgres "$bundle"
check 'a reload with a broken reference' as postgres "$bin/pg_ctl" reload -D "$data"
check 'is told' wait_for 10 grep -q 'SSL configuration was not reloaded' "$work/setpriv.log"
check 'with its reason' grep -q 'could not load private key file.*the input is not valid' "$work/setpriv.log"
check 'and the old one is served on' equal "$before" "$(serial_at "$port" -starttls postgres)"
cp -p "$work/kept.pem" "$bundle"

stop "$server_pid"
check 'without the authority' known_as_client "sslcert=$work/client.pem sslkey=$work/client.pem"
check 'a reload' as postgres "$bin/pg_ctl" reload -D "$data"
check 'serves on' wait_for 10 serves "$bundle" "$port" -starttls postgres
check_no_private_key "$work/state" "$work/pg" "$work"/*.pem "$work"/*.key
kill -INT "$postgres_pid"
check 'it stops' wait_for 15 gone "$postgres_pid"
finish
