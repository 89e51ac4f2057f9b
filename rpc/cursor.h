// Cursors of paged lists: signed values that name the last entry that was sent.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rpc/signed_value.h"

namespace fluxgate::rpc {

inline constexpr size_t page_entries_max = 100;  // of every list

// `list` is the method's name: a cursor of one list, or of another principal's, is refused.
// Empty for a name of some 6,000 bytes, which would make no cursor that is taken back.
[[nodiscard]] std::string make_cursor(const Signer& signer, std::string_view list,
                                      const PrincipalDigest& principal, std::string_view last);
// The entry behind which the next page begins; nothing for a cursor that was not given out.
[[nodiscard]] std::optional<std::string> read_cursor(const Signer& signer, std::string_view list,
                                                     const PrincipalDigest& principal,
                                                     std::string_view cursor);

}  // namespace fluxgate::rpc
