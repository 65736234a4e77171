#include "daemon/host/host_facts.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemon/host/mounts.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
namespace fs = std::filesystem;

namespace {

/// A /proc and a /sys of our own.
class Machine {
public:
    Machine() { write("proc/sys/kernel/random/boot_id", "0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11\n"); }

    void write(const std::string& path, const std::string& text) {
        const auto file = fs::path{folder_.file(path)};
        fs::create_directories(file.parent_path());
        std::ofstream{file, std::ios::binary} << text;
    }
    void remove(const std::string& path) { fs::remove_all(folder_.file(path)); }
    void add_interface(const std::string& name, const std::string& mac,
                       const std::string& assigned = "0", const std::string& bus = "platform") {
        write("sys/class/net/" + name + "/address", mac + "\n");
        write("sys/class/net/" + name + "/addr_assign_type", assigned + "\n");
        if (bus.empty()) return;
        fs::create_directories(folder_.file("sys/devices/" + bus + "/" + name));
        fs::create_symlink(folder_.file("sys/devices/" + bus + "/" + name),
                           folder_.file("sys/class/net/" + name + "/device"));
    }
    [[nodiscard]] Result<HostFacts> facts() const {
        HostPaths paths;
        paths.proc = folder_.file("proc");
        paths.sys = folder_.file("sys");
        return read_host_facts(paths);
    }
    [[nodiscard]] std::string hardware() const {
        const auto read = facts();
        REQUIRE(read);
        return read->hardware;
    }

private:
    TempFolder folder_;
};

constexpr char kSoc[] = "sys/firmware/devicetree/base/serial-number";

}  // namespace

TEST_CASE("read_host_facts without a boot_id says what may hide it", "[host]") {
    Machine machine;
    machine.remove("proc");
    const auto facts = machine.facts();
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Errc::bad_input);
    CHECK(facts.error().detail.find("boot_id") != std::string::npos);
    CHECK(facts.error().detail.find("ProcSubset") != std::string::npos);
}

TEST_CASE("read_host_facts refuses a boot_id that is none", "[host]") {
    Machine machine;
    for (const char* text : {"", "\n", "not a uuid\n", "0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d1\n",
                             "00000000-0000-0000-0000-000000000000\n"}) {
        machine.write("proc/sys/kernel/random/boot_id", text);
        const auto facts = machine.facts();
        REQUIRE_FALSE(facts);
        CHECK(facts.error().code == Errc::bad_input);
    }
}

TEST_CASE("read_host_facts reads the boot and the kernel", "[host]") {
    const Machine machine;
    const auto facts = machine.facts();
    REQUIRE(facts);
    CHECK(to_string(facts->boot) == "0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11");
    CHECK_FALSE(facts->kernel.empty());
    CHECK(facts->hardware.empty());
}

TEST_CASE("Hardware identity prefers the SoC's serial and ignores dummies", "[host]") {
    Machine machine;
    machine.add_interface("eth0", "dc:a6:32:01:02:03");
    const auto by_mac = machine.hardware();
    REQUIRE(by_mac.size() == 32);

    machine.write(kSoc, std::string("10000000a1b2c3d4\0", 17));
    const auto by_serial = machine.hardware();
    CHECK(by_serial.size() == 32);
    CHECK(by_serial != by_mac);

    for (const char* dummy : {"0000000000000000", "To be filled by O.E.M.", "Default string",
                              "None", "1234567890", "ffff-ffff", "   \n", "x"}) {
        machine.write(kSoc, dummy);
        INFO(dummy);
        CHECK(machine.hardware() == by_mac);
    }
}

TEST_CASE("Hardware identity is a digest: stable, different per board, without the MAC", "[host]") {
    Machine one;
    Machine two;
    one.add_interface("eth0", "dc:a6:32:01:02:03");
    two.add_interface("eth0", "dc:a6:32:01:02:04");
    CHECK(one.hardware() == one.hardware());
    CHECK(one.hardware() != two.hardware());
    CHECK(one.hardware().find("dca632") == std::string::npos);
    CHECK(one.hardware().find("010203") == std::string::npos);
    // A changed digest would open a new epoch on every device of the province.
    CHECK(one.hardware() == "9e16d664d1f825fa0a5beabe190b511c");
}

TEST_CASE("Hardware identity takes the lowest permanent MAC of a built-in interface", "[host]") {
    Machine machine;
    machine.add_interface("eth1", "dc:a6:32:01:02:09");
    const auto expected = machine.hardware();

    machine.add_interface("eth2", "dc:a6:32:01:02:0a");                   // higher
    machine.add_interface("usb0", "00:1e:10:00:00:01", "0", "pci/usb1");  // a modem stick
    machine.add_interface("br-lan", "00:00:5e:00:00:01", "0", "");        // no bus device
    machine.add_interface("wlan0", "00:00:5e:00:00:02", "3");             // set by software
    machine.add_interface("eth3", "02:00:00:00:00:01");                   // made up locally
    machine.add_interface("eth4", "01:00:00:00:00:01");                   // a group address
    machine.add_interface("eth5", "00:00:00:00:00:00");
    machine.add_interface("eth6", "nonsense");
    CHECK(machine.hardware() == expected);

    machine.add_interface("eth7", "00:00:5e:00:00:03");
    CHECK(machine.hardware() != expected);
}

TEST_CASE("Hardware identity falls back to USB interfaces, then to the mainboard's number",
          "[host]") {
    Machine machine;
    machine.write("sys/class/dmi/id/product_uuid", "4c4c4544-0042-3510-8051-b4c04f4d3132\n");
    const auto by_board = machine.hardware();
    CHECK(by_board.size() == 32);
    machine.add_interface("usb0", "00:1e:10:00:00:01", "0", "pci/usb1");
    CHECK(machine.hardware() != by_board);
    machine.remove("sys/class/net");
    CHECK(machine.hardware() == by_board);
    machine.write("sys/class/dmi/id/product_uuid", "03000200-0400-0500-0006-000700080009\n");
    CHECK(machine.hardware().empty());
    machine.write("sys/class/dmi/id/product_serial", "PF2ABCDE\n");
    CHECK(machine.hardware().size() == 32);
}

TEST_CASE("find_mount finds the deepest mount, the newest of equals", "[host]") {
    constexpr char kMounts[] =
        "22 1 179:2 / / rw,noatime shared:1 - ext4 /dev/mmcblk0p2 rw\n"
        "30 22 0:25 / /run rw,nosuid shared:5 - tmpfs tmpfs rw,size=100k\n"
        "nonsense\n"
        "31 22 0:26 / /var rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/mnt/up\\040per,"
        "workdir=/w\n"
        "32 31 0:27 / /var/lib rw shared:1 master:2 propagate_from:3 - tmpfs first rw\n"
        "33 31 0:28 / /var/lib rw - ext4 /dev/sda1 rw\n"
        "34 31 0:29 / /a\\040b rw - ext4 /dev/sdb1 rw";
    CHECK(find_mount(kMounts, "/etc/x")->source == "/dev/mmcblk0p2");
    CHECK(find_mount(kMounts, "/runner")->source == "/dev/mmcblk0p2");
    CHECK(find_mount(kMounts, "/run")->type == "tmpfs");
    CHECK(find_mount(kMounts, "/var/lib/gerbang")->source == "/dev/sda1");
    CHECK(find_mount(kMounts, "/a b/c")->source == "/dev/sdb1");
    const auto var = find_mount(kMounts, "/var/cache");
    REQUIRE(var);
    CHECK(mount_option(var->options, "upperdir") == "/mnt/up per");
    CHECK_FALSE(mount_option(var->options, "upper"));
    CHECK_FALSE(find_mount("", "/x"));
    CHECK_FALSE(find_mount("1 2 3 4 5 6 - ext4", "/x"));
}

TEST_CASE("is_really_ram knows tmpfs, also for a folder that is not there yet", "[host]") {
    if (!fs::is_directory("/dev/shm")) {
        WARN("skipped: no /dev/shm here");
        return;
    }
    CHECK(is_really_ram("/dev/shm"));
    CHECK(is_really_ram("/dev/shm/gerbang-not-there/state"));
    CHECK_FALSE(is_really_ram("/proc"));
    CHECK_FALSE(is_really_ram(""));
}
