#include "daemon/probe/name_asker.hpp"

#include <ares.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr int kMostAddresses = 16;
constexpr int kInternetClass = 1;
constexpr int kRecordA = 1;
constexpr int kRecordAaaa = 28;
constexpr std::size_t kMostIdle = 4;
/// Never reached: our own deadline comes first, by the daemon's clock.
constexpr int kLibraryTimeoutMs = 3'660'000;

/// A question under way. c-ares holds pointers to it, so it stays where it is; at its end the
/// channel goes back.
struct Asking {
    Asking(std::shared_ptr<NameLibrary> names, DeviceBinding& bound, const std::string& wan,
           const SocketAddress& whom, bool wants_v6)
        : library{std::move(names)},
          binding{&bound},
          device{&wan},
          resolver{&whom},
          family{wants_v6 ? AF_INET6 : AF_INET},
          channel{library->take()} {}
    ~Asking() {
        if (channel != nullptr) library->give(channel);
    }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

    std::shared_ptr<NameLibrary> library;
    DeviceBinding* binding;
    const std::string* device;
    const SocketAddress* resolver;
    int family;  ///< of the addresses that are asked for
    ares_channel channel;
    bool is_over = false;
    int status = ARES_SUCCESS;
    /// What the sockets said, which c-ares does not tell apart.
    std::optional<ProbeAnswer> failure;
    std::vector<std::string> addresses{};  ///< as inet_ntop writes them
};

Asking& asking_of(void* data) {
    return *static_cast<Asking*>(data);
}

/// The first failure explains the others.
void keep_failure(Asking& asking, ProbeAnswer answer) {
    if (!asking.failure) asking.failure = std::move(answer);
}

ares_socket_t open_one(int family, int type, int protocol, void* data) {
    auto& asking = asking_of(data);
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0) {
        keep_failure(asking, could_not_ask(errno));
        return ARES_SOCKET_BAD;
    }
    if (auto unbound = asking.binding->bind(fd, *asking.device)) {
        keep_failure(asking, std::move(*unbound));
        ::close(fd);
        return ARES_SOCKET_BAD;
    }
    report_errors(fd, family == AF_INET ? IpVersion::v4 : IpVersion::v6);
    return fd;
}

int close_one(ares_socket_t fd, void*) {
    return ::close(fd);
}

/// What c-ares gives as the address lacks the scope of a link-local one.
int connect_one(ares_socket_t fd, const sockaddr*, ares_socklen_t, void* data) {
    const auto& resolver = *asking_of(data).resolver;
    const int result = ::connect(fd, resolver.get(), resolver.size);
    const int code = errno;
    if (result != 0 && code != EINPROGRESS) keep_failure(asking_of(data), could_not_ask(code));
    errno = code;
    return result;
}

ares_ssize_t receive_one(ares_socket_t fd, void* into, std::size_t size, int flags, sockaddr* from,
                         ares_socklen_t* from_size, void* data) {
    const auto got = ::recvfrom(fd, into, size, flags, from, from_size);
    const int code = errno;
    if (got < 0 && code != EAGAIN && code != EINTR) {
        const auto word = next_word(fd);
        keep_failure(asking_of(data), silent_by(word ? *word : NetworkWord{.code = code}));
    }
    errno = code;
    return got;
}

ares_ssize_t send_one(ares_socket_t fd, const iovec* parts, int count, void* data) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    const auto sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    const int code = errno;
    if (sent < 0 && code != EAGAIN && code != EINTR) {
        keep_failure(asking_of(data), could_not_ask(code));
    }
    errno = code;
    return sent;
}

constexpr ares_socket_functions kSockets{.asocket = open_one,
                                         .aclose = close_one,
                                         .aconnect = connect_one,
                                         .arecvfrom = receive_one,
                                         .asendv = send_one};

std::string text_of(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    (void)::inet_ntop(family, address, text.data(), text.size());
    return text.data();
}

void on_answer(void* data, int status, int, unsigned char* bytes, int size) {
    auto& asking = asking_of(data);
    asking.is_over = true;
    asking.status = status;
    if (status != ARES_SUCCESS) return;
    int count = kMostAddresses;
    std::array<ares_addrttl, kMostAddresses> v4{};
    std::array<ares_addr6ttl, kMostAddresses> v6{};
    const bool is_v4 = asking.family == AF_INET;
    asking.status = is_v4 ? ares_parse_a_reply(bytes, size, nullptr, v4.data(), &count)
                          : ares_parse_aaaa_reply(bytes, size, nullptr, v6.data(), &count);
    if (asking.status != ARES_SUCCESS) return;
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::clamp(count, 0, kMostAddresses));
         ++i) {
        const void* address = is_v4 ? static_cast<const void*>(&v4[i].ipaddr) : &v6[i].ip6addr;
        asking.addresses.push_back(text_of(asking.family, address));
    }
}

/// Points the channel at the one resolver.
bool aim_channel(Asking& asking, std::uint16_t port) {
    if (asking.channel == nullptr) return false;
    const auto& resolver = *asking.resolver;
    ares_set_socket_functions(asking.channel, &kSockets, &asking);
    ares_addr_port_node server{};
    server.udp_port = port;
    server.tcp_port = port;
    if (resolver.version == IpVersion::v4) {
        server.family = AF_INET;
        server.addr.addr4 = reinterpret_cast<const sockaddr_in*>(resolver.get())->sin_addr;
    } else {
        server.family = AF_INET6;
        std::memcpy(&server.addr.addr6,
                    &reinterpret_cast<const sockaddr_in6*>(resolver.get())->sin6_addr,
                    sizeof server.addr.addr6);
    }
    return ares_set_servers_ports(asking.channel, &server) == ARES_SUCCESS;
}

/// On the loopback, or of a scope that names its device.
bool has_own_device(const SocketAddress& address) {
    if (address.version == IpVersion::v4) {
        const auto* in = reinterpret_cast<const sockaddr_in*>(address.get());
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    const auto* in = reinterpret_cast<const sockaddr_in6*>(address.get());
    return IN6_IS_ADDR_LOOPBACK(&in->sin6_addr) || in->sin6_scope_id != 0;
}

/// IPv6 has many ways to write one address.
std::string as_written_here(const std::string& address) {
    in6_addr bytes{};
    return ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1 ? text_of(AF_INET6, &bytes)
                                                               : address;
}

bool is_expected(const Asking& asking, const std::vector<std::string>& expected) {
    for (const auto& wanted : expected) {
        const auto& found = asking.addresses;
        if (std::find(found.begin(), found.end(), as_written_here(wanted)) != found.end()) {
            return true;
        }
    }
    return expected.empty();
}

bool are_v6(const std::vector<std::string>& expected) {
    for (const auto& address : expected) {
        if (address.find(':') == std::string::npos) return false;
    }
    return !expected.empty();
}

ProbeAnswer judge(const Asking& asking, const std::vector<std::string>& expected) {
    switch (asking.status) {
        case ARES_SUCCESS: {
            if (asking.addresses.empty()) break;
            auto first = asking.addresses.front();
            if (is_expected(asking, expected)) {
                return {.answered = true, .detail = std::move(first)};
            }
            return silent(Silence::wrong, "wrong answer " + first);
        }
        case ARES_ENODATA:
            break;
        case ARES_ENOTFOUND:
            return silent(Silence::nxdomain, "NXDOMAIN");
        case ARES_EREFUSED:
            return silent(Silence::refused, "REFUSED");
        case ARES_ETIMEOUT:
            return silent(Silence::timeout, "time-out");
        case ARES_ESERVFAIL:
            return silent(Silence::servfail, "SERVFAIL");
        case ARES_EFORMERR:
        case ARES_ENOTIMP:
            return silent(Silence::servfail, "resolver cannot answer");
        case ARES_EBADRESP:
            return silent(Silence::servfail, "malformed answer");
        case ARES_EBADNAME:
            return silent(Silence::local, "not a name");
        default:
            if (asking.failure) return *asking.failure;
            return silent(Silence::servfail, ares_strerror(asking.status));
    }
    return silent(Silence::nxdomain, "no address for the name");
}

/// The socket that c-ares waits for: of several the connection, which it opened later. False when
/// there is none.
bool next_socket(ares_channel channel, ares_socket_t& socket, bool& for_writing) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto bits = static_cast<unsigned>(
        ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size())));
    for (unsigned i = ARES_GETSOCK_MAXNUM; i-- > 0;) {
        for_writing = ARES_GETSOCK_WRITABLE(bits, i) != 0;
        if (!for_writing && ARES_GETSOCK_READABLE(bits, i) == 0) continue;
        socket = sockets[i];
        return true;
    }
    return false;
}

}  // namespace

NameLibrary::NameLibrary() {
    GERBANG_CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
}
NameLibrary::~NameLibrary() {
    for (auto* channel : idle_) ares_destroy(channel);
    ares_library_cleanup();
}

ares_channel NameLibrary::take() {
    if (!idle_.empty()) {
        auto* channel = idle_.back();
        idle_.pop_back();
        return channel;
    }
    // Everything that c-ares would otherwise read from files is given.
    ares_options options{};
    // A reply with an error code is an answer: it shall come through as it is.
    options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP;
    options.timeout = kLibraryTimeoutMs;
    options.tries = 1;
    options.ndots = 1;
    char lookups[] = "b";
    options.lookups = lookups;
    const int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
                      ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
                      ARES_OPT_NOROTATE;
    ares_channel channel = nullptr;
    return ares_init_options(&channel, &options, given) == ARES_SUCCESS ? channel : nullptr;
}

void NameLibrary::give(ares_channel channel) {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const bool is_quiet =
        ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size())) == 0;
    if (is_quiet && idle_.size() < kMostIdle) {
        idle_.push_back(channel);
    } else {
        ares_destroy(channel);
    }
}

net::awaitable<ProbeAnswer> ask_resolver(std::shared_ptr<NameLibrary> library,
                                         net::any_io_executor executor, Clock& clock,
                                         DeviceBinding& binding, const NameQuestion& question,
                                         const std::string& device, Millis timeout) {
    const auto begun = clock.now();
    const auto resolver = parse_socket_address(question.resolver, question.port);
    if (!resolver) {
        co_return silent(Silence::local, "not a numeric address: " + question.resolver);
    }
    const std::string unbound;
    Asking asking{std::move(library), binding, has_own_device(*resolver) ? unbound : device,
                  *resolver, are_v6(question.expected)};
    if (!aim_channel(asking, question.port)) {
        co_return silent(Silence::local, "c-ares could not start");
    }
    ares_query(asking.channel, question.name.c_str(), kInternetClass,
               asking.family == AF_INET ? kRecordA : kRecordAaaa, on_answer, &asking);
    while (!asking.is_over) {
        ares_socket_t socket = ARES_SOCKET_BAD;
        bool for_writing = false;
        if (!next_socket(asking.channel, socket, for_writing)) break;
        // c-ares closes its sockets when it likes to; a duplicate can be waited for in peace.
        const int fd = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
        if (fd < 0) co_return could_not_ask(errno);
        const auto waiting = watch(executor, fd);
        const bool is_ready = co_await wait_ready(waiting, for_writing, clock, begun + timeout);
        if (!is_ready) co_return nothing_came(clock);
        ares_process_fd(asking.channel, for_writing ? ARES_SOCKET_BAD : socket,
                        for_writing ? socket : ARES_SOCKET_BAD);
    }
    auto answer = judge(asking, question.expected);
    if (answer.answered) {
        answer.round_trip = std::chrono::duration_cast<Millis>(clock.now() - begun);
    }
    co_return answer;
}

}  // namespace gerbang
