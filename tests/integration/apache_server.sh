# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests that run Debian's Apache: a private configuration below $work/apache.
# shellcheck disable=SC2034,SC2154  # variables are of and for the files around
# Apache's event MPM, told to end while it still starts its threads, may look at a socket that is gone; a core
# shows its main thread in apr_os_sock_get, and nothing of ours. meson's filled memory turns that into a crash, and so
# does a busy machine: tests that stop it often set mpm=prefork, which has no threads.
unset MALLOC_PERTURB_
mpm=${mpm:-event}
need_root
need apache2 ss ps
id www-data >/dev/null 2>&1 || skip 'there is no user www-data'
[ -e /usr/lib/apache2/modules/mod_ssl.so ] || skip 'Apache has no mod_ssl'

# write_apache_conf [LINE...]: one virtual host on the free port $apache_port that says "hello from apache",
# with LINEs in it; workers are www-data, as Debian has it.
write_apache_conf() {
    apache_port=${apache_port:-$(free_port)}
    mkdir -p "$work/apache/www"
    echo 'hello from apache' >"$work/apache/www/index.html"
    chmod 755 "$work" "$work/apache" "$work/apache/www" # workers pass through them
    cat >"$work/apache.conf" <<EOC
ServerRoot $work/apache
ServerName localhost
PidFile $work/apache/pid
DefaultRuntimeDir $work/apache
ErrorLog $work/apache/error.log
LogLevel info
User www-data
Group www-data
LoadModule mpm_${mpm}_module /usr/lib/apache2/modules/mod_mpm_$mpm.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
StartServers 1
<IfModule mpm_event_module>
    MinSpareThreads 1
    MaxSpareThreads 25
</IfModule>
SSLRandomSeed startup builtin
Listen 127.0.0.1:$apache_port
<VirtualHost 127.0.0.1:$apache_port>
    DocumentRoot $work/apache/www
    SSLEngine on
EOC
    [ $# -eq 0 ] || printf '    %s\n' "$@" >>"$work/apache.conf"
    echo '</VirtualHost>' >>"$work/apache.conf"
}

# start_apache: in the foreground of a background process, $apache_pid; fails when that does not serve.
start_apache() {
    rm -f "$work/apache/pid" # written when the configuration has been accepted; Apache listens before that
    # in a session of its own: prefork ends by a signal to its whole group
    run_in_background setsid apache2 -f "$work/apache.conf" -D FOREGROUND
    apache_pid=$started
    wait_for 15 test -s "$work/apache/pid" || { cat "$work/setsid.log" "$work/apache/error.log"; return 1; }
}

command_apache() { # graceful|graceful-stop|stop|...: a signal to the running one
    apache2 -f "$work/apache.conf" -k "$1"
}

apache_users() { # of the processes that serve
    ps -o user= --ppid "$apache_pid" | sort -u | paste -sd,
}

apache_workers() { # their process ids
    ps -o pid= --ppid "$apache_pid" | xargs
}

apache_replaced() { # PID...: none of these workers is left, and there are others
    local pid
    for pid in "$@"; do
        gone "$pid" || return 1
    done
    [ -n "$(apache_workers)" ]
}
