#include "daemon/net/curl_tls.hpp"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <ctime>
#include <limits>
#include <string>
#include <string_view>

#include "daemon/host/log.hpp"
#include "daemon/net/curl_library.hpp"
#include "daemon/net/curl_target.hpp"

namespace gerbang {
namespace {

/// Called for each certificate from the authority's down to the server's, and before that for what
/// is wrong with it.
int verified(int is_good, X509_STORE_CTX* store) {
    const auto* tls = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto& target = *static_cast<CurlTarget*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(tls)));
    if (is_good == 1) {
        if (X509_STORE_CTX_get_error_depth(store) == 0) target.is_early = target.meets_early;
        return 1;
    }
    if (X509_STORE_CTX_get_error(store) != X509_V_ERR_CERT_NOT_YET_VALID) return 0;
    target.meets_early = true;
    if (!target.said_early) {
        target.said_early = true;
        log(LogLevel::warning, "certificate_not_yet_valid",
            {{"url", target.target.url},
             {"detail", "accepted, as name and authority are right; check the clock"}});
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/// OpenSSL takes a time_t, which has 4 bytes on 32-bit ARM. Beyond 2038 such a board verifies as of
/// 2038: it goes on accepting what was valid then, and calls newer certificates early.
std::time_t clock_time(WallTime at) {
    const std::int64_t seconds = to_ms(at) / 1000;
    const std::int64_t last = std::numeric_limits<std::time_t>::max();
    return static_cast<std::time_t>(std::clamp<std::int64_t>(seconds, 0, last));
}

}  // namespace

Result<void> check_tls_library(const char* description) {
    const std::string_view library = description == nullptr ? "none" : description;
    if (library.starts_with("OpenSSL/3")) return ok();
    return Error{Errc::bad_input, "libcurl does its TLS by " + std::string{library} +
                                      ", OpenSSL 3 is needed: install Debian's libcurl4"};
}

Result<void> check_tls_library() {
    return check_tls_library(curl().version_info(CURLVERSION_NOW)->ssl_version);
}

void prepare_handshake(void* context, const Verification& verification) {
    auto* const tls = static_cast<SSL_CTX*>(context);
    verification.target->meets_early = false;
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(tls), clock_time(verification.at));
    SSL_CTX_set_app_data(tls, verification.target);
    // A later handshake on the same connection could come when the target is gone.
    SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, &verified);
}

}  // namespace gerbang
