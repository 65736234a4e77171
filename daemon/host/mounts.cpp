#include "daemon/host/mounts.hpp"

#include <cstddef>
#include <vector>

namespace gerbang {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

bool is_octal(char c) {
    return c >= '0' && c <= '7';
}

/// The kernel writes blank, tab, line break and backslash as `\` and three octal digits.
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) &&
            is_octal(text[i + 2]) && is_octal(text[i + 3])) {
            plain.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                              (text[i + 3] - '0')));
            i += 3;
        } else {
            plain.push_back(text[i]);
        }
    }
    return plain;
}

bool is_at_or_above(std::string_view point, std::string_view path) {
    if (point == "/") return path.starts_with('/');
    return path.starts_with(point) && (path.size() == point.size() || path[point.size()] == '/');
}

}  // namespace

std::optional<Mount> find_mount(std::string_view mountinfo, std::string_view path) {
    std::optional<Mount> best;
    for (const auto line : split(mountinfo, '\n')) {
        // id parent major:minor root point options [tags...] - type source super-options
        const auto fields = split(line, ' ');
        std::size_t dash = 6;
        while (dash < fields.size() && fields[dash] != "-") ++dash;
        if (dash + 3 >= fields.size()) continue;
        auto point = unescaped(fields[4]);
        if (!is_at_or_above(point, path)) continue;
        if (best && point.size() < best->point.size()) continue;
        best = Mount{.point = std::move(point),
                     .type = std::string{fields[dash + 1]},
                     .source = unescaped(fields[dash + 2]),
                     .options = unescaped(fields[dash + 3])};
    }
    return best;
}

std::optional<std::string> mount_option(std::string_view options, std::string_view key) {
    for (const auto option : split(options, ',')) {
        if (option.size() > key.size() && option.starts_with(key) && option[key.size()] == '=') {
            return std::string{option.substr(key.size() + 1)};
        }
    }
    return std::nullopt;
}

}  // namespace gerbang
