#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gerbang {

/// A file of /proc or /sys that is kept open and re-read from its start.
class SmallFile {
public:
    /// A file that cannot be opened reads as nothing for ever.
    explicit SmallFile(const std::string& path);
    ~SmallFile();
    SmallFile(SmallFile&& other) noexcept;
    SmallFile& operator=(SmallFile&&) = delete;

    /// The beginning of the file, as much as `buffer` holds; lives as long as `buffer`. Nothing on
    /// any error.
    [[nodiscard]] std::optional<std::string_view> read(std::span<char> buffer) const;
    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

private:
    int fd_ = -1;
};

}  // namespace gerbang
