#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <random>

#include "daemon/host/clock.hpp"
#include "daemon/net/uplink.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang {

/// The way from the village to the province's real request handler, on virtual time, with its
/// misfortunes. One request after another acts on the handler, as over one server.
class VillageLink final : public Uplink {
public:
    /// `handler` returns the province in force; an empty one means that it is not running.
    VillageLink(Clock& clock, std::uint64_t seed, std::function<Handler()> handler);

    [[nodiscard]] net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override;
    [[nodiscard]] UplinkTraffic traffic() const override { return traffic_; }

    bool up = true;
    Millis latency{600};             ///< there and back
    Millis jitter{};                 ///< at most this much more each way: requests overtake
    unsigned lost_requests = 0;      ///< per mille
    unsigned lost_replies = 0;       ///< per mille: the province acted, nobody hears of it
    unsigned doubled = 0;            ///< per mille: the request arrives twice
    unsigned replayed = 0;           ///< per mille: an earlier request arrives again before it
    unsigned lose_next_replies = 0;  ///< certainly, this many
    std::string token;               ///< sent as the bearer token
    std::function<WallTime()> date;  ///< of every answer, authenticated; empty: it carries none

    [[nodiscard]] std::uint64_t attempts() const { return attempts_; }
    [[nodiscard]] unsigned most_under_way() const { return most_under_way_; }

private:
    [[nodiscard]] bool happens(unsigned per_mille) { return random_() % 1000 < per_mille; }
    [[nodiscard]] Millis one_way();

    Clock* clock_;
    std::mt19937_64 random_;
    std::function<Handler()> handler_;
    UplinkTraffic traffic_;
    std::uint64_t attempts_ = 0;
    unsigned under_way_ = 0;
    unsigned most_under_way_ = 0;
    std::optional<ServerRequest> earlier_;  ///< any that was delivered before
};

}  // namespace gerbang
