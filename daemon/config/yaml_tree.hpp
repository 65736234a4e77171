#pragma once

// The one place that knows yaml-cpp: a text becomes a small tree with the place of every node.

#include <string>
#include <vector>

namespace gerbang::config {

/// A sentence in both languages; which one is shown is decided when all of the file is known.
struct Said {
    std::string indonesian;
    std::string english;
};

/// A place in a file, both from 1. Columns count bytes.
struct Place {
    int line = 0;
    int column = 0;
};

/// What is wrong at a place, before the names of the file and of the key are known.
struct TreeProblem {
    Place at;
    Said message;
};

/// One YAML node as written: scalars keep their text, nothing is interpreted.
struct YamlNode {
    enum class Kind { nothing, scalar, list, map };
    Kind kind = Kind::nothing;
    Place at;
    std::string text{};             ///< of a scalar
    bool is_quoted = false;         ///< a scalar in quotes or block style
    std::vector<YamlNode> keys{};   ///< of a map, as long as `items`
    std::vector<YamlNode> items{};  ///< of a list, or the values of a map
};

inline constexpr std::size_t kMaxFileBytes = 64u << 10;
inline constexpr std::size_t kMaxDepth = 8;

struct YamlTree {
    YamlNode root;
    std::vector<TreeProblem> problems;
    bool is_whole = true;  ///< false: reading ended at a syntax error, `root` is what came before
};

/// Reads one document. Refused, each with its place: more than `kMaxFileBytes`, NUL, bytes that
/// are not UTF-8, syntax errors, anchors, aliases, tags, a second document, nesting deeper than
/// `kMaxDepth`. Never throws; never expands anything.
[[nodiscard]] YamlTree read_yaml(const std::string& text);

}  // namespace gerbang::config
