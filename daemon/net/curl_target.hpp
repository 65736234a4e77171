#pragma once

// What belongs to one target and is used by its transfers. Internal to daemon/net.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "common/core/result.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// A bearer token in a file, read again when the file changes. One thread only.
class TokenFile {
public:
    explicit TokenFile(std::string path) : path_{std::move(path)} {}
    /// `not_authorised` when the file is missing, unreadable, empty or no token (printable ASCII
    /// without blanks, at most 4,096 bytes). Warns once per change when everybody may read it.
    [[nodiscard]] Result<std::string> token();

private:
    std::string path_;
    std::string token_;
    std::int64_t mtime_ns_ = -1;
    std::int64_t inode_ = -1;
};

/// Shared by the uplink (loop thread) and its transfers (curl thread).
struct CurlTarget {
    explicit CurlTarget(UplinkTarget what);
    ~CurlTarget();
    CurlTarget(const CurlTarget&) = delete;
    CurlTarget& operator=(const CurlTarget&) = delete;

    const UplinkTarget target;
    const bool is_https;
    TokenFile token;        ///< curl thread
    void* share = nullptr;  ///< CURLSH: TLS sessions, for resumption; curl thread
    std::atomic<std::uint64_t> sent_bytes{0};
    std::atomic<std::uint64_t> received_bytes{0};
    /// The newest handshake met a certificate that is not yet valid, and nothing worse.
    std::atomic<bool> is_early{false};
    bool meets_early = false;  ///< in the handshake that is under way; curl thread
    bool said_early = false;   ///< logged once; curl thread
};

/// Checks url and files of `target`; see `open_uplink`. After `load_curl`, as a CurlTarget.
[[nodiscard]] Result<void> check_target(const UplinkTarget& target);

/// `code` is a CURLcode. Which reaction a failed exchange calls for; `text` is libcurl's own
/// explanation.
[[nodiscard]] Error uplink_error(int code, const std::string& request, const std::string& text,
                                 const UplinkTarget& target);

}  // namespace gerbang
