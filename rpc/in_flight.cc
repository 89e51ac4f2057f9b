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

void InFlight::cancel_all(const SessionNonce& session) {
    loop::IntrusiveList<Call> ending;  // one that ends may take others with it
    calls_.for_each([&](Call& call) {
        if (call.session_ != session) return;
        call.unlink();
        ending.push_back(call);
    });
    while (Call* call = ending.pop_front()) {
        call->is_cancelled_ = true;
        call->scope_.cancel();
    }
}

}  // namespace fluxgate::rpc
