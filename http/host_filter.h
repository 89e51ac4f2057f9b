// Against DNS rebinding and foreign pages: which Host and which Origin a request may name, and the
// CORS fields for the origins that may.
//
//   Origin present and not allowed (also "null")   403 origin_not_allowed
//   Host (or the authority of the target) not ours 421 misdirected_request
//   preflight of an allowed origin                 204 with Access-Control-Allow-*; the Mcp-Param-*
//                                                  fields that it asks for are among them
//
// The first filter of every route that serves callers, and of OPTIONS
// (Router::set_options_filters). Only an allowed origin ever sees an Access-Control field;
// credentials are header fields here, never cookies, so Access-Control-Allow-Credentials is not
// sent.
#pragma once

#include <string>
#include <vector>

#include "http/exchange.h"

namespace fluxgate::http {

class HostFilter final : public Filter {
public:
    struct Options {
        // Names by which this server is called, without port: "gw.example.com", "[::1]".
        std::vector<std::string> hosts;
        // Whatever name the caller used: nobody said what it is.
        bool any_host = false;
        // "https://app.example.com", exactly as browsers send it. Empty: none.
        std::vector<std::string> origins;
        // localhost, 127.0.0.1 and [::1], on any port, as hosts and as http and https origins.
        bool allow_loopback = true;
    };
    explicit HostFilter(Options options);
    [[nodiscard]] Next on_head(Exchange& exchange) override;

    [[nodiscard]] bool is_host_allowed(std::string_view authority) const;
    [[nodiscard]] bool is_origin_allowed(std::string_view origin) const;

private:
    Next answer_preflight(Exchange& exchange) const;

    Options options_;
};

}  // namespace fluxgate::http
