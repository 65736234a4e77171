#pragma once

// The strict walk over one file's tree: every value is checked against the schema and stored.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/config/config.hpp"
#include "daemon/config/values.hpp"
#include "daemon/config/yaml_tree.hpp"

namespace gerbang::config {

/// A mistake before its language is chosen.
struct Finding {
    std::size_t file = 0;  ///< index into the list of files
    Place at;
    std::string path;
    Said message;
};

/// Where a key was last set.
struct Origin {
    std::size_t file = 0;
    Place at;
};

/// What is known after some files: the configuration so far, all mistakes, and where each key
/// stands ("sync.targets[0].url").
struct Walked {
    Config config;
    std::vector<Finding> findings;
    std::map<std::string, Origin> origins;
    std::set<std::string> bad_paths;  ///< keys with a mistake: no further check relies on them
    bool is_language_known = false;
    bool is_whole = true;  ///< every file was read to its end

    void complain(std::size_t file, Place at, const std::string& path, Said message);
};

inline constexpr std::size_t kMaxFindings = 100;

/// Reads `text`, file number `file`, on top of `walked`.
void walk(const std::string& text, std::size_t file, Walked& walked);

/// The checks, and the defaults, that need more than one key. Call once, after all files.
void cross_check(Walked& walked);

}  // namespace gerbang::config
