#pragma once

// Keys, certificates and names of the HTTP server. Internal to daemon/serve.

#include <string>

#include "common/core/result.hpp"
#include "daemon/serve/http.hpp"

namespace boost::asio::ssl {
class context;
}
struct ssl_st;  // OpenSSL's SSL

namespace gerbang {

/// Sets `tls` up for `listen`: TLS 1.2 and newer, its certificate and key, its clients' CA if any.
/// `bad_input` names the file that cannot be used.
[[nodiscard]] Result<void> load_tls(boost::asio::ssl::context& tls, const Listen& listen);

/// The common name of the verified client certificate; empty without one, or when the name is
/// missing, repeated or holds control characters.
[[nodiscard]] std::string client_name_of(ssl_st* handle);

}  // namespace gerbang
