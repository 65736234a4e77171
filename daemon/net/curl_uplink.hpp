#pragma once

#include <memory>

#include "common/core/result.hpp"
#include "daemon/net/uplink.hpp"

namespace gerbang {

/// libcurl in a thread of its own, shared by all uplinks of the process: several transfers at
/// once, connections kept alive between them.
///
/// Loop thread only. `stop` it before the io_context on which `send` is awaited dies.
class CurlThread {
public:
    CurlThread();
    ~CurlThread();  ///< stops
    CurlThread(const CurlThread&) = delete;
    CurlThread& operator=(const CurlThread&) = delete;

    /// Begins to load libcurl, in the thread; else the first `open_uplink` does, and waits for it.
    void prepare();
    /// Ends every transfer under way, and every later one, with `stopped`; joins the thread, which
    /// takes milliseconds. The results are posted: run the loop on until the callers have them.
    /// Idempotent.
    void stop();

    struct Impl;

private:
    friend Result<std::unique_ptr<Uplink>> open_uplink(CurlThread& thread,
                                                       const UplinkTarget& target);
    std::shared_ptr<Impl> impl_;
};

/// An uplink to `target` by `thread`. `bad_input` names what is wrong with the target: not an
/// https url, http to a host that is not loopback without `allow_plain`, a file that cannot be
/// read, libcurl where it cannot be loaded. The server's certificate must be signed by `ca_file`
/// and bear the host's name; nothing of the system's own bundle, proxy settings or environment is
/// used. Redirects are answers. A libcurl that does not use OpenSSL 3 is `bad_input` for a target
/// with `verify_at`.
///
/// It may be destroyed while its requests are under way; they end as usual.
[[nodiscard]] Result<std::unique_ptr<Uplink>> open_uplink(CurlThread& thread,
                                                          const UplinkTarget& target);

}  // namespace gerbang
