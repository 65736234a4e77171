#include "tests/support/remote_receiver.hpp"

#include <snappy.h>

#include <limits>
#include <protozero/pbf_reader.hpp>
#include <utility>

namespace gerbang {
namespace {

bool is_name(const std::string& text) {
    if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return false;
    for (const char c : text) {
        const bool is_fit =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_fit) return false;
    }
    return true;
}

/// One series of a request: `{name;label=value...}` and its samples. False: against the protocol.
bool read_series(protozero::pbf_reader one, std::string& name, RemoteReceiver::Samples& samples) {
    bool is_lawful = true;
    std::string before;
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    while (one.next()) {
        // Taking a field ends its tag.
        const bool is_label = one.tag() == 1;
        auto part = one.get_message();
        if (is_label) {
            std::pair<std::string, std::string> label;
            while (part.next()) {
                auto& text = part.tag() == 1 ? label.first : label.second;
                text = part.get_string();
            }
            is_lawful = is_lawful && before < label.first && !label.second.empty();
            before = label.first;
            if (label.first == "__name__") {
                is_lawful = is_lawful && is_name(label.second);
                name = label.second + name;
            } else {
                is_lawful = is_lawful && is_name(label.first) && label.first.rfind("__", 0) != 0;
                name += ";" + label.first + "=" + label.second;
            }
        } else {
            std::pair<std::int64_t, double> sample;
            while (part.next()) {
                if (part.tag() == 1) {
                    sample.second = part.get_double();
                } else {
                    sample.first = part.get_int64();
                }
            }
            is_lawful = is_lawful && sample.first > last;
            last = sample.first;
            samples.insert(sample);
        }
    }
    return is_lawful && !name.empty() && name.front() != ';' && !samples.empty();
}

}  // namespace

net::awaitable<Result<HttpAnswer>> RemoteReceiver::send(UplinkRequest request) {
    ++requests;
    const auto until = clock_->now() + (is_black_hole ? request.timeout : Millis{300});
    const bool is_on = co_await clock_->sleep_until(until);
    if (!is_on) co_return Error{Errc::stopped, "stopped"};
    if (!is_up || is_black_hole) co_return Error{Errc::unreachable, "POST: time-out"};
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
        answer.status = take(request, answer.body);
        if (answer.status / 100 != 2) ++refusals;
    }
    if (!lost_answers.empty()) {
        const bool is_lost = lost_answers.front();
        lost_answers.pop_front();
        if (is_lost) co_return Error{Errc::unreachable, "POST: the connection broke"};
    }
    co_return answer;
}

int RemoteReceiver::take(const UplinkRequest& request, std::string& said) {
    if (max_body != 0 && request.body.size() > max_body) return 413;
    const std::vector<std::string> headers{"Content-Encoding: snappy",
                                           "X-Prometheus-Remote-Write-Version: 0.1.0"};
    std::string message;
    bool is_lawful = request.method == "POST" && request.headers == headers &&
                     request.content_type == "application/x-protobuf" &&
                     snappy::Uncompress(request.body.data(), request.body.size(), &message);
    std::map<std::string, Samples> all;
    protozero::pbf_reader reader{message};
    while (is_lawful && reader.next(1)) {
        std::string name;
        Samples samples;
        is_lawful = read_series(reader.get_message(), name, samples) && !all.contains(name);
        all[name] = std::move(samples);
    }
    if (!is_lawful) {
        ++unlawful;
        return 400;
    }
    const int status = judge(all, said);
    if (status != 204) return status;
    for (const auto& [name, samples] : all) series[name].insert(samples.begin(), samples.end());
    return status;
}

int RemoteReceiver::judge(const std::map<std::string, Samples>& all, std::string& said) {
    const auto now = to_ms(date + (clock_->now() - Monotonic{}));
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
    return 204;
}

}  // namespace gerbang
