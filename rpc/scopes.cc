#include "rpc/scopes.h"

#include <algorithm>

namespace fluxgate::rpc {

bool has_scopes(const http::Principal* principal, std::span<const std::string> needed) {
    return std::ranges::all_of(needed, [principal](const std::string& scope) {
        return principal != nullptr && principal->has_scope(scope);
    });
}

}  // namespace fluxgate::rpc
