// The two questions that the endpoint asks of Content-Type and Accept (RFC 9110 sections 8.3
// and 12.5.1).
#pragma once

#include <string_view>

#include "http/request.h"

namespace fluxgate::http {

// Is it exactly application/json, with any parameters? The body is UTF-8 whatever a charset says.
[[nodiscard]] bool is_json_type(std::string_view content_type);
// Does one field value of Accept take application/json or text/event-stream, or a wildcard for one
// of them, with a weight above 0? Clients send less than they should: asking for one of the two is
// enough.
[[nodiscard]] bool accepts_answer(std::string_view accept);
// text/event-stream or text/*, with a weight above 0: a bare */* is what tools send that print what
// comes, so it does not count.
[[nodiscard]] bool accepts_events(std::string_view accept);
// The same of a request: several fields are one list (RFC 9110 section 5.3), and where there is
// none, an answer is welcome and a stream is not.
[[nodiscard]] bool accepts_answer(const Request& request);
[[nodiscard]] bool accepts_events(const Request& request);

}  // namespace fluxgate::http
