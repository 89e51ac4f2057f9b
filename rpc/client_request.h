// What a tool, a prompt or a resource may ask of the client in the middle of its work: to let the
// person fill in a form or open a page (elicitation), to let the model write something (sampling),
// or to name its folders (roots).
//
// One way for both eras. The work returns InputRequired and ends; it is called again, from the
// start, with the answers in CallContext::inputs and its own `state`. Up to 2025-11-25 the
// dispatcher sends the questions over the answer's stream and waits; from 2026-07-28 on the client
// repeats its request (multi-round-trip requests). Nothing of the work stays in memory meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fluxgate::rpc {

// What the client has declared. Asking for anything else is an error.
enum class ClientCapability : uint8_t {
    roots = 1,
    sampling = 2,
    elicitation_form = 4,
    elicitation_url = 8,
};

class ClientCapabilities {
public:
    constexpr ClientCapabilities() = default;
    constexpr explicit ClientCapabilities(uint8_t bits) : bits_(bits) {}
    constexpr void add(ClientCapability one) { bits_ |= static_cast<uint8_t>(one); }
    [[nodiscard]] constexpr bool has(ClientCapability one) const {
        return (bits_ & static_cast<uint8_t>(one)) != 0;
    }
    [[nodiscard]] constexpr uint8_t bits() const { return bits_; }  // for a signed session id

private:
    uint8_t bits_ = 0;
};

struct InputRequest {
    std::string key;  // the answer's name in CallContext::inputs; unique in one InputRequired
    ClientCapability needs = ClientCapability::elicitation_form;  // also tells the method
    std::string params;  // a JSON object, as the method wants it
};

// "elicitation/create", "sampling/createMessage", "roots/list".
[[nodiscard]] std::string_view method_of(ClientCapability capability);

struct InputRequired {
    std::vector<InputRequest> requests;  // may be empty where only the state must go round
    // What the work must know when it is called again. Readable by the client, so no secret; it
    // comes back unchanged or not at all.
    std::string state;
};

}  // namespace fluxgate::rpc
