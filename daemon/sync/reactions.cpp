#include "daemon/sync/reactions.hpp"

#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

Error not_authorised(const std::string& what, int status) {
    switch (status) {
        case 401:
            return {Errc::not_authorised,
                    what +
                        "; the server does not accept this gateway's token or certificate: "
                        "check token_file and cert_file, then `gerbang sync --now`"};
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
    if (status >= 500 && status <= 599) return Error{Errc::overloaded, what};
    switch (status) {
        case 401:
        case 403:
        case 404:
        case 407:
            return not_authorised(what, status);
        case 408:
        case 425:
        case 429:
            return Error{Errc::overloaded, what};
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

}  // namespace gerbang
