#include "rpc/in_flight.h"

namespace fluxgate::rpc {

bool InFlight::cancel(const SessionNonce& session, std::string_view id) {
    Call* found = nullptr;
    calls_.for_each([&](Call& call) {
        if (call.id_ == id && call.session_ == session) found = &call;
    });
    if (found == nullptr) return false;
    found->is_cancelled_ = true;
    found->scope_.cancel();  // may end the call, and with it `found`
    return true;
}

}  // namespace fluxgate::rpc
