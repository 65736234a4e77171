#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <string>
#include <vector>

#include "daemon/meter/netlink_messages.hpp"

namespace gerbang {

/// Builds datagrams as the kernel sends them.
class DatagramBuilder {
public:
    explicit DatagramBuilder(std::uint32_t sequence = 7) : sequence_{sequence} {}

    template <class Body>
    DatagramBuilder& message(std::uint16_t type, const Body& body, std::uint16_t flags = 0) {
        end();
        start_ = bytes_.size();
        put(nlmsghdr{.nlmsg_len = 0,
                     .nlmsg_type = type,
                     .nlmsg_flags = flags,
                     .nlmsg_seq = sequence_,
                     .nlmsg_pid = 0});
        put(body);
        end();
        return *this;
    }
    DatagramBuilder& attribute(int type, const void* data, std::size_t size) {
        put(nlattr{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + size),
                   .nla_type = static_cast<std::uint16_t>(type)});
        const auto at = bytes_.size();
        bytes_.resize(at + (size + 3) / 4 * 4);
        if (size > 0) std::memcpy(bytes_.data() + at, data, size);
        end();
        return *this;
    }
    template <class Value>
    DatagramBuilder& value(int type, const Value& value) {
        return attribute(type, &value, sizeof value);
    }
    DatagramBuilder& text(int type, const std::string& text) {
        return attribute(type, text.c_str(), text.size() + 1);
    }
    DatagramBuilder& done(int code = 0) { return message(NLMSG_DONE, code); }

    [[nodiscard]] std::vector<std::byte>& bytes() { return bytes_; }
    [[nodiscard]] netlink::Datagram datagram() const { return bytes_; }

private:
    template <class Value>
    void put(const Value& value) {
        const auto at = bytes_.size();
        bytes_.resize(at + (sizeof value + 3) / 4 * 4);
        std::memcpy(bytes_.data() + at, &value, sizeof value);
    }
    void end() {
        if (bytes_.empty()) return;
        const auto size = static_cast<std::uint32_t>(bytes_.size() - start_);
        std::memcpy(bytes_.data() + start_, &size, sizeof size);
    }

    std::uint32_t sequence_;
    std::size_t start_ = 0;
    std::vector<std::byte> bytes_;
};

}  // namespace gerbang
