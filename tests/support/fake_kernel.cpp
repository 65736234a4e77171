#include "tests/support/fake_kernel.hpp"

#include <algorithm>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kPacketBytes = 1400;

std::uint64_t& counter(InterfaceReading& one, Counter which) {
    return one.counters[static_cast<std::size_t>(which)];
}

}  // namespace

FakeKernel::Entry& FakeKernel::entry(const std::string& name) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&name](const Entry& one) { return one.reading.name == name; });
    GERBANG_CHECK(found != entries_.end());
    return *found;
}

bool FakeKernel::has(const std::string& name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&name](const Entry& one) { return one.reading.name == name; });
}

void FakeKernel::add(const std::string& name) {
    GERBANG_CHECK(!has(name) && entries_.size() < kMaxInterfaces);
    Entry one;
    one.reading.name = name;
    one.reading.ifindex = ++last_ifindex_;
    one.reading.is_up = true;
    one.reading.has_carrier = true;
    one.reading.carrier_changes = 1;
    one.reading.is_physical = true;
    entries_.push_back(std::move(one));
}

void FakeKernel::remove(const std::string& name) {
    (void)entry(name);
    std::erase_if(entries_, [&name](const Entry& one) { return one.reading.name == name; });
}

void FakeKernel::recreate(const std::string& name) {
    auto made_anew = entry(name);
    remove(name);
    made_anew.reading.ifindex = ++last_ifindex_;
    made_anew.reading.counters = {};
    made_anew.reading.carrier_changes = 1;
    entries_.push_back(std::move(made_anew));
}

void FakeKernel::rename(const std::string& from, const std::string& to) {
    GERBANG_CHECK(!has(to));
    entry(from).reading.name = to;
    if (wan_ == from) wan_ = to;
}

InterfaceReading& FakeKernel::interface(const std::string& name) {
    return entry(name).reading;
}

void FakeKernel::traffic(const std::string& name, std::uint64_t rx_bytes, std::uint64_t tx_bytes) {
    auto& one = entry(name);
    const auto pass = [&one](Counter bytes, Counter packets, std::uint64_t amount) {
        auto& value = counter(one.reading, bytes);
        value += amount;
        if (one.wraps) value %= std::uint64_t{1} << 32;
        counter(one.reading, packets) += (amount + kPacketBytes - 1) / kPacketBytes;
    };
    pass(Counter::rx_bytes, Counter::rx_packets, rx_bytes);
    pass(Counter::tx_bytes, Counter::tx_packets, tx_bytes);
    auto& truth = truth_[name];
    truth.received += rx_bytes;
    truth.transmitted += tx_bytes;
    if (name == wan_) {
        true_wan_.received += rx_bytes;
        true_wan_.transmitted += tx_bytes;
    }
}

void FakeKernel::rate(const std::string& name, BitRate receive, BitRate transmit) {
    entry(name).receive = receive;
    entry(name).transmit = transmit;
}

void FakeKernel::advance(Monotonic to) {
    GERBANG_CHECK(to >= now_);
    const auto elapsed_ms = static_cast<std::uint64_t>((to - now_).count());
    now_ = to;
    for (auto& one : entries_) {
        if (!one.reading.has_carrier) continue;
        // Not a standard distribution: those differ between libraries.
        const auto amount = [&](BitRate mean) {
            const auto percent = 50 + random_() % 101;
            return mean.bit_per_s / 8 * elapsed_ms / 1000 * percent / 100;
        };
        // Who asks hears nothing back.
        const auto received = one.is_unanswered ? amount({}) : amount(one.receive);
        const auto transmitted = amount(one.transmit);
        if (received + transmitted > 0) traffic(one.reading.name, received, transmitted);
    }
}

void FakeKernel::unanswered(const std::string& name, bool is_unanswered) {
    entry(name).is_unanswered = is_unanswered;
}

void FakeKernel::carrier(const std::string& name, bool is_up) {
    auto& one = entry(name).reading;
    if (one.has_carrier == is_up) return;
    one.has_carrier = is_up;
    ++one.carrier_changes;
}

void FakeKernel::set_day(std::int64_t day) {
    if (day_ && *day_ != day && unique_clients_) unique_clients_ = 0;
    day_ = day;
}

void FakeKernel::stack(const std::string& name, const std::string& lower) {
    if (!lower.empty()) (void)entry(lower);
    entry(name).lower = lower;
    if (lower.empty()) entry(name).reading.lower = 0;
}

void FakeKernel::reset_counters(const std::string& name) {
    entry(name).reading.counters = {};
}

void FakeKernel::wrap_at_32bit(const std::string& name) {
    entry(name).wraps = true;
}

void FakeKernel::reboot(Millis at) {
    now_ = Monotonic{at};
    last_ifindex_ = 1;
    for (auto& one : entries_) {
        one.reading.ifindex = ++last_ifindex_;
        one.reading.counters = {};
        one.reading.carrier_changes = 1;
    }
}

TrueBytes FakeKernel::true_bytes(const std::string& name) const {
    const auto found = truth_.find(name);
    return found == truth_.end() ? TrueBytes{} : found->second;
}

Result<void> FakeKernel::read(KernelReading& into) {
    if (failing_reads_ > 0) {
        --failing_reads_;
        return Error{Errc::unreachable, "read kernel counters: told to fail by the test"};
    }
    into.taken = now_;
    into.wan_ifindex = 0;
    into.gateway = wan_.empty() ? std::string{} : gateway_;
    into.gateway_is_neighbour = wan_.empty() ? std::nullopt : gateway_is_neighbour_;
    into.unique_clients = unique_clients_;
    into.interfaces.resize(entries_.size());
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        auto& one = entries_[i].reading;
        for (const auto& other : entries_)
            if (!entries_[i].lower.empty() && other.reading.name == entries_[i].lower)
                one.lower = other.reading.ifindex;
        into.interfaces[i] = one;
    }
    std::sort(
        into.interfaces.begin(), into.interfaces.end(),
        [](const InterfaceReading& a, const InterfaceReading& b) { return a.ifindex < b.ifindex; });
    for (const auto& one : into.interfaces)
        if (one.name == wan_) into.wan_ifindex = one.ifindex;
    return ok();
}

}  // namespace gerbang
