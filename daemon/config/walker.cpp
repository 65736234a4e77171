#include "daemon/config/walker.hpp"

#include <algorithm>
#include <utility>

#include "daemon/config/schema.hpp"

namespace gerbang::config {
namespace {

using Kind = YamlNode::Kind;
using Shape = KeySpec::Shape;

/// `text` as it may stand in a message: one line, at most 40 bytes, no half characters.
std::string excerpt(std::string_view text) {
    std::string result;
    for (const char c : text.substr(0, 40)) {
        result.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c);
    }
    if (text.size() > 40) {
        while (!result.empty() && (static_cast<unsigned char>(result.back()) & 0xc0) == 0x80) {
            result.pop_back();
        }
        if (!result.empty() && (static_cast<unsigned char>(result.back()) & 0x80) != 0) {
            result.pop_back();
        }
        result += "...";
    }
    return result;
}

Said did_you_mean(Said message, const std::string& suggestion) {
    if (suggestion.empty()) return message;
    const auto quoted = suggestion.front() == '"' ? suggestion : "\"" + suggestion + "\"";
    return {message.indonesian + " (maksud Anda " + quoted + "?)",
            message.english + " (did you mean " + quoted + "?)"};
}

/// "id: x" for "id:x": YAML takes a colon without a space for a part of the text.
std::string with_space(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return "";
    const auto is_of_a_key = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    if (!std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     is_of_a_key)) {
        return "";
    }
    return excerpt(text.substr(0, colon + 1)) + " " + excerpt(text.substr(colon + 1));
}

/// Whether `text` may be a secret in the wrong place: a token where its file belongs, a password in
/// an address. Messages go to screens and logs.
bool may_be_secret(std::string_view text) {
    if (text.find("://") != std::string_view::npos) return text.find('@') != std::string_view::npos;
    const auto is_of_a_token = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '+' || c == '=' || c == '_' || c == '-';
    };
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return text.size() >= 32 && std::all_of(text.begin(), text.end(), is_of_a_token) &&
           std::any_of(text.begin(), text.end(), is_digit);
}

Said got(const Said& expected, std::string_view text) {
    if (may_be_secret(text)) {
        return {expected.indonesian + "; isinya tidak diulang di sini, mungkin rahasia",
                expected.english + "; what stands there is not repeated, it may be a secret"};
    }
    const auto quoted = "\"" + excerpt(text) + "\"";
    return {expected.indonesian + "; tertulis " + quoted, expected.english + "; got " + quoted};
}

Said got_kind(const Said& expected, Kind kind) {
    switch (kind) {
        case Kind::nothing:
            return {expected.indonesian + "; isinya kosong", expected.english + "; got nothing"};
        case Kind::list:
            return {expected.indonesian + "; tertulis daftar", expected.english + "; got a list"};
        case Kind::map:
            return {expected.indonesian + "; tertulis bagian berisi kunci",
                    expected.english + "; got a section with keys"};
        case Kind::scalar:
            break;
    }
    return expected;
}

/// The names that may stand directly below `section` ("" is the top).
std::vector<std::string_view> names_below(std::string_view section) {
    std::vector<std::string_view> names;
    for (const auto& key : schema()) {
        auto path = key.path;
        if (!section.empty()) {
            if (path.size() <= section.size() || path.substr(0, section.size()) != section ||
                path[section.size()] != '.') {
                continue;
            }
            path.remove_prefix(section.size() + 1);
        }
        const auto name = path.substr(0, std::min(path.find('.'), path.find('[')));
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
}

/// What an unknown `name` below `section` was probably meant to be.
std::string meant_key(std::string_view section, std::string_view name) {
    auto best = nearest(name, names_below(section));
    if (!best.empty()) return best;
    for (const auto& key : schema()) {
        const auto dot = key.path.rfind('.');
        if (dot != std::string_view::npos && key.path.substr(dot + 1) == name) {
            return std::string{key.path};
        }
    }
    return best;
}

class Walk {
public:
    Walk(std::size_t file, bool is_whole, Walked& walked)
        : file_{file}, is_whole_{is_whole}, walked_{&walked} {}

    /// `pattern` has "[]" where `shown` has the index.
    void section(const YamlNode& node, const std::string& pattern, const std::string& shown) {
        std::map<std::string, Place> seen;
        for (std::size_t i = 0; i < node.keys.size() && i < node.items.size(); ++i) {
            const auto& key = node.keys[i];
            if (key.kind != Kind::scalar || key.text.empty()) {
                complain(key.at, shown,
                         {"nama kunci harus berupa teks", "expected text as the name of a key"});
                continue;
            }
            const auto path = shown.empty() ? key.text : shown + "." + key.text;
            if (key.text == "<<") {
                complain(key.at, excerpt(path),
                         {"kunci gabungan \"<<\" tidak diterima; tuliskan kuncinya",
                          "merge keys \"<<\" are not accepted; write the keys themselves"});
                continue;
            }
            const auto [before, is_new] = seen.emplace(key.text, key.at);
            if (!is_new) {
                const auto line = std::to_string(before->second.line);
                complain(key.at, excerpt(path),
                         {"kunci ini tertulis dua kali; yang pertama di baris " + line,
                          "this key appears twice; first in line " + line});
                continue;
            }
            entry(key, node.items[i], pattern.empty() ? key.text : pattern + "." + key.text, path,
                  pattern);
        }
        if (is_whole_ && !pattern.empty()) require_keys(node, pattern, shown, seen);
    }

private:
    void complain(Place at, const std::string& path, Said message) {
        walked_->complain(file_, at, path, std::move(message));
    }

    void require_keys(const YamlNode& node, const std::string& pattern, const std::string& shown,
                      const std::map<std::string, Place>& seen) {
        for (const auto& key : schema()) {
            if (!key.is_required || key.path.substr(0, pattern.size() + 1) != pattern + ".") {
                continue;
            }
            const std::string name{key.path.substr(pattern.size() + 1)};
            if (name.find('.') != std::string::npos) continue;  // belongs to a section below
            if (seen.count(name) > 0) continue;
            complain(node.at, shown,
                     {"kunci \"" + name + "\" wajib ada", "the key \"" + name + "\" is required"});
        }
    }

    void entry(const YamlNode& key, const YamlNode& node, const std::string& pattern,
               const std::string& shown, const std::string& section_pattern) {
        const auto* spec = find_key(pattern);
        if (spec == nullptr && !is_section(pattern)) {
            complain(key.at, excerpt(shown),
                     did_you_mean({"kunci tidak dikenal", "unknown key"},
                                  meant_key(section_pattern, key.text)));
            return;
        }
        const Place at = node.kind == Kind::nothing ? key.at : node.at;
        walked_->origins[shown] = {file_, at};
        if (spec == nullptr) {
            // A section whose keys are all commented out is an ordinary thing.
            if (node.kind == Kind::nothing) return;
            if (node.kind == Kind::map) return section(node, pattern, shown);
            const Said expected{"harus bagian berisi kunci", "expected a section with keys"};
            return complain(at, shown,
                            node.kind == Kind::scalar
                                ? did_you_mean(got(expected, node.text), with_space(node.text))
                                : got_kind(expected, node.kind));
        }
        switch (spec->shape) {
            case Shape::scalar:
                return scalar(*spec, node, at, shown);
            case Shape::list:
                return list(*spec, node, at, shown);
            case Shape::items:
                return items(*spec, node, at, shown);
        }
    }

    void scalar(const KeySpec& spec, const YamlNode& node, Place at, const std::string& shown) {
        if (node.kind != Kind::scalar) {
            return complain(at, shown, got_kind(describe(spec.form, spec.bounds), node.kind));
        }
        const auto parsed = parse_value(spec.form, spec.bounds, node.text, node.is_quoted);
        if (const auto* problem = std::get_if<ValueProblem>(&parsed)) {
            return complain(at, shown,
                            did_you_mean(got(problem->expected, node.text), problem->suggestion));
        }
        spec.set(walked_->config, std::get<Value>(parsed));
        if (spec.path == "lang") walked_->is_language_known = true;
    }

    void list(const KeySpec& spec, const YamlNode& node, Place at, const std::string& shown) {
        if (node.kind == Kind::nothing) return;
        const Said expected{"harus daftar, misalnya [eth1, eth2]",
                            "expected a list such as [eth1, eth2]"};
        if (node.kind == Kind::scalar) {
            return complain(at, shown,
                            did_you_mean(got(expected, node.text), "[" + excerpt(node.text) + "]"));
        }
        if (node.kind == Kind::map) return complain(at, shown, got_kind(expected, node.kind));
        spec.clear(walked_->config);
        std::set<std::string> seen;
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            const auto& item = node.items[i];
            const auto path = shown + "[" + std::to_string(i) + "]";
            if (i == spec.most_entries) return complain(item.at, path, too_many(spec));
            if (item.kind == Kind::scalar && !seen.insert(item.text).second) {
                complain(item.at, path, {"tertulis dua kali", "appears twice"});
                continue;
            }
            scalar(spec, item, item.at, path);
        }
    }

    void items(const KeySpec& spec, const YamlNode& node, Place at, const std::string& shown) {
        if (node.kind == Kind::nothing) return;
        if (node.kind != Kind::list) {
            const Said expected{"harus daftar; setiap entri diawali \"- \"",
                                "expected a list; each entry begins with \"- \""};
            return complain(at, shown,
                            node.kind == Kind::scalar ? got(expected, node.text)
                                                      : got_kind(expected, node.kind));
        }
        // The list replaces what an earlier file said, and so do the places of its keys.
        forget(shown);
        spec.clear(walked_->config);
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            const auto& item = node.items[i];
            const auto path = shown + "[" + std::to_string(i) + "]";
            if (i == spec.most_entries) return complain(item.at, path, too_many(spec));
            spec.add(walked_->config);
            walked_->origins[path] = {file_, item.at};
            if (item.kind != Kind::map) {
                const Said expected{"harus bagian berisi kunci", "expected a section with keys"};
                complain(item.at, path,
                         item.kind == Kind::scalar
                             ? did_you_mean(got(expected, item.text), with_space(item.text))
                             : got_kind(expected, item.kind));
                continue;
            }
            section(item, std::string{spec.path} + "[]", path);
        }
    }

    void forget(const std::string& shown) {
        const auto begin = walked_->origins.lower_bound(shown + "[");
        auto end = begin;
        while (end != walked_->origins.end() && end->first.rfind(shown + "[", 0) == 0) ++end;
        walked_->origins.erase(begin, end);
    }

    static Said too_many(const KeySpec& spec) {
        const auto most = std::to_string(spec.most_entries);
        return {"terlalu banyak entri (paling banyak " + most + ")",
                "too many entries (at most " + most + ")"};
    }

    std::size_t file_;
    bool is_whole_;
    Walked* walked_;
};

}  // namespace

void Walked::complain(std::size_t file, Place at, const std::string& path, Said message) {
    bad_paths.insert(path);
    if (findings.size() < kMaxFindings) findings.push_back({file, at, path, std::move(message)});
}

void walk(const std::string& text, std::size_t file, Walked& walked) {
    const auto tree = read_yaml(text);
    for (const auto& problem : tree.problems) {
        walked.complain(file, problem.at, "", problem.message);
    }
    walked.is_whole = walked.is_whole && tree.is_whole;
    if (tree.root.kind == Kind::nothing) return;  // only comments: all defaults
    if (tree.root.kind != Kind::map) {
        // After a syntax error the root may be a torn piece; the error itself has been said.
        if (!tree.is_whole) return;
        const Said expected{"harus berisi kunci, misalnya \"site:\"",
                            "expected keys such as \"site:\""};
        walked.complain(file, tree.root.at, "", got_kind(expected, tree.root.kind));
        return;
    }
    Walk{file, tree.is_whole, walked}.section(tree.root, "", "");
}

}  // namespace gerbang::config
