#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca doctor's look at files for servers, owners, renewal, the log and openssl.cnf's silent lines: each trap is
# set, found, and told with the line to change; then taken away again.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl ss cc prlimit setpriv
. "$(dirname "$0")/doctor.sh"
name=web.myorg.ztna
uri=zca://default/$name
bundle=$work/bundle.pem
key=$state/keys/default/$name.key
printf '\n[identity %s]\nbundle-file = %s\n' "$name" "$bundle" >>"$ZCA_CONFIG"
cp "$ZCA_CONFIG" good.conf
zca renew "$name" >/dev/null || exit 1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout plain.key -subj /CN=plain -days 2 \
    -out plain.pem 2>/dev/null || exit 1
openssl pkey -in zca://other -out other.ref || exit 1
zca export "$name" --bundle kept.pem >/dev/null || exit 1
zca export "$name" --bundle sealed.pem --sealed >/dev/null || exit 1
cp -a "$state" good.state
check 'a healthy host' healthy

heal() {
    restore
    rm -rf "$state"
    cp -a good.state "$state"
    cp kept.pem "$bundle"
    arguments=()
}

part() { # FILE REFERENCE|CERTIFICATE
    if [ "$2" = REFERENCE ]; then
        sed -n '/BEGIN ZCA/,/END ZCA/p' "$1"
    else
        sed '/BEGIN ZCA/,/END ZCA/d' "$1"
    fi
}

# ---- files for servers ----
rm "$bundle"
check 'a file that renewal has not written' finds "opening '$bundle'" "zca renew $uri"
heal
sed -i '2s/^..../!!!!/' "$bundle"
check 'a garbled block' finds "'$bundle': a PEM block cannot be read" "zca renew $uri"
heal
sed -i '2s/^..../AAAA/' "$bundle"
check 'a garbled reference' finds "'$bundle': the bytes are no key reference" "zca renew $uri"
heal
: >"$bundle"
check 'an empty file' finds "'$bundle' holds neither a key nor a certificate" "zca renew $uri"
heal
rm "$key"
check 'a reference whose key is gone' finds "has no key: there is no '$key'" "'zca cert $name --authority default' for a new key; then zca export $uri"
openssl pkey -in "$uri" -noout
check 'a reference whose key was replaced' finds "the key of '$uri' was replaced" "zca export $uri"
check 'a certificate for another key' finds "identity '$uri': the certificate is for another key" "zca renew --force $uri"
heal
{ part other.ref REFERENCE; part kept.pem CERTIFICATE; } >"$bundle"
check 'a reference to another identity' finds "'$bundle' is a reference to 'zca://default/other'" "zca renew $uri"
check 'which is no pair' told FAIL "'$bundle': certificate and key reference are not of one pair" 'zca export zca://default/other'
heal
cat plain.key plain.pem >"$bundle"
chmod 644 "$bundle"
chmod 600 "$bundle"
check 'a pair in the clear' grep -q "^ok .*file '$bundle'" <(zca doctor "$bundle")
chmod 644 "$bundle"
check 'a key in the clear that all may read' finds "'$bundle' holds a key in the clear and has mode 0644" "chmod 600 $bundle"
heal
{ cat plain.key; part kept.pem CERTIFICATE; } >"$bundle"
check 'a key in the clear with the certificate of another' finds "'$bundle': certificate and key are not of one pair" 'zca export'
{ part kept.pem REFERENCE; printf -- '-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n'; } >"$bundle"
check 'a certificate that is none' finds "'$bundle': OpenSSL cannot read a certificate in it" "zca renew $uri"
heal
chmod 666 "$bundle"
check 'a file that all may write' finds "'$bundle' has mode 0666" "chmod 0644 $bundle"
chmod 600 "$bundle"
openssl x509 -req -in <(openssl req -new -key "$uri" -subj /CN=x) -signkey "$uri" -days -1 -out old.pem 2>/dev/null
{ part kept.pem REFERENCE; cat old.pem; } >"$bundle"
check 'an expired certificate in a file' finds "'$bundle': the certificate has expired" 'zca renew'
heal
{ part kept.pem REFERENCE; openssl req -x509 -new -key "$uri" -subj /CN=x -days 3; } >"$bundle"
check 'another certificate than the stored one' warns "'$bundle' holds another certificate than '$uri' has now" "zca renew $uri"
heal
arguments=(sealed.pem)
check 'a file on the command line' grep -q "^ok .*file 'sealed.pem'" <(zca doctor sealed.pem)
head -c 32 /dev/urandom >"$state/sealing.key"
check 'a sealed reference without its sealing key' finds "'sealed.pem': the key record was sealed with another" "zca export $uri"
heal
printf '[authority second]\nurl = https://127.0.0.1:1\ndialect = orgca\n' >>"$ZCA_CONFIG"
openssl pkey -in zca://second/web -out second.ref 2>/dev/null
heal
arguments=(second.ref)
check 'a reference to an authority that is gone' finds "'second.ref': opening identity 'web': there is no authority 'second'" '[authority]'
heal
if [ "$(id -u)" -eq 0 ]; then
    chown 1 "$key"
    check 'a key of somebody else' finds "'$key' belongs to user 1, the state directory to user 0" "chown 0 $key"
    heal
    chown 1 "$state/sealing.key"
    check 'a sealing key of somebody else' finds "'$state/sealing.key' belongs to user 1" "chown 0 $state/sealing.key"
    heal
    check 'directories that workers cannot enter' warns "cannot read below '$work' (mode 0700)" "chmod o+x $work"
    chmod 755 "$work"
    check 'trust that only root can read' warns "trust '$server_trust' is closed to other users" "name that as trust in $ZCA_CONFIG"
    cp "$server_trust" trust.pem
    chmod 644 trust.pem
    sed -i "s|^trust = .*|trust = $work/trust.pem|" "$ZCA_CONFIG"
    check 'or all' silent 'is closed to other users'
    restore
    chmod 750 "$state/certs"
    check 'or not read' warns "cannot read below '$state/certs' (mode 0750)" "chmod o+x $state/certs"
    heal
    check 'or which they can' silent 'cannot read below'
    chmod 700 "$work"
fi
check 'a sealing key beside the keys' warns "'$state/sealing.key' lies beside the keys" 'sealing-key = /another/place'
cp -p "$state/sealing.key" elsewhere.key
sed -i "s|^state-dir.*|&\nsealing-key = $work/elsewhere.key|" "$ZCA_CONFIG"
check 'or not' silent 'lies beside the keys'
heal
touch "$work/zca:web"
check 'a file in the way of a URI' finds "the file 'zca:web' in '.' is taken for the URI" 'zca://NAME'
rm "$work/zca:web"

# ---- memory ----
limited() { # also for root, without its privilege
    local without=()
    [ "$(id -u)" -ne 0 ] || without=(setpriv '--bounding-set=-ipc_lock')
    prlimit --memlock=1048576:1048576 "${without[@]}" zca doctor >"$work/found" 2>&1
    told warn '4096 KiB for private values cannot be locked here, the limit is 1024 KiB' 'LimitMEMLOCK=8192K in the unit'
}

check 'a limit of locked memory' limited
if [ "$(ulimit -l)" = unlimited ] || [ "$(ulimit -l)" -ge 8192 ]; then
    check 'or none' silent 'for private values'
fi
sed -i 's|^state-dir.*|&\nsecure-memory = 0|' "$ZCA_CONFIG"
check 'ordinary memory' warns 'secure-memory = 0' "secure-memory = 4096 in [zca] of $ZCA_CONFIG"
heal

# ---- renewal ----
for program in systemctll /nowhere/reload; do
    sed -i "s|^bundle-file.*|&\nreload = $program reload nginx|" "$ZCA_CONFIG"
    check "a reload command that is not there: $program" finds "the reload command '$program'" \
        "reload = PROGRAM ... in [identity $name] of $ZCA_CONFIG"
    restore
done
sed -i 's|^bundle-file.*|&\nreload = /bin/false|' "$ZCA_CONFIG"
zca renew --force "$name" >/dev/null 2>&1
check 'a reload that did not succeed' finds "identity '$uri': its reload command has not succeeded yet" "zca renew $uri"
heal
zca renew --force "$name" >/dev/null 2>&1
cp kept.pem "$bundle"
check 'a reference to the key before' warns "'$bundle' refers to the key before the present one of '$uri'" "zca renew $uri"
heal
cp old.pem "$state/certs/default/$name.pem"
check 'an expired certificate' finds "identity '$uri': the certificate has expired" "zca renew $uri"
heal

# ---- the log ----
check 'no log' warns 'log = none: curl, haproxy' "log = syslog in [zca] of $ZCA_CONFIG"
sed -i 's/^log = .*/log = stderr/' "$ZCA_CONFIG"
check 'a log to standard error' warns 'log = stderr' "log = syslog in [zca] of $ZCA_CONFIG"
sed -i 's|^log = .*|log = /nowhere/zca.log|' "$ZCA_CONFIG"
check 'a log that cannot be written' finds "log file '/nowhere/zca.log' cannot be written" "log = syslog in [zca] of $ZCA_CONFIG"
sed -i 's|^log = .*|log = zca.log|' "$ZCA_CONFIG"
check 'a log without a path' finds 'log = zca.log: that is no target' 'log = syslog'
sed -i "s|^log = .*|log = $work/zca.log|" "$ZCA_CONFIG"
check 'a log that can be written' healthy
sed -i 's|^module = .*|&\nzca-log = none|' openssl.cnf
check 'a log that openssl.cnf overrides' warns 'log = none' 'zca-log = syslog in [zca_provider]'
heal

# ---- openssl.cnf ----
write_openssl_cnf zca default
check 'zca before default' warns 'lists zca before default' "move the line 'zca = zca_provider' behind"
prefer() { # PROPERTIES
    restore
    sed -i "s/^providers = providers$/&\nalg_section = preference/" openssl.cnf
    printf '[preference]\ndefault_properties = %s\n' "$1" >>openssl.cnf
}
prefer '?provider=zca'
check 'zca preferred' warns 'default_properties prefer zca' "no '?provider=zca' in default_properties"
prefer 'provider=zca'
check 'zca demanded' finds 'programs have no hashes and ciphers' "no 'provider=zca' in default_properties"
prefer '?provider=zca,fips=yes'
check 'something demanded that zca is not' finds "demand 'fips=yes': programs find no key of zca" "no 'fips=yes'"
prefer 'fips=no,-fips,provider!=base'
check 'something demanded that zca is' silent 'default_properties'
restore
sed -i 's|^module = .*|&\nzca-log-levl = debug|' openssl.cnf
check 'a parameter that nobody reads' finds "nobody reads 'zca-log-levl' in [zca_provider]" "did you mean 'zca-log-level'?"
restore
sed -i 's|^module = .*|&\nkeystore = file|' openssl.cnf
check 'without its prefix' finds "nobody reads 'keystore'" "did you mean 'zca-keystore'?"
restore
sed -i 's|^module = .*|&\nzca-keystore = nowhere|' openssl.cnf
check 'a value that is none' finds "option 'keystore': 'nowhere' is not one of" 'change the line in [zca_provider] of openssl.cnf'
restore
sed -i 's|^module = .*|&\nfrobnicate = yes|' openssl.cnf
check 'like nothing known' finds "nobody reads 'frobnicate'" 'provider-zca(7)'
restore
sed -i 's|^module = .*|&\nzca-uris-only = yes|' openssl.cnf
check 'references that nobody reads' finds 'zca-uris-only = yes in [zca_provider]: programs cannot read the key references' \
    'no zca-uris-only in [zca_provider]'
restore
sed -i 's|^module = .*|&\nzca-remote = off|' openssl.cnf
check 'programs without network' warns 'zca-remote = off in [zca_provider]' 'no zca-remote in [zca_provider]'
restore

sed -i 's/^state-dir.*/&\nclaim-pkcs11-scheme = yes/' "$ZCA_CONFIG"
check 'an option that zca.conf is too late for' finds "nobody reads 'claim-pkcs11-scheme' in zca.conf" \
    'zca-claim-pkcs11-scheme = yes in [zca_provider] of openssl.cnf'
restore

# ---- modules ----
mkdir modules
cp "$provider" "$build/provider/zca-core.so" modules
sed -i 's|^module = .*|module = zca.so|' openssl.cnf
export OPENSSL_MODULES=$work/modules
check 'a module by relative path' grep -q "^ok .*provider '$work/modules/zca.so' loads" <(zca doctor)
rm modules/zca-core.so
echo 'unsigned interface[] = {999}; const void *zca_cold_table(void) { return interface; }' |
    cc -shared -fPIC -x c -o modules/zca-core.so - || exit 1
check 'a zca-core.so of another version' finds "is of another version of zca" 'from one build'
cp "$build/provider/zca-core.so" modules
version=$(zca --version | cut -d' ' -f2)
LC_ALL=C sed -i "s/${version//./\\.}/9.9.9/g" modules/zca.so
check 'a zca.so of another version' finds "is of version 9.9.9, this command is of $version" 'from one build'
restore
echo 'unsigned long OpenSSL_version_num(void); unsigned long OpenSSL_version_num(void) { return 0x30000020; }' |
    cc -shared -fPIC -x c -o old.so - || exit 1
check 'a libcrypto that is older than zca' grep -q '^warn  libcrypto is .* but zca was built with' <(LD_PRELOAD=$work/old.so zca doctor)
heal
check 'healthy again' healthy

stop "$server_pid"
zca renew --force "$name" >/dev/null 2>&1
check 'a renewal that failed' warns "identity '$uri': renewal failed 1 times" "zca renew --force $uri"
finish
