// The fixture resources.
#include <array>
#include <utility>

#include "app/conformance_fixtures.h"
#include "app/conformance_parts.h"
#include "rpc/content.h"
#include "rpc/json_writer.h"

namespace fluxgate::app {
namespace conformance {
namespace {

class FunctionResource final : public rpc::Resource {
public:
    using Body = loop::Task<rpc::ReadOutcome> (*)(rpc::ReadCall* call);
    FunctionResource(rpc::ResourceInfo info, Body body) : info_(std::move(info)), body_(body) {}

    [[nodiscard]] const rpc::ResourceInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ReadOutcome> read(rpc::ReadCall* call) override {
        return body_(call);
    }

private:
    rpc::ResourceInfo info_;
    Body body_;
};

loop::Task<rpc::ReadOutcome> static_text(rpc::ReadCall* call) {
    rpc::ReadResult result;
    rpc::append_text_contents(result.contents, call->uri, "text/plain",
                              "This is the content of the static text resource.");
    co_return result;
}

loop::Task<rpc::ReadOutcome> static_binary(rpc::ReadCall* call) {
    rpc::ReadResult result;
    rpc::append_blob_contents(result.contents, call->uri, "image/png", png_base64);
    co_return result;
}

loop::Task<rpc::ReadOutcome> watched(rpc::ReadCall* call) {
    rpc::ReadResult result;
    rpc::append_text_contents(result.contents, call->uri, "text/plain", "Watched resource content");
    co_return result;
}

loop::Task<rpc::ReadOutcome> from_template(rpc::ReadCall* call) {
    const std::string_view id = call->variable("id");
    loop::BlockChain text;
    rpc::JsonWriter<rpc::Escape::once> json(text);
    json.raw(R"({"id":)");
    json.string(id);
    json.raw(R"(,"templateTest":true,"data":)");
    json.string("Data for ID: " + std::string(id));
    json.raw('}');
    rpc::ReadResult result;
    rpc::append_text_contents(result.contents, call->uri, "application/json", text.to_string());
    co_return result;
}

struct Row {
    std::string_view uri;
    std::string_view name;
    std::string_view description;
    std::string_view mime_type;
    FunctionResource::Body body;
};

constexpr auto rows = std::to_array<Row>({
    {"test://static-binary", "static-binary", "An image.", "image/png", static_binary},
    {"test://static-text", "static-text", "A text.", "text/plain", static_text},
    {"test://template/{id}/data", "template", "A document about the id in its URI.",
     "application/json", from_template},
    {"test://watched-resource", "watched-resource", "What can be subscribed to.", "text/plain",
     watched},
});

}  // namespace
}  // namespace conformance

std::vector<std::unique_ptr<rpc::Resource>> make_conformance_resources() {
    using namespace conformance;
    std::vector<std::unique_ptr<rpc::Resource>> resources;
    for (const Row& row : rows) {
        rpc::ResourceInfo info;
        info.uri = row.uri;
        info.name = row.name;
        info.description = row.description;
        info.mime_type = row.mime_type;
        info.is_private = false;
        resources.push_back(std::make_unique<FunctionResource>(std::move(info), row.body));
    }
    return resources;
}

}  // namespace fluxgate::app
