#include "http/response.h"

#include "http/text.h"
#include "loop/check.h"

namespace fluxgate::http {

void Response::add(std::string_view name, std::string_view value) {
    FLUX_CHECK_OP(extra_count, <, extra_fields_max);
    extra[extra_count++] = {name, value};
}

std::string_view reason_phrase(uint16_t status) {
    switch (status) {
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 421:
            return "Misdirected Request";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Status";  // RFC 9112 4: the text means nothing to a client
    }
}

Response error_response(uint16_t status, std::string_view code, std::string_view message) {
    Response response;
    response.status = status;
    response.body.append(R"({"error":")");
    append_json_escaped(response.body, code);
    response.body.append(R"(","message":")");
    append_json_escaped(response.body, message);
    response.body.append(R"("})");
    return response;
}

PrebuiltResponse::PrebuiltResponse(uint16_t status, std::string_view content_type,
                                   std::string_view body)
    : body_bytes_(body.size()), status_(status) {
    before_date_.append("HTTP/1.1 ").append(Decimal(status).text()).append(" ");
    before_date_.append(reason_phrase(status)).append("\r\nDate: ");
    after_date_.append("\r\nX-Content-Type-Options: nosniff");
    if (!content_type.empty()) after_date_.append("\r\nContent-Type: ").append(content_type);
    after_date_.append("\r\nContent-Length: ").append(Decimal(body.size()).text());
    after_date_.append("\r\n\r\n").append(body);
}

}  // namespace fluxgate::http
