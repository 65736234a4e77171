#include "daemon/meter/state_device.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "daemon/meter/proc_parse.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
namespace fs = std::filesystem;

namespace {

/// As the kernel writes it, with so many sectors written.
std::string stat_text(std::uint64_t sectors) {
    return "   12345     2   987654     4000    65432      8  " + std::to_string(sectors) +
           "    55000        0    30000    59000        0        0        0        0\n";
}

/// A made-up sysfs with a card of two partitions.
struct Sys {
    TempFolder folder;
    std::string sys = folder.file("sys");

    void add(const std::string& number, const std::string& name, std::uint64_t sectors) const {
        const auto device = sys + "/devices/platform/mmc0/block/" + name;
        fs::create_directories(device);
        fs::create_directories(sys + "/dev/block");
        std::ofstream{device + "/stat"} << stat_text(sectors);
        const auto link = sys + "/dev/block/" + number;
        if (!fs::is_symlink(link)) {
            fs::create_symlink("../../devices/platform/mmc0/block/" + name, link);
        }
    }
};

}  // namespace

TEST_CASE("StateDevice of a file system without a block device cannot be named", "[meter]") {
    const Sys sys;
    sys.add("0:2", "mmcblk0p2", 8);
    StateDevice device{"/no/such/folder", sys.sys};
    device.read();
    CHECK(device.name().empty());
    CHECK_FALSE(device.written_bytes());
    device.read(makedev(0, 2));
    CHECK(device.name().empty());
    CHECK_FALSE(device.written_bytes());
    device.read(makedev(179, 2));
    CHECK(device.name().empty());
    CHECK_FALSE(device.written_bytes());
}

TEST_CASE("StateDevice tells the bytes that the partition of the folder was given", "[meter]") {
    const Sys sys;
    sys.add("179:1", "mmcblk0p1", 1);
    sys.add("179:2", "mmcblk0p2", 2048);
    StateDevice device{"/", sys.sys};
    device.read(makedev(179, 2));
    CHECK(device.name() == "mmcblk0p2");
    CHECK(device.written_bytes() == 2048 * 512);
    sys.add("179:2", "mmcblk0p2", 4096);
    device.read(makedev(179, 2));
    CHECK(device.written_bytes() == 4096 * 512);
}

TEST_CASE("StateDevice follows the folder to another card, and forgets one that is gone",
          "[meter]") {
    const Sys sys;
    sys.add("179:2", "mmcblk0p2", 2048);
    sys.add("8:17", "sdb1", 3);
    StateDevice device{"/", sys.sys};
    device.read(makedev(179, 2));
    device.read(makedev(8, 17));
    CHECK(device.name() == "sdb1");
    CHECK(device.written_bytes() == 3 * 512);
    device.read(std::nullopt);
    CHECK(device.name().empty());
    CHECK_FALSE(device.written_bytes());
}

TEST_CASE("StateDevice asks for the device of the folder itself", "[meter]") {
    const Sys sys;
    struct stat about {};
    REQUIRE(::stat(sys.sys.c_str(), &about) != 0);
    fs::create_directories(sys.sys);
    REQUIRE(::stat(sys.sys.c_str(), &about) == 0);
    const auto number =
        std::to_string(major(about.st_dev)) + ":" + std::to_string(minor(about.st_dev));
    sys.add(number, "disk", 7);
    StateDevice device{sys.sys, sys.sys};
    device.read();
    if (major(about.st_dev) == 0) {
        CHECK(device.name().empty());
    } else {
        CHECK(device.name() == "disk");
        CHECK(device.written_bytes() == 7 * 512);
    }
}

TEST_CASE("A block device's stat without its seventh number, or with nonsense there, says nothing",
          "[meter]") {
    CHECK_FALSE(proc::parse_written_bytes(""));
    CHECK_FALSE(proc::parse_written_bytes("1 2 3 4 5 6"));
    CHECK_FALSE(proc::parse_written_bytes("1 2 3 4 5 6 x 8"));
    CHECK_FALSE(proc::parse_written_bytes("1 2 3 4 5 6 -7 8"));
    CHECK_FALSE(proc::parse_written_bytes("1 2 3 4 5 6 18446744073709551615 8"));
    CHECK(proc::parse_written_bytes(stat_text(9)) == 9 * 512);
}
