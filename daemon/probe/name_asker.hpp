#pragma once

// One question to one named resolver, by c-ares. Loop thread only.

#include <boost/asio/any_io_executor.hpp>
#include <string>

#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/probe/probe_socket.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

/// Keeps c-ares initialised; whoever asks has one.
class NameLibrary {
public:
    NameLibrary();
    ~NameLibrary();
    NameLibrary(const NameLibrary&) = delete;
    NameLibrary& operator=(const NameLibrary&) = delete;
};

/// As `Prober::ask_name`: one datagram, no second try, no search list, no hosts file, no cache;
/// by TCP as well when the answer was too long. A resolver on the loopback is asked unbound. Each
/// question has sockets and a random identifier of its own; what does not belong to it is ignored.
/// `clock` and `binding` must outlive the question, the other references the call's coroutine.
[[nodiscard]] net::awaitable<ProbeAnswer> ask_resolver(net::any_io_executor executor, Clock& clock,
                                                       DeviceBinding& binding,
                                                       const NameQuestion& question,
                                                       const std::string& device, Millis timeout);

}  // namespace gerbang
