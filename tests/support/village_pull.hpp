#pragma once

#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "daemon/host/clock.hpp"
#include "daemon/province/pull_round.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang {

/// The province's puller, as it is, and its way to the village's pull API on virtual time, with its
/// misfortunes.
class VillagePull {
public:
    static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

    /// `gateway` returns the API in force; an empty one means that the daemon is not running.
    VillagePull(Clock& clock, std::uint64_t seed, std::function<Handler()> gateway);
    ~VillagePull();

    bool up = true;
    Millis latency{600};         ///< there and back
    unsigned lost_requests = 0;  ///< per mille
    unsigned lost_replies = 0;   ///< per mille: the gateway acted, nobody hears of it

    /// Begins a visit on `loop` into `store`; both must outlive it.
    void begin(net::io_context& loop, province::Store& store, const std::string& site);
    [[nodiscard]] bool is_under_way() const;
    /// The puller's process ends in mid-visit.
    void die();
    /// After the loop of all visits has gone.
    void forget();

    [[nodiscard]] std::uint64_t requests() const { return requests_; }
    /// Of the newest visit that ended; nothing: none has.
    [[nodiscard]] const std::optional<Result<void>>& outcome() const { return outcome_; }
    [[nodiscard]] const province::PullProgress& progress() const { return progress_; }

private:
    struct Visit;
    [[nodiscard]] net::awaitable<void> run(Visit& visit, std::string site);
    [[nodiscard]] bool happens(unsigned per_mille) { return random_() % 1000 < per_mille; }

    Clock& clock_;
    std::mt19937_64 random_;
    std::function<Handler()> gateway_;
    std::vector<std::unique_ptr<Visit>> visits_;  ///< the last one is the living one, if any is
    std::uint64_t requests_ = 0;
    std::optional<Result<void>> outcome_;
    province::PullProgress progress_;
};

}  // namespace gerbang
