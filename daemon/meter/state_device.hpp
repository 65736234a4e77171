#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "daemon/meter/small_file.hpp"

namespace gerbang {

/// The block device beneath a folder, and what it was given to write since the boot.
///
/// Source: the folder's `st_dev`, then `dev/block/MAJOR:MINOR/stat` of sysfs; a partition counts
/// its own. The count is the kernel's: of all programs and of the file system itself, from zero at
/// each boot, and again where a card is put in anew. It is what wears the flash, as far as this
/// side of the card's controller can know. Loop thread only.
class StateDevice {
public:
    /// `sys`: where sysfs is mounted.
    StateDevice(std::string folder, std::string sys);

    /// Asks the file system where the folder lies, then the kernel. Allocates only when the device
    /// is another one than before.
    void read();
    /// The second half of it, for the device of this number; none: there is no folder.
    void read(std::optional<dev_t> number);

    /// "mmcblk0p2". Empty: it cannot be named, because there is no folder, or because the file
    /// system has no block device's number: tmpfs, overlay, btrfs, a network's.
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Bytes; nothing where there is no name, or the kernel does not say.
    [[nodiscard]] std::optional<std::int64_t> written_bytes() const noexcept { return written_; }

private:
    std::string folder_;
    std::string sys_;
    std::optional<dev_t> number_;
    std::string name_;
    std::optional<SmallFile> stat_;
    std::optional<std::int64_t> written_;
};

}  // namespace gerbang
