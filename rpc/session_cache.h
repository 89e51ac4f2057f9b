// Session ids that one core has checked before: with it a session costs its requests a comparison,
// not an HMAC and a digest (bench/rpc/session_id_bench.cc).
//
// Direct-mapped: a later session takes the slot of an earlier one, whose next request is checked in
// full again. Only ids that were checked come in, so nobody can push others out without sessions of
// their own.
//
// A slot keeps its principal alive, so that no later one can have the address that it is known by:
// until another session takes the slot, the same one comes with a principal that was resolved anew,
// or drop(). So a core holds at most slot_count principals that no key's cache has any more.
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
    // What find() gave has expired, and goes.
    void drop(std::string_view id);
    // `id` was signed by us, and `session` belongs to `principal` (null: auth is off).
    void keep(std::string_view id, const http::PrincipalPtr& principal, const Session& session);

private:
    struct Slot {
        std::array<char, session_id_bytes> id{};
        http::PrincipalPtr principal;  // held: see above
        Session session;
    };
    [[nodiscard]] static size_t slot_of(std::string_view id);

    std::vector<Slot> slots_;
};

}  // namespace fluxgate::rpc
