#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# zca doctor: each trap is set, found, and told with the line to change; then taken away again.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
need openssl ss
. "$(dirname "$0")/doctor.sh"

check 'a healthy host' healthy
check 'says who is logged in' grep -q 'logged in as admin@localhost' <(zca doctor)
check 'warns that services do not see OPENSSL_CONF' warns 'services do not see it'

# ---- zca.conf and files ----
echo 'keystoer = file' >>"$ZCA_CONFIG"
check 'an unknown option' finds keystoer 'zca.conf(5)'
restore
chmod 666 "$ZCA_CONFIG"
check 'a zca.conf that all may write' finds 'has mode 0666' "chmod 0644 $ZCA_CONFIG"
chmod 644 "$ZCA_CONFIG"
for directory in "$work" "$state" "$state/keys" "$state/certs"; do
    mode=$(stat -c %a "$directory")
    chmod 777 "$directory"
    check "all may write to '$directory'" finds "'$directory' has mode 0777" "chmod 0755 $directory"
    chmod "$mode" "$directory"
done
chmod 755 "$state/keys/default"
check 'an open key directory' finds "keys/default' has mode 0755" 'chmod 0700'
chmod 700 "$state/keys/default"
chmod 644 "$state/keys/default/web.myorg.ztna.key"
check 'an open key' finds "web.myorg.ztna.key' has mode 0644" 'chmod 0600'
check 'which is not lost' test -z "$(zca doctor | grep 'a key is lost')"
chmod 600 "$state/keys/default/web.myorg.ztna.key"
sealing=$(find "$state" -name 'sealing*')
chmod 644 "$sealing"
check 'an open sealing key' finds "sealing.key' has mode 0644" 'chmod 0600'
check 'loses no key' silent "remove the key's file"
chmod 600 "$sealing"
sed -i "s|^state-dir.*|&\nsealing-key = $work/nowhere.key|" "$ZCA_CONFIG"
check 'a sealing key elsewhere that is not there' finds "$work/nowhere.key" "sealing-key in [zca] of $ZCA_CONFIG"
check 'loses none either' silent "remove the key's file"
restore
mv "$sealing" sealing.kept
check 'a lost sealing key' finds 'sealing' 'put the sealing key back'
head -c 32 /dev/urandom >"$sealing"
chmod 600 "$sealing"
check 'another sealing key' finds 'web.myorg.ztna' 'put the sealing key back'
check 'a lost key can be replaced as advised' finds 'web.myorg.ztna' "remove the key's file and run 'zca cert web.myorg.ztna'"
cp -p "$state/keys/default/web.myorg.ztna.key" key.kept
cp -p "$state/certs/default/web.myorg.ztna.pem" pem.kept
rm "$state/keys/default/web.myorg.ztna.key"
check 'by a new one' zca cert web.myorg.ztna
check 'which works' openssl pkey -in zca://web.myorg.ztna -pubout
cp -p key.kept "$state/keys/default/web.myorg.ztna.key"
cp -p pem.kept "$state/certs/default/web.myorg.ztna.pem"
mv sealing.kept "$sealing"
sed -i '3,5d' "$state/certs/default/web.myorg.ztna.pem"
check 'a cut certificate' finds "identity 'zca://default/web.myorg.ztna': " 'zca renew --force'
cp -p pem.kept "$state/certs/default/web.myorg.ztna.pem"
printf '[identity web.myorg.ztna]\npin = local\n' >>"$ZCA_CONFIG"
check 'a PIN that nobody has set' warns 'no PIN is set: its token lets nobody log in' 'zca pin zca://default/web.myorg.ztna'
restore
chmod 644 "$state/authorities/default/token"
check 'open tokens' finds "token' has mode 0644" 'chmod 0600'
chmod 600 "$state/authorities/default/token"
check 'healthy again' healthy

# ---- OpenSSL ----
sed -i '/^openssl_conf/d' openssl.cnf
check 'openssl_conf missing' finds 'but nothing leads there' 'openssl_conf = SECTION'
restore
sed -i 's/^openssl_conf.*//; s/^\[init\]/&\nopenssl_conf = init/' openssl.cnf
check 'openssl_conf below a heading' finds 'but nothing leads there' 'in front of the first heading'
restore
sed -i '/^\[zca_provider\]/,$s/^activate.*//' openssl.cnf
check 'zca named, not activated' finds 'does not activate it' 'activate = 1 in [zca_provider]'
restore
sed -i 's/^activate.*//' openssl.cnf
sed -i 's/^\[zca_provider\]/&\nactivate = 1\nzca-ensure-default = no/' openssl.cnf
check 'default not activated' finds 'but not default' '[default_sect] activate = 1'
restore
sed -i "s|^module = .*|module = $work/nowhere/zca.so|" openssl.cnf
check 'the module is not there' finds "there is no provider '$work/nowhere/zca.so'" 'module ='
echo nonsense >"$work/broken.so"
sed -i "s|^module = .*|module = $work/broken.so|" openssl.cnf
check 'the module is no module' finds 'cannot be loaded' 'install zca anew'
restore
echo 'providers' >>openssl.cnf
check 'an openssl.cnf that cannot be read' finds 'missing equal sign' 'OPENSSL_CONF must name a file'
restore
echo 'zca-config = /nowhere/zca.conf' >>openssl.cnf
sed -i '/^zca-config/d; s|^module = .*|&\nzca-config = /nowhere/zca.conf|' openssl.cnf
check 'another zca.conf for programs' finds "'/nowhere/zca.conf', which cannot be read" "zca-config = $ZCA_CONFIG"
restore
export OPENSSL_CONF=$work/none.cnf
check 'OPENSSL_CONF names nothing' finds 'No such file' 'OPENSSL_CONF must name a file'
restore
printf '' >"$work/empty.cnf"
check 'nothing activates zca' env OPENSSL_CONF="$work/empty.cnf" OPENSSL_MODULES="$build/provider" zca doctor
check 'is only a warning' grep -q '^warn .*does not activate zca' \
    <(OPENSSL_CONF="$work/empty.cnf" OPENSSL_MODULES="$build/provider" zca doctor)

# ---- the authority ----
sed -i "s|^remote-library = .*|remote-library = /nowhere/zca-remote.so|" "$ZCA_CONFIG"
check 'zca-remote.so is not there' finds '/nowhere/zca-remote.so' 'remote-library ='
restore
sed -i "s|^trust = .*|trust = /nowhere/ca.pem|" "$ZCA_CONFIG"
check 'trust is not there' finds '/nowhere/ca.pem' 'trust = FILE'
restore
sed -i '/^trust = /d' "$ZCA_CONFIG"
check 'a server nobody vouches for' finds "authority 'default' at" 'must name the CA of the authority'
restore
cp "$state/authorities/default/token" token.kept
rm "$state/authorities/default/token"
check 'no session' finds 'not logged in' 'zca login default'
cp -p token.kept "$state/authorities/default/token"
cp "$state/authorities/default/ca.pem" ca.kept
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -subj /CN=other -days 40 \
    -addext basicConstraints=critical,CA:TRUE \
    -out "$state/authorities/default/ca.pem" 2>/dev/null
check 'another CA is pinned' finds 'has another CA' 'zca ca show --trust'
check 'which issued nothing here' told FAIL "web.myorg.ztna': the certificate does not lead to the pinned CA" \
    'zca renew zca://default/web.myorg.ztna'
cp ca.kept "$state/authorities/default/ca.pem"
if command -v cc >/dev/null; then
    cat >ahead.c <<'EOC'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *out)
{
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, out);
    out->tv_sec += clock == CLOCK_REALTIME ? atol(getenv("AHEAD")) : 0;
    return result;
}
EOC
    cc -shared -fPIC -o ahead.so ahead.c || exit 1
    check 'a clock that is ahead' grep -q '^FAIL .*s ahead of the authority' <(AHEAD=600 LD_PRELOAD=$work/ahead.so zca doctor)
    check 'a clock that is behind' grep -q '^FAIL .*s behind the authority' <(AHEAD=-600 LD_PRELOAD=$work/ahead.so zca doctor)
    check 'before a certificate' grep -q "^FAIL .*web.myorg.ztna': the certificate is not valid yet" \
        <(AHEAD=-200000 LD_PRELOAD=$work/ahead.so zca doctor)
    check 'after it' grep -q "^FAIL .*web.myorg.ztna': the certificate has expired" \
        <(AHEAD=99999999 LD_PRELOAD=$work/ahead.so zca doctor)
fi
check 'healthy again' healthy
stop "$server_pid"
check 'the authority is down' finds "authority 'default' at" 'is it running'
finish
