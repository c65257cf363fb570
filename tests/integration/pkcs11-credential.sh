#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An identity whose PIN is a token of the authority: with nobody logged in by `zca login`, pkcs11-tool gets a certificate
# from zca-server with what it was given, and nothing of that is kept or written.
# shellcheck source-path=SCRIPTDIR disable=SC2317  # functions are called by name, through check
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/pkcs11.sh"
need curl jq
prepare_tokens 'log-level = debug'
sed -i "s|^log = none|log = $work/zca.log|" "$ZCA_CONFIG"
cd "$work" || exit 99
export ZCA_P11_TRACE=$work/trace
token_file=state/zca/authorities/default/token
token=$(jq -r .access_token "$token_file")
organization=$(sed -n 's/^organization = //p' "$ZCA_CONFIG")
api_key=$(curl -s --cacert "$server_trust" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' \
    -d "{\"action\":\"create_api_key\",\"org_id\":\"$organization\",\"name\":\"ci\",\"scopes\":[\"read\",\"write\"]}" \
    "$server_url/api/key-management" | jq -r '.. | strings | select(startswith("qztna_") and length > 40)')
rm "$token_file"
printf 'what is signed\n' >data
by_token=token.myorg.ztna
by_key=key.myorg.ztna
by_file=file.myorg.ztna
for name in "$by_token" "$by_key"; do
    add_identity "$name" 'pin = credential'
done
add_identity "$by_file"

reads_certificate() { # NAME PIN
    on "$1" --login --pin "$2" --read-object --type cert --label "$1" --output-file "$1.der"
}

signs() { # NAME PIN: as its certificate verifies
    on "$1" --login --pin "$2" --sign --mechanism ECDSA-SHA256 --input-file data --output-file signature \
        --signature-format openssl &&
        openssl dgst -sha256 -verify <(openssl x509 -inform DER -in "$1.der" -noout -pubkey) -signature signature data
}

appears_nowhere() { # SECRET: but in the test's own list of arguments
    local found
    found=$(grep -rlF -- "$1" "$work" --exclude=check.log)
    [ -z "$found" ] || { echo "found in: $found"; return 1; }
}

check 'there is an API key' test -n "$api_key"
check 'nobody is logged in' refuses 'zca login' zca cert "$by_file"
check 'a wrong token' refuses CKR_PIN_INCORRECT reads_certificate "$by_token" "${token%???}abc"
check 'the beginning of one' refuses CKR_PIN_INCORRECT reads_certificate "$by_token" "${token:0:40}"
check 'something else' refuses CKR_PIN_INCORRECT reads_certificate "$by_token" 1234
check 'no certificate' test ! -e "state/zca/certs/default/$by_token.pem"
check 'without login none is requested' refuses 'object not found' on "$by_token" --read-object --type cert --label "$by_token"
check 'the token' reads_certificate "$by_token" "$token"
check 'stored' issued "$by_token"
check 'of our CA' is_issued_by_ca "state/zca/certs/default/$by_token.pem"
check 'it signs' signs "$by_token" "$token"
check 'an API key' reads_certificate "$by_key" "$api_key"
check 'stored' issued "$by_key"
check 'it signs' signs "$by_key" "$api_key"
check 'others have nothing of it' refuses 'zca login' zca cert "$by_file"
check 'nobody changes it here' refuses CKR_TOKEN_WRITE_PROTECTED on "$by_token" --login --pin "$token" --change-pin --new-pin 123456
stop "$server_pid"
check 'without the authority it cannot be checked' refuses CKR_DEVICE_ERROR signs "$by_token" "$token"
check 'calls were traced' grep -q C_Login trace
check 'failures were written down' grep -q 'checking a credential at authority' zca.log
check 'the token is on no disk' appears_nowhere "$token"
check 'nor its beginning' appears_nowhere "${token:0:40}"
check 'nor the API key' appears_nowhere "$api_key"
finish
