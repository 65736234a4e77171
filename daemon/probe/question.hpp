#pragma once

// The questions of a round, asked at once.

#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/model/ladder.hpp"
#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/probe/ladder_walk.hpp"
#include "daemon/probe/prober.hpp"

namespace gerbang {

[[nodiscard]] inline RungFinding found(RungState state, Silence silence, std::string detail) {
    RungFinding finding;
    finding.state = state;
    finding.silence = silence;
    finding.detail = std::move(detail);
    return finding;
}

/// One question and, once it was asked, its answer.
struct Question {
    enum class Kind : std::uint8_t {
        target,  ///< `index` in LadderSettings::targets
        next_hop,
        provider,
        resolver,  ///< `index` in the resolvers of the moment
        web,
        province,
        hotspot,
        service,  ///< `index` in LadderSettings::services
    };
    Kind kind{};
    std::size_t index = 0;
    std::string device;  ///< to bind to; empty: none
    ProbeTarget host;    ///< target, next_hop, provider, hotspot
    NameQuestion name;   ///< resolver

    ProbeAnswer answer;   ///< of `host` and `name`; until it came: silence, "time-out"
    RungFinding finding;  ///< of web, province, service; until it came: down, "time-out"
};

/// Whom to ask; all must outlive the questions under way.
struct Askers {
    Prober* prober = nullptr;
    Clock* clock = nullptr;
    net::any_io_executor loop;
    std::shared_ptr<const WebQuestions> web;
};

/// Asks all of `questions` at once and resumes with their answers, in the same order, when the last
/// has come, after `timeout`, or when the clock is stopped. What is late is left alone: it ends by
/// itself. Whoever throws gave no answer, with the reason. Loop thread only.
[[nodiscard]] net::awaitable<std::vector<Question>> ask_all(const Askers& askers,
                                                            std::vector<Question> questions,
                                                            Millis timeout);

}  // namespace gerbang
