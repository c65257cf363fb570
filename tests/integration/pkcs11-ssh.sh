#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# OpenSSH with zca-pkcs11.so: ssh and the agent log in at a private sshd with keys of identities and of the scratch token,
# and ssh-keygen certifies users with such a key.
# shellcheck source-path=SCRIPTDIR disable=SC2119,SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need_root
need ssh ssh-keygen ssh-agent ssh-add strace
[ -x /usr/sbin/sshd ] || skip 'sshd is not installed'
prepare_tokens
prepare_scratch
cd "$work" || exit 99
mkdir -p /run/sshd # where sshd confines itself
port=$(free_port)
ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f alice
: >authorized
: >authorities
cat >sshd_config <<EOC
ListenAddress 127.0.0.1
Port $port
HostKey $work/host
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
MaxAuthTries 20
LogLevel VERBOSE
AuthorizedKeysFile $work/authorized
TrustedUserCAKeys $work/authorities
EOC
printf '[127.0.0.1]:%s %s\n' "$port" "$(cat host.pub)" >known_hosts
printf '#!/bin/sh\necho %s\n' "$user_pin" >askpass
chmod 755 askpass
export SSH_ASKPASS="$work/askpass" SSH_ASKPASS_REQUIRE=force
unset SSH_AUTH_SOCK

keys() { # the public keys that ssh-keygen sees
    ssh-keygen -D "$module" 2>/dev/null
}

key_of() { # LABEL
    keys | grep -- " $1\$"
}

as_openssl_has_it() { # LABEL CERTIFICATE: one public key
    openssl x509 -in "$2" -noout -pubkey >as.pub
    equal "$(ssh-keygen -i -m PKCS8 -f as.pub || echo none)" "$(key_of "$1" | cut -d' ' -f1,2)"
}

log_in() { # [OPTION...]: what a command over there says
    timeout 30 ssh -F none -p "$port" -o "UserKnownHostsFile $work/known_hosts" -o 'StrictHostKeyChecking yes' -o 'PasswordAuthentication no' \
        "$@" root@127.0.0.1 'echo hello from sshd' </dev/null
}

logs_in() { # [OPTION...]
    equal 'hello from sshd' "$(log_in "$@")"
}

trusts_only() { # LABEL: in the file of keys
    key_of "$1" >authorized
}

# exactly /usr/sbin/sshd: it starts itself again for each connection
run_in_background /usr/sbin/sshd -D -e -f "$work/sshd_config"
sshd_pid=$started
wait_for 10 listens "$port" || cat sshd.log

number=0
for type in EC:prime256v1 EC:secp384r1 rsa:2048; do
    number=$((number + 1))
    mine --keypairgen --key-type "$type" --id "0$number" --label "s${type#*:}" --usage-sign >>setup.log 2>&1
done
issue "$ec" "$rsa"
check 'an EC identity' as_openssl_has_it "$ec" "$ec.pem"
check 'an RSA identity' as_openssl_has_it "$rsa" "$rsa.pem"
check 'listing: no connection' equal 0 "$(connects ssh-keygen -D "$module")"
for label in "$ec" "$rsa" sprime256v1 ssecp384r1 s2048; do
    check "$label: nobody knows it" refuses 'Permission denied' log_in -I "$module"
    trusts_only "$label"
    check 'logs in' logs_in -I "$module"
    : >authorized
done
trusts_only "$ec"
check 'by configuration' logs_in -o "PKCS11Provider $module"
key_of "$ec" >chosen
chmod 600 chosen
check 'one key chosen by its public half' logs_in -I "$module" -o IdentitiesOnly=yes -i chosen

# ---- the agent ----

agent_has() { # LABEL
    ssh-add -L | grep -qF -- "$(key_of "$1" | cut -d' ' -f2 | grep .)"
}

eval "$(ssh-agent -s -P "$build/*,$(realpath "$build")/*")" >/dev/null
pids+=("$SSH_AGENT_PID")
check 'the agent takes the keys' ssh-add -s "$module"
check 'it has them' agent_has "$ec"
check 'logs in' logs_in -o 'IdentityFile none'
trusts_only sprime256v1
check 'with a key behind the PIN' logs_in -o 'IdentityFile none'
check 'the agent gives them back' ssh-add -e "$module"
check 'it has none' refuses 'Permission denied' log_in -o 'IdentityFile none'

# ---- certificates of users ----

certify_with() { # LABEL: alice's key, by a key of ours
    rm -f alice-cert.pub
    key_of "$1" >ca.pub
    ssh-keygen -q -s ca.pub -D "$module" -I alice -n root -V +1h alice.pub && cp ca.pub authorities
}

: >authorized
for label in "$ec" "$rsa" ssecp384r1; do
    check "$label certifies" certify_with "$label"
    check 'OpenSSH reads it' grep -qF "$(ssh-keygen -l -f ca.pub | cut -d' ' -f2)" <(ssh-keygen -L -f alice-cert.pub)
    check 'logs in' logs_in -o IdentitiesOnly=yes -i alice -o "CertificateFile $work/alice-cert.pub"
done
: >authorities
check 'not when nobody trusts it' refuses 'Permission denied' log_in -o IdentitiesOnly=yes -i alice -o "CertificateFile $work/alice-cert.pub"
stop "$sshd_pid"
finish
