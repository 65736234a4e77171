#pragma once

// One question to one named resolver, by c-ares. Loop thread only.

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>
#include <vector>

#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/probe/probe_socket.hpp"
#include "daemon/probe/prober.hpp"

struct ares_channeldata;

namespace gerbang {

/// Keeps c-ares initialised, and channels between questions: making one reads /dev/urandom and
/// costs more than the question. Shared with the questions under way.
class NameLibrary {
public:
    NameLibrary();
    ~NameLibrary();
    NameLibrary(const NameLibrary&) = delete;
    NameLibrary& operator=(const NameLibrary&) = delete;

    /// A channel without sockets and questions; nullptr when c-ares could not make one.
    [[nodiscard]] ares_channeldata* take();
    /// Takes it back. One that still has something under way is destroyed.
    void give(ares_channeldata* channel);

private:
    std::vector<ares_channeldata*> idle_;
};

/// As `Prober::ask_name`: one datagram, no second try, no search list, no hosts file, no cache;
/// by TCP as well when the answer was too long. A resolver on the loopback or of a scope of its own
/// ("fe80::1%eth0") is asked unbound. Each question has sockets and a random identifier of its own;
/// what does not belong to it is ignored.
/// `clock` and `binding` must outlive the question, the other references the call's coroutine.
[[nodiscard]] net::awaitable<ProbeAnswer> ask_resolver(std::shared_ptr<NameLibrary> library,
                                                       net::any_io_executor executor, Clock& clock,
                                                       DeviceBinding& binding,
                                                       const NameQuestion& question,
                                                       const std::string& device, Millis timeout);

}  // namespace gerbang
