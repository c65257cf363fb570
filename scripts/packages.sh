# shellcheck shell=sh
# What Debian packages zca needs; sourced by scripts/demo and scripts/test.
# shellcheck disable=SC2034  # read by the scripts that source this file
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libssl-dev libcurl4-openssl-dev libjansson-dev
 libsqlite3-dev libevent-dev libhttp-parser-dev libp11-kit-dev"
DEMO_PACKAGES="openssl curl ca-certificates nginx-light haproxy"
TEST_PACKAGES="clang-14 clang-format-14 libclang-rt-14-dev libcmocka-dev valgrind shellcheck universal-ctags
 mandoc jq python3 strace procps binutils file git iproute2 util-linux
 apache2 stunnel4 lighttpd lighttpd-mod-openssl postgresql postgresql-client redis-server redis-tools mosquitto mosquitto-clients
 dovecot-core dovecot-imapd nodejs easy-rsa openvpn socat libnet-ssleay-perl libio-socket-ssl-perl
 opensc gnutls-bin libnss3-tools openjdk-17-jdk-headless openssh-client openssh-server libengine-pkcs11-openssl
 python3-pykcs11 p11-kit strongswan-pki libstrongswan-standard-plugins libstrongswan-extra-plugins softhsm2"

# install_packages NAME...: installs what is missing, and says so; needs root only then.
install_packages() {
    missing=""
    for package in "$@"; do
        state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
        case "$state" in
        ii*) ;;
        *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing Debian packages:$missing" >&2
        echo "install them as root: apt-get install$missing" >&2
        return 1
    fi
    echo "installing:$missing"
    # A service that a package starts by itself would keep ports and run after we are gone.
    policy=/usr/sbin/policy-rc.d
    made_policy=no
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 755 "$policy"
        made_policy=yes
    fi
    status=0
    # shellcheck disable=SC2086  # a list of words
    {
        DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update &&
            DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 \
                install --no-install-recommends $missing >/dev/null
    } || status=$?
    [ "$made_policy" = no ] || rm -f "$policy"
    return "$status"
}
