#include "daemon/app/web_questions.hpp"

#include <memory>
#include <utility>

namespace gerbang {
namespace {

const std::string kAnyDevice;

RungFinding no_answer(const Error& error) {
    const bool is_ours = error.code == Errc::bad_input || error.code == Errc::stopped;
    return {.state = is_ours ? RungState::unknown : RungState::down,
            .silence = is_ours ? Silence::local : Silence::timeout,
            .round_trip = std::nullopt,
            .detail = error.detail};
}

RungFinding answered(RungState state, const HttpAnswer& answer) {
    return {.state = state,
            .silence = Silence::none,
            .round_trip = std::nullopt,
            .detail = answer.what() + ": HTTP " + std::to_string(answer.status)};
}

struct Questions {
    const Clock* clock;
    const std::string* wan;
    WebTarget page;
    unsigned expected;
    WebTarget province;
    std::vector<WebTarget> services;
};

using Ask = std::shared_ptr<const Questions>;

/// `target` must outlive the answer.
net::awaitable<Result<HttpAnswer>> ask(const WebTarget& target, Millis timeout,
                                       std::string device) {
    UplinkRequest request;
    request.interface = std::move(device);
    request.path = target.path;
    request.timeout = timeout;
    auto answer = co_await target.uplink->send(std::move(request));
    co_return answer;
}

net::awaitable<RungFinding> ask_page(Ask all, Millis timeout) {
    const auto begun = all->clock->now();
    const auto answer = co_await ask(all->page, timeout, *all->wan);
    auto finding = web_finding(answer, all->expected);
    if (answer) finding.round_trip = all->clock->now() - begun;
    co_return finding;
}

net::awaitable<RungFinding> ask_province(Ask all, Millis timeout) {
    const auto begun = all->clock->now();
    const auto answer = co_await ask(all->province, timeout, kAnyDevice);
    auto finding = province_finding(answer);
    if (answer) finding.round_trip = all->clock->now() - begun;
    co_return finding;
}

net::awaitable<RungFinding> ask_service(Ask all, std::string name, Millis timeout) {
    for (const auto& service : all->services) {
        if (service.name != name || service.uplink == nullptr) continue;
        const auto begun = all->clock->now();
        const auto answer = co_await ask(service, timeout, kAnyDevice);
        auto finding = service_finding(answer);
        if (answer) finding.round_trip = all->clock->now() - begun;
        co_return finding;
    }
    co_return RungFinding{};
}

}  // namespace

RungFinding web_finding(const Result<HttpAnswer>& answer, unsigned expected) {
    if (!answer) return no_answer(answer.error());
    const auto status = answer->status;
    if (static_cast<unsigned>(status) == expected) return answered(RungState::up, *answer);
    // A server of its own that is in trouble is no portal.
    const bool is_trouble = status == 404 || status == 429 || (status >= 500 && status != 511);
    return answered(is_trouble ? RungState::unknown : RungState::portal, *answer);
}

RungFinding province_finding(const Result<HttpAnswer>& answer) {
    if (answer) return answered(RungState::up, *answer);
    auto finding = no_answer(answer.error());
    if (answer.error().code == Errc::not_authorised) finding.state = RungState::unknown;
    return finding;
}

RungFinding service_finding(const Result<HttpAnswer>& answer) {
    if (!answer) return no_answer(answer.error());
    return answered(answer->status >= 500 ? RungState::down : RungState::up, *answer);
}

SplitUrl split_url(const std::string& url) {
    const auto scheme = url.find("://");
    const auto host = scheme == std::string::npos ? 0 : scheme + 3;
    const auto end = url.find_first_of("/?", host);
    if (end == std::string::npos) return {url, "/"};
    auto path = url.substr(end);
    if (path.front() == '?') path.insert(0, 1, '/');
    return {url.substr(0, end), path};
}

WebQuestions make_web_questions(const Clock& clock, const std::string& wan, WebTarget page,
                                unsigned expected, WebTarget province,
                                std::vector<WebTarget> services) {
    const auto all = std::make_shared<const Questions>(Questions{
        &clock, &wan, std::move(page), expected, std::move(province), std::move(services)});
    WebQuestions questions;
    if (all->page.uplink != nullptr) {
        questions.ask_web = [all](Millis timeout) { return ask_page(all, timeout); };
    }
    if (all->province.uplink != nullptr) {
        questions.ask_province = [all](Millis timeout) { return ask_province(all, timeout); };
    }
    if (!all->services.empty()) {
        questions.ask_service = [all](const std::string& name, Millis timeout) {
            return ask_service(all, name, timeout);
        };
    }
    return questions;
}

}  // namespace gerbang
