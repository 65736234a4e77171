#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>

#include "daemon/host/ring.hpp"

namespace gerbang {

/// The tmpfs of a virtual village: what rings keep while their daemons come and go.
///
/// `open` gives the ring to a new daemon as `open_ring` would: `left_behind` shows what the one
/// before it left, unless the boot changed or `power_cut` emptied it. The store must outlive its
/// rings; the newest ring is the one in use.
class MemoryRing {
public:
    explicit MemoryRing(std::uint64_t capacity_bytes = 8u << 20) : capacity_{capacity_bytes} {}

    [[nodiscard]] std::unique_ptr<Ring> open(const BootId& boot);
    /// RAM loses its content. A ring that is still open must not be used afterwards.
    void power_cut();

    [[nodiscard]] std::size_t entries() const { return entries_.size(); }
    [[nodiscard]] const Ring::Intent& intent() const { return intent_; }
    /// The next `count` calls of `append` say `storage_full`.
    void fill_up(unsigned count) { refuse_ = count; }

private:
    class View;

    std::uint64_t capacity_;
    BootId boot_;
    std::deque<Ring::Entry> entries_;
    Ring::Intent intent_;
    Ring::Acknowledged acknowledged_;
    RingLosses losses_;
    std::uint64_t next_ = 1;
    std::uint64_t used_ = 0;
    unsigned refuse_ = 0;
};

}  // namespace gerbang
