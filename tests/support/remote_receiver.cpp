#include "tests/support/remote_receiver.hpp"

#include <snappy.h>

#include <protozero/pbf_reader.hpp>
#include <utility>

namespace gerbang {

net::awaitable<Result<HttpAnswer>> RemoteReceiver::send(UplinkRequest request) {
    ++requests;
    const auto until = clock_->now() + Millis{300};
    const bool is_on = co_await clock_->sleep_until(until);
    if (!is_on) co_return Error{Errc::stopped, "stopped"};
    if (!is_up) co_return Error{Errc::unreachable, "POST: time-out"};
    HttpAnswer answer;
    answer.request = "POST https://receiver/api/v1/write";
    if (says_date) {
        const auto now = date + (clock_->now() - Monotonic{});
        answer.date = wall_from_ms(to_ms(now) / 1000 * 1000);
    }
    if (!statuses.empty()) {
        answer.status = statuses.front();
        statuses.pop_front();
    } else {
        answer.status = take(request.body, answer.body);
    }
    if (!lost_answers.empty()) {
        const bool is_lost = lost_answers.front();
        lost_answers.pop_front();
        if (is_lost) co_return Error{Errc::unreachable, "POST: the connection broke"};
    }
    co_return answer;
}

int RemoteReceiver::take(const std::string& body, std::string& said) {
    if (max_body != 0 && body.size() > max_body) return 413;
    std::string message;
    if (!snappy::Uncompress(body.data(), body.size(), &message)) return 400;
    const auto now = to_ms(date + (clock_->now() - Monotonic{}));
    std::map<std::string, Samples> all;
    protozero::pbf_reader reader{message};
    while (reader.next(1)) {
        auto one = reader.get_message();
        std::string name;
        Samples samples;
        while (one.next()) {
            auto part = one.get_message();
            if (one.tag() == 1) {
                std::pair<std::string, std::string> label;
                while (part.next()) {
                    (part.tag() == 1 ? label.first : label.second) = part.get_string();
                }
                if (label.first == "__name__") name = label.second + name;
                if (label.first != "__name__") name += ";" + label.first + "=" + label.second;
            } else {
                std::pair<std::int64_t, double> sample;
                while (part.next()) {
                    if (part.tag() == 1) sample.second = part.get_double();
                    if (part.tag() == 2) sample.first = part.get_int64();
                }
                samples.insert(sample);
            }
        }
        all[name] = samples;
    }
    for (const auto& [name, samples] : all) {
        const auto& held = series[name];
        if (poison.contains(name.substr(0, name.find(';')))) {
            said = "out of order sample";
            return 400;
        }
        for (const auto& [at, value] : samples) {
            if (at > now + 3000) {
                ++futures;
                said = "out of bounds";
                return 400;
            }
            if (max_age > Millis{0} && at < now - max_age.count()) {
                said = "too old sample\n";
                return 500;
            }
            const auto same = held.find(at);
            if (same != held.end()) {
                if (same->second != value) ++changed;
                continue;
            }
            if (!takes_old && !held.empty() && at < held.rbegin()->first) {
                said = "out of order sample";
                return 400;
            }
        }
    }
    for (const auto& [name, samples] : all) series[name].insert(samples.begin(), samples.end());
    return 204;
}

}  // namespace gerbang
