#pragma once

// The HTTP(S) client. libcurl runs in one thread of its own behind `Uplink`; nothing else in the
// daemon opens an outgoing connection except the probes.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/result.hpp"
#include "common/core/time.hpp"
#include "daemon/host/async.hpp"

namespace gerbang {

/// Where and how a target is reached. Copied once per target; files are read when it is opened.
struct UplinkTarget {
    std::string url;         ///< "https://host[:port]"; "http://" to loopback and in tests only
    std::string ca_file;     ///< PEM; required for https
    std::string token_file;  ///< bearer token, re-read when its mtime changes; empty: none
    std::string cert_file;   ///< client certificate and key; empty: none
    std::string key_file;
    std::string interface;     ///< bind to this device; empty: the kernel routes
    bool allow_plain = false;  ///< allow http to hosts that are not loopback (test networks)
    /// Only asks whether somebody answers: no certificate is verified, no credential sent, nothing
    /// that comes back is believed. http to any host is allowed with it.
    bool is_anonymous = false;
    /// The instant at which the server's certificates are verified (`verification_time`), asked on
    /// the loop thread by each `send`. With it, a certificate that is "not yet valid" and nothing
    /// worse is accepted: see `Uplink::remark`. Empty: the system's clock decides, strictly.
    std::function<WallTime()> verify_at{};
};

struct UplinkRequest {
    std::string method = "GET";  ///< GET or POST
    std::string path;            ///< "/v1/batches"
    std::string body;
    std::string content_type;
    Millis timeout{30000};               ///< hard limit for the whole exchange
    std::string interface = {};          ///< bind to this device, in place of the target's
    std::vector<std::string> headers{};  ///< whole lines, "Name: value", besides
    std::uint64_t max_bytes_s = 0;       ///< of what is sent; 0: no limit
};

/// A complete HTTP answer, whatever its status.
struct HttpAnswer {
    int status = 0;
    std::string body;                    ///< at most 1 MiB; longer is an error
    std::optional<WallTime> date;        ///< the Date header
    std::optional<Seconds> retry_after;  ///< Retry-After in either form (dates against `date`)
    std::uint64_t sent_bytes = 0;        ///< on the wire as libcurl counts: headers and body
    std::uint64_t received_bytes = 0;
    std::string request;  ///< "POST https://host/v1/batches", no secret in it
    /// It came by https from whom the target's certificate authority calls by the target's name:
    /// its `date` may set a clock.
    bool is_authenticated = false;

    [[nodiscard]] std::string what() const { return request; }
};

/// Bytes on the wire as libcurl counts them: HTTP headers and bodies, without TLS and TCP.
struct UplinkTraffic {
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
};

/// Sends one request and waits for its answer.
class Uplink {
public:
    virtual ~Uplink() = default;
    /// No complete answer: `unreachable` (time-out, refused, reset, name not found),
    /// `not_authorised` (TLS: name, chain or certificate refused; token file unreadable),
    /// `stopped`. Several may be under way at once. Loop thread only.
    [[nodiscard]] virtual net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) = 0;
    /// Everything sent and received so far, exchanges under way (as far as the kernel took them)
    /// and those that failed included.
    [[nodiscard]] virtual UplinkTraffic traffic() const = 0;
    /// What a technician should know although exchanges succeed, English; empty: nothing. Today:
    /// that the server's certificate is not yet valid by this gateway's clock, and was accepted.
    /// Loop thread only.
    [[nodiscard]] virtual std::string remark() const { return {}; }
};

}  // namespace gerbang
