#include "daemon/sync/reactions.hpp"

#include <initializer_list>

#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

Error not_authorised(const std::string& what, int status) {
    switch (status) {
        case 401:
            return {Errc::not_authorised,
                    what +
                        "; the server does not accept this gateway's token or certificate: "
                        "check token_file and cert_file, then `gerbang sync now`"};
        case 403:
            return {Errc::not_authorised,
                    what +
                        "; the server knows this gateway but does not let it in: ask the "
                        "province to register this site"};
        case 407:
            return {Errc::not_authorised,
                    what +
                        "; a proxy on the way wants a password: ask the provider for a way "
                        "without one"};
        default:
            return {Errc::not_authorised,
                    what +
                        "; there is no gerbang-province at this address, or it does not know "
                        "this site: check the target's url"};
    }
}

/// What any answer but a 2xx means.
Error to_error(const std::string& what, int status) {
    if (status >= 500 && status <= 599) return {Errc::overloaded, what};
    switch (status) {
        case 401:
        case 403:
        case 404:
        case 407:
            return not_authorised(what, status);
        case 408:
        case 425:
        case 429:
            return {Errc::overloaded, what};
        case 409:
            return Error{Errc::diverged,
                         what +
                             "; the province holds other records under our numbers: this "
                             "journal was rolled back or cloned"};
        case 413:
            return Error{Errc::too_large, what};
        case 400:
        case 422:
            return Error{Errc::refused, what};
        default:
            break;
    }
    if (status >= 300 && status <= 399) {
        return Error{Errc::unreachable, what + "; redirected: a portal or proxy may be answering"};
    }
    return Error{Errc::unreachable, what};
}

/// The first line of what a server wrote, as far as it can be printed.
std::string first_line(const std::string& body) {
    constexpr std::size_t kMost = 160;
    std::string line;
    for (const char c : body) {
        if (c == '\n' || c == '\r' || line.size() == kMost) break;
        line += c >= ' ' && c <= '~' ? c : '?';
    }
    return line;
}

bool says_any(const std::string& line, std::initializer_list<const char*> words) {
    for (const char* word : words) {
        if (line.find(word) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

Result<Receipt> to_receipt(const HttpAnswer& answer) {
    const int status = answer.status;
    const std::string what = answer.what() + ": HTTP " + std::to_string(status);
    if (status >= 200 && status <= 299) {
        auto receipt = wire::decode_receipt(answer.body);
        if (receipt) return receipt;
        return Error{Errc::unreachable,
                     what + "; the answer is not a receipt: a portal or proxy may be answering (" +
                         receipt.error().detail + ")"};
    }
    return to_error(what, status);
}

Result<void> to_acceptance(const HttpAnswer& answer) {
    const int status = answer.status;
    if (status >= 200 && status <= 299) {
        // Receivers say nothing; the page of a portal must not pass for one of them.
        if (answer.body.empty() || answer.is_authenticated) return ok();
        return Error{Errc::unreachable, answer.what() + ": HTTP " + std::to_string(status) +
                                            " with a page: a portal or proxy may be answering"};
    }
    const auto line = first_line(answer.body);
    auto error = to_error(answer.what() + ": HTTP " + std::to_string(status), status);
    if (!line.empty()) error.detail += ": " + line;
    if (status == 404) {
        error.detail = answer.what() +
                       ": HTTP 404; nothing takes Remote-Write at this address: check the "
                       "target's url and path";
    }
    if (status == 409) error.code = Errc::refused;  // there is no journal to diverge from
    if (error.code == Errc::overloaded && status >= 500 &&
        says_any(line, {"too old", "out of order", "out of bounds", "duplicate sample"})) {
        error.code = Errc::refused;
    }
    return error;
}

bool is_too_old(const HttpAnswer& answer) {
    // Of the past: nothing of the receiver's future is ever sent.
    return says_any(first_line(answer.body), {"too old", "out of bounds"});
}

}  // namespace gerbang
