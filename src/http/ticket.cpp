// SPDX-License-Identifier: Apache-2.0
// One answer for each ticket: the handler's first, or a 500 when it lets the ticket go.
#include "http/ticket.h"

#include "http/answer.h"

namespace xinglin::http {

Ticket::~Ticket() {
    if (answered_) return;
    try {
        answer(error_response(500, "exception", "the server gave no answer to this request", fhir_));
    } catch (...) {  // memory gone: the connection's deadline or the stop ends it
    }
}

void Ticket::answer(Response response) {
    if (answered_) return;
    if (response.status < 200 || response.status > 999) {
        response = error_response(500, "exception", "the server made an answer without a valid status", fhir_);
    }
    compress(response, takes_gzip_);
    if (answered_.exchange(true)) return;
    desk_->deliver(connection_, request_, std::move(response));
}

}  // namespace xinglin::http
