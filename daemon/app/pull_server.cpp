#include "daemon/app/pull_server.hpp"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "daemon/host/log.hpp"
#include "daemon/host/text_file.hpp"

namespace gerbang {
namespace {

constexpr Millis kRound{15'000};
constexpr std::size_t kLeastToken = 16;
constexpr std::size_t kMostToken = 512;

/// One interface and the server on it.
struct Place {
    std::string interface;
    unsigned index = 0;  ///< of the interface that `server` is bound to
    std::unique_ptr<HttpServer> server;
    std::string trouble;  ///< as last logged; empty: none
};

void say(std::string& trouble, const std::string& what, const std::string& detail) {
    if (trouble != detail && !detail.empty()) {
        log(LogLevel::error, "pull_not_served", {{"place", what}, {"detail", detail}});
    }
    trouble = detail;
}

/// The token in `file`, or why there is none.
Result<std::string> read_token(const std::string& file) {
    std::array<char, kMostToken + 3> buffer{};
    const auto text = read_head(file.c_str(), buffer);
    if (!text) return Error{Errc::bad_input, file + ": " + std::strerror(errno)};
    const auto token = without_tail(*text);
    const bool is_token =
        token.size() >= kLeastToken && token.size() <= kMostToken &&
        std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 0x7F; });
    if (is_token) return std::string{token};
    return Error{Errc::bad_input, file + ": expected one line of 16 to 512 visible characters"};
}

class PullServer {
public:
    PullServer(const Clock& clock, net::any_io_executor loop, Config config, PullSources sources,
               Handler local)
        : loop_{std::move(loop)},
          serve_{std::move(config.serve)},
          api_{std::make_shared<PullApi>(clock, std::vector<Puller>{}, std::move(sources),
                                         std::move(local))} {
        for (const auto& interface : serve_.interfaces) {
            places_.emplace_back();
            places_.back().interface = interface;
        }
        token_trouble_.resize(serve_.pullers.size());
    }

    void look() {
        if (lacks_tokens_) read_tokens();
        for (auto& place : places_) look(place);
    }

private:
    void read_tokens() {
        lacks_tokens_ = false;
        std::vector<Puller> pullers;
        for (std::size_t i = 0; i < serve_.pullers.size(); ++i) {
            const auto& given = serve_.pullers[i];
            Puller puller{given.name, {}, given.certificate};
            if (!given.token_file.empty()) {
                auto token = read_token(given.token_file);
                say(token_trouble_[i], given.name, token ? std::string{} : token.error().detail);
                lacks_tokens_ = lacks_tokens_ || !token;
                if (token) puller.token = std::move(*token);
            }
            pullers.push_back(std::move(puller));
        }
        api_->set_pullers(std::move(pullers));
    }

    void look(Place& place) {
        const unsigned index = ::if_nametoindex(place.interface.c_str());
        if (place.server && index == place.index) return;
        place.server.reset();
        if (index == 0) {
            say(place.trouble, place.interface, "there is no such interface; waiting for it");
            return;
        }
        // Every address that the interface has or gets, IPv4 too.
        Listen listen;
        listen.address = "::";
        listen.port = serve_.port;
        listen.interface = place.interface;
        listen.cert_file = serve_.cert_file;
        listen.key_file = serve_.key_file;
        listen.client_ca_file = serve_.client_ca_file;
        listen.certificate_is_optional =
            std::any_of(serve_.pullers.begin(), serve_.pullers.end(),
                        [](const PullerConfig& one) { return !one.token_file.empty(); });
        const Handler handler = [api = api_](ServerRequest request) {
            return api->answer(std::move(request));
        };
        const Gate gate = [api = api_](const ServerRequest& head) { return api->check_head(head); };
        auto started = start_server(loop_, listen, pull_limits(), handler, gate);
        if (!started) {
            // A kernel without IPv6.
            listen.address = "0.0.0.0";
            auto again = start_server(loop_, listen, pull_limits(), handler, gate);
            if (again) started = std::move(again);
        }
        say(place.trouble, place.interface, started ? std::string{} : started.error().detail);
        if (!started) return;
        place.server = std::move(*started);
        place.index = index;
        log(LogLevel::notice, "pull_served",
            {{"interface", place.interface},
             {"port", std::to_string(place.server->port())},
             {"tls", serve_.cert_file.empty() ? "no" : "yes"}});
    }

    net::any_io_executor loop_;
    decltype(Config::serve) serve_;
    std::shared_ptr<PullApi> api_;
    std::vector<Place> places_;
    std::vector<std::string> token_trouble_;  ///< of each puller
    bool lacks_tokens_ = true;
};

}  // namespace

net::awaitable<void> serve_pulls(Clock& clock, net::any_io_executor loop, Config config,
                                 PullSources sources, Handler local) {
    if (!config.is_assigned()) {
        log(LogLevel::warning, "pull_not_served", {{"detail", "site.id is still unassigned"}});
        co_return;
    }
    PullServer server{clock, std::move(loop), std::move(config), std::move(sources),
                      std::move(local)};
    for (bool running = true; running;) {
        server.look();
        running = co_await clock.sleep_until(clock.now() + kRound);
    }
}

}  // namespace gerbang
