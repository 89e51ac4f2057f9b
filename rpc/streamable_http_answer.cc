#include "rpc/streamable_http_answer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "http/sse.h"
#include "loop/crypto.h"
#include "loop/loop.h"
#include "loop/sleep.h"
#include "rpc/event_id.h"
#include "rpc/json_writer.h"
#include "rpc/streamable_http_events.h"

namespace fluxgate::rpc {

namespace {

constexpr loop::Duration tick_every = std::chrono::seconds(2);
// A person may have to read a form and fetch something.
constexpr loop::Duration ask_timeout = std::chrono::minutes(10);

void write_double(loop::BlockChain& out, double value) {
    char digits[32];
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    out.append({digits, static_cast<size_t>(end - digits)});
}

// The result of a client's response as a member of an object; the text of what went wrong instead.
std::expected<Json*, std::string> read_response(JsonReader& reader, const std::string& body,
                                                std::string_view key, loop::Arena& arena) {
    constexpr size_t padding = 64;
    char* text = static_cast<char*>(arena.allocate(body.size() + padding, 1));
    std::memcpy(text, body.data(), body.size());
    std::memset(text + body.size(), 0, padding);
    const auto document = reader.read({text, body.size()}, arena);
    const Json* result = document ? (*document)->find("result") : nullptr;
    if (result == nullptr || !result->is_object()) {
        const Json* error = document ? (*document)->find("error") : nullptr;
        const Json* message = error == nullptr ? nullptr : error->find("message");
        std::string why = "the client could not answer";
        if (message != nullptr && message->is_string()) {
            why += ": " + std::string(cut_echo(message->text));
        }
        return std::unexpected(std::move(why));
    }
    Json* member = arena.create<Json>(*result);
    member->key = arena.copy(key);
    member->next = nullptr;
    return member;
}

}  // namespace

CallAnswer::CallAnswer(Options options)
    : options_(std::move(options)),
      ticking_(&options_.exchange->loop(), &options_.exchange->scope()) {
}

CallAnswer::~CallAnswer() {
    FLUX_CHECK(ticking_.empty());
}

// False: nothing can be told before the result.
bool CallAnswer::begin() {
    if (has_begun_) return true;
    if (options_.old_stream != nullptr) return true;
    if (!options_.can_stream) return false;
    has_begun_ = true;
    http::Exchange& exchange = *options_.exchange;
    const Protocol& protocol = *options_.caller.protocol;
    const Session* session = options_.caller.session;
    if (session != nullptr && !protocol.is_stateless) {
        stream_id_ = new_stream_id(exchange.loop());
        stream_ = options_.sessions->streams.open(EventStreams::Kind::answer, stream_id_,
                                                  session->nonce, {}, exchange.loop().now());
    }
    http::Response head = http::sse_head();
    if (stream_ != nullptr && protocol.stream_priming) {
        http::append_priming(head.body, event_id(0), retry_ms);
    }
    exchange.begin_stream(std::move(head));
    written_at_ = exchange.loop().now();
    checked_at_ = written_at_;
    if (ticking_.empty()) start();
    return true;
}

std::string CallAnswer::event_id(uint32_t number) const {
    return make_event_id(options_.sessions->signer, {.kind = EventStreams::Kind::answer,
                                                     .stream = stream_id_,
                                                     .number = number,
                                                     .session = options_.caller.session->nonce});
}

loop::Task<void> CallAnswer::send(std::string message) {
    const auto data = std::make_shared<const std::string>(std::move(message));
    if (options_.old_stream != nullptr) {
        options_.sessions->streams.append(options_.old_stream, data);
        co_return;
    }
    const std::string id = keep(data);
    loop::BlockChain out;
    http::append_event(out, {.name = "message", .id = id}, *data);
    co_await write(std::move(out));
}

// For a client that comes back. The event's id; empty where it is not kept.
std::string CallAnswer::keep(EventData data) {
    if (stream_ == nullptr) return {};
    const uint32_t number = options_.sessions->streams.append(stream_, std::move(data));
    return number == 0 ? std::string() : event_id(number);
}

loop::Task<void> CallAnswer::write(loop::BlockChain frames) {
    if (has_hung_up_ || is_refused_) co_return;
    written_at_ = options_.exchange->loop().now();
    // A peer that is gone does not end the call: it may come back for the rest.
    const loop::Result<void> written = co_await options_.exchange->write(std::move(frames));
    loop::ignore(written, "a peer that is gone may come back for the rest");
}

// Where we have told something before, the work's counting begins behind it: what is told grows.
loop::Task<void> CallAnswer::progress(double progress, double total, std::string_view message) {
    if (!std::isfinite(progress) || !std::isfinite(total)) co_return;
    if (!std::exchange(is_work_telling_, true) && has_told_progress_) told_by_us_ = progress_;
    const double whole = total > 0 ? total + told_by_us_ : 0;
    co_await tell_progress(progress + told_by_us_, whole, message);
}

loop::Task<void> CallAnswer::tell_progress(double progress, double total,
                                           std::string_view message) {
    const std::string_view token = options_.caller.envelope.progress_token;
    const bool grows = !has_told_progress_ || progress > progress_;
    if (token.empty() || !grows || !begin()) co_return;
    has_told_progress_ = true;
    progress_ = progress;
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)");
    chain.append(token);
    json.raw(R"(,"progress":)");
    write_double(chain, progress);
    if (total > 0) {
        json.raw(R"(,"total":)");
        write_double(chain, total);
    }
    if (!message.empty()) {
        json.raw(R"(,"message":)");
        json.string(message);
    }
    json.raw("}}");
    std::string text = chain.to_string();
    co_await send(std::move(text));
}

loop::Task<void> CallAnswer::log(LogLevel level, std::string_view logger, std::string_view data) {
    const Caller& caller = options_.caller;
    std::optional<LogLevel> least;
    if (caller.protocol->is_stateless) {
        least = caller.envelope.log_level;
    } else if (caller.session != nullptr) {
        least = options_.sessions->states.log_level(caller.session->nonce);
    }
    if (!least || level < *least || !begin()) co_return;
    loop::BlockChain chain;
    JsonWriter<Escape::once> json(chain);
    json.raw(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":)");
    json.string(to_string(level));
    if (!logger.empty()) {
        json.raw(R"(,"logger":)");
        json.string(logger);
    }
    json.raw(R"(,"data":)");
    json.json_text(data);
    json.raw("}}");
    std::string text = chain.to_string();
    co_await send(std::move(text));
}

loop::Task<void> CallAnswer::hang_up() {
    if (!options_.caller.protocol->stream_priming || !begin()) co_return;
    if (stream_ == nullptr || has_hung_up_) co_return;
    has_hung_up_ = true;
    options_.exchange->end_stream_and_close();  // the connection would be the call's until it ends
}

loop::Task<std::expected<const Json*, std::string>> CallAnswer::ask(loop::Scope* scope,
                                                                    const InputRequired* required) {
    const Session* session = options_.caller.session;
    if (session == nullptr || !begin()) {
        co_return std::unexpected(
            std::string("this needs an answer of the client, which can be asked in a session with "
                        "Accept: application/json, text/event-stream only"));
    }
    loop::Loop& loop = options_.exchange->loop();
    loop::Waiter waiter(&options_.sessions->core(loop.core()).wakes);
    std::vector<std::unique_ptr<ClientAnswers::Expected>> expected;
    for (const InputRequest& request : required->requests) {
        const SessionNonce random = options_.sessions->new_nonce(loop.entropy());
        const std::string id = "fluxgate-" + loop::hex(random);
        expected.push_back(std::make_unique<ClientAnswers::Expected>(&options_.sessions->answers,
                                                                     id, session->nonce, &waiter));
        std::string text = R"({"jsonrpc":"2.0","id":")" + id + R"(","method":")" +
                           std::string(method_of(request.needs)) + R"(","params":)" +
                           (request.params.empty() ? "{}" : request.params) + '}';
        co_await send(std::move(text));
    }
    loop::Arena& arena = options_.exchange->arena();
    Json* object = arena.create<Json>();
    object->kind = Json::Kind::object;
    Json* last = nullptr;
    const loop::Deadline end = loop::Deadline::after(loop.clock_now(), ask_timeout);
    for (size_t at = 0; at < expected.size();) {
        const std::optional<std::string> body = expected[at]->take();
        if (!body) {
            const loop::Result<void> woken =
                co_await waiter.wait(*scope, end.remaining(loop.clock_now()));
            if (!woken) co_return std::unexpected(std::string("the client did not answer in time"));
            continue;
        }
        const auto member =
            read_response(*options_.reader, *body, required->requests[at].key, arena);
        if (!member) co_return std::unexpected(member.error());
        (last == nullptr ? object->first : last->next) = *member;
        last = *member;
        ++object->count;
        ++at;
    }
    co_return object;
}

void CallAnswer::start() {
    ticking_.spawn("call_ticks", tick());
}

loop::Task<void> CallAnswer::stop() {
    ticking_.cancel();
    co_await ticking_.join();
}

loop::Task<void> CallAnswer::tick() {
    const loop::Instant began = options_.exchange->loop().now();
    for (;;) {
        const loop::Result<void> slept = co_await loop::sleep_for(ticking_, until_next_tick());
        if (!slept) co_return;
        loop::Loop& loop = options_.exchange->loop();
        if (is_open() && loop.now() - checked_at_ >= keep_alive_every) {
            loop::Task<bool> check = options_.exchange->still_allowed(&ticking_);
            const bool is_allowed = co_await std::move(check);
            if (!is_allowed) {
                is_refused_ = true;
                options_.scope->cancel();  // as notifications/cancelled does
                co_return;
            }
            checked_at_ = loop.now();
        }
        if (ticking_.is_cancelled()) co_return;
        co_await tell_that_it_goes_on(loop.now() - began);
    }
}

loop::Duration CallAnswer::until_next_tick() const {
    if (!is_open()) return tick_every;
    const loop::Duration until_check =
        checked_at_ + keep_alive_every - options_.exchange->loop().now();
    return std::clamp(until_check, loop::Duration::zero(), tick_every);
}

loop::Task<void> CallAnswer::tell_that_it_goes_on(loop::Duration for_so_long) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(for_so_long).count();
    if (!options_.caller.envelope.progress_token.empty() && !is_work_telling_) {
        const std::string text = "running for " + std::to_string(seconds) + " s";
        co_await tell_progress(static_cast<double>(seconds), 0, text);
    } else if (is_open() && options_.exchange->loop().now() - written_at_ >= keep_alive_every) {
        loop::BlockChain comment;
        comment.append(http::sse_keep_alive);
        co_await write(std::move(comment));
    }
}

loop::Task<void> CallAnswer::finish(loop::BlockChain* message) {
    std::string id;
    if (stream_ != nullptr && message->size() <= EventStreams::bytes_max) {
        id = keep(std::make_shared<const std::string>(message->to_string()));
    } else if (stream_ != nullptr) {
        // Who comes back later can not have it, and must not wait for it.
        const Reply instead =
            error_reply(200,
                        {.code = rpc_code::internal_error,
                         .message = "the result is too large to be sent once more; ask for less",
                         .subject = {},
                         .detail = {},
                         .id = options_.id},
                        *options_.caller.protocol);
        (void)keep(std::make_shared<const std::string>(instead.body.to_string()));
    }
    loop::BlockChain out;
    http::append_event(out, {.name = "message", .id = id}, std::move(*message));
    co_await write(std::move(out));
    abandon();
}

void CallAnswer::abandon() {
    if (stream_ != nullptr) {
        options_.sessions->streams.end(stream_, options_.exchange->loop().now());
    }
    if (!has_hung_up_) options_.exchange->end_stream();
    has_hung_up_ = true;
}

}  // namespace fluxgate::rpc
