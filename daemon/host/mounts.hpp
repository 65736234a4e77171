#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gerbang {

/// One line of mountinfo, as far as we ask.
struct Mount {
    std::string point;    ///< where it is mounted
    std::string type;     ///< "ext4", "overlay"
    std::string source;   ///< "/dev/mmcblk0p2", "tmpfs"
    std::string options;  ///< of the super block; overlay: "...,upperdir=..."
};

/// The mount that holds `path` (absolute, no symlinks) by the text of /proc/self/mountinfo: the
/// deepest mount point above it, the newest of equals. Lines that do not parse are passed over.
[[nodiscard]] std::optional<Mount> find_mount(std::string_view mountinfo, std::string_view path);

/// Value of `key` among comma-separated mount options.
[[nodiscard]] std::optional<std::string> mount_option(std::string_view options,
                                                      std::string_view key);

}  // namespace gerbang
