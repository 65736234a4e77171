#include "daemon/meter/proc_parse.hpp"

#include <charconv>
#include <cstddef>

namespace gerbang::proc {
namespace {

/// Takes the next word off `text`; empty at the end.
std::string_view next_word(std::string_view& text) noexcept {
    constexpr std::string_view kBlank = " \t\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return text = {};
    text.remove_prefix(first);
    const auto word = text.substr(0, text.find_first_of(kBlank));
    text.remove_prefix(word.size());
    return word;
}

/// The whole of `word` as a number.
template <class Number>
std::optional<Number> to_number(std::string_view word) noexcept {
    Number value{};
    const auto* end = word.data() + word.size();
    const auto [stop, error] = std::from_chars(word.data(), end, value);
    if (error != std::errc{} || stop != end || word.empty()) return std::nullopt;
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_load1(std::string_view text) noexcept {
    const auto word = next_word(text);
    const auto dot = word.find('.');
    if (dot == std::string_view::npos || word.size() - dot != 3) return std::nullopt;
    const auto whole = to_number<std::uint32_t>(word.substr(0, dot));
    const auto hundredths = to_number<std::uint32_t>(word.substr(dot + 1));
    if (!whole || !hundredths) return std::nullopt;
    return std::int64_t{*whole} * 100 + *hundredths;
}

std::optional<Bytes> parse_memory_available(std::string_view text) noexcept {
    constexpr std::string_view kKey = "MemAvailable:";
    const auto at = text.find(kKey);
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + kKey.size());
    const auto kibibytes = to_number<std::uint64_t>(next_word(text));
    if (!kibibytes || *kibibytes > (std::uint64_t{1} << 42)) return std::nullopt;
    return Bytes{*kibibytes * 1024};
}

std::optional<std::uint64_t> parse_cpu_ticks(std::string_view text) noexcept {
    // The command's name is in parentheses and may itself hold blanks and parentheses.
    const auto name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    constexpr int kFieldsBefore = 11;  // state to cmajflt; utime and stime follow
    for (int i = 0; i < kFieldsBefore; ++i)
        if (next_word(text).empty()) return std::nullopt;
    const auto user = to_number<std::uint32_t>(next_word(text));
    const auto system = to_number<std::uint32_t>(next_word(text));
    if (!user || !system) return std::nullopt;
    return std::uint64_t{*user} + *system;
}

std::optional<std::uint64_t> parse_resident_pages(std::string_view text) noexcept {
    (void)next_word(text);
    const auto pages = to_number<std::uint64_t>(next_word(text));
    if (!pages || *pages > (std::uint64_t{1} << 40)) return std::nullopt;
    return pages;
}

std::optional<std::uint64_t> parse_write_bytes(std::string_view text) noexcept {
    constexpr std::string_view kName = "\nwrite_bytes:";
    const auto found = text.find(kName);
    if (found == std::string_view::npos) return std::nullopt;
    text.remove_prefix(found + kName.size());
    const auto bytes = to_number<std::uint64_t>(next_word(text));
    if (!bytes || *bytes > (std::uint64_t{1} << 60)) return std::nullopt;
    return bytes;
}

std::optional<std::uint64_t> parse_written_bytes(std::string_view text) noexcept {
    // Whatever the device's own blocks are, the kernel counts in these.
    constexpr std::uint64_t kSector = 512;
    constexpr int kFieldsBefore = 6;
    for (int i = 0; i < kFieldsBefore; ++i) (void)next_word(text);
    const auto sectors = to_number<std::uint64_t>(next_word(text));
    if (!sectors || *sectors > (std::uint64_t{1} << 50)) return std::nullopt;
    return *sectors * kSector;
}

std::optional<std::int64_t> parse_millicelsius(std::string_view text) noexcept {
    const auto value = to_number<std::int64_t>(next_word(text));
    if (!value || *value < -60'000 || *value > 200'000) return std::nullopt;
    return value;
}

BitRate parse_speed(std::string_view text) noexcept {
    const auto megabits = to_number<std::int64_t>(next_word(text));
    if (!megabits || *megabits <= 0 || *megabits > 1'000'000) return {};
    return {static_cast<std::uint64_t>(*megabits) * 1'000'000};
}

std::string_view parse_pppoe_device(std::string_view text) noexcept {
    const auto skip_line = [&text] {
        const auto end = text.find('\n');
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    };
    if (!text.starts_with("Id ")) return {};
    skip_line();
    std::string_view device;
    while (!text.empty()) {
        auto line = text.substr(0, text.find('\n'));
        skip_line();
        (void)next_word(line);  // session
        (void)next_word(line);  // address
        const auto name = next_word(line);
        if (name.empty() || (!device.empty() && name != device)) return {};
        device = name;
    }
    return device;
}

}  // namespace gerbang::proc
