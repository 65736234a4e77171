#pragma once

// The time at which libcurl's OpenSSL verifies certificates. Internal to daemon/net.

#include "common/core/result.hpp"
#include "common/core/time.hpp"

namespace gerbang {

struct CurlTarget;

/// What a handshake needs to know. Must outlive the transfer's handshake.
struct Verification {
    CurlTarget* target = nullptr;
    WallTime at;
};

/// `bad_input` when the libcurl that is loaded does its TLS by another library than the OpenSSL 3
/// that this program talks to: its contexts would not be ours to set up.
[[nodiscard]] Result<void> check_tls_library();
/// The same for a given description, as libcurl writes it ("OpenSSL/3.0.15").
[[nodiscard]] Result<void> check_tls_library(const char* description);

/// `context` is the SSL_CTX* that libcurl made for one connection. Its handshake will verify at
/// `verification.at`, and tolerate "not yet valid" alone: remembered in the target, logged once.
/// Curl thread.
void prepare_handshake(void* context, const Verification& verification);

}  // namespace gerbang
