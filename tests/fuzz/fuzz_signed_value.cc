// Any bytes as a signed value, and any bytes inside one: nothing crashes, and what is accepted has
// one spelling.
//
// The first byte says how the rest is taken: '?' as a value of whoever sends it, else as the
// payload of a value that is signed here, for the purpose of that digit. A fuzzer cannot guess a
// MAC, and what reads a payload must stand any: a newer release may have signed it. '!' and two
// bytes more change a character of such a value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "loop/check.h"
#include "rpc/cursor.h"
#include "rpc/event_id.h"
#include "rpc/old_endpoint.h"
#include "rpc/request_state.h"
#include "rpc/session_id.h"

namespace {

using namespace fluxgate::rpc;

constexpr int64_t now_s = 1'795'000'000;
constexpr std::string_view list = "tools/list";

struct Readers {
    Signer signer{"the key of the fuzzer is no secret"};
    SessionIds ids{&signer, {.timeout_s = 3600}};
    PrincipalDigest principal = digest_of(nullptr);
    RequestBinding binding{.principal = principal, .method = "tools/call", .name = "delete_record"};
};

// Whether any purpose accepts it.
bool read_all(const Readers& readers, std::string_view value) {
    bool is_accepted = false;
    for (const Purpose purpose : {Purpose::session, Purpose::cursor, Purpose::request_state,
                                  Purpose::event_id, Purpose::sse_endpoint}) {
        const auto payload = readers.signer.verify(purpose, value);
        if (!payload) continue;
        FLUX_CHECK(!is_accepted);  // of one purpose only
        is_accepted = true;
        FLUX_CHECK(readers.signer.sign(purpose, *payload) == value);
    }
    if (const auto session = readers.ids.read(value, now_s)) {
        FLUX_CHECK(is_accepted);
        FLUX_CHECK(readers.ids.make(*session) == value);
        static_cast<void>(readers.ids.is_due_for_renewal(*session, now_s));
    }
    if (const auto last = read_cursor(readers.signer, list, readers.principal, value)) {
        FLUX_CHECK(is_accepted);
        FLUX_CHECK(make_cursor(readers.signer, list, readers.principal, *last) == value);
    }
    if (const auto state = read_request_state(readers.signer, readers.binding, value, now_s)) {
        FLUX_CHECK(is_accepted);
        FLUX_CHECK(state->size() < value.size());
    }
    if (const auto id = read_event_id(readers.signer, value)) {
        FLUX_CHECK(is_accepted);
        FLUX_CHECK(make_event_id(readers.signer, *id) == value);
    }
    if (const auto endpoint = read_old_endpoint(readers.signer, readers.principal, value)) {
        FLUX_CHECK(is_accepted);
        FLUX_CHECK(make_old_endpoint(readers.signer, readers.principal, *endpoint) == value);
    }
    return is_accepted;
}

// At `where`, to one that differs.
std::string change(std::string value, uint8_t where, uint8_t to) {
    char& character = value[where % value.size()];
    const char old = character;
    character = static_cast<char>(to);
    if (character == old) character = static_cast<char>(old ^ 1);
    return value;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Readers readers;
    if (size == 0) return 0;
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] == '?') {
        read_all(readers, rest);
        return 0;
    }
    if (data[0] == '!') {
        if (rest.size() < 2) return 0;
        const std::string value = readers.signer.sign(Purpose::session, rest.substr(2));
        if (value.empty()) return 0;
        FLUX_CHECK(!read_all(readers, change(value, data[1], data[2])));
        return 0;
    }
    const auto purpose = static_cast<Purpose>(1 + data[0] % 5);
    const std::string value = readers.signer.sign(purpose, rest);
    FLUX_CHECK(value.size() <= signed_value_bytes_max);
    FLUX_CHECK(read_all(readers, value) == !value.empty());
    return 0;
}
