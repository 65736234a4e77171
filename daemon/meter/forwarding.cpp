#include "daemon/meter/forwarding.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace gerbang {
namespace {

/// Takes the text up to `end`, which goes too.
std::string_view take_until(std::string_view& text, char end) noexcept {
    const auto at = text.find(end);
    const auto taken = text.substr(0, at);
    text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
    return taken;
}

std::optional<std::uint64_t> to_number(std::string_view word) noexcept {
    std::uint64_t value = 0;
    const auto* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc{} || stop != end) return std::nullopt;
    return value;
}

std::optional<bool> read_switch(const SmallFile& file) {
    std::array<char, 16> buffer;
    const auto text = file.read(buffer);
    if (!text || text->empty()) return std::nullopt;
    if ((*text)[0] < '0' || (*text)[0] > '9') return std::nullopt;
    return (*text)[0] != '0';
}

}  // namespace

std::optional<std::uint64_t> parse_forwarded_v4(std::string_view text) noexcept {
    constexpr std::string_view kBegin = "Ip: ";
    while (!text.empty()) {
        auto names = take_until(text, '\n');
        if (!names.starts_with(kBegin)) continue;
        auto values = take_until(text, '\n');
        if (!values.starts_with(kBegin)) return std::nullopt;
        while (!names.empty() && !values.empty()) {
            const auto value = take_until(values, ' ');
            if (take_until(names, ' ') == "ForwDatagrams") return to_number(value);
        }
        return std::nullopt;
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_forwarded_v6(std::string_view text) noexcept {
    while (!text.empty()) {
        auto line = take_until(text, '\n');
        const auto name = line.substr(0, line.find_first_of(" \t"));
        if (name != "Ip6OutForwDatagrams") continue;
        const auto value = line.find_last_of(" \t");
        return value == std::string_view::npos ? std::nullopt : to_number(line.substr(value + 1));
    }
    return std::nullopt;
}

ForwardingReader::ForwardingReader(const HostPaths& paths)
    : counted_v4_{paths.proc + "/net/snmp"},
      counted_v6_{paths.proc + "/net/snmp6"},
      on_v4_{paths.proc + "/sys/net/ipv4/ip_forward"},
      on_v6_{paths.proc + "/sys/net/ipv6/conf/all/forwarding"} {}

std::optional<Forwarding> ForwardingReader::read(Monotonic now) {
    constexpr std::int64_t kMinute = 60'000;
    const auto minute = to_ms(now) / kMinute;
    if (std::exchange(minute_, minute) == minute) return std::nullopt;

    Forwarding forwarding{.is_on_v4 = read_switch(on_v4_), .is_on_v6 = read_switch(on_v6_)};
    // Both stand near the beginning of their files.
    std::array<char, 4096> buffer;
    std::optional<std::uint64_t> v4;
    std::optional<std::uint64_t> v6;
    if (const auto text = counted_v4_.read(buffer)) v4 = parse_forwarded_v4(*text);
    if (const auto text = counted_v6_.read(buffer)) v6 = parse_forwarded_v6(*text);
    if (v4 || v6) forwarding.datagrams = v4.value_or(0) + v6.value_or(0);
    return forwarding;
}

}  // namespace gerbang
