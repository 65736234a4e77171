#include "daemon/serve/target.hpp"

#include <algorithm>
#include <utility>

#include "common/core/ids.hpp"

namespace gerbang {
namespace {

bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

/// At most 40 characters that are safe in a message.
std::string quoted(std::string_view text) {
    std::string safe{"\""};
    for (const char c : text.substr(0, 40)) safe.push_back(is_visible(c) ? c : '?');
    return safe + (text.size() > 40 ? "...\"" : "\"");
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded.push_back(text[i]);
            continue;
        }
        const auto byte =
            text.size() - i > 2 ? bytes_from_hex(text.substr(i + 1, 2)) : std::nullopt;
        if (!byte) return std::nullopt;
        decoded += *byte;
        i += 2;
    }
    const bool has_control = std::any_of(decoded.begin(), decoded.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '\x7f';
    });
    if (has_control) return std::nullopt;
    return decoded;
}

}  // namespace

std::optional<Target> parse_target(std::string_view text) {
    if (text.empty() || text.size() > kMaxTargetBytes || text.front() != '/') return std::nullopt;
    const bool is_clean =
        std::all_of(text.begin(), text.end(), [](char c) { return is_visible(c) && c != '#'; });
    if (!is_clean) return std::nullopt;
    const auto mark = text.find('?');
    if (mark == std::string_view::npos) return Target{std::string{text}, {}};
    return Target{std::string{text.substr(0, mark)}, std::string{text.substr(mark + 1)}};
}

Result<std::vector<Parameter>> parse_query(std::string_view query) {
    std::vector<Parameter> parameters;
    if (query.empty()) return parameters;
    if (query.size() > kMaxTargetBytes) return Error{Errc::bad_input, "query too long"};
    while (true) {
        const auto end = query.find('&');
        const auto part = query.substr(0, end);
        const auto equals = part.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            return Error{Errc::bad_input, "expected name=value, got " + quoted(part)};
        }
        auto name = percent_decoded(part.substr(0, equals));
        auto value = percent_decoded(part.substr(equals + 1));
        if (!name || !value) {
            return Error{Errc::bad_input, "broken percent escape in " + quoted(part)};
        }
        const bool is_repeated =
            std::any_of(parameters.begin(), parameters.end(),
                        [&](const Parameter& other) { return other.name == *name; });
        if (is_repeated) return Error{Errc::bad_input, "parameter twice: " + quoted(*name)};
        if (parameters.size() == kMaxParameters) {
            return Error{Errc::bad_input, "too many parameters"};
        }
        parameters.push_back({std::move(*name), std::move(*value)});
        if (end == std::string_view::npos) return parameters;
        query.remove_prefix(end + 1);
    }
}

}  // namespace gerbang
