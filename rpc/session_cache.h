// Session ids that one core has checked before: with it a session costs its requests a comparison,
// not an HMAC and a digest (bench/rpc/session_id_bench.cc).
//
// Direct-mapped: a later session takes the slot of an earlier one, whose next request is checked in
// full again. Only ids that were checked come in, so nobody can push others out without sessions of
// their own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/principal.h"
#include "rpc/session_id.h"

namespace fluxgate::rpc {

class SessionCache {
public:
    static constexpr size_t slot_count = 2048;  // about 300 kB a core

    SessionCache() : slots_(slot_count) {}

    // The session of exactly this id and this principal, valid until the next keep(); null: check
    // it. Whether it has expired or was ended is the caller's to check.
    [[nodiscard]] const Session* find(std::string_view id,
                                      const http::PrincipalPtr& principal) const;
    // `id` was signed by us, and `session` belongs to `principal` (null: auth is off).
    void keep(std::string_view id, const http::PrincipalPtr& principal, const Session& session);

private:
    struct Slot {
        std::array<char, session_id_bytes> id{};
        // Holding it keeps its address from becoming another's.
        http::PrincipalPtr principal;
        Session session;
    };
    [[nodiscard]] static size_t slot_of(std::string_view id);

    std::vector<Slot> slots_;
};

}  // namespace fluxgate::rpc
