#pragma once

// Small stored states (checkpoints of roll-ups and of the journal) as variable-length integers and
// length-prefixed texts. Internal to one database file: every state begins with its own version.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace gerbang {

/// Appends values to a text.
class CompactWriter {
public:
    void number(std::uint64_t value) {
        while (value >= 0x80) {
            bytes_.push_back(static_cast<char>(value | 0x80));
            value >>= 7;
        }
        bytes_.push_back(static_cast<char>(value));
    }
    /// Zigzag, so that small negative numbers stay small.
    void signed_number(std::int64_t value) {
        number(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    void text(std::string_view value) {
        number(value.size());
        bytes_.append(value);
    }
    [[nodiscard]] std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

/// Reads back what `CompactWriter` wrote. Every getter returns zero or empty once anything was
/// wrong; `ok()` tells. `bytes` must outlive the reader.
class CompactReader {
public:
    explicit CompactReader(std::string_view bytes) : rest_{bytes} {}

    [[nodiscard]] std::uint64_t number() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<std::uint8_t>(rest_.front());
            rest_.remove_prefix(1);
            if (shift == 63 && byte > 1) break;
            value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
            if (byte < 0x80) return value;
        }
        fail();
        return 0;
    }
    [[nodiscard]] std::int64_t signed_number() {
        const auto raw = number();
        return static_cast<std::int64_t>(raw >> 1 ^ (~(raw & 1) + 1));
    }
    [[nodiscard]] std::string_view text() {
        const auto size = number();
        if (size > rest_.size()) {
            fail();
            return {};
        }
        const auto value = rest_.substr(0, static_cast<std::size_t>(size));
        rest_.remove_prefix(value.size());
        return value;
    }
    /// A count of items of at least one byte each: never more than the bytes that are left.
    [[nodiscard]] std::size_t count() {
        const auto value = number();
        if (value <= rest_.size()) return static_cast<std::size_t>(value);
        fail();
        return 0;
    }
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// True when everything was read and nothing was wrong.
    [[nodiscard]] bool is_complete() const noexcept { return ok_ && rest_.empty(); }

private:
    void fail() {
        ok_ = false;
        rest_ = {};
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace gerbang
