#pragma once

// Who may send for which site: a text file of `site-id sha256hex` lines. The token itself is
// printed once when it is made and stands nowhere; a stolen file lets nobody in.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/result.hpp"
#include "daemon/host/entropy.hpp"

namespace gerbang::province {

/// The tokens file in memory. Loop thread only.
class TokenBook {
public:
    static constexpr std::size_t kMaxFileBytes = 1u << 20;

    /// `bad_input` names file and line: not `site-id sha256hex`, a hash given to two sites, larger
    /// than `kMaxFileBytes`, writable by everybody. Empty lines and lines that begin with '#' are
    /// skipped; a site may have several tokens, so that one can be replaced without a gap.
    [[nodiscard]] static Result<TokenBook> load(const std::string& path);
    [[nodiscard]] static Result<TokenBook> parse(std::string_view text, const std::string& path);

    /// The site that `token` speaks for. Takes the same time whichever entry matches, and none.
    [[nodiscard]] std::optional<std::string> site_of(std::string_view token) const;
    /// Reads the file again if it changed since (or always, with `force`). True when it was read;
    /// on an error the present entries stay in force.
    [[nodiscard]] Result<bool> refresh(bool force = false);
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

private:
    using Hash = std::array<std::uint8_t, 32>;
    struct Entry {
        std::string site;
        Hash hash{};
    };
    /// What tells one version of the file from another.
    struct Version {
        std::int64_t inode = 0;
        std::int64_t bytes = 0;
        bool others_may_write = false;
        std::int64_t changed_ns = 0;
        bool operator==(const Version&) const = default;
    };
    static std::optional<Version> version_of(const std::string& path);

    std::string path_;
    std::vector<Entry> entries_;
    std::optional<Version> version_;
};

/// Makes a token for `site`, appends its hash to `path` (created with mode 0600) durably, and
/// returns the token: 64 hexadecimal digits that exist nowhere else.
[[nodiscard]] Result<std::string> add_token(const std::string& path, const std::string& site,
                                            Entropy& entropy);

}  // namespace gerbang::province
