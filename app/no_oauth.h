// Where clients look for OAuth once they were told 401 (RFC 9728, RFC 8414, RFC 7591): none is
// served, and the answer says what to send instead. mcp-remote shows it to its user.
#pragma once

#include "http/exchange.h"

namespace fluxgate::app {

class NoOauthHandler final : public http::Handler {
public:
    // 404, before any body is read.
    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override;
    void on_request(http::Exchange& exchange) override;
};

}  // namespace fluxgate::app
