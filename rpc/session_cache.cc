#include "rpc/session_cache.h"

#include <algorithm>
#include <cstring>

#include "loop/check.h"
#include "loop/crypto.h"

namespace fluxgate::rpc {

size_t SessionCache::slot_of(std::string_view id) {
    static_assert((slot_count & (slot_count - 1)) == 0);
    uint64_t end = 0;  // of the MAC: as good as random
    std::memcpy(&end, id.data() + id.size() - sizeof end, sizeof end);
    constexpr uint64_t golden_ratio = 0x9e3779b97f4a7c15;
    return (end * golden_ratio >> 32) & (slot_count - 1);
}

const Session* SessionCache::find(std::string_view id, const http::PrincipalPtr& principal) const {
    if (id.size() != session_id_bytes) return nullptr;
    const Slot& slot = slots_[slot_of(id)];
    // An id is as good as a signature: how much of it is right must not be told by the time.
    if (slot.session.protocol == nullptr || slot.principal != principal ||
        !loop::equal_constant_time({slot.id.data(), slot.id.size()}, id)) {
        return nullptr;
    }
    return &slot.session;
}

void SessionCache::drop(std::string_view id) {
    FLUX_CHECK_OP(id.size(), ==, session_id_bytes);
    slots_[slot_of(id)] = Slot();
}

void SessionCache::keep(std::string_view id, const http::PrincipalPtr& principal,
                        const Session& session) {
    FLUX_CHECK_OP(id.size(), ==, session_id_bytes);
    FLUX_CHECK(session.protocol != nullptr);
    Slot& slot = slots_[slot_of(id)];
    std::ranges::copy(id, slot.id.begin());
    slot.principal = principal;
    slot.session = session;
}

}  // namespace fluxgate::rpc
