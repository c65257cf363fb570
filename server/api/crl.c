/* SPDX-License-Identifier: Apache-2.0 */
/* The one answer that is not JSON. */
#include "server/api/crl.h"

#include "server/api/action.h"
#include "server/crl.h"
#include "server/identifier.h"
#include "server/refusal.h"

static bool answer_crl(struct zca_api_call *call, struct zca_error *err)
{
    const char *org_id = call->request->path_argument[0];
    zca_auto(zca_buffer) struct zca_buffer pem = {0};
    if (!zca_uuid_check(org_id)) {
        return zca_refuse(err, ZCA_REFUSE_NOT_FOUND, NULL);
    }
    if (!zca_crl_get(call->state, org_id, &pem, err)) {
        return false;
    }
    zca_buffer_move(&call->response->body, &pem);
    call->response->status = 200;
    call->response->content_type = "application/x-pem-file";
    return true;
}

void zca_api_crl(struct zca_server *server, struct zca_http_request *request,
                 struct zca_http_response *response)
{
    struct zca_error err = {0};
    struct zca_api_call call;
    zca_api_open(&call, server, request, response);
    bool ok = answer_crl(&call, &err);
    zca_api_close(&call, ok, &err);
}
