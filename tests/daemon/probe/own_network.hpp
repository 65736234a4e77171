#pragma once

// Network namespaces of a test's own, and probers on real sockets in them.

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/system_clock.hpp"
#include "daemon/probe/system_prober.hpp"

namespace gerbang {

#define SKIP_UNLESS(condition, why)                \
    if (!(condition)) {                            \
        std::cout << "skipped: " << (why) << '\n'; \
        return;                                    \
    }

inline auto answer_into(ProbeAnswer& got) {
    got.detail = "never ended";
    return [&got](std::exception_ptr failure, ProbeAnswer answer) {
        if (failure) std::rethrow_exception(failure);
        got = std::move(answer);
    };
}

/// Asks on real sockets, by the kernel's clock.
struct SocketBench {
    net::io_context io;
    SystemClock clock;
    SystemEntropy entropy;

    ProbeAnswer ask(std::optional<ProbeMethod> only, const ProbeTarget& target,
                    const std::string& device, Millis timeout) {
        return ask_each(only, {target}, device, timeout).front();
    }
    /// All at once.
    std::vector<ProbeAnswer> ask_each(std::optional<ProbeMethod> only,
                                      const std::vector<ProbeTarget>& targets,
                                      const std::string& device, Millis timeout) {
        const auto prober = open_system_prober(io.get_executor(), clock, entropy, only);
        std::vector<ProbeAnswer> got(targets.size());
        io.restart();
        for (std::size_t i = 0; i < targets.size(); ++i) {
            net::co_spawn(io, prober->probe(targets[i], device, timeout), answer_into(got[i]));
        }
        io.run();
        return got;
    }
    ProbeAnswer ask_name(const NameQuestion& question, const std::string& device, Millis timeout) {
        const auto prober = open_system_prober(io.get_executor(), clock, entropy);
        ProbeAnswer got;
        io.restart();
        net::co_spawn(io, prober->ask_name(question, device, timeout), answer_into(got));
        io.run();
        return got;
    }
};

/// Runs `work` in a child with a network namespace of its own, where every group may open ICMP
/// datagram sockets: loopback is up, and whatever goes out by "wan0" (192.0.2.1/24) is lost.
/// Returns the child's exit code, -1 where there is no such namespace.
inline int in_own_network(const std::function<int()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) != 0) ::_exit(100);
        if (std::system("ip link set lo up && ip link add wan0 type veth peer name sink0 && "
                        "ip link set sink0 up && ip addr add 192.0.2.1/24 dev wan0 && "
                        "ip link set wan0 up && "
                        "echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range") != 0) {
            ::_exit(100);
        }
        ::_exit(work());
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status) == 100 ? -1 : WEXITSTATUS(status);
}

/// A process in a further network namespace, until the end of its life.
class Neighbour {
public:
    Neighbour() {
        int ready[2];
        if (::pipe(ready) != 0) std::abort();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::unshare(CLONE_NEWNET) != 0) ::_exit(1);
            if (::write(ready[1], "1", 1) != 1) ::_exit(1);
            for (;;) ::pause();
        }
        ::close(ready[1]);
        char byte = 0;
        (void)!::read(ready[0], &byte, 1);
        ::close(ready[0]);
    }
    ~Neighbour() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Neighbour(const Neighbour&) = delete;
    Neighbour& operator=(const Neighbour&) = delete;
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    pid_t pid_ = -1;
};

}  // namespace gerbang
