#include "daemon/probe/question.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <utility>

namespace gerbang {
namespace {

/// Lives until the last answer has come, even if nobody waits for it any more.
struct Gathering {
    Askers askers;
    std::vector<Question> questions;
    Millis timeout{};
    std::size_t outstanding = 0;
    Bell bell;
};

net::awaitable<void> ask(std::shared_ptr<Gathering> all, std::size_t i) {
    auto& question = all->questions[i];
    const auto& web = *all->askers.web;
    // Kept apart from the question until it is complete: its owner may look at any time.
    ProbeAnswer answer;
    RungFinding finding;
    switch (question.kind) {
        case Question::Kind::target:
        case Question::Kind::next_hop:
        case Question::Kind::provider:
        case Question::Kind::hotspot:
            answer =
                co_await all->askers.prober->probe(question.host, question.device, all->timeout);
            break;
        case Question::Kind::resolver:
            answer =
                co_await all->askers.prober->ask_name(question.name, question.device, all->timeout);
            break;
        case Question::Kind::web:
            finding = co_await web.ask_web(all->timeout);
            break;
        case Question::Kind::province:
            finding = co_await web.ask_province(all->timeout);
            break;
        case Question::Kind::service:
            finding = co_await web.ask_service(question.host.name, all->timeout);
            break;
    }
    question.answer = std::move(answer);
    question.finding = std::move(finding);
}

std::string reason_of(const std::exception_ptr& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        return std::string{"probe failed: "} + error.what();
    } catch (...) {
        return "probe failed";
    }
}

}  // namespace

net::awaitable<std::vector<Question>> ask_all(const Askers& askers, std::vector<Question> questions,
                                              Millis timeout) {
    if (questions.empty()) co_return questions;
    auto& clock = *askers.clock;
    const auto deadline = clock.now() + timeout;
    const auto all = std::make_shared<Gathering>();
    all->askers = askers;
    all->questions = std::move(questions);
    all->timeout = timeout;
    all->outstanding = all->questions.size();
    for (std::size_t i = 0; i < all->questions.size(); ++i) {
        auto& question = all->questions[i];
        question.answer = {.detail = "time-out", .silence = Silence::timeout};
        question.finding = found(RungState::down, Silence::timeout, "time-out");
        net::co_spawn(all->askers.loop, ask(all, i), [all, i](std::exception_ptr failure) {
            if (failure) {
                const auto reason = reason_of(failure);
                all->questions[i].answer = {.detail = reason, .silence = Silence::local};
                all->questions[i].finding = found(RungState::unknown, Silence::local, reason);
            }
            if (--all->outstanding == 0) all->bell.ring();
        });
    }
    while (all->outstanding > 0 && clock.now() < deadline) {
        const bool is_on = co_await clock.sleep_until(deadline, &all->bell);
        if (!is_on) break;
    }
    // Whoever is late still refers to its own.
    if (all->outstanding > 0) co_return all->questions;
    co_return std::move(all->questions);
}

}  // namespace gerbang
