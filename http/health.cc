#include "http/health.h"

namespace fluxgate::http {
namespace {

constexpr std::string_view json_type = "application/json";

std::string_view reason(Readiness readiness) {
    switch (readiness) {
        case Readiness::ready:
            return R"({"status":"ready"})";
        case Readiness::starting:
            return R"({"status":"starting"})";
        case Readiness::draining:
            return R"({"status":"draining"})";
        case Readiness::no_database:
            return R"({"status":"no_database"})";
    }
    return {};
}

}  // namespace

HealthHandler::HealthHandler(Kind kind)
    : response_(200, json_type,
                kind == Kind::health ? R"({"status":"healthy"})" : R"({"status":"alive"})") {
}

void HealthHandler::on_request(Exchange& exchange) {
    exchange.respond_prebuilt(response_);
}

ReadyHandler::ReadyHandler(ReadinessSource* source)
    : source_(source), ready_(200, json_type, reason(Readiness::ready)) {
}

void ReadyHandler::on_request(Exchange& exchange) {
    const Readiness readiness = source_->readiness();
    if (readiness == Readiness::ready) return exchange.respond_prebuilt(ready_);
    Response response;
    response.status = 503;
    response.body.append(reason(readiness));
    response.add("Retry-After", "1");
    exchange.respond(std::move(response));
}

}  // namespace fluxgate::http
