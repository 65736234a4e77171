#pragma once

// How a datagram of netlink is taken apart; for the parsers of this folder. Nothing in a datagram
// is trusted.

#include <linux/netlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

#include "daemon/meter/netlink_messages.hpp"

namespace gerbang::netlink {

/// The kernel's alignment of messages and attributes.
[[nodiscard]] constexpr std::size_t aligned(std::size_t size) noexcept {
    return (size + 3) / 4 * 4;
}

/// A plain value at the front of `bytes`, which may be unaligned.
template <class Value>
std::optional<Value> front_as(std::span<const std::byte> bytes) {
    if (bytes.size() < sizeof(Value)) return std::nullopt;
    Value value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

/// Calls `take(type, payload)` for each attribute in `bytes`; stops at the first that does not
/// fit. libmnl's own loops round the length up and may look 3 bytes beyond the datagram.
template <class Take>
void for_each_attribute(std::span<const std::byte> bytes, Take take) {
    while (const auto header = front_as<nlattr>(bytes)) {
        if (header->nla_len < sizeof(nlattr) || header->nla_len > bytes.size()) return;
        take(static_cast<std::uint16_t>(header->nla_type & NLA_TYPE_MASK),
             bytes.first(header->nla_len).subspan(sizeof(nlattr)));
        const auto step = aligned(header->nla_len);
        if (step >= bytes.size()) return;
        bytes = bytes.subspan(step);
    }
}

inline std::uint32_t number(std::span<const std::byte> bytes) {
    return front_as<std::uint32_t>(bytes).value_or(0);
}

inline std::string_view text(std::span<const std::byte> bytes) {
    const std::string_view whole{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    return whole.substr(0, whole.find('\0'));
}

/// A message of a datagram.
struct Message {
    nlmsghdr header;
    std::span<const std::byte> payload;
};

/// Takes the first message off `datagram`; nothing when it does not fit. libmnl's own check takes
/// the length for signed and lets 2^31 and more pass.
inline std::optional<Message> take_message(Datagram& datagram) {
    const auto header = front_as<nlmsghdr>(datagram);
    if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > datagram.size())
        return std::nullopt;
    const auto whole = datagram.first(header->nlmsg_len);
    // The length is rounded up to 4 bytes only between messages.
    datagram = datagram.subspan(std::min(datagram.size(), aligned(header->nlmsg_len)));
    return Message{*header, whole.subspan(sizeof(nlmsghdr))};
}

/// Calls `take(header, payload)` for each message of our dump, and reads the end marks.
template <class Take>
Progress walk(Datagram datagram, std::uint32_t sequence, Take take) {
    Progress progress;
    while (!datagram.empty()) {
        const auto message = take_message(datagram);
        if (!message) {
            progress.is_malformed = true;
            return progress;
        }
        const auto& [header, payload] = *message;
        if (header.nlmsg_seq == sequence) {
            if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) progress.is_interrupted = true;
            if (header.nlmsg_type == NLMSG_DONE) {
                const auto code = front_as<int>(payload).value_or(0);
                if (code < 0) progress.error = -std::max(code, -4095);
                progress.is_done = true;
                return progress;
            }
            if (header.nlmsg_type == NLMSG_ERROR) {
                const auto code = front_as<int>(payload);
                if (!code) progress.is_malformed = true;
                if (code && *code < 0) progress.error = -std::max(*code, -4095);
                progress.is_done = true;
                return progress;
            }
            if (!take(header, payload)) {
                progress.is_malformed = true;
                return progress;
            }
        }
    }
    return progress;
}

}  // namespace gerbang::netlink
