#include "http/request.h"

#include "http/text.h"

namespace fluxgate::http {

std::string_view to_string(Method method) {
    switch (method) {
        case Method::get:
            return "GET";
        case Method::head:
            return "HEAD";
        case Method::post:
            return "POST";
        case Method::put:
            return "PUT";
        case Method::del:
            return "DELETE";
        case Method::options:
            return "OPTIONS";
        case Method::patch:
            return "PATCH";
        case Method::trace:
            return "TRACE";
        case Method::connect:
            return "CONNECT";
        case Method::other:
            break;
    }
    return "other";
}

std::string_view Request::find(std::string_view name) const {
    for (const HeaderField& field : fields) {
        if (equal_ignoring_case(field.name, name)) return field.value;
    }
    return {};
}

}  // namespace fluxgate::http
