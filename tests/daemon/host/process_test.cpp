// What ties the process to its system: lock file, signals, the service manager's socket.

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "daemon/host/lock_file.hpp"
#include "daemon/host/notify.hpp"
#include "daemon/host/signals.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

void rethrow(std::exception_ptr error) {
    if (error) std::rethrow_exception(error);
}

net::awaitable<void> collect(Signals& signals, std::vector<std::optional<Signal>>& seen,
                             std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto signal = co_await signals.next();
        seen.push_back(signal);
    }
}

/// The service manager's end of NOTIFY_SOCKET.
class Manager {
public:
    explicit Manager(const std::string& path) : fd_{::socket(AF_UNIX, SOCK_DGRAM, 0)} {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        REQUIRE(path.size() < sizeof address.sun_path);
        path.copy(address.sun_path, path.size());
        if (path[0] == '@') address.sun_path[0] = '\0';
        REQUIRE(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                       static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size())) == 0);
    }
    [[nodiscard]] std::string next() const {
        std::array<char, 4096> text{};
        const auto size = ::recv(fd_.get(), text.data(), text.size(), MSG_DONTWAIT);
        return size < 0 ? "nothing" : std::string{text.data(), static_cast<std::size_t>(size)};
    }

private:
    UniqueFd fd_;
};

/// Sets an environment variable for the life of one test.
class Environment {
public:
    Environment(const char* name, const std::string& value) : name_{name} {
        ::setenv(name, value.c_str(), 1);
    }
    ~Environment() { ::unsetenv(name_); }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;

private:
    const char* name_;
};

}  // namespace

TEST_CASE("LockFile in a folder that is not there says what must exist", "[host]") {
    const TempFolder folder;
    const auto lock = LockFile::take(folder.file("missing/gerbang.lock"));
    REQUIRE_FALSE(lock);
    CHECK(lock.error().code == Errc::storage_broken);
    CHECK(lock.error().detail.find("missing/gerbang.lock") != std::string::npos);
}

TEST_CASE("LockFile names the process that holds it, and is free once that is gone", "[host]") {
    const TempFolder folder;
    const auto path = folder.file("gerbang.lock");
    {
        const auto lock = LockFile::take(path);
        REQUIRE(lock);
        const auto second = LockFile::take(path);
        REQUIRE_FALSE(second);
        CHECK(second.error().code == Errc::overloaded);
        std::string name;  // under an emulator it is the emulator's
        std::getline(std::ifstream{"/proc/self/comm"}, name);
        CHECK(second.error().detail.find("process " + std::to_string(::getpid()) + " (" + name +
                                         ")") != std::string::npos);
    }
    CHECK(LockFile::take(path));
}

TEST_CASE("LockFile of a process that was killed is free", "[host]") {
    const TempFolder folder;
    const auto path = folder.file("gerbang.lock");
    std::array<int, 2> ready{};
    REQUIRE(::pipe(ready.data()) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const auto lock = LockFile::take(path);
        const char sign = lock ? 'y' : 'n';
        if (::write(ready[1], &sign, 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char sign = '?';
    REQUIRE(::read(ready[0], &sign, 1) == 1);
    CHECK(sign == 'y');
    CHECK_FALSE(LockFile::take(path));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(LockFile::take(path));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_CASE("LockFile does not write into a file that has another name too", "[host]") {
    const TempFolder folder;
    std::ofstream{folder.file("precious")} << "precious";
    std::filesystem::create_hard_link(folder.file("precious"), folder.file("gerbang.lock"));
    CHECK_FALSE(LockFile::take(folder.file("gerbang.lock")));
    std::string text;
    std::ifstream{folder.file("precious")} >> text;
    CHECK(text == "precious");
}

TEST_CASE("LockFile does not follow a symbolic link", "[host]") {
    const TempFolder folder;
    std::ofstream{folder.file("precious")} << "precious";
    REQUIRE(::symlink(folder.file("precious").c_str(), folder.file("lock").c_str()) == 0);
    CHECK_FALSE(LockFile::take(folder.file("lock")));
}

TEST_CASE("Signals translates what the process receives and keeps what comes in between",
          "[host]") {
    net::io_context io;
    Signals signals{io.get_executor()};
    std::vector<std::optional<Signal>> seen;
    REQUIRE(::raise(SIGHUP) == 0);
    net::co_spawn(io, collect(signals, seen, 3), rethrow);
    io.poll();
    REQUIRE(::raise(SIGTERM) == 0);
    io.run_one();
    REQUIRE(::raise(SIGINT) == 0);
    io.run();
    CHECK(seen == std::vector<std::optional<Signal>>{Signal::reload, Signal::stop, Signal::stop});
}

TEST_CASE("Signals lets a broken pipe be an error instead of the end", "[host]") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    net::io_context io;
    const Signals signals{io.get_executor()};
    ::close(ends[0]);
    errno = 0;
    CHECK(::write(ends[1], "x", 1) == -1);
    CHECK(errno == EPIPE);
    ::close(ends[1]);
}

TEST_CASE("Signals ends its waiter when it is stopped, and later ones at once", "[host]") {
    net::io_context io;
    Signals signals{io.get_executor()};
    std::vector<std::optional<Signal>> seen;
    net::co_spawn(io, collect(signals, seen, 2), rethrow);
    io.poll();
    CHECK(seen.empty());
    signals.stop();
    io.restart();
    io.run();
    CHECK(seen == std::vector<std::optional<Signal>>{std::nullopt, std::nullopt});
}

TEST_CASE("Notifier tells the service manager each state in its words", "[host]") {
    const TempFolder folder;
    const bool is_abstract = GENERATE(false, true);
    const auto path = is_abstract ? "@gerbang-" + folder.path() : folder.file("notify");
    const Manager manager{path};
    const Environment socket{"NOTIFY_SOCKET", path};
    const auto notifier = Notifier::from_environment();
    notifier.ready();
    CHECK(manager.next() == "READY=1");
    notifier.status("Internet up\nREADY=1");
    CHECK(manager.next() == "STATUS=Internet up READY=1");
    notifier.watchdog();
    CHECK(manager.next() == "WATCHDOG=1");
    notifier.reloading();
    CHECK(manager.next() == "RELOADING=1");
    notifier.stopping();
    CHECK(manager.next() == "STOPPING=1");
    CHECK(manager.next() == "nothing");
}

TEST_CASE("Notifier is silent where nobody listens", "[host]") {
    Notifier{""}.ready();
    Notifier{"/nonexistent/socket"}.ready();
    Notifier{"relative"}.ready();
    Notifier{std::string(4000, '/')}.ready();
    CHECK_FALSE(Notifier::from_environment().watchdog_timeout());
}

TEST_CASE("Notifier knows the watchdog's time-out, if it is meant for this process", "[host]") {
    const Environment usec{"WATCHDOG_USEC", "30000000"};
    CHECK(Notifier::from_environment().watchdog_timeout() == Millis{30'000});
    {
        const Environment pid{"WATCHDOG_PID", std::to_string(::getpid())};
        CHECK(Notifier::from_environment().watchdog_timeout() == Millis{30'000});
    }
    {
        const Environment pid{"WATCHDOG_PID", "1"};
        CHECK_FALSE(Notifier::from_environment().watchdog_timeout());
    }
    const Environment nonsense{"WATCHDOG_USEC", "30s"};
    CHECK_FALSE(Notifier::from_environment().watchdog_timeout());
}
