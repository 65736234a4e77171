#include "daemon/meter/state_device.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <string_view>
#include <utility>

#include "daemon/meter/proc_parse.hpp"

namespace gerbang {

StateDevice::StateDevice(std::string folder, std::string sys)
    : folder_{std::move(folder)}, sys_{std::move(sys)} {}

void StateDevice::read() {
    struct stat about {};
    if (::stat(folder_.c_str(), &about) == 0) {
        read(about.st_dev);
    } else {
        read(std::nullopt);
    }
}

void StateDevice::read(std::optional<dev_t> number) {
    written_.reset();
    if (number != number_) {
        number_ = number;
        name_.clear();
        stat_.reset();
        // Major 0: a number that a file system without a block device was lent.
        if (!number || major(*number) == 0) return;
        const auto entry = sys_ + "/dev/block/" + std::to_string(major(*number)) + ":" +
                           std::to_string(minor(*number));
        std::array<char, 1024> link;
        const auto length = ::readlink(entry.c_str(), link.data(), link.size());
        if (length <= 0) return;
        const std::string_view target{link.data(), static_cast<std::size_t>(length)};
        name_ = target.substr(target.rfind('/') + 1);
        stat_.emplace(entry + "/stat");
    }
    if (!stat_) return;
    std::array<char, 512> buffer;
    const auto text = stat_->read(buffer);
    if (!text) return;
    if (const auto bytes = proc::parse_written_bytes(*text)) {
        written_ = static_cast<std::int64_t>(*bytes);
    }
}

}  // namespace gerbang
