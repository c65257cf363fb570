#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's dovecot, as docs/recipes/dovecot.md says: its login process reads the key after it has changed
# its root and user, where only a sealed reference opens.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
need_root
need openssl curl ss pgrep runuser dovecot
id dovenull >/dev/null 2>&1 || skip 'there is no user dovenull'
name=imap.myorg.ztna
start_authority
cd "$work" || exit 1
port=$(free_port)
ca=$work/state/zca/authorities/default/ca.pem
export OPENSSL_CONF=$work/openssl.cnf
sed "s|^# module = .*|module = $provider|; s|^# zca-config = .*|zca-config = $ZCA_CONFIG|; s|^# \(zca-keep-sealing-key = \)|\1|" \
    "$example" >"$OPENSSL_CONF"
sed -i "s|^log = none|log = $work/zca.log|" "$ZCA_CONFIG"
printf '\n[identity %s]\nbundle-file = %s\nsealed-reference = yes\n' "$name" "$work/bundle.pem" >>"$ZCA_CONFIG"
chmod 755 "$work" # the processes of dovecot pass through it
mkdir dovecot mail
chown mail: mail
cat >dovecot.conf <<EOC
base_dir = $work/dovecot/run
state_dir = $work/dovecot/state
instance_name = zca-test
log_path = $work/dovecot/log
protocols = imap
listen = 127.0.0.1
$(example_line import_environment)
first_valid_uid = 1
ssl = required
ssl_cert = <$work/bundle.pem
ssl_key = <$work/bundle.pem
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=mail gid=mail home=$work/mail mail=maildir:$work/mail
}
service imap-login {
  inet_listener imap {
    port = 0
  }
  inet_listener imaps {
    port = $port
  }
}
EOC

list_mailboxes() { # with plain curl: it knows the CA file and nothing of zca
    env -u OPENSSL_CONF -u ZCA_CONFIG curl -sS --fail --max-time 10 --cacert "$ca" --user me:secret \
        --resolve "$name:$port:127.0.0.1" "imaps://$name:$port/"
}

login_process() { # the one that holds a connection
    pgrep -n -x -u dovenull imap-login
}

reload() { # and waits: dovecot answers the signal when it has read its configuration again
    local before
    before=$(grep -c 'SIGHUP received' dovecot/log)
    kill -HUP "$dovecot_pid"
    wait_for 10 said_more "$before" 'SIGHUP received'
}

said_more() { # THAN TEXT
    [ "$(grep -c "$2" dovecot/log)" -gt "$1" ]
}

check 'an identity with a sealed bundle' zca renew
run_in_background dovecot -F -c "$work/dovecot.conf"
dovecot_pid=$started
wait_for 10 listens "$port" || cat dovecot.log dovecot/log
check 'a mail client logs in' grep -q INBOX <(list_mailboxes)
check 'it shows the bundle' serves bundle.pem "$port"

mkfifo hold
(openssl s_client -quiet -CAfile "$ca" -verify_return_error -connect "127.0.0.1:$port" <hold >held 2>&1) &
pids+=("$!")
exec 3>hold
check 'a client stays' wait_for 10 grep -q 'Dovecot .* ready' held
pid=$(login_process)
check 'its login process is dovenull' equal dovenull "$(stat -c %U "/proc/$pid")"
check 'in its own root' equal "$work/dovecot/run/login" "$(readlink "/proc/$pid/root")"
check 'where no key can be read' test ! -e "/proc/$pid/root$work/state"
exec 3>&-

# renewal
sed -i "s|^sealed-reference = .*|&\nreload = /bin/kill -HUP $dovecot_pid|" "$ZCA_CONFIG"
before=$(openssl x509 -in bundle.pem -noout -serial)
check 'a renewal' zca renew "$name" --force
check 'the bundle holds another certificate' test "$before" != "$(openssl x509 -in bundle.pem -noout -serial)"
check 'is served after the reload' wait_for 10 serves bundle.pem "$port"
stop "$server_pid"
check 'without the authority, too' grep -q INBOX <(list_mailboxes)

check 'who may not read the sealing key hears nothing of it' equal '' \
    "$(runuser -u nobody -- openssl pkey -in /dev/null 2>&1 | grep -i zca)"

# what goes wrong without each part of the recipe
check 'a bundle with a plain reference' zca export "$name" --bundle bundle.pem
reload
check 'is refused' refuses 'curl: ' list_mailboxes
check 'as its log says, with the file' wait_for 20 grep -q "parse private SSL key.*zca.*/keys/default/$name.key" dovecot/log
check 'and in ours' grep -q "/keys/default/$name.key" zca.log
check 'the next run of the timer seals it, and reloads' zca renew
check 'it is back' wait_for 20 serves bundle.pem "$port"
cp bundle.pem same.pem
check 'the run after that' zca renew
check 'leaves it alone' cmp same.pem bundle.pem
stop "$dovecot_pid"
sed -i '/^zca-keep-sealing-key/d' "$OPENSSL_CONF"
run_in_background dovecot -F -c "$work/dovecot.conf"
wait_for 10 listens "$port" || cat dovecot.log dovecot/log
check 'without zca-keep-sealing-key: refused' refuses 'curl: ' list_mailboxes
stop "$started"
check_no_private_key state bundle.pem dovecot
finish
