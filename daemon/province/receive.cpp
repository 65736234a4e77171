#include <sys/resource.h>
#include <sysexits.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <filesystem>
#include <optional>
#include <utility>

#include "daemon/host/entropy.hpp"
#include "daemon/host/lock_file.hpp"
#include "daemon/host/log.hpp"
#include "daemon/host/notify.hpp"
#include "daemon/host/signals.hpp"
#include "daemon/host/system_clock.hpp"
#include "daemon/host/worker.hpp"
#include "daemon/province/commands.hpp"
#include "daemon/province/receiver.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang::province {
namespace {

/// One kept-alive connection a village, twice over: a district that changes its address leaves the
/// old connections behind until they are idle for `kIdleTimeout`.
constexpr std::size_t kMaxSessions = 2048;
/// Longer than the two minutes between two batches, so that a connection serves many.
constexpr Millis kIdleTimeout{300'000};
/// 1 MiB on the slowest link that we know (64 kbit/s).
constexpr Millis kRequestTimeout{150'000};

struct Address {
    std::string host;
    std::uint16_t port = 0;
    bool is_loopback = false;
};

Result<Address> parse_address(const std::string& text) {
    const Error bad{Errc::bad_input,
                    "--listen " + text + ": expected ADDRESS:PORT, e.g. 0.0.0.0:8620 or [::]:8620"};
    const auto colon = text.rfind(':');
    if (colon == std::string::npos) return bad;
    Address address{.host = text.substr(0, colon)};
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    const char* begin = text.data() + colon + 1;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(begin, end, address.port);
    if (error != std::errc{} || rest != end) return bad;
    boost::system::error_code failed;
    const auto ip = net::ip::make_address(address.host, failed);
    if (failed) return bad;
    address.is_loopback = ip.is_loopback();
    return address;
}

/// Who may send at all; says aloud when that is everybody.
Result<void> check_security(const ReceiveOptions& options, const Address& address) {
    const bool has_tls = !options.tls_cert.empty();
    if (has_tls != !options.tls_key.empty()) {
        return Error{Errc::bad_input, "--tls-cert and --tls-key belong together"};
    }
    if (!options.client_ca.empty() && !has_tls) {
        return Error{Errc::bad_input, "--client-ca needs --tls-cert and --tls-key"};
    }
    const bool asks_for_credentials = !options.tokens.empty() || !options.client_ca.empty();
    if (!address.is_loopback && !options.trust_network) {
        if (!has_tls) {
            return Error{Errc::bad_input,
                         "without TLS tokens and data are readable on the way: give --tls-cert "
                         "and --tls-key, listen on 127.0.0.1, or say --trust-network"};
        }
        if (!asks_for_credentials) {
            return Error{Errc::bad_input,
                         "anybody could send in any site's name: give --tokens or --client-ca, "
                         "listen on 127.0.0.1, or say --trust-network"};
        }
    }
    if (!asks_for_credentials) {
        log(LogLevel::warning, "no_credentials_asked",
            {{"detail", "every sender is believed to be the site that it names"},
             {"listen", options.listen}});
    }
    if (!has_tls && !address.is_loopback) {
        log(LogLevel::warning, "no_tls",
            {{"detail", "tokens and data are readable on the way"}, {"listen", options.listen}});
    }
    return ok();
}

void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kMaxSessions + 256);
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

net::awaitable<void> obey_signals(Signals& signals, Receiver& receiver) {
    for (;;) {
        const auto signal = co_await signals.next();
        if (!signal || *signal == Signal::stop) co_return;
        receiver.reload_tokens();
    }
}

int failed(const char* event, const Error& error, int code) {
    log(LogLevel::error, event, {{"detail", error.detail}});
    return code;
}

}  // namespace

int run_receive(const ReceiveOptions& options) {
    if (options.verbose) set_log_level(LogLevel::debug);
    const auto address = parse_address(options.listen);
    if (!address) return failed("bad_option", address.error(), EX_USAGE);
    if (auto safe = check_security(options, *address); !safe) {
        return failed("bad_option", safe.error(), EX_USAGE);
    }
    std::error_code ignored;
    const auto folder = std::filesystem::path{options.store}.parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    const auto lock = LockFile::take(options.store + ".lock");
    if (!lock) return failed("store_in_use", lock.error(), EX_TEMPFAIL);
    SystemEntropy entropy;
    const auto store = Store::open({.path = options.store, .vfs = {}, .new_id = {entropy.uuid()}});
    if (!store) return failed("store_unusable", store.error(), EX_IOERR);

    raise_descriptor_limit();
    net::io_context loop{1};
    SystemClock clock;
    Worker worker{"store"};
    Receiver receiver{clock,
                      **store,
                      worker.executor(),
                      {.tokens_file = options.tokens,
                       .accepts_certificates = !options.client_ca.empty(),
                       .trusts_network = options.tokens.empty() && options.client_ca.empty()}};
    if (auto tokens = receiver.load_tokens(); !tokens) {
        return failed("tokens_unreadable", tokens.error(), EX_CONFIG);
    }
    const Handler handler = [&receiver](ServerRequest request) {
        return receiver.handle(std::move(request));
    };
    const Gate gate = [&receiver](const ServerRequest& head) { return receiver.check_head(head); };
    ServerLimits limits;
    limits.max_sessions = kMaxSessions;
    limits.max_body_bytes = Receiver::kMaxBodyBytes;
    limits.idle_timeout = kIdleTimeout;
    limits.request_timeout = kRequestTimeout;
    Listen network;
    network.address = address->host;
    network.port = address->port;
    network.cert_file = options.tls_cert;
    network.key_file = options.tls_key;
    network.client_ca_file = options.client_ca;
    Listen local;
    local.unix_path = options.store + ".sock";

    Signals signals{loop.get_executor()};
    auto server = start_server(loop.get_executor(), network, limits, handler, gate);
    if (!server) return failed("cannot_listen", server.error(), EX_UNAVAILABLE);
    auto local_server = start_server(loop.get_executor(), local, ServerLimits{}, handler);
    if (!local_server) return failed("cannot_listen", local_server.error(), EX_UNAVAILABLE);
    log(LogLevel::notice, "receiving",
        {{"address", address->host},
         {"port", std::to_string((*server)->port())},
         {"tls", network.cert_file.empty() ? "no" : "yes"},
         {"store", options.store},
         {"store_id", to_string((*store)->id())},
         {"generation", std::to_string((*store)->generation())}});
    if (!clock.wall().is_synchronised) {
        log(LogLevel::warning, "clock_not_synchronised",
            {{"detail", "gateways without a clock get no time from this server"}});
    }
    const auto notifier = Notifier::from_environment();
    notifier.ready();

    int code = EX_OK;
    net::co_spawn(loop, obey_signals(signals, receiver), [&](std::exception_ptr failure) {
        if (failure) code = EX_SOFTWARE;
        notifier.stopping();
        receiver.stop();
        (*server)->stop();
        (*local_server)->stop();
        signals.stop();
    });
    loop.run();
    worker.join();
    log(LogLevel::notice, "stopped", {});
    return code;
}

}  // namespace gerbang::province
