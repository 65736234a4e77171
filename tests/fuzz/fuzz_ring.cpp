// needs: host

// A hostile ring file: the input's first bytes are laid over a sound ring, checks mended, and the
// ring is opened, read and used. The first byte chooses whether the states' checks are mended, so
// that the fuzzer gets past them.

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "daemon/host/ring.hpp"
#include "daemon/host/ring_layout.hpp"

namespace {

using namespace gerbang;
namespace layout = gerbang::ring_layout;

constexpr std::size_t kFileSize = layout::kDataOffset + layout::kSmallest;

const std::string& ring_path() {
    static const std::string path = [] {
        char name[] = "/dev/shm/gerbang-fuzz-XXXXXX";
        const int fd = ::mkstemp(name);
        if (fd < 0) std::abort();
        ::close(fd);
        static std::string to_remove;
        to_remove = name;
        std::atexit([] { ::unlink(to_remove.c_str()); });
        return std::string{name};
    }();
    return path;
}

template <class T>
void mend(std::string& file, std::size_t offset) {
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    boost::crc_32_type crc;
    crc.process_bytes(&value, offsetof(T, crc));
    value.crc = crc.checksum();
    std::memcpy(file.data() + offset, &value, sizeof value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const bool mends = (data[0] & 1) != 0;
    std::string file(kFileSize, '\0');
    layout::Preamble preamble;
    preamble.boot.fill(1);
    preamble.capacity = layout::kSmallest;
    std::memcpy(file.data(), &preamble, sizeof preamble);
    mend<layout::Preamble>(file, 0);
    // Both states, then entries: laid out densely in the input.
    std::size_t at = 1;
    const auto lay = [&](std::size_t offset, std::size_t length) {
        const auto n = std::min(length, size - at);
        std::memcpy(file.data() + offset, data + at, n);
        at += n;
    };
    for (const auto offset : layout::kStateOffsets) lay(offset, sizeof(layout::State));
    lay(layout::kDataOffset, layout::kSmallest);
    if (mends) {
        for (const auto offset : layout::kStateOffsets) mend<layout::State>(file, offset);
    }
    // Only what differs from zero is written: most of the ring is a hole until it is opened.
    const auto used = layout::kDataOffset + std::min<std::size_t>(size, layout::kSmallest);
    const int fd = ::open(ring_path().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0 || ::write(fd, file.data(), used) != static_cast<ssize_t>(used) ||
        ::ftruncate(fd, static_cast<off_t>(kFileSize)) != 0) {
        std::abort();
    }
    ::close(fd);
    BootId boot;
    boot.bytes.fill(1);
    auto ring = open_ring(ring_path(), boot, layout::kSmallest);
    if (!ring) std::abort();
    const auto left = (*ring)->left_behind();
    std::uint64_t previous = 0;
    for (const auto& entry : left.entries) {
        if (entry.number <= previous) std::abort();
        previous = entry.number;
    }
    for (int i = 0; i < 3; ++i) {
        const auto number = (*ring)->append(std::string(500, 'f'));
        if (number && *number <= previous) std::abort();
        if (number) previous = *number;
    }
    auto again = open_ring(ring_path(), boot, layout::kSmallest);
    if (!again || (*again)->used_bytes() != (*ring)->used_bytes()) std::abort();
    (*ring)->release(~std::uint64_t{0});
    if ((*ring)->used_bytes() != 0) std::abort();
    return 0;
}
