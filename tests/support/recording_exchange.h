// An Exchange without a connection: a test fills in the request, runs filters and a handler on it,
// and looks at what was answered. Needs a Loop (tools sleep, calls have deadlines); turns are the
// test's.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/exchange.h"
#include "loop/check.h"

namespace fluxgate::test {

class RecordingExchange final : public http::Exchange {
public:
    explicit RecordingExchange(loop::Loop* loop) : loop_(*loop), scope_(loop) {
        request_.method = http::Method::post;
        request_.path = "/mcp";
        set_body("");
    }

    // A handler whose task still runs is aborted, as by a connection.
    ~RecordingExchange() {
        if (scope_.empty()) return;
        scope_.cancel();
        loop_.run_until_idle();
    }

    // The peer goes, as far as the handler hears of it.
    void disconnect() {
        is_gone_ = true;
        if (cancels_on_disconnect_) scope_.cancel();
        loop_.run_until_idle();
    }

    // What is given is copied; the body is followed by the zero bytes that a connection's has.
    void set_body(std::string_view body) {
        constexpr size_t padding_bytes = 64;
        char* copy = static_cast<char*>(arena_.allocate(body.size() + padding_bytes, 1));
        if (!body.empty()) std::memcpy(copy, body.data(), body.size());
        std::memset(copy + body.size(), 0, padding_bytes);
        request_.body = {copy, body.size()};
    }
    void add_field(std::string_view name, std::string_view value) {
        fields_.push_back({arena_.copy(name), arena_.copy(value)});
        request_.fields = fields_;
    }
    // One of the fields that the parser finds; a second call counts it twice and keeps the first
    // value.
    void add_field(http::Field field, std::string_view name, std::string_view value) {
        add_field(name, value);
        const auto index = static_cast<size_t>(field);
        if (request_.known_count[index]++ == 0) request_.known[index] = fields_.back().value;
    }
    [[nodiscard]] http::Request& edit_request() { return request_; }
    // From now on the filters would refuse it.
    void revoke() { is_allowed_ = false; }
    [[nodiscard]] int times_asked() const { return times_asked_; }

    // ---- what was answered ----
    [[nodiscard]] bool is_answered() const { return response_.has_value(); }
    [[nodiscard]] int status() const { return response_ ? response_->status : 0; }
    [[nodiscard]] std::string body() const { return response_ ? response_->body.to_string() : ""; }
    [[nodiscard]] std::string_view content_type() const {
        return response_ ? response_->content_type : std::string_view();
    }
    // Of the answer; null if it is not there.
    [[nodiscard]] const std::string* header(std::string_view name) const {
        for (const auto& [key, value] : headers_) {
            if (key == name) return &value;
        }
        return nullptr;
    }
    [[nodiscard]] const std::string& streamed() const { return streamed_; }
    [[nodiscard]] bool is_stream() const { return is_stream_; }
    [[nodiscard]] bool has_stream_ended() const { return has_stream_ended_; }
    [[nodiscard]] bool has_closed() const { return has_closed_; }
    [[nodiscard]] std::optional<http::Next> resumed() const { return resumed_; }
    [[nodiscard]] bool cancels_on_disconnect() const { return cancels_on_disconnect_; }

    // ---- http::Exchange ----
    [[nodiscard]] const http::Request& request() const override { return request_; }
    [[nodiscard]] loop::Arena& arena() override { return arena_; }
    [[nodiscard]] loop::Loop& loop() override { return loop_; }
    [[nodiscard]] loop::Scope& scope() override { return scope_; }
    void cancel_on_disconnect() override { cancels_on_disconnect_ = true; }
    void add_answer_field(std::string_view name, std::string_view value) override {
        headers_.emplace_back(name, value);
    }
    void respond(http::Response&& response) override {
        FLUX_CHECK(!response_);
        response_.emplace(std::move(response));
        for (size_t i = 0; i < response_->extra_count; ++i) {  // the values end with this call
            headers_.emplace_back(response_->extra[i].name, response_->extra[i].value);
        }
    }
    void respond_prebuilt(const http::PrebuiltResponse& response) override {
        FLUX_CHECK(!response_);
        response_.emplace();
        response_->status = response.status();
        const std::string_view rest = response.after_date();
        response_->body.append(rest.substr(rest.size() - response.body_bytes()));
    }
    void begin_stream(http::Response&& head) override {
        respond(std::move(head));
        is_stream_ = true;
    }
    [[nodiscard]] loop::Task<loop::Result<void>> write(loop::BlockChain bytes) override {
        FLUX_CHECK(is_stream_ && !has_stream_ended_);
        if (is_gone_) {
            co_return std::unexpected(loop::Error{loop::ErrorCode::reset, 0, "write"});
        }
        streamed_ += bytes.to_string();
        co_return loop::Result<void>{};
    }
    void end_stream() override {
        FLUX_CHECK(is_stream_ && !has_stream_ended_);
        has_stream_ended_ = true;
    }
    void end_stream_and_close() override {
        has_closed_ = true;
        end_stream();
    }
    void resume_head(http::Next next) override { resumed_ = next; }
    [[nodiscard]] loop::Task<bool> still_allowed(loop::Scope*) override {
        ++times_asked_;
        co_return is_allowed_;
    }
    [[nodiscard]] const http::PrincipalPtr& principal() const override { return principal_; }
    void set_principal(http::PrincipalPtr principal) override { principal_ = std::move(principal); }
    [[nodiscard]] http::ExchangeNotes& notes() override { return notes_; }

private:
    loop::Loop& loop_;
    loop::Arena arena_;
    loop::Scope scope_;
    http::Request request_;
    std::vector<http::HeaderField> fields_;
    http::PrincipalPtr principal_;
    http::ExchangeNotes notes_;
    std::optional<http::Response> response_;
    std::vector<std::pair<std::string, std::string>> headers_;
    std::string streamed_;
    std::optional<http::Next> resumed_;
    bool is_stream_ = false;
    bool has_stream_ended_ = false;
    bool has_closed_ = false;
    bool is_gone_ = false;
    bool is_allowed_ = true;
    int times_asked_ = 0;
    bool cancels_on_disconnect_ = false;
};

}  // namespace fluxgate::test
