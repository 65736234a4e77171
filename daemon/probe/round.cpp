#include "daemon/probe/round.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <utility>

namespace gerbang {
namespace {

/// Lives until the last probe has ended, even if the round itself was destroyed before.
struct Round {
    Round(const net::any_io_executor& executor, std::vector<ProbeTarget> asked,
          std::string wan_device)
        : targets{std::move(asked)},
          device{std::move(wan_device)},
          answers(targets.size()),
          outstanding{targets.size()},
          // Never expires: cancelling it is the signal.
          done{executor, net::steady_timer::time_point::max()} {}

    std::vector<ProbeTarget> targets;
    std::string device;
    std::vector<ProbeAnswer> answers;
    std::size_t outstanding;
    net::steady_timer done;
};

ProbeAnswer failed(std::exception_ptr failure) {
    try {
        std::rethrow_exception(std::move(failure));
    } catch (const std::exception& error) {
        return {.detail = std::string{"probe failed: "} + error.what()};
    } catch (...) {
        return {.detail = "probe failed"};
    }
}

}  // namespace

net::awaitable<std::vector<ProbeAnswer>> probe_round(Prober& prober, net::any_io_executor executor,
                                                     std::vector<ProbeTarget> targets,
                                                     std::string device, Millis timeout) {
    auto round = std::make_shared<Round>(executor, std::move(targets), std::move(device));
    for (std::size_t i = 0; i < round->targets.size(); ++i) {
        net::co_spawn(executor, prober.probe(round->targets[i], round->device, timeout),
                      [round, i](std::exception_ptr failure, ProbeAnswer answer) {
                          round->answers[i] = failure ? failed(std::move(failure)) : answer;
                          if (--round->outstanding == 0) round->done.cancel();
                      });
    }
    while (round->outstanding > 0) {
        (void)co_await round->done.async_wait(net::as_tuple(net::use_awaitable));
    }
    co_return std::move(round->answers);
}

}  // namespace gerbang
