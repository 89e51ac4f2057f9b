// Who calls in conformance mode: anybody on this machine, who may use all fixtures.
#pragma once

#include <memory>

#include "http/exchange.h"

namespace fluxgate::app {

class ConformanceCaller final : public http::Filter {
public:
    ConformanceCaller() {
        auto principal = std::make_shared<http::Principal>();
        principal->key_id = "conformance";
        principal->claims = R"({"role":"anon"})";
        principal->all_scopes = true;
        principal_ = std::move(principal);
    }
    [[nodiscard]] http::Next on_head(http::Exchange& exchange) override {
        exchange.set_principal(principal_);
        return http::Next::proceed;
    }

private:
    http::PrincipalPtr principal_;
};

}  // namespace fluxgate::app
