#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca doctor's look at what stands around: servers that lose OPENSSL_CONF or change their root, Apache's
# engine, easy-rsa, the timer and the system's log; in a mount namespace, with own files over those of /etc.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/syslog.sh"
. "$(dirname "$0")/lib.sh"
need_root
need openssl ss mount
. "$(dirname "$0")/doctor.sh"
zca export web.myorg.ztna --bundle plain.pem >/dev/null || exit 1
zca export web.myorg.ztna --bundle sealed.pem --sealed >/dev/null || exit 1
for directory in /etc/nginx /etc/dovecot /etc/haproxy /etc/systemd/system /etc/cron.d; do
    mkdir -p "$work/etc$directory"
    [ ! -d "$directory" ] || mount --bind "$work/etc$directory" "$directory" || skip "cannot cover $directory"
done
check 'a healthy host' healthy

over() { # FILE TEXT...: a file of /etc as this host shall have it
    printf '%s\n' "${@:2}" >"$1"
}

# ---- OPENSSL_CONF ----
if [ -d /etc/nginx ]; then
    over /etc/nginx/nginx.conf 'user www-data;' '# env OPENSSL_CONF;'
    check 'nginx loses OPENSSL_CONF' warns 'nginx loses OPENSSL_CONF' 'env OPENSSL_CONF; in /etc/nginx/nginx.conf'
    over /etc/nginx/nginx.conf 'user www-data;' 'env OPENSSL_CONF;'
    check 'or not' silent 'nginx loses'
fi
if [ -d /etc/dovecot ]; then
    over /etc/dovecot/dovecot.conf 'protocols = imap'
    check 'dovecot loses OPENSSL_CONF' warns 'dovecot loses OPENSSL_CONF' "import_environment = \$import_environment OPENSSL_CONF in /etc/dovecot/dovecot.conf"
    over /etc/dovecot/local.conf 'import_environment = TZ OPENSSL_CONF'
    check 'or not' silent 'dovecot loses'
    rm /etc/dovecot/local.conf
fi
system=$(openssl version -d | sed 's/.*"\(.*\)"/\1/')/openssl.cnf
if [ -d /etc/dovecot ] && mount --bind "$work/openssl.cnf" "$(realpath "$system")" 2>/dev/null; then
    check 'nothing is lost when the system activates zca' silent 'loses OPENSSL_CONF'
    umount "$(realpath "$system")"
fi

# ---- references behind a change of root ----
if [ -d /etc/dovecot ]; then
    over /etc/dovecot/dovecot.conf "ssl_key = <$work/plain.pem"
    check 'dovecot with a plain reference' finds "cannot open the reference '$work/plain.pem'" 'sealed-reference = yes in its [identity NAME]'
    over /etc/dovecot/dovecot.conf "ssl_key = <$work/sealed.pem"
    over /etc/dovecot/dovecot.conf 'ssl_key_password = x' "ssl_key = <$work/plain.pem"
    check 'below a line that begins like it' finds "cannot open the reference '$work/plain.pem'" 'sealed-reference = yes'
    over /etc/dovecot/dovecot.conf "ssl_key = <$work/sealed.pem"
    check 'dovecot without the sealing key' finds "cannot open the reference '$work/sealed.pem'" 'zca-keep-sealing-key = yes'
    sed -i 's|^module = .*|&\nzca-keep-sealing-key = yes|' openssl.cnf
    check 'dovecot with both' silent 'cannot open the reference'
    restore
    over /etc/dovecot/dovecot.conf 'protocols = imap'
fi
if [ -d /etc/haproxy ]; then
    over /etc/haproxy/haproxy.cfg 'global' '    chroot /var/lib/haproxy' 'frontend web' "    bind :443 ssl crt $work/plain.pem alpn h2"
    check 'haproxy with a plain reference' warns "cannot open a reference like '$work/plain.pem'" 'keep-sealing-key = yes'
    over /etc/haproxy/haproxy.cfg 'frontend web' "    bind :443 ssl crt $work/plain.pem"
    check 'or without another root' silent "at run time 'set ssl cert'"
fi

# ---- easy-rsa ----
mkdir -p pki/private
cp plain.pem pki/private/ca.key
cp "$system" pki/openssl-easyrsa.cnf
check 'easy-rsa without zca' finds "'pki/openssl-easyrsa.cnf' does not activate zca" 'put the lines of openssl.cnf.example'
cp openssl.cnf pki/openssl-easyrsa.cnf
check 'or with' silent easy-rsa
if [ -r /usr/share/easy-rsa/openssl-easyrsa.cnf ]; then
    cat /usr/share/easy-rsa/openssl-easyrsa.cnf "$example" >pki/openssl-easyrsa.cnf
    check 'or with, in a file of variables that are not set here' silent easy-rsa
    cp /usr/share/easy-rsa/openssl-easyrsa.cnf pki
    check 'which does not do it alone' finds "'pki/openssl-easyrsa.cnf' does not activate zca" 'put the lines of openssl.cnf.example'
fi
rm -r pki

# ---- Apache's engine ----
mkdir engines
touch engines/pkcs11.so
export OPENSSL_ENGINES=$work/engines
check 'an engine that is not asked' silent 'Apache asks the engine'
sed -i 's|^module = .*|&\nzca-claim-pkcs11-scheme = yes|' openssl.cnf
check 'an engine that is asked first' finds "Apache asks the engine '$work/engines/pkcs11.so'" 'apt-get remove libengine-pkcs11-openssl'
rm engines/pkcs11.so
check 'or is not there' silent 'Apache asks the engine'
restore

# ---- the timer ----
wants=$work/etc/etc/systemd/system/timers.target.wants
schedules=("$wants/zca-renew.timer" "$wants/zca-renew@redis.timer" "$work/etc/etc/cron.d/zca")
if ! grep -qrs 'zca renew' /etc/crontab /etc/cron.*/ /var/spool/cron; then
    check 'nothing renews' warns "nothing runs 'zca renew'" 'systemctl enable --now zca-renew.timer'
    for schedule in "${schedules[@]}"; do
        mkdir -p "$(dirname "$schedule")"
        echo '17 * * * * root zca renew' >"$schedule"
        check "or $(basename "$schedule") does" silent "nothing runs 'zca renew'"
        rm "$schedule"
    done
    over "$work/etc/etc/cron.d/zca" '# 17 * * * * root zca renew'
    check 'nor a comment' warns "nothing runs 'zca renew'"
    over "$work/etc/etc/cron.d/zca" '17 * * * * root zca --config /etc/zca/redis.conf renew'
    check 'but options between' silent "nothing runs 'zca renew'"
    check 'which leaves out what has no section' warns "'zca://default/web.myorg.ztna' has no section in zca.conf" \
        "[identity web.myorg.ztna] and authority = default in $ZCA_CONFIG"
    over "$work/etc/etc/cron.d/zca" '17 * * * * root zca renew --all'
    check 'unless all are renewed' silent 'has no section'
    rm "$work/etc/etc/cron.d/zca"
    printf '[identity web.myorg.ztna]\n' >>"$ZCA_CONFIG"
    check 'or has one' silent 'has no section'
    restore
    ln -s /nowhere/zca-renew.timer "$wants/zca-renew.timer"
    check 'nor a link to nothing' warns "nothing runs 'zca renew'"
    rm "$wants/zca-renew.timer"
    openssl x509 -req -in <(openssl req -new -key zca://web.myorg.ztna -subj /CN=x) -signkey zca://web.myorg.ztna \
        -days -1 -out "$state/certs/default/web.myorg.ztna.pem" 2>/dev/null
    check 'nothing renews what is due' finds "nothing runs 'zca renew', and certificates are due: 1" 'in /etc/cron.d/zca'
fi

# ---- the system's log ----
sed -i 's/^log = .*/log = syslog/' "$ZCA_CONFIG"
private_dev || exit 1
check 'no system log' warns 'nobody listens at /dev/log' "log = /var/log/zca.log in [zca] of $ZCA_CONFIG"
touch /dev/log
check 'or there is one' silent 'nobody listens'
finish
