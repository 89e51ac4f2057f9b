#include "rpc/sessions.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "loop/loop.h"
#include "loop/mailbox.h"

namespace fluxgate::rpc {

namespace {

// To a core that may run the call; frees itself there.
struct Cancellation final : loop::Message {
    Cancellation(InFlight* on_core, const SessionNonce& of, std::optional<std::string> request)
        : loop::Message([](loop::Message& message) {
              const std::unique_ptr<Cancellation> self(static_cast<Cancellation*>(&message));
              if (self->id) {
                  self->in_flight->cancel(self->session, *self->id);
              } else {
                  self->in_flight->cancel_all(self->session);
              }
          }),
          in_flight(on_core),
          session(of),
          id(std::move(request)) {}
    InFlight* in_flight;
    SessionNonce session;
    std::optional<std::string> id;  // without one: all of the session's
};

}  // namespace

Sessions::Sessions(const Options& options, uint32_t cores)
    : signer(options.key),
      ids(&signer, {.timeout_s = options.timeout_s}),
      streams(&states),
      mark_(options.mark) {
    for (uint32_t i = 0; i < cores; ++i)
        cores_.push_back(std::make_unique<Core>());
}

SessionNonce Sessions::new_nonce(loop::Entropy& entropy) const {
    SessionNonce nonce{};
    std::ranges::copy(mark_, nonce.begin());
    entropy.fill(std::as_writable_bytes(std::span(nonce).subspan(mark_.size())));
    return nonce;
}

bool Sessions::is_of_this_process(const SessionNonce& session) const {
    return std::ranges::equal(mark_, std::span(session).first(mark_.size()));
}

void Sessions::attach(loop::Loop* loop) {
    Core& core = *cores_[loop->core()];
    core.loop = loop;
    core.wakes.attach(loop);
}

void Sessions::cancel(uint32_t from_core, const SessionNonce& session, std::string_view id) {
    if (cores_[from_core]->in_flight.cancel(session, id)) return;
    send_to_others(from_core, session, std::string(id));
}

void Sessions::cancel_all(uint32_t from_core, const SessionNonce& session) {
    cores_[from_core]->in_flight.cancel_all(session);
    send_to_others(from_core, session, std::nullopt);
}

void Sessions::send_to_others(uint32_t from_core, const SessionNonce& session,
                              const std::optional<std::string>& id) {
    for (uint32_t i = 0; i < cores_.size(); ++i) {
        if (i == from_core || cores_[i]->loop == nullptr) continue;
        auto* message = new Cancellation(&cores_[i]->in_flight, session, id);
        cores_[i]->loop->mailbox().send(*message);
    }
}

}  // namespace fluxgate::rpc
