#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the admin sees: each program meets each fault, and two tables say what stands in its own output or
# error log, and what in syslog. Programs that swallow OpenSSL's error queue have the reason only there.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name
. "$(dirname "$0")/syslog.sh"
. "$(dirname "$0")/lib.sh"
need_root
need cc openssl nginx dovecot stunnel4 apache2 curl haproxy ss timeout unshare /usr/bin/python3
start_syslog
cd "$work" || exit 1
chmod 755 "$work"
port=$(free_port)
state=$work/state/zca
key=$state/keys/corp/web.key
modules=$work/modules

# ---- a key, its certificate, and its reference ----
config() { # LINE...: zca.conf, with these lines in [zca]
    printf "[zca]\nstate-dir = %s\nruntime-dir = %s\nremote-library = %s\nauto-enrol = no\n" "$state" "$work/run/zca" \
        "$build/remote/zca-remote.so"
    [ $# -eq 0 ] || printf '%s\n' "$@"
    printf '[authority corp]\nurl = https://127.0.0.1:1\ndialect = orgca\n'
}
config >"$ZCA_CONFIG"
mkdir "$modules"
cp "$provider" "$build/provider/zca-core.so" "$modules"
provider=$modules/zca.so # a copy: one of the faults replaces its other half
write_openssl_cnf
openssl req -x509 -new -key zca://web -subj /CN=web.example -days 2 -out web.pem || exit 1
openssl pkey -in zca://web -out web.ref || exit 1
cp -a "$state" good.state
rm "$key" && openssl pkey -in zca://web -noout && mv "$key" new.key || exit 1
cc -shared -fPIC -x c -o foreign.so - <<'EOC' || exit 1
unsigned interface[] = {999};
const void *zca_cold_table(void) { return interface; }
const void *zca_remote_table(void) { return interface; }
EOC

# ---- programs: each loads web.key and web.pem, and writes what an admin would look at to ./seen ----
write_programs() {
    cat >nginx.conf <<EOC
error_log $work/nginx.log;
pid $work/nginx.pid;
daemon off;
events {}
http {
    access_log off;
    server { listen 127.0.0.1:$port ssl; ssl_certificate $work/web.pem; ssl_certificate_key $work/web.key; }
}
EOC
    cat >haproxy.cfg <<EOC
frontend web
    mode http
    timeout client 1s
    bind 127.0.0.1:$port ssl crt $work/both.pem
EOC
    printf 'foreground = yes\npid =\n[web]\naccept = 127.0.0.1:%s\nconnect = 127.0.0.1:1\ncert = %s\nkey = %s\n' \
        "$port" "$work/web.pem" "$work/web.key" >stunnel.conf
    cat >apache.conf <<EOC
ServerRoot $work
ServerName web.example
PidFile $work/apache.pid
ErrorLog $work/apache.log
LogLevel notice
Mutex file:$work
User www-data
Group www-data
Listen 127.0.0.1:$port
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
<VirtualHost *:$port>
    SSLEngine on
    SSLCertificateFile $work/web.pem
    SSLCertificateKeyFile $work/web.key
</VirtualHost>
EOC
    cat >load.py <<'EOC'
import ssl, sys
ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain("web.pem", "web.key")
EOC
}

run_openssl() {
    timeout 20 openssl req -new -key web.key -subj /CN=x -out web.csr
}

run_nginx() { # nginx -t
    : >nginx.log
    timeout 20 nginx -t -c "$work/nginx.conf" -e "$work/nginx.log"
}

run_haproxy() {
    cat web.pem web.key >both.pem
    timeout 20 haproxy -c -f haproxy.cfg
}

run_curl() { # its key is loaded when a server has taken the connection
    timeout 20 curl -sSk -o /dev/null --cert web.pem --key web.key "https://127.0.0.1:$server_port/"
}

run_python() {
    timeout 20 /usr/bin/python3 load.py
}

# A server that says it is ready has taken its key: it is stopped again.
run_server() { # LOG READY COMMAND...
    local log=$1 ready=$2 status=0
    shift 2
    : >"$log"
    timeout 20 "$@" >>"$log" 2>&1 &
    local pid=$!
    wait_for 20 ready_or_gone "$log" "$ready" "$pid"
    grep -q "$ready" "$log" || status=1
    kill "$pid" 2>/dev/null
    wait "$pid"
    cat "$log"
    return "$status"
}

ready_or_gone() { # LOG READY PID
    grep -q "$2" "$1" || gone "$3"
}

run_stunnel() {
    run_server stunnel.log 'Configuration successful' stunnel4 stunnel.conf
}

run_apache() {
    run_server apache.log 'resuming normal operations' setsid apache2 -DFOREGROUND -f "$work/apache.conf"
}

# Its login process reads the key when a client connects, from within its own root.
run_dovecot() {
    local status=0
    rm -rf dovecot && mkdir dovecot
    cat >dovecot.conf <<EOC
base_dir = $work/dovecot/run
state_dir = $work/dovecot/state
instance_name = zca-test
log_path = $work/dovecot/log
protocols = imap
listen = 127.0.0.1
import_environment = \$import_environment OPENSSL_CONF ZCA_CONFIG
ssl = required
ssl_cert = <$work/web.pem
ssl_key = <$work/web.key
passdb {
  driver = static
  args = password=secret
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
    timeout 20 setsid dovecot -F -c "$work/dovecot.conf" &
    local pid=$!
    wait_for 10 listens "$port"
    timeout 10 openssl s_client -quiet -connect "127.0.0.1:$port" <<<'a logout' 2>&1 | grep -q 'Dovecot .* ready' || status=1
    [ "$status" -eq 0 ] || wait_for 20 grep -q 'SSL' dovecot/log
    kill "$pid"
    wait "$pid"
    cat dovecot/log
    return "$status"
}

# ---- faults: each changes one thing; heal takes all of them back ----
reference=web.ref # what programs load
heal() {
    rm -rf "$state" "$modules/zca-core.so"
    cp -a good.state "$state" && cp "$reference" web.key && cp "$build/provider/zca-core.so" "$modules"
    config >"$ZCA_CONFIG"
    : >syslog
}

fault_no_key() { rm "$key"; }
fault_replaced() { cp new.key "$key"; }
fault_base64() { sed -i '2s/^..../!!!!/' web.key; }
fault_der() { sed -i '2s/^..../AAAA/' web.key; }
fault_cut() { sed -i '$d' web.key; }
fault_authority() { sed -i 's/^\[authority corp\]/[authority other]/' "$ZCA_CONFIG"; }
fault_open_key() { chmod 644 "$key"; }
fault_open_directory() { chmod 755 "$state/keys/corp"; }
fault_open_sealing() { chmod 644 "$state/sealing.key"; }
fault_no_sealing() { rm "$state/sealing.key"; }
fault_other_sealing() { head -c 32 /dev/urandom >"$state/sealing.key"; }
fault_option() { config 'keystoer = file' >"$ZCA_CONFIG"; }
fault_foreign() { cp foreign.so "$modules/zca-core.so"; }
fault_no_core() { rm "$modules/zca-core.so" && mkdir "$modules/zca-core.so"; }

# fault | the reason, which stands alone | the data: what was attempted, on what, and what to do
faults=(
    "no_key|there is no such object|'corp/web' has no key: there is no '$key'; 'zca cert' makes one"
    "replaced|the object exists already or is in another state|was replaced: write the file anew with 'zca export web'"
    "base64|the input is not valid|reading a PEM block 'ZCA PRIVATE KEY': no base64 digit"
    "der|the input is not valid|reading a PEM block 'ZCA PRIVATE KEY': the bytes are no key reference"
    "cut|the input is not valid|a key reference has no end line"
    "authority|there is no such object|there is no authority 'corp': configured: 'other'"
    "open_key|the operating system refused|key '$key' is open to others (mode 0644): chmod 600 it"
    "open_directory|the operating system refused|'$state/keys/corp' is open to others (mode 0755): chmod 700 it"
    "open_sealing|a sealed key cannot be opened|'$state/sealing.key' is open to others (mode 0644): chmod 600 it"
    "no_sealing|a sealed key cannot be opened|sealing key: opening '$state/sealing.key': No such file or directory"
    "other_sealing|a sealed key cannot be opened|was sealed with another sealing key, or changed"
    "option|the configuration is wrong|[zca]: unknown option 'keystoer', did you mean 'keystore'"
    "foreign|the configuration is wrong|'$modules/zca-core.so' is of another version of zca"
    "no_core|the configuration is wrong|$modules/zca-core.so: cannot read file data: Is a directory"
)

# program | what it shows of ours | its own words
programs=(
    'openssl|reason data|Could not read private key from web.key'
    'nginx|reason data|cannot load certificate key'
    'stunnel|reason|SSL_CTX_use_PrivateKey_file'
    'apache|nothing|Failed to configure encrypted (?) private key'
    'curl|nothing|curl: (58) unable to set private key file'
    'haproxy|nothing|No Private Key found in'
    'python|nothing|ssl.SSLError: [SSL]'
)

logs() { # TEXT: a line of ours with it is in syslog
    wait_for 20 grep -qF -- "$1" "$work/syslog" && grep -F -- "$1" "$work/syslog" | grep -q 'zca: '
}

shows() { # PROGRAM SHOWN WORDS FAULT REASON DATA
    local text
    local wanted=("$3")
    [[ $2 != *reason* ]] || wanted+=("$5")
    [[ $2 != *data* ]] || wanted+=("$6")
    heal
    "fault_$4" || return 1
    if "run_$1" >seen 2>&1; then
        echo 'took the key'
        return 1
    fi
    for text in "${wanted[@]}"; do
        grep -qF -- "$text" seen || { echo "does not show: $text"; tail -n 20 seen; return 1; }
    done
}

meets() { # the same arguments: and the data is in syslog
    shows "$@" || return 1
    logs "$6" || { echo "not in syslog: $6"; cat syslog; return 1; }
}

takes() { # PROGRAM: a good key, and says nothing about it
    heal
    "run_$1" >seen 2>&1 || { cat seen; return 1; }
    equal '' "$(grep 'zca: ' syslog)"
}

write_programs
env -u OPENSSL_CONF openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key \
    -subj /CN=localhost -days 2 -out tls.pem 2>/dev/null || exit 1
server_port=$(free_port)
OPENSSL_CONF='' run_in_background openssl s_server -accept "127.0.0.1:$server_port" -cert tls.pem -key tls.key -www
wait_for 10 listens "$server_port" || exit 1
for row in "${programs[@]}"; do
    IFS='|' read -r program shown words <<<"$row"
    check "$program takes a good key" takes "$program"
    for fault_row in "${faults[@]}"; do
        IFS='|' read -r fault reason data <<<"$fault_row"
        check "$program: $fault" meets "$program" "$shown" "$words" "$fault" "$reason" "$data"
    done
done
# dovecot shows reason and data; nobody listens to syslog within its root
heal
zca export web --key sealed.ref --sealed >/dev/null || exit 1
reference=sealed.ref
sed -i 's/^\[zca_provider\]$/&\nzca-keep-sealing-key = yes/' "$OPENSSL_CONF"
check 'dovecot takes a good key' takes dovecot
for row in "${faults[@]}"; do
    IFS='|' read -r fault reason data <<<"$row"
    case $fault in
    base64 | der | cut | no_sealing | other_sealing)
        check "dovecot: $fault" shows dovecot 'reason data' "Couldn't parse private SSL key" "$fault" "$reason" "$data"
        ;;
    esac
done
reference=web.ref
sed -i '/^zca-keep-sealing-key/d' "$OPENSSL_CONF"

# ---- what is told by openssl alone: one line each ----
says() { # TEXT COMMAND...: the command says it, and so does syslog
    heal
    refuses "$@" && logs "$1"
}

uris=(
    "zca:authrity=corp;id=web|unknown attribute 'authrity' in URI; did you mean 'authority'"
    "zca://web?tpye=cert|unknown attribute 'tpye' in URI; did you mean 'type'"
    "zca://web?frobnicate=1|unknown attribute 'frobnicate' in URI"
    "zca://web?type=certs|type 'certs' in URI: private, public, cert, chain, ca and crl are known"
    "zca://web?ttl=soon|'soon' in URI is no duration"
    "zca://crop/web|there is no authority 'crop': did you mean 'corp'?"
    "zca://a/b/c|URI"
    "zca://../web|is no valid name: letters, digits and ._-@*+"
    "zca:|URI names nothing: zca://NAME is an identity, zca:/// the CA itself"
)
for row in "${uris[@]}"; do
    IFS='|' read -r uri text <<<"$row"
    check "a bad URI: $uri" says "$text" openssl pkey -noout -in "$uri"
done

parameters=(
    "zca-keystore = nowhere|parameter 'zca-keystore': [zca]: option 'keystore': 'nowhere' is not one of memory, runtime, file"
    "zca-remote-timeout = soon|parameter 'zca-remote-timeout': [zca]: option 'remote-timeout': 'soon' is not a time"
    "zca-config = /nowhere/zca.conf|there is no configuration '/nowhere/zca.conf': 'zca login --url URL' writes one"
)
for row in "${parameters[@]}"; do
    IFS='|' read -r line text <<<"$row"
    write_openssl_cnf
    sed -i "s|^module = .*|&\n$line|" "$OPENSSL_CONF"
    check "a bad parameter: $line" says "$text" openssl pkey -noout -in zca://web
done
write_openssl_cnf

expired() { # a certificate that ended yesterday, and may not be renewed by loading it
    openssl req -new -key zca://web -subj /CN=web.example -out web.csr &&
        openssl x509 -req -in web.csr -signkey zca://web -days -1 -out web.old 2>/dev/null &&
        mkdir -p "$state/certs/corp" && cp web.old "$state/certs/corp/web.pem"
}

heal
expired || exit 1
rm -rf good.state && cp -a "$state" good.state
check 'an expired certificate' says "the certificate of 'zca://corp/web' expired at 20" openssl x509 -in zca://web -noout
check 'by its reason' refuses 'the certificate has expired' openssl x509 -in zca://web -noout
check 'in the list' grep -q '^web .* expired$' <(zca list)
check 'by zca doctor' grep -q "^FAIL .*'zca://corp/web': the certificate has expired" <(zca doctor)

config "remote-library = $work/foreign.so" >good.conf
foreign_remote() {
    cp good.conf "$ZCA_CONFIG"
    refuses "'$work/foreign.so' is of another version of zca (interface 999" openssl x509 -in zca://fresh &&
        logs "'$work/foreign.so' is of another version of zca"
}
sed -i 's/^auto-enrol = no/auto-enrol = load/; 0,/^remote-library/{/^remote-library/d}' good.conf
check 'a zca-remote.so of another version' foreign_remote

# ---- the other targets of the log ----
to_file() {
    heal
    config "log = $work/zca.log" >"$ZCA_CONFIG"
    rm "$key"
    run_curl >seen 2>&1
    grep -qE "^20.*Z zca\\[[0-9]+\\]: error: NOT_FOUND: .*'corp/web' has no key" zca.log || { cat zca.log; return 1; }
    equal '' "$(grep 'zca: ' syslog)"
}

to_syslog_instead() { # a file that cannot be written must not hide the failure
    heal
    config "log = /nowhere/zca.log" >"$ZCA_CONFIG"
    rm "$key"
    run_curl >seen 2>&1
    logs "'corp/web' has no key"
}

check 'log = FILE' to_file
check 'log = FILE that cannot be written' to_syslog_instead
finish
