#include "tests/support/scripted_link.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "common/wire/chain.hpp"
#include "common/wire/codec.hpp"

namespace gerbang {
namespace {

/// Whether two heads of one place cannot both be right.
bool differ(const Head& a, const Head& b) {
    return a != Head{} && b != Head{} && a != b;
}

constexpr Millis kConnectTimeout{15'000};
constexpr std::uint64_t kHeaderBytes = 200;

HttpAnswer status_only(int status) {
    HttpAnswer answer;
    answer.status = status;
    return answer;
}

/// Counts a request that is under way, also when the loop dies with it.
class Underway {
public:
    explicit Underway(unsigned& count) : count_{count} { ++count_; }
    ~Underway() { --count_; }
    Underway(const Underway&) = delete;
    Underway& operator=(const Underway&) = delete;

private:
    unsigned& count_;
};

}  // namespace

FakeProvince::FakeProvince(std::string site, std::uint64_t store) : site_{std::move(site)} {
    for (std::size_t i = 0; i < 8; ++i) {
        store_.bytes[i] = static_cast<std::uint8_t>(store >> (8 * i));
    }
    store_.bytes[15] = 1;
}

HttpAnswer FakeProvince::receive(const std::string& body) {
    if (max_body_bytes != 0 && body.size() > max_body_bytes) return status_only(413);
    const auto batch = wire::decode_batch(body);
    if (!batch) return status_only(400);
    const auto records = wire::decode_pack(batch->pack);
    if (!records) return status_only(400);
    if (batch->site != site_) return status_only(403);
    for (const auto& record : *records) {
        if (poison.contains(record.seq)) return status_only(422);
    }
    if (disowned.contains(batch->epoch)) return diverged(batch->epoch);
    ++batches_;

    // Everything is checked before anything is kept, as in one transaction.
    Epoch& held = epochs_[batch->epoch];
    std::vector<Head> heads{batch->before};
    for (const auto& record : *records) {
        const Head& head = heads.back();
        const auto earlier = held.after.find(record.seq.previous());
        if (record.seq.value == 1 && head != Head{}) return diverged(batch->epoch);
        if (earlier != held.after.end() && differ(earlier->second, head))
            return diverged(batch->epoch);
        // The chain cannot be followed over what was reduced: all zero stands for an unknown head.
        const bool is_known = record.seq.value == 1 || head != Head{};
        heads.push_back(is_known && wire::is_chainable(record) ? wire::next_head(head, record)
                                                               : Head{});
        // Nor can what is reduced, or was declared lost, be compared with what it once was.
        const auto known = held.records.find(record.seq);
        const bool can_compare = known != held.records.end() && wire::is_chainable(record) &&
                                 wire::is_chainable(known->second);
        if (known != held.records.end() &&
            ((can_compare && known->second != record) ||
             differ(held.before[record.seq], heads[heads.size() - 2]))) {
            return diverged(batch->epoch);
        }
        const auto later = held.before.find(record.seq.next());
        if (later != held.before.end() && differ(later->second, heads.back())) {
            return diverged(batch->epoch);
        }
    }
    for (std::size_t i = 0; i < records->size(); ++i) {
        const auto& record = (*records)[i];
        if (!held.records.emplace(record.seq, record).second) ++duplicates_;
        held.before[record.seq] = heads[i];
        held.after[record.seq] = heads[i + 1];
    }
    HttpAnswer answer = status_only(200);
    answer.body = wire::encode_receipt(receipt_for(batch->epoch));
    return answer;
}

HttpAnswer FakeProvince::diverged(const EpochId& epoch) {
    HttpAnswer answer = status_only(409);
    if (epochs_.contains(epoch)) answer.body = wire::encode_receipt(receipt_for(epoch));
    return answer;
}

Receipt FakeProvince::receipt_for(const EpochId& epoch) {
    const Epoch& held = epochs_[epoch];
    Receipt receipt;
    receipt.site = site_;
    receipt.store = store_;
    receipt.generation = generation_;
    receipt.epoch = epoch;
    std::optional<SeqRange> open;
    const auto close = [&] {
        if (!open) return;
        if (open->first.value == 1) {
            receipt.through = open->last;
            receipt.head = held.after.at(open->last);
        } else {
            GERBANG_CHECK(receipt.held.add(*open));
        }
    };
    for (const auto& [seq, record] : held.records) {
        if (open && open->last.next() == seq) {
            open->last = seq;
            continue;
        }
        close();
        open = SeqRange{seq, seq};
    }
    close();
    most_held_ = std::max(most_held_, receipt.held.ranges().size());
    return receipt;
}

std::vector<Record> FakeProvince::records(const EpochId& epoch) const {
    std::vector<Record> all;
    const auto held = epochs_.find(epoch);
    if (held == epochs_.end()) return all;
    for (const auto& [seq, record] : held->second.records) all.push_back(record);
    return all;
}

void FakeProvince::restore_backup() {
    epochs_ = backup_;
    ++generation_;
}

ScriptedLink::ScriptedLink(Clock& clock, FakeProvince& province, std::uint64_t seed)
    : clock_{&clock}, province_{&province}, random_{seed} {}

bool ScriptedLink::happens(double probability) {
    return std::uniform_real_distribution<double>{0, 1}(random_) < probability;
}

HttpAnswer ScriptedLink::deliver(const UplinkRequest& request) {
    if (portal) {
        HttpAnswer page = status_only(200);
        page.body = "<html><form>login</form></html>";
        return page;
    }
    if (always_status != 0 || !statuses.empty()) {
        HttpAnswer injected = status_only(always_status);
        if (always_status == 0) {
            injected.status = statuses.front();
            statuses.pop_front();
        }
        injected.retry_after = retry_after;
        return injected;
    }
    HttpAnswer answer = province_->receive(request.body);
    if (happens(duplication)) answer = province_->receive(request.body);
    if (!earlier_.empty() && happens(replay)) {
        (void)province_->receive(earlier_[random_() % earlier_.size()]);
    }
    earlier_.push_back(request.body);
    if (earlier_.size() > 16) earlier_.pop_front();
    const auto previous = std::exchange(earlier_answer_, answer);
    if (previous && previous->status == 200 && happens(stale_receipt)) return *previous;
    return answer;
}

net::awaitable<Result<HttpAnswer>> ScriptedLink::send(UplinkRequest request) {
    const Underway underway{in_flight_};
    most_in_flight_ = std::max(most_in_flight_, in_flight_);
    const Monotonic start = clock_->now();
    begun_.push_back(start);
    rates_.push_back(request.max_bytes_s);
    const std::string what = request.method + " https://province.example" + request.path;
    const Error lost{Errc::unreachable, what + ": time-out"};

    if (!is_up) {
        if (!refuses_at_once) {
            const bool goes_on =
                co_await clock_->sleep_until(start + std::min(request.timeout, kConnectTimeout));
            if (!goes_on) co_return Error{Errc::stopped, what};
        }
        co_return Error{Errc::unreachable, what + (refuses_at_once ? ": refused" : ": time-out")};
    }
    const std::uint64_t bytes = request.body.size() + kHeaderBytes;
    Millis transfer{};
    if (bit_per_s != 0) transfer = Millis{static_cast<std::int64_t>(bytes * 8'000 / bit_per_s)};
    busy_until_ = std::max(busy_until_, start) + transfer;
    const Monotonic arrival = busy_until_ + latency / 2;
    const bool is_too_slow = arrival + latency / 2 > start + request.timeout;
    const bool loses_request = lose_requests > 0 || is_too_slow || happens(request_loss);
    if (lose_requests > 0) --lose_requests;
    traffic_.sent_bytes += bytes;

    if (!loses_request) {
        const bool goes_on = co_await clock_->sleep_until(arrival);
        if (!goes_on) co_return Error{Errc::stopped, what};
    }
    if (loses_request || !is_up) {
        busy_until_ = std::min(busy_until_, start + request.timeout);
        const bool goes_on = co_await clock_->sleep_until(start + request.timeout);
        if (!goes_on) co_return Error{Errc::stopped, what};
        co_return lost;
    }
    HttpAnswer answer = deliver(request);
    answer.request = what;
    const bool loses_receipt = lose_receipts > 0 || happens(receipt_loss);
    if (lose_receipts > 0) --lose_receipts;
    const Monotonic back = loses_receipt ? start + request.timeout : arrival + latency / 2;
    const bool goes_on = co_await clock_->sleep_until(back);
    if (!goes_on) co_return Error{Errc::stopped, what};
    if (loses_receipt) co_return lost;
    answer.date = date;
    answer.is_authenticated = is_authenticated;
    answer.sent_bytes = bytes;
    answer.received_bytes = answer.body.size() + kHeaderBytes;
    traffic_.received_bytes += answer.received_bytes;
    co_return answer;
}

}  // namespace gerbang
