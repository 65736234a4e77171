#include "tests/support/memory_ring.hpp"

#include <utility>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

/// What the file ring spends on one entry beside its bytes, about.
constexpr std::uint64_t kOverhead = 24;

}  // namespace

class MemoryRing::View final : public Ring {
public:
    explicit View(MemoryRing& store)
        : store_{store},
          found_intent_{store.intent_},
          found_acknowledged_{store.acknowledged_},
          first_new_{store.next_} {}

    [[nodiscard]] Left left_behind() const override {
        Left left{.entries = {}, .intent = found_intent_, .acknowledged = found_acknowledged_};
        for (const auto& entry : store_.entries_) {
            if (entry.number < first_new_) left.entries.push_back(entry);
        }
        return left;
    }

    [[nodiscard]] Result<std::uint64_t> append(std::string_view bytes) override {
        const auto cost = bytes.size() + kOverhead;
        if (store_.refuse_ > 0) {
            --store_.refuse_;
            return Error{Errc::storage_full, "ring: refused by the test"};
        }
        if (store_.used_ + cost > store_.capacity_) {
            return Error{Errc::storage_full, "ring: full"};
        }
        store_.entries_.push_back({store_.next_, std::string{bytes}});
        store_.used_ += cost;
        return store_.next_++;
    }

    [[nodiscard]] std::string_view entry(std::uint64_t number) const override {
        for (const auto& entry : store_.entries_) {
            if (entry.number == number) return entry.bytes;
        }
        return {};
    }

    void intend(const Intent& intent) override {
        store_.losses_.offer();
        store_.intent_ = intent;
    }

    void release(std::uint64_t through) override {
        free_through(through);
        if (through < store_.intent_.through) return;
        if (const auto& intent = store_.intent_; intent.last.value != 0) {
            store_.acknowledged_ = {intent.epoch, intent.last};
        }
        store_.intent_ = {};
        store_.losses_.settle();
    }

    void give_up(std::uint64_t through, const GivenUp& lost) override {
        auto& losses = store_.losses_;
        auto& where = through <= store_.intent_.through ? losses.doubtful : losses.untold;
        where = GivenUp::joined(where, lost);
        free_through(through);
    }

    void withdraw() override {
        store_.intent_ = {};
        auto& losses = store_.losses_;
        losses.untold =
            GivenUp::joined(losses.untold, GivenUp::joined(losses.told, losses.doubtful));
        losses.settle();
    }

    [[nodiscard]] const RingLosses& losses() const override { return store_.losses_; }

    [[nodiscard]] std::uint64_t used_bytes() const override { return store_.used_; }
    [[nodiscard]] std::uint64_t capacity_bytes() const override { return store_.capacity_; }

private:
    void free_through(std::uint64_t through) {
        while (!store_.entries_.empty() && store_.entries_.front().number <= through) {
            store_.used_ -= store_.entries_.front().bytes.size() + kOverhead;
            store_.entries_.pop_front();
        }
    }

    MemoryRing& store_;
    Intent found_intent_;
    Acknowledged found_acknowledged_;
    std::uint64_t first_new_;
};

std::unique_ptr<Ring> MemoryRing::open(const BootId& boot) {
    if (boot_ != boot) power_cut();
    boot_ = boot;
    return std::make_unique<View>(*this);
}

void MemoryRing::power_cut() {
    entries_.clear();
    intent_ = {};
    acknowledged_ = {};
    losses_ = {};
    next_ = 1;
    used_ = 0;
}

}  // namespace gerbang
