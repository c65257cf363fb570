#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# QuickZTNA's guide, "Issue X.509 Certificate for Internal Domain", ST1 to ST5, replayed with curl against
# zca-server: its requests with only host and credentials changed, its answers by fields, types, order and
# status. Then what the guide leaves out: sessions, API keys, parallel issuing, administration, verify.
# usage: quickztna-api.sh ZCA-SERVER
# shellcheck disable=SC2317  # functions are called by name, through check and trap
set -u
server=$1
for tool in curl jq openssl; do
    command -v "$tool" >/dev/null || exit 77
done
work=$(mktemp -d) || exit 1
pid=
failed=0
TOKEN=

cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

check() { # WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$work/check.log" 2>&1; then
        echo "ok    $what"
    else
        echo "FAIL  $what"
        cat "$work/check.log"
        failed=1
    fi
}

equal() { # WANTED FOUND
    [ "$1" = "$2" ] || { printf 'wanted: %s\nfound:  %s\n' "$1" "$2"; return 1; }
}

start() {
    mkfifo "$work/ready"
    "$server" --state-dir "$work/state" --listen 127.0.0.1:0 --login-limit 0 --registration-limit 0 \
        serve --ready-fd 3 3>"$work/ready" >"$work/out" 2>"$work/log" &
    pid=$!
    read -r -t 20 word port <"$work/ready"
    [ "$word" = ready ] || { cat "$work/out" "$work/log"; exit 1; }
    rm -f "$work/ready"
    HOST=https://127.0.0.1:$port
}

stop() {
    kill -TERM "$pid"
    wait "$pid"
    local left=$?
    pid=
    return "$left"
}

admin() { # ARGUMENT...: the administration command beside the running server
    "$server" --state-dir "$work/state" --log none "$@"
}

ask() { # METHOD PATH [BODY [HEADER]]: the answer to $work/answer, the status to $status
    local method=$1 path=$2 body=${3-} header=${4-Authorization: Bearer $TOKEN}
    local data=()
    [ -z "$body" ] || data=(-d "$body")
    status=$(curl -s --max-time 20 --cacert "$work/state/tls-ca.pem" -o "$work/answer" -w '%{http_code}' \
        -X "$method" "$HOST$path" -H "$header" -H 'Content-Type: application/json' "${data[@]}")
}

action() { # NAME [MORE-JSON]: an action of /api/issue-certificate
    ask POST /api/issue-certificate "{\"action\":\"$1\",\"org_id\":\"$ORG\"${2:+,$2}}"
}

answers() { # STATUS JQ-FILTER WANTED: about the last answer
    equal "$1" "$status" && equal "$3" "$(jq -c "$2" "$work/answer")"
}

shape='[.data|to_entries[]|[.key,(.value|type)]]'
envelope='[to_entries[]|.key]'
failure() { # STATUS CODE MESSAGE: the error envelope, whole and in order
    answers "$1" . "{\"success\":false,\"data\":null,\"error\":{\"code\":\"$2\",\"message\":\"$3\"}}"
}

about() { # FILE OPTION...: what openssl says of a certificate
    local file=$1
    shift
    openssl x509 -in "$file" -noout "$@"
}

field() { # NAME FILE: a text of the answer to a file
    jq -r ".data.$1" "$work/answer" >"$2"
}

start
password=$(cat "$work/state/initial-password")
ask POST /api/auth/login "{\"email\":\"admin@localhost\",\"password\":\"$password\"}" 'X-None: 0'
check 'login: fields, types, order' answers 200 "$shape" \
    '[["token","string"],["refresh_token","string"],["expires_in","number"],["user","object"]]'
TOKEN=$(jq -r .data.token "$work/answer")
refresh=$(jq -r .data.refresh_token "$work/answer")
ask GET /api/auth/me
check 'me: who and where' answers 200 '[.data.user.email,.data.organizations[0].role]' '["admin@localhost","owner"]'
ORG=$(jq -r '.data.organizations[0].org_id' "$work/answer")

# ---- before ST1 ----
action issue
check 'ST2: CA_NOT_INITIALIZED before the CA is there' answers 400 .error.code '"CA_NOT_INITIALIZED"'
action get_ca
check 'get_ca: CA_NOT_INITIALIZED' answers 400 .error.code '"CA_NOT_INITIALIZED"'

# ---- ST1: the guide's line, in its form ----
curl -s --cacert "$work/state/tls-ca.pem" -X POST "$HOST/api/issue-certificate" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "action": "initialize_ca",
    "org_id": "'"$ORG"'"
  }' >"$work/answer"
status=200
check 'ST1: envelope' answers 200 "$envelope" '["success","data","error"]'
check 'ST1: fields, types, order' answers 200 "$shape" \
    '[["ca_certificate","string"],["fingerprint","string"],["expires_at","string"]]'
field ca_certificate "$work/ca.pem"
jq -r .data.fingerprint "$work/answer" >"$work/fingerprint"
jq -r .data.expires_at "$work/answer" >"$work/expires"
check 'ST1: PEM from its first line' grep -q -m1 '^-----BEGIN CERTIFICATE-----$' "$work/ca.pem"
check 'ST1: fingerprint is SHA-256, upper case, colons' \
    equal "sha256 Fingerprint=$(cat "$work/fingerprint")" "$(about "$work/ca.pem" -fingerprint -sha256)"
check 'ST1: subject in order' equal 'subject=O = QuickZTNA, CN = QuickZTNA CA' "$(about "$work/ca.pem" -subject)"
check 'ST1: issuer is itself' openssl verify -CAfile "$work/ca.pem" "$work/ca.pem"
check 'ST1: 3650 days' equal 315360000 "$(($(date -d "$(about "$work/ca.pem" -enddate | cut -d= -f2)" +%s) - \
    $(date -d "$(about "$work/ca.pem" -startdate | cut -d= -f2)" +%s)))"
check 'ST1: expires_at is notAfter' equal "$(date -d "$(about "$work/ca.pem" -enddate | cut -d= -f2)" +%s)" \
    "$(date -d "$(cat "$work/expires")" +%s)"
check 'ST1: RFC 3339 with milliseconds' grep -Eq '^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z$' "$work/expires"
check 'ST1: P-256, ecdsa-with-SHA256, CA:TRUE, keyCertSign and cRLSign, critical' \
    equal 'ecdsa-with-SHA256|prime256v1|critical|CA:TRUE|critical|Certificate Sign, CRL Sign' \
    "$(about "$work/ca.pem" -text | tr -d '\n' | sed -E 's/.*Signature Algorithm: (ecdsa-with-SHA256) .*ASN1 OID: (prime256v1).*Constraints: (critical) +(CA:TRUE).*Usage: (critical) +(Certificate Sign, CRL Sign).*/\1|\2|\3|\4|\5|\6/')"
keep=$TOKEN
TOKEN=wrong
action initialize_ca
check 'ST1: 401 with a wrong token' failure 401 UNAUTHORIZED 'Invalid or expired token'
TOKEN=$keep
ask POST /api/issue-certificate "{\"action\":\"initialize_ca\",\"org_id\":\"$ORG\"}" 'X-None: 0'
check 'ST1: 401 without a token' failure 401 UNAUTHORIZED 'Invalid or expired token'
admin user add member@localhost --org default --role member >"$work/member" || exit 1
ask POST /api/auth/login "{\"email\":\"member@localhost\",\"password\":\"$(sed 's/password: //' "$work/member")\"}"
MEMBER=$(jq -r .data.token "$work/answer")
ask POST /api/issue-certificate "{\"action\":\"initialize_ca\",\"org_id\":\"$ORG\"}" "Authorization: Bearer $MEMBER"
check 'ST1: 403 for a member' answers 403 .error.code '"FORBIDDEN"'
action get_ca
check 'get_ca does not rotate' equal "$(cat "$work/fingerprint")" "$(jq -r .data.fingerprint "$work/answer")"

# ---- ST2 ----
curl -s --cacert "$work/state/tls-ca.pem" -X POST "$HOST/api/issue-certificate" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "action": "issue",
    "org_id": "'"$ORG"'",
    "subject_cn": "internal-web.myorg.ztna",
    "ttl_hours": 720
  }' >"$work/answer"
check 'ST2: fields, types, order' answers 200 "$shape" \
    '[["certificate","string"],["private_key","string"],["serial_number","string"],["fingerprint","string"],["expires_at","string"],["ttl_hours","number"],["warning","string"]]'
check 'ST2: ttl_hours and warning' answers 200 '[.data.ttl_hours,.data.warning]' \
    '[720,"Save the private_key now. It is not stored on the server and cannot be retrieved again."]'
field certificate "$work/leaf.pem"
field private_key "$work/leaf.key"
serial=$(jq -r .data.serial_number "$work/answer")
check 'ST2: 32 lower-case digits' grep -Eq '^[0-9a-f]{32}$' <(echo "$serial")
check 'ST2: serial is the certificate'"'"'s' equal "serial=${serial^^}" \
    "$(about "$work/leaf.pem" -serial | sed -E 's/=(.*)/=\1/' | awk -F= '{printf "serial=%32s\n", $2}' | tr ' ' 0 | sed 's/serial0*=/serial=/')"
check 'ST2: verifies' openssl verify -CAfile "$work/ca.pem" "$work/leaf.pem"
check 'ST2: key is the certificate'"'"'s' equal "$(about "$work/leaf.pem" -pubkey)" "$(openssl pkey -in "$work/leaf.key" -pubout)"
check 'ST2: PKCS #8' grep -q -m1 '^-----BEGIN PRIVATE KEY-----$' "$work/leaf.key"
check 'ST2: subject is the CN only' equal 'subject=CN = internal-web.myorg.ztna' "$(about "$work/leaf.pem" -subject)"
check 'ST2: two extensions' equal 2 "$(about "$work/leaf.pem" -text | grep -c 'X509v3 [A-Z].*: critical')"
check 'ST2: CA:FALSE' grep -q CA:FALSE <(about "$work/leaf.pem" -ext basicConstraints)
check 'ST2: usage' grep -q 'Digital Signature, Key Encipherment' <(about "$work/leaf.pem" -ext keyUsage)
for bad in 0 -1 87601 '"24"' 1.5 true; do
    action issue "\"ttl_hours\":$bad"
    check "ST2: ttl_hours $bad" failure 400 INVALID_TTL 'ttl_hours must be a number between 1 and 87600 (10 years)'
done
for pair in 1:1 24:24 720:720 721:720 50000:720 87600:720 null:24; do
    action issue "\"ttl_hours\":${pair%:*}"
    check "ST2: ttl_hours ${pair%:*} gives ${pair#*:}" answers 200 .data.ttl_hours "${pair#*:}"
done
action issue
field certificate "$work/unknown.pem"
check 'ST2: default CN' equal 'subject=CN = unknown' "$(about "$work/unknown.pem" -subject)"

# ---- ST4 ----
machine=$(admin machine add win-a --org default)
ask GET "/api/db/machines?org_id=$ORG"
check 'ST4: the machine is listed' answers 200 '[.data[]|[.id,.name,.status]]' "[[\"$machine\",\"win-a\",\"online\"]]"
action issue "\"machine_id\":\"$machine\",\"subject_cn\":\"machine-cert-test\""
check 'ST4: same structure as ST2' answers 200 '[.data|keys_unsorted[]]' \
    '["certificate","private_key","serial_number","fingerprint","expires_at","ttl_hours","warning"]'
action issue "\"machine_id\":\"$machine\""
field certificate "$work/machine.pem"
check 'ST4: CN is the machine' equal "subject=CN = $machine" "$(about "$work/machine.pem" -subject)"
admin machine quarantine "$machine" --org default || exit 1
action issue "\"machine_id\":\"$machine\",\"subject_cn\":\"should-fail\""
check 'ST4: quarantined' failure 403 MACHINE_QUARANTINED 'Cannot issue certificate to a quarantined machine'
admin machine release "$machine" --org default || exit 1
admin machine posture "$machine" non-compliant --org default || exit 1
action issue "\"machine_id\":\"$machine\""
check 'ST4: not compliant' failure 403 POSTURE_NON_COMPLIANT 'Cannot issue certificate to a non-compliant machine'
admin machine posture "$machine" compliant --org default || exit 1
admin policy set --org default --max-ttl-hours 24 || exit 1
action issue "\"machine_id\":\"$machine\",\"ttl_hours\":48"
check 'policy: a machine that asks for more' failure 400 TTL_EXCEEDS_POLICY 'Requested TTL 48h exceeds policy maximum 24h'
action issue '"ttl_hours":48'
check 'policy: others are cut' answers 200 .data.ttl_hours 24
action issue "\"machine_id\":\"$machine\""
check 'policy: nothing asked, nothing refused' answers 200 .data.ttl_hours 24
action issue '"machine_id":"00000000-0000-4000-8000-000000000000"'
check 'unknown machine' answers 404 .error.code '"NOT_FOUND"'
admin policy set --org default --max-ttl-hours 0 || exit 1

# ---- ST5 ----
ask POST /api/issue-certificate "{\"action\":\"list\",\"org_id\":\"$ORG\"}" "Authorization: Bearer $MEMBER"
check 'ST5: a member may list' answers 200 '.data|keys_unsorted' '["certificates"]'
check 'ST5: fields, types, order' answers 200 '[.data.certificates[-1]|to_entries[]|[.key,(.value|type)]]' \
    '[["id","string"],["org_id","string"],["machine_id","null"],["serial_number","string"],["subject_cn","string"],["fingerprint","string"],["certificate_pem","string"],["issued_at","string"],["expires_at","string"],["revoked","boolean"],["revoked_at","null"],["revoke_reason","null"]]'
check 'ST5: the first certificate is the last row' answers 200 '.data.certificates[-1].serial_number' "\"$serial\""
check 'ST5: newest first' answers 200 '[.data.certificates[].issued_at]|.==(sort|reverse)' true
check 'ST5: machine_id where there is one' answers 200 '[.data.certificates[]|select(.machine_id)]|length|.>2' true

# ---- revoke ----
id=$(jq -r '.data.certificates[-1].id' "$work/answer")
action revoke
check 'revoke: MISSING_CERT' failure 400 MISSING_CERT 'certificate_id required'
action revoke "\"certificate_id\":\"$id\""
check 'revoke' answers 200 . '{"success":true,"data":{"revoked":true},"error":null}'
action list
first=$(jq -c '.data.certificates[-1]|[.revoked,.revoke_reason,.revoked_at]' "$work/answer")
action revoke "\"certificate_id\":\"$id\""
action list
check 'revoke twice keeps the first mark' equal "$first" "$(jq -c '.data.certificates[-1]|[.revoked,.revoke_reason,.revoked_at]' "$work/answer")"
check 'revoke: reason' answers 200 '.data.certificates[-1].revoke_reason' '"Manual revocation"'
action revoke '"certificate_id":"nobody"'
check 'revoke: unknown succeeds' answers 200 .data.revoked true
curl -s --cacert "$work/state/tls-ca.pem" "$HOST/api/ca/$ORG/crl.pem" >"$work/crl.pem"
check 'CRL is signed by the CA' openssl crl -in "$work/crl.pem" -CAfile "$work/ca.pem" -noout
check 'CRL has the revoked one' grep -qi "Serial Number: 0*${serial#"${serial%%[!0]*}"}" <(openssl crl -in "$work/crl.pem" -noout -text)
check 'openssl sees it revoked' grep -q 'certificate revoked' \
    <(openssl verify -crl_check -CAfile "$work/ca.pem" -CRLfile "$work/crl.pem" "$work/leaf.pem" 2>&1)

# ---- CSR ----
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/web.key" -out "$work/web.csr" \
    -subj '/O=Corp/CN=web.corp.test' -addext 'subjectAltName=DNS:web.corp.test,IP:192.0.2.1' 2>/dev/null
csr=$(jq -Rs . <"$work/web.csr")
request_id=$(openssl rand -hex 16)
action issue "\"csr\":$csr,\"ttl_seconds\":3600,\"request_id\":\"$request_id\""
check 'CSR: no key, our fields' answers 200 '[.data|keys_unsorted[]]' \
    '["certificate","serial_number","fingerprint","expires_at","ttl_hours","certificate_id","chain"]'
cp "$work/answer" "$work/first"
field certificate "$work/web.pem"
check 'CSR: names' grep -q 'DNS:web.corp.test, IP Address:192.0.2.1' <(about "$work/web.pem" -ext subjectAltName)
check 'CSR: key' equal "$(openssl req -in "$work/web.csr" -noout -pubkey)" "$(about "$work/web.pem" -pubkey)"
check 'CSR: subject' equal 'subject=O = Corp, CN = web.corp.test' "$(about "$work/web.pem" -subject)"
action issue "\"csr\":$csr,\"ttl_seconds\":3600,\"request_id\":\"$request_id\""
check 'CSR: the same request_id, the same certificate' cmp "$work/first" "$work/answer"
action issue "\"csr\":$csr,\"dns_names\":[\"other.corp.test\"],\"request_id\":\"$request_id\""
check 'CSR: another request under the same id' answers 409 .error.code '"CONFLICT"'

# ---- what the organisation allows ----
for list in 'corp.test 10.0.0.0/x' '*.corp.test' '192.0.2'; do
    check "org set: --domains '$list' is refused" grep -q 'is no domain, address or network' \
        <(admin org set default --domains "$list" 2>&1)
done
admin org set default --domains 'corp.test 10.0.0.0/8' --usages serverAuth >/dev/null || exit 1
for name in www.victim.test. 'w*.victim.test' a_b.victim.test 2001:db8::1 198.51.100.1 ceo@victim.test; do
    action issue "\"subject_cn\":\"$name\""
    check "domains: '$name'" answers 403 .error.code '"NAME_NOT_ALLOWED"'
done
action issue '"dns_names":["a.corp.test","b.corp.test"]'
field certificate "$work/named.pem"
check 'domains: DNS names alone' equal 'subject=CN = a.corp.test' "$(about "$work/named.pem" -subject)"
check 'usages: only those listed' equal 'TLS Web Server Authentication' \
    "$(about "$work/named.pem" -ext extendedKeyUsage | sed -n '2s/^ *//p')"
action issue
field certificate "$work/narrow.pem"
check 'usages: they bind the plain profile, too' grep -q 'TLS Web Server Authentication$' \
    <(about "$work/narrow.pem" -ext extendedKeyUsage)
admin org set default --domains '' --usages 'serverAuth clientAuth' >/dev/null || exit 1

# ---- sessions ----
ask POST /api/auth/refresh "{\"refresh_token\":\"$refresh\"}" 'X-None: 0'
check 'refresh: same shape as login' answers 200 '[.data|keys_unsorted[]]' '["token","refresh_token","expires_in","user"]'
next=$(jq -r .data.refresh_token "$work/answer")
ask POST /api/auth/refresh "{\"refresh_token\":\"$refresh\"}" 'X-None: 0'
check 'refresh: single use' failure 401 INVALID_TOKEN 'Invalid or expired refresh token'
ask POST /api/auth/refresh "{\"refresh_token\":\"$next\"}" 'X-None: 0'
check 'refresh: reuse ends the family' failure 401 INVALID_TOKEN 'Invalid or expired refresh token'
ask POST /api/auth/refresh '{}' 'X-None: 0'
check 'refresh: MISSING_TOKEN' answers 400 .error.code '"MISSING_TOKEN"'
ask POST /api/auth/login '{"email":"admin@localhost","password":"wrong"}' 'X-None: 0'
check 'login: INVALID_CREDENTIALS' answers 401 .error.code '"INVALID_CREDENTIALS"'
ask POST /api/auth/login '{"email":"nobody@localhost","password":"wrong"}' 'X-None: 0'
check 'login: the same for nobody' answers 401 .error.code '"INVALID_CREDENTIALS"'
for _ in $(seq 10); do
    ask POST /api/auth/login '{"email":"member@localhost","password":"wrong"}' 'X-None: 0'
done
ask POST /api/auth/login "{\"email\":\"member@localhost\",\"password\":\"$(sed 's/password: //' "$work/member")\"}"
check 'login: ACCOUNT_LOCKED after ten failures' answers 403 .error.code '"ACCOUNT_LOCKED"'

# ---- API keys ----
ask POST /api/key-management "{\"action\":\"create_api_key\",\"org_id\":\"$ORG\",\"name\":\"ci\",\"scopes\":[\"write\"]}"
check 'API key: fields, types, order' answers 201 "$shape" \
    '[["id","string"],["key","string"],["key_prefix","string"],["name","string"],["expiry_days","number"]]'
key=$(jq -r .data.key "$work/answer")
key_id=$(jq -r .data.id "$work/answer")
check 'API key: form' grep -Eq '^qztna_[0-9a-f]{64}$' <(echo "$key")
ask POST /api/issue-certificate "{\"action\":\"issue\",\"org_id\":\"$ORG\"}" "X-Api-Key: $key"
check 'API key: issues' answers 200 .success true
ask POST /api/issue-certificate "{\"action\":\"initialize_ca\",\"org_id\":\"$ORG\"}" "X-Api-Key: $key"
check 'API key: scope write does not rotate the CA' answers 403 .error.code '"FORBIDDEN"'
ask POST /api/api-keys "{\"action\":\"revoke\",\"org_id\":\"$ORG\",\"key_id\":\"$key_id\"}"
ask POST /api/issue-certificate "{\"action\":\"list\",\"org_id\":\"$ORG\"}" "X-Api-Key: $key"
check 'API key: revoked' answers 401 .error.code '"UNAUTHORIZED"'
ask POST /api/key-management "{\"action\":\"create_api_key\",\"org_id\":\"$ORG\",\"name\":\"x\",\"scopes\":[\"root\"]}"
check 'API key: INVALID_SCOPES' answers 400 .error.code '"INVALID_SCOPES"'

# ---- auth keys ----
register() { # NAME: a machine, with $auth_key
    ask POST /api/register-machine "{\"auth_key\":\"$auth_key\",\"name\":\"$1\"}" 'X-None: 0'
}

auth_key_state() { # the columns after the prefix, of $auth_key
    admin authkey list | awk -F'\t' -v prefix="${auth_key:0:17}" '$2 == prefix { print $1, $3, $5 }'
}

auth_key=$(admin authkey add --reusable yes)
read -r auth_key_id uses state < <(auth_key_state)
check 'auth key: listed' equal 'reusable good' "$uses $state"
register m1
check 'auth key: registers a machine' answers 200 .data.name '"m1"'
check 'auth key: another id is not found' equal 1 "$(admin authkey revoke nobody >"$work/check.log" 2>&1; echo $?)"
check 'auth key: revoked' admin authkey revoke "$auth_key_id"
check 'auth key: listed as revoked' equal "$auth_key_id reusable revoked" "$(auth_key_state)"
register m2
check 'auth key: registers nothing any more' answers 401 .error.code '"INVALID_AUTH_KEY"'
auth_key=$(admin authkey add)
register m3
read -r auth_key_id uses state < <(auth_key_state)
check 'auth key: for one machine' equal 'single-use used' "$uses $state"

# ---- many at once ----
for i in $(seq 64); do
    curl -s --max-time 30 --cacert "$work/state/tls-ca.pem" -X POST "$HOST/api/issue-certificate" \
        -H "Authorization: Bearer $TOKEN" -d "{\"action\":\"issue\",\"org_id\":\"$ORG\",\"subject_cn\":\"n$i\"}" \
        >"$work/parallel.$i" &
    curls[i]=$!
done
wait "${curls[@]}"
check '64 at once: 64 serials' equal 64 "$(cat "$work"/parallel.* | jq -r .data.serial_number | sort -u | grep -Ec '^[0-9a-f]{32}$')"
for _ in $(seq 40); do
    action issue
done
action list
check 'ST5: at most 100' answers 200 '.data.certificates|length' 100

# ---- a rotation, then the whole ledger ----
action initialize_ca
check 'initialize_ca again rotates' grep -vqx "$(cat "$work/fingerprint")" <(jq -r .data.fingerprint "$work/answer")
check 'verify beside the server' admin verify
check 'backup beside the server' admin backup "$work/backup.db"
check 'stops' stop
check 'verify after it' admin verify
check 'no private key in the state directory' equal 0 "$(grep -rl 'BEGIN PRIVATE KEY' "$work/state" | grep -vc tls-ca.key)"
check 'nor in the log' equal 0 "$(grep -c 'PRIVATE KEY\|qztna_\|eyJ' "$work/log")"
exit "$failed"
