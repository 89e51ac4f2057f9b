#include "rpc/request_state.h"

#include <algorithm>
#include <vector>

#include "loop/crypto.h"
#include "rpc/big_endian.h"
#include "rpc/payload_bytes.h"

namespace fluxgate::rpc {

namespace {

// version | expiry | digest of the binding | state
constexpr uint8_t payload_version = 1;
constexpr size_t expires_at = 1;
constexpr size_t binding_at = expires_at + sizeof(uint64_t);
constexpr size_t state_at = binding_at + sizeof(loop::Sha256);
static_assert(state_at + request_state_bytes_max < signed_value_bytes_max / 4 * 3 - 32);

// Feeds a hash with a spelling that only equal values share: of each its kind, then its length or
// count, then what is in it. No spelling is the beginning of another's.
class CanonicalDigest {
public:
    void add_text(char kind, std::string_view text) {
        add_head(kind, text.size());
        stream_.add(text);
    }
    // As deep as the JSON reader lets a document be (json_depth_max).
    void add(const Json& value) {
        switch (value.kind) {
            case Json::Kind::null:
                return add_head('n', 0);
            case Json::Kind::boolean:
                return add_head('b', value.boolean ? 1 : 0);
            case Json::Kind::number:
                return add_text('#', value.text);
            case Json::Kind::string:
                return add_text('"', value.text);
            case Json::Kind::array:
                add_head('[', value.count);
                for (const Json* item = value.first; item != nullptr; item = item->next) {
                    add(*item);
                }
                return;
            case Json::Kind::object:
                return add_members(value);
        }
    }
    [[nodiscard]] loop::Sha256 finish() { return stream_.finish(); }

private:
    void add_head(char kind, uint64_t size) {
        const BigEndian<uint64_t> number(size);
        std::array<char, 1 + sizeof(uint64_t)> head{kind};
        std::ranges::copy(number.bytes, head.begin() + 1);
        stream_.add({head.data(), head.size()});
    }
    void add_members(const Json& object) {
        add_head('{', object.count);
        const size_t begin = members_.size();
        uint32_t position = 0;
        for (const Json* member = object.first; member != nullptr; member = member->next) {
            members_.push_back({member, position++});
        }
        const size_t end = members_.size();
        std::sort(members_.begin() + static_cast<ptrdiff_t>(begin), members_.end());
        for (size_t i = begin; i < end; ++i) {
            const Json& member = *members_[i].value;  // members_ may move meanwhile
            add_text('k', member.key);
            add(member);
        }
        members_.resize(begin);
    }

    struct Member {
        const Json* value;
        uint32_t position;
        // Deep inside a name may stand twice, and the first counts: their order has to stay.
        bool operator<(const Member& other) const {
            const int order = value->key.compare(other.value->key);
            return order != 0 ? order < 0 : position < other.position;
        }
    };

    loop::Sha256Stream stream_;
    std::vector<Member> members_;  // of all objects that are open, the outermost first
};

loop::Sha256 digest_of_binding(const RequestBinding& binding) {
    Json no_arguments;
    no_arguments.kind = Json::Kind::object;
    CanonicalDigest digest;
    digest.add_text('v', "fluxgate.binding.v1");
    digest.add_text('p', as_text(binding.principal));
    digest.add_text('m', binding.method);
    digest.add_text('t', binding.name);
    digest.add(binding.arguments == nullptr ? no_arguments : *binding.arguments);
    return digest.finish();
}

}  // namespace

std::string make_request_state(const Signer& signer, const RequestBinding& binding,
                               std::string_view state, int64_t now_s) {
    if (state.size() > request_state_bytes_max) return "";
    const loop::Sha256 digest = digest_of_binding(binding);
    std::string payload;
    payload.reserve(state_at + state.size());
    payload += static_cast<char>(payload_version);
    payload += BigEndian(static_cast<uint64_t>(now_s + request_state_lifetime_s)).view();
    payload += as_text(digest);
    payload += state;
    return signer.sign(Purpose::request_state, payload);
}

std::optional<std::string> read_request_state(const Signer& signer, const RequestBinding& binding,
                                              std::string_view text, int64_t now_s) {
    const std::optional<std::string> payload = signer.verify(Purpose::request_state, text);
    if (!payload || payload->size() < state_at) return std::nullopt;
    const std::string_view fields = *payload;
    if (static_cast<uint8_t>(fields.front()) != payload_version) return std::nullopt;
    const auto expires_s =
        static_cast<int64_t>(from_big_endian<uint64_t>(fields.substr(expires_at)));
    if (expires_s <= now_s) return std::nullopt;
    if (expires_s > now_s + request_state_lifetime_s + clock_skew_s_max) return std::nullopt;
    // Last, as the arguments may be megabytes.
    const loop::Sha256 digest = digest_of_binding(binding);
    if (fields.substr(binding_at, digest.size()) != as_text(digest)) return std::nullopt;
    return payload->substr(state_at);
}

}  // namespace fluxgate::rpc
