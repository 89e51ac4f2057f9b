#include "http/parser.h"

#include <llhttp.h>

#include <algorithm>
#include <cstring>

#include "http/text.h"
#include "loop/check.h"

namespace fluxgate::http {
namespace {

constexpr size_t head_capacity_min = 512;
constexpr size_t fields_capacity_min = 16;
constexpr int stop_engine = -1;  // any non-zero value that is not a pause

Parser& parser_of(llhttp_t* engine) {
    return *static_cast<Parser*>(engine->data);
}

}  // namespace

// llhttp calls these in the order of the bytes. A span may come in several pieces; the pieces of
// one are neighbours in the input, since line folding is refused.
struct Parser::Callbacks {
    static int header_field(llhttp_t* engine, const char* at, size_t bytes) {
        return parser_of(engine).field_name(at, bytes) ? HPE_OK : stop_engine;
    }
    static int header_value(llhttp_t* engine, const char* at, size_t bytes) {
        return parser_of(engine).field_value(at, bytes) ? HPE_OK : stop_engine;
    }
    static int header_value_complete(llhttp_t* engine) {
        return parser_of(engine).field_complete() ? HPE_OK : stop_engine;
    }
    static int headers_complete(llhttp_t* engine) {
        engine->upgrade = 0;  // an Upgrade is ignored: what follows is an ordinary body
        return HPE_PAUSED;
    }
    static int chunk_header(llhttp_t* /*engine*/) { return HPE_PAUSED; }
    static int body(llhttp_t* engine, const char* at, size_t bytes) {
        return parser_of(engine).store_body({at, bytes}) ? HPE_OK : HPE_USER;
    }
    static int chunk_complete(llhttp_t* engine) {
        // Behind the trailers the end of the message follows without a further byte.
        return parser_of(engine).phase_ == Phase::trailers ? HPE_OK : HPE_PAUSED;
    }
    static int message_complete(llhttp_t* /*engine*/) { return HPE_PAUSED; }

    static const llhttp_settings_t& settings() {
        static const llhttp_settings_t all = [] {
            llhttp_settings_t made;
            llhttp_settings_init(&made);
            made.on_header_field = header_field;
            made.on_header_value = header_value;
            made.on_header_value_complete = header_value_complete;
            made.on_headers_complete = headers_complete;
            made.on_chunk_header = chunk_header;
            made.on_body = body;
            made.on_chunk_complete = chunk_complete;
            made.on_message_complete = message_complete;
            return made;
        }();
        return all;
    }
};

Parser::Parser(const Limits& limits, BodyBudget* bodies)
    : limits_(limits), line_(limits), body_(bodies) {
    static_assert(sizeof(llhttp_t) <= engine_bytes && alignof(llhttp_t) <= 8);
    FLUX_CHECK(limits.head_bytes_max <= UINT16_MAX && limits.fields_max <= UINT8_MAX);
    llhttp_init(engine(), HTTP_REQUEST, &Callbacks::settings());
    reset_engine();
}

void Parser::reset_engine() {
    llhttp_reset(engine());
    engine()->data = this;
    FLUX_CHECK(engine()->lenient_flags == 0);  // strict is what every framing check rests on
}

void Parser::begin(loop::Arena& arena, Request& request) {
    FLUX_CHECK(arena_ == nullptr);
    arena_ = &arena;
    request_ = &request;
    const loop::PeerAddress peer = request.peer;
    const loop::Instant received = request.received;
    request = Request{};
    request.peer = peer;
    request.received = received;
    refusal_ = nullptr;
    line_.begin();
    head_ = nullptr;
    head_bytes_ = head_capacity_ = 0;
    fields_ = nullptr;
    fields_count_ = fields_capacity_ = 0;
    phase_ = Phase::line;
    chunked_ = expects_continue_ = discarding_ = false;
    content_length_ = body_bytes_ = raw_bytes_ = chunk_overhead_ = 0;
    body_limit_ = limits_.body_bytes_max;
    chunk_line_bytes_ = trailer_bytes_ = 0;
    reset_engine();
}

void Parser::end() {
    body_.release();
    arena_ = nullptr;
    request_ = nullptr;
}

void Parser::refuse(const Verdict& verdict) {
    refusal_ = &verdict;
    phase_ = Phase::refused;
}

Parser::Progress Parser::feed(std::span<const char> bytes) {
    FLUX_DCHECK(arena_ != nullptr && phase_ != Phase::complete);
    const Phase entered = phase_;
    size_t used = 0;
    while (phase_ != Phase::refused && phase_ != Phase::complete) {
        if (entered <= Phase::fields && phase_ > Phase::fields) break;
        const std::span<const char> rest = bytes.subspan(used);
        if (rest.empty()) return {used, Event::more};
        size_t taken = 0;
        switch (phase_) {
            case Phase::line:
                taken = feed_line(rest);
                break;
            case Phase::fields:
                taken = feed_fields(rest);
                break;
            case Phase::sized_body:
                taken = feed_sized_body(rest);
                break;
            case Phase::chunk_line:
                taken = feed_chunk_line(rest);
                break;
            case Phase::chunk_data:
                taken = feed_chunk_data(rest);
                break;
            case Phase::trailers:
                taken = feed_trailers(rest);
                break;
            case Phase::complete:
            case Phase::refused:
                break;
        }
        used += taken;
        raw_bytes_ += taken;
    }
    if (phase_ == Phase::refused) return {used, Event::refused};
    return {used, entered <= Phase::fields ? Event::head : Event::complete};
}

size_t Parser::execute(std::span<const char> slice) {
    llhttp_t* const llhttp = engine();
    if (paused_) llhttp_resume(llhttp);
    paused_ = false;
    slice_ = slice.data();
    const llhttp_errno_t result = llhttp_execute(llhttp, slice.data(), slice.size());
    if (result == HPE_OK) return slice.size();
    const auto taken = static_cast<size_t>(llhttp_get_error_pos(llhttp) - slice.data());
    if (result == HPE_PAUSED) {
        paused_ = true;
    } else if (refusal_ == nullptr) {  // else one of our callbacks stopped it
        refuse(verdict::bad_request);
    }
    return std::min(taken, slice.size());
}

// ---- head

size_t Parser::feed_line(std::span<const char> bytes) {
    const size_t taken = line_.scan(bytes);
    append_head(bytes.first(taken));
    if (const Verdict* refusal = line_.refusal()) {
        refuse(*refusal);
        return taken;
    }
    if (!line_.is_complete()) return taken;
    paused_ = false;
    slice_offset_ = line_.begin_offset();
    const std::span<const char> line(head_ + slice_offset_, head_bytes_ - slice_offset_);
    const size_t parsed = execute(line);
    if (phase_ == Phase::refused) {
        // The scanner found the line sound: what llhttp does not like is the method.
        if (refusal_ == &verdict::bad_request && line_.method() == Method::other) {
            refuse(verdict::not_implemented);
        }
    } else if (parsed != line.size()) {
        refuse(verdict::bad_request);
    } else if (head_bytes_ >= limits_.head_bytes_max) {
        refuse(verdict::header_fields_too_large);
    } else {
        phase_ = Phase::fields;
    }
    return taken;
}

size_t Parser::feed_fields(std::span<const char> bytes) {
    const std::span<const char> slice =
        bytes.first(std::min(bytes.size(), limits_.head_bytes_max - head_bytes_));
    slice_offset_ = head_bytes_;
    const size_t taken = execute(slice);
    append_head(slice.first(taken));
    if (phase_ == Phase::refused) return taken;
    if (paused_) {
        finish_head();
    } else if (head_bytes_ == limits_.head_bytes_max) {
        refuse(verdict::header_fields_too_large);
    }
    return taken;
}

void Parser::finish_head() {
    request_->method = line_.method();
    request_->version_minor = line_.version_minor();
    set_fields();
    const uint16_t flags = engine()->flags;
    const bool says_close = (flags & F_CONNECTION_CLOSE) != 0;
    const bool says_keep = (flags & F_CONNECTION_KEEP_ALIVE) != 0;
    request_->keep_alive = !says_close && (request_->version_minor >= 1 || says_keep);

    HeadFacts facts;
    const std::string_view target(head_ + line_.target_offset(), line_.target_bytes());
    if (const auto fault = check_head(*request_, target, facts)) {
        head_fault_ = *fault;
        return refuse(head_fault_);
    }
    // Both read the same field; if they ever disagree, the framing is not known.
    if (facts.chunked != ((flags & F_CHUNKED) != 0)) return refuse(verdict::bad_request);
    chunked_ = facts.chunked;
    expects_continue_ = facts.expects_continue;
    content_length_ = (flags & F_CONTENT_LENGTH) != 0 ? engine()->content_length : 0;
    if (content_length_ > body_limit_) return refuse(verdict::payload_too_large);
    if (!has_body()) return finish_body();
    phase_ = chunked_ ? Phase::chunk_line : Phase::sized_body;
}

void Parser::set_fields() {
    const std::span<HeaderField> fields = arena_->array<HeaderField>(fields_count_);
    for (size_t i = 0; i < fields.size(); ++i) {
        const RawField& raw = fields_[i];
        fields[i].name = {head_ + raw.name_begin, raw.name_bytes};
        fields[i].value = trim({head_ + raw.value_begin, raw.value_bytes});
    }
    request_->fields = fields;
}

bool Parser::field_name(const char* at, size_t bytes) {
    if (phase_ == Phase::trailers) return true;
    if (field_.name_bytes == 0) field_.name_begin = static_cast<uint16_t>(offset_of(at));
    field_.name_bytes = static_cast<uint16_t>(field_.name_bytes + bytes);
    return true;
}

bool Parser::field_value(const char* at, size_t bytes) {
    if (phase_ == Phase::trailers || bytes == 0) return true;
    const size_t begin = offset_of(at);
    if (field_.value_bytes == 0) field_.value_begin = static_cast<uint16_t>(begin);
    if (begin != size_t{field_.value_begin} + field_.value_bytes) {
        refuse(verdict::bad_request);  // pieces that are no neighbours: a folded line
        return false;
    }
    field_.value_bytes = static_cast<uint16_t>(field_.value_bytes + bytes);
    return true;
}

bool Parser::field_complete() {
    if (fields_count_ == limits_.fields_max) {
        refuse(verdict::header_fields_too_large);
        return false;
    }
    if (phase_ == Phase::trailers) {  // counted and dropped: a trailer is never a header field
        ++fields_count_;
        return true;
    }
    if (fields_count_ == fields_capacity_) {
        fields_capacity_ = static_cast<uint16_t>(
            std::max<size_t>(fields_capacity_min, size_t{fields_capacity_} * 2));
        const std::span<RawField> larger = arena_->array<RawField>(fields_capacity_);
        std::copy_n(fields_, fields_count_, larger.data());
        fields_ = larger.data();
    }
    fields_[fields_count_++] = field_;
    field_ = RawField{};
    return true;
}

void Parser::append_head(std::span<const char> bytes) {
    if (bytes.empty()) return;
    reserve_head(head_bytes_ + bytes.size());
    std::memcpy(head_ + head_bytes_, bytes.data(), bytes.size());
    head_bytes_ += static_cast<uint32_t>(bytes.size());
}

void Parser::reserve_head(size_t bytes) {
    if (bytes <= head_capacity_) return;
    const size_t capacity = std::max({bytes, size_t{head_capacity_} * 2, head_capacity_min});
    char* larger = static_cast<char*>(arena_->allocate(capacity, 1));
    if (head_bytes_ != 0) std::memcpy(larger, head_, head_bytes_);
    head_ = larger;
    head_capacity_ = static_cast<uint32_t>(capacity);
}

}  // namespace fluxgate::http
