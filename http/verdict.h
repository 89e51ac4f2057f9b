// Why a message is refused: the answer's status and the two texts of its body. All text is static.
//
// The list is closed: whoever refuses a message names one of these, so that the same fault always
// gets the same bytes (and tests can compare them).
#pragma once

#include <cstdint>
#include <string_view>

namespace fluxgate::http {

struct Verdict {
    uint16_t status = 0;
    std::string_view code;
    std::string_view message;
    bool close =
        true;  // the connection ends with the answer: its framing can not be trusted any more

    friend bool operator==(const Verdict&, const Verdict&) = default;
};

namespace verdict {

inline constexpr Verdict bad_request{400, "bad_request", "malformed request"};
inline constexpr Verdict ambiguous_credentials{400, "ambiguous_credentials",
                                               "more than one credential was sent"};
inline constexpr Verdict body_not_allowed{400, "bad_request", "this route takes no body"};
inline constexpr Verdict request_timeout{408, "request_timeout", "the request took too long"};
inline constexpr Verdict payload_too_large{413, "payload_too_large", "the body is too large"};
inline constexpr Verdict uri_too_long{414, "uri_too_long", "the request target is too long"};
inline constexpr Verdict unsupported_media_type{415, "unsupported_media_type",
                                                "the content coding is not supported"};
inline constexpr Verdict expectation_failed{417, "expectation_failed",
                                            "only 100-continue is supported"};
inline constexpr Verdict header_fields_too_large{431, "header_fields_too_large",
                                                 "the header fields are too large"};
inline constexpr Verdict not_implemented{501, "not_implemented",
                                         "the method or transfer coding is not implemented"};
inline constexpr Verdict too_many_connections{503, "too_many_connections",
                                              "too many connections, try again later"};
inline constexpr Verdict overloaded{503, "overloaded",
                                    "too many large requests at once, try again later"};
inline constexpr Verdict version_not_supported{505, "http_version_not_supported",
                                               "only HTTP/1.0 and HTTP/1.1 are supported"};

// These leave the connection usable: the message itself was sound.
inline constexpr Verdict not_found{404, "not_found", "no such route", false};
inline constexpr Verdict method_not_allowed{405, "method_not_allowed",
                                            "the method is not allowed here", false};
inline constexpr Verdict no_answer{500, "internal_error", "the request was not answered", false};

}  // namespace verdict

}  // namespace fluxgate::http
