// What the files of the conformance fixtures share: a tool made of a function, the questions that
// fixtures ask of a client, and how its answers are read.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/tool.h"

namespace fluxgate::app::conformance {

inline constexpr std::string_view no_arguments =
    R"json({"type":"object","additionalProperties":false})json";

// One pixel, red; and one sample of silence at 8 kHz.
inline constexpr std::string_view png_base64 =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJg"
    "gg==";
inline constexpr std::string_view wav_base64 =
    "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQIAAAAAAA==";

// A tool whose call is a coroutine without state of its own.
class FunctionTool final : public rpc::Tool {
public:
    using Body = loop::Task<rpc::ToolOutcome> (*)(rpc::ToolCall* call);
    FunctionTool(std::string_view name, std::string_view description, std::string_view input_schema,
                 Body body);

    [[nodiscard]] rpc::ToolInfo& edit_info() { return info_; }
    [[nodiscard]] const rpc::ToolInfo& info() const override { return info_; }
    [[nodiscard]] loop::Task<rpc::ToolOutcome> call(rpc::ToolCall* call) override {
        return body_(call);
    }

private:
    rpc::ToolInfo info_;
    Body body_;
};

using Tools = std::vector<std::unique_ptr<rpc::Tool>>;

// Such a tool, as the files' tables have it.
struct ToolRow {
    std::string_view name;
    std::string_view description;
    FunctionTool::Body body;
    std::string_view input_schema = no_arguments;
};
void add_tools(Tools& tools, std::span<const ToolRow> rows);

// What a fixture's info says but for its name: it changes nothing.
[[nodiscard]] rpc::ToolInfo describe(std::string_view name, std::string_view description,
                                     std::string_view input_schema);
[[nodiscard]] rpc::ToolResult text_result(std::string_view text);  // escaped here

// Those that ask the client something in the middle of a call.
void add_asking_tools(Tools& tools);

// ---- questions ----

[[nodiscard]] rpc::InputRequest ask_form(std::string_view key, std::string_view message,
                                         std::string_view schema);
// One member of type string, required.
[[nodiscard]] rpc::InputRequest ask_for_string(std::string_view key, std::string_view message,
                                               std::string_view member);
[[nodiscard]] rpc::InputRequest ask_model(std::string_view key, std::string_view prompt,
                                          int tokens_max);
[[nodiscard]] rpc::InputRequest ask_for_roots(std::string_view key);

// Without what the client has not declared.
[[nodiscard]] std::vector<rpc::InputRequest> without_undeclared(
    std::vector<rpc::InputRequest> requests, rpc::ClientCapabilities capabilities);
[[nodiscard]] std::unique_ptr<rpc::InputRequired> ask(std::vector<rpc::InputRequest> requests,
                                                      std::string_view state = {});
// "sampling" and so on: for the message to a client that can not be asked.
[[nodiscard]] std::string_view capability_name(rpc::ClientCapability capability);

// ---- answers ----
// Nothing, or null, where the answer is missing or not of the right shape: it is asked for again
// then.

struct FormAnswer {
    std::string_view action;             // accept, decline or cancel
    const rpc::Json* content = nullptr;  // an object if accepted; may be null else

    // A member that is a string; empty otherwise, and where nothing was accepted.
    [[nodiscard]] std::string_view string(std::string_view name) const;
};
[[nodiscard]] std::optional<FormAnswer> form_answer(const rpc::Json* inputs, std::string_view key);
// The text of a sampling result.
[[nodiscard]] std::optional<std::string_view> model_answer(const rpc::Json* inputs,
                                                           std::string_view key);
// The array of roots.
[[nodiscard]] const rpc::Json* roots_answer(const rpc::Json* inputs, std::string_view key);

// "action=accept, content={…}" with the members of a flat form.
[[nodiscard]] std::string describe_answer(const FormAnswer& answer);

}  // namespace fluxgate::app::conformance
