#include "daemon/host/machine_facts.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/host/text_file.hpp"

namespace gerbang {
namespace {

bool is_key(std::string_view key) noexcept {
    if (key.empty() || key[0] < 'a' || key[0] > 'z') return false;
    return std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

bool is_printable(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

/// A name of a file or a network device: nothing that leads elsewhere.
bool is_name(std::string_view text, std::size_t longest) noexcept {
    return text.size() <= longest && text.find_first_of("/ ") == std::string_view::npos;
}

bool is_target(std::string_view word) noexcept {
    return word == "reboot" || word == "poweroff" || word == "halt" || word == "kexec";
}

/// Why the line is no fact; nothing: it is, or it is one of a newer one-shot.
const char* take(std::string_view key, std::string_view value, MachineFacts& facts) {
    constexpr std::size_t kLongestDevice = 15;
    const auto append = [value](std::vector<std::string>& list, std::size_t longest) {
        if (!is_name(value, longest)) return "not a name";
        if (list.size() < kMaxFactValues) list.emplace_back(value);
        return static_cast<const char*>(nullptr);
    };
    if (key == "boot" || key == "previous_boot") {
        auto& boot = key == "boot" ? facts.boot : facts.previous_boot;
        if (boot) return "given twice";
        const auto id = parse_id<BootId>(value);
        if (!id || id->is_none()) return "not a boot id";
        boot = id;
    } else if (key == "shutdown_target") {
        if (!facts.shutdown_target.empty()) return "given twice";
        if (!is_target(value)) return "expected reboot, poweroff, halt or kexec";
        facts.shutdown_target = value;
    } else if (key == "reset_reason") {
        if (!facts.reset_reason.empty()) return "given twice";
        facts.reset_reason = value;
    } else if (key == "offloads") {
        if (facts.offloads_are_known) return "given twice";
        if (value != "known") return "expected known";
        facts.offloads_are_known = true;
    } else if (key == "crash_dump") {
        return append(facts.crash_dumps, kMaxFactValueBytes);
    } else if (key == "flowtable") {
        return append(facts.flowtables, kLongestDevice);
    } else if (key == "hw_offload") {
        return append(facts.hw_offloads, kLongestDevice);
    } else {
        ++facts.unknown_keys;
    }
    return nullptr;
}

const char* take_line(std::string_view line, MachineFacts& facts) {
    if (line.empty() || line[0] == '#') return nullptr;
    if (!is_printable(line)) return "not printable";
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || !is_key(line.substr(0, equals)))
        return "expected key=value";
    const auto value = line.substr(equals + 1);
    if (value.empty() || value.size() > kMaxFactValueBytes)
        return "expected a value of 1 to 64 bytes";
    return take(line.substr(0, equals), value, facts);
}

}  // namespace

Result<MachineFacts> parse_machine_facts(std::string_view text) {
    if (text.size() > kMaxFactsBytes)
        return Error{Errc::bad_input, "machine facts: larger than 16 KiB"};
    MachineFacts facts;
    for (unsigned number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        // A torn file ends anywhere; half a value must not pass for a whole one.
        const char* defect = end == std::string_view::npos ? "the line break is missing"
                                                           : take_line(text.substr(0, end), facts);
        if (defect != nullptr) {
            return Error{Errc::bad_input,
                         "machine facts: line " + std::to_string(number) + ": " + defect};
        }
        text.remove_prefix(end + 1);
    }
    return facts;
}

Result<MachineFacts> read_machine_facts(const HostPaths& paths) {
    std::vector<char> buffer(kMaxFactsBytes + 1);
    errno = 0;
    const auto text = read_head(paths.facts.c_str(), buffer);
    if (!text) {
        const auto reason = errno;
        return Error{
            reason == ENOENT ? Errc::not_found : Errc::bad_input,
            "read " + paths.facts + ": " + std::strerror(reason) +
                (reason == ENOENT ? "; is gerbang-facts.service installed and started?" : "")};
    }
    auto facts = parse_machine_facts(*text);
    if (!facts) return Error{facts.error().code, paths.facts + ": " + facts.error().detail};
    return facts;
}

}  // namespace gerbang
