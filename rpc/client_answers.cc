#include "rpc/client_answers.h"

#include <utility>

#include "loop/check.h"

namespace fluxgate::rpc {

ClientAnswers::Expected::Expected(ClientAnswers* answers, std::string id,
                                  const SessionNonce& session, loop::Waiter* waiter)
    : answers_(*answers), id_(std::move(id)), session_(session), waiter_(waiter) {
    const std::scoped_lock lock(answers_.mutex_);
    const bool is_new = answers_.expected_.emplace(id_, this).second;
    FLUX_CHECK(is_new);
}

ClientAnswers::Expected::~Expected() {
    const std::scoped_lock lock(answers_.mutex_);
    answers_.expected_.erase(id_);
}

std::optional<std::string> ClientAnswers::Expected::take() {
    const std::scoped_lock lock(answers_.mutex_);
    return std::exchange(body_, std::nullopt);
}

ClientAnswers::Expected* ClientAnswers::find(std::string_view id, const SessionNonce& session) {
    const auto at = expected_.find(id);
    if (at == expected_.end()) return nullptr;
    Expected* expected = at->second;
    return expected->session_ == session && !expected->is_delivered_ ? expected : nullptr;
}

bool ClientAnswers::is_expected(std::string_view id, const SessionNonce& session) {
    const std::scoped_lock lock(mutex_);
    return find(id, session) != nullptr;
}

bool ClientAnswers::deliver(std::string_view id, const SessionNonce& session, std::string body) {
    const std::scoped_lock lock(mutex_);
    Expected* expected = find(id, session);
    if (expected == nullptr) return false;
    expected->is_delivered_ = true;
    expected->body_.emplace(std::move(body));  // up to megabytes: nothing is copied under the lock
    expected->waiter_->wake();
    return true;
}

}  // namespace fluxgate::rpc
