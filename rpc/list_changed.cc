#include "rpc/list_changed.h"

#include "loop/block_chain.h"
#include "rpc/json_writer.h"

namespace fluxgate::rpc {

namespace {

std::string notification(std::string_view method, std::string_view uri,
                         std::string_view subscription) {
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"({"jsonrpc":"2.0","method":)");
    json.string(method);
    if (!uri.empty() || !subscription.empty()) {
        json.raw(R"(,"params":{)");
        if (!uri.empty()) {
            json.raw(R"("uri":)");
            json.string(uri);
            if (!subscription.empty()) json.raw(',');
        }
        if (!subscription.empty()) {
            json.raw(R"("_meta":{"io.modelcontextprotocol/subscriptionId":)");
            chain.append(subscription);
            json.raw('}');
        }
        json.raw('}');
    }
    json.raw('}');
    return chain.to_string();
}

}  // namespace

std::string tools_list_changed(std::string_view subscription) {
    return notification("notifications/tools/list_changed", {}, subscription);
}

std::string prompts_list_changed(std::string_view subscription) {
    return notification("notifications/prompts/list_changed", {}, subscription);
}

std::string resources_list_changed(std::string_view subscription) {
    return notification("notifications/resources/list_changed", {}, subscription);
}

std::string resource_updated(std::string_view uri, std::string_view subscription) {
    return notification("notifications/resources/updated", uri, subscription);
}

}  // namespace fluxgate::rpc
