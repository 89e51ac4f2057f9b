#include "app/no_oauth.h"

#include "loop/check.h"

namespace fluxgate::app {

http::Next NoOauthHandler::on_head(http::Exchange& exchange) {
    exchange.respond(http::error_response(
        404, "not_found",
        "there is no OAuth here: send a key in X-Client-Key or X-Service-Key; a 401 means that it "
        "was missing or is not valid"));
    return http::Next::answered;
}

void NoOauthHandler::on_request(http::Exchange&) {
    FLUX_CHECK(false);  // the head was answered
}

}  // namespace fluxgate::app
