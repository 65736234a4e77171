// systemd/gerbang-facts against a machine of our own: what the script writes, the parser reads.

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "daemon/host/machine_facts.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
namespace fs = std::filesystem;

namespace {

const std::string kBoots[] = {
    "0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11", "1e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11",
    "2e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11", "3e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11"};

/// A root with /proc and /sys, and programs before those of the system in PATH.
class Machine {
public:
    Machine() {
        boot(0);
        tool("nft", "exit 0");
        tool("ethtool", "exit 1");
        tool("systemctl", "exit 1");
    }
    void boot(int number) { write("root/proc/sys/kernel/random/boot_id", kBoots[number] + "\n"); }
    void write(const std::string& name, const std::string& text) {
        const auto file = fs::path{folder_.file(name)};
        fs::create_directories(file.parent_path());
        std::ofstream{file, std::ios::binary} << text;
    }
    void remove(const std::string& name) { fs::remove_all(folder_.file(name)); }
    /// A program that does `body`.
    void tool(const std::string& name, const std::string& body) {
        write("bin/" + name, "#!/bin/sh\n" + body + "\n");
        fs::permissions(folder_.file("bin/" + name), fs::perms::owner_all);
    }
    void prints(const std::string& name, const std::string& text) {
        write("bin/" + name + ".txt", text);
        tool(name, "exec cat '" + folder_.file("bin/" + name) + ".txt'");
    }
    /// The jobs of a shutdown with this target under way.
    void shuts_down(const std::string& target) {
        prints("systemctl", " 811 " + target + ".target        start waiting\n" +
                                " 812 gerbang.service stop  running\n" + " 813 systemd-" + target +
                                ".service start waiting\n");
    }
    int run(const std::string& what, const std::string& before = "") {
        const auto command = before + "env PATH='" + folder_.file("bin") + "':\"$PATH\"" +
                             " GERBANG_FACTS_ROOT='" + folder_.file("root") + "'" +
                             " RUNTIME_DIRECTORY='" + folder_.file("run") + "'" +
                             " STATE_DIRECTORY='" + folder_.file("state") + "'" +
                             " sh " GERBANG_SOURCE_DIR "/systemd/gerbang-facts " + what + " 2>>'" +
                             folder_.file("said") + "'";
        const int status = std::system(command.c_str());
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    MachineFacts gather() {
        REQUIRE(run("gather") == 0);
        return facts();
    }
    MachineFacts facts() {
        HostPaths paths;
        paths.facts = folder_.file("run/facts");
        const auto read = read_machine_facts(paths);
        INFO((read ? "" : read.error().detail));
        REQUIRE(read);
        CHECK(read->unknown_keys == 0);
        return *read;
    }
    std::string reset_reason() { return gather().reset_reason; }
    void write_long_ago(const std::string& name, const std::string& text) {
        write(name, text);
        fs::last_write_time(folder_.file(name),
                            fs::file_time_type::clock::now() - std::chrono::hours{24 * 20});
    }

    const TempFolder& folder() const { return folder_; }

private:
    TempFolder folder_;
};

}  // namespace

TEST_CASE("gerbang-facts fails aloud without a boot id, and knows no other words", "[host]") {
    Machine machine;
    machine.remove("root/proc/sys/kernel/random/boot_id");
    CHECK(machine.run("gather") == 1);
    CHECK_FALSE(fs::exists(machine.folder().file("run/facts")));
    CHECK(machine.run("") == 2);
    CHECK(machine.run("anything") == 2);
}

TEST_CASE("gerbang-facts of a machine that tells nothing is an empty set of facts", "[host]") {
    Machine machine;
    const auto facts = machine.gather();
    REQUIRE(facts.boot);
    CHECK(to_string(*facts.boot) == kBoots[0]);
    CHECK_FALSE(facts.previous_boot);
    CHECK(facts.shutdown_target.empty());
    CHECK(facts.reset_reason.empty());
    CHECK(facts.crash_dumps.empty());
    CHECK(facts.flowtables.empty());
    CHECK(facts.offloads_are_known);

    // The daemon reads it as another user, whatever the unit's umask.
    machine.remove("run/facts");
    REQUIRE(machine.run("gather", "umask 077; ") == 0);
    const auto mode = fs::status(machine.folder().file("run/facts")).permissions();
    CHECK((mode & fs::perms::others_read) != fs::perms::none);
}

TEST_CASE("gerbang-facts tells the target of the shutdown after it", "[host]") {
    for (const auto* target : {"reboot", "poweroff", "halt", "kexec"}) {
        Machine machine;
        (void)machine.gather();
        machine.shuts_down(target);
        CHECK(machine.run("mark") == 0);
        machine.boot(1);
        for (int hour = 0; hour < 2; ++hour) {  // also when it gathers again
            const auto facts = machine.gather();
            REQUIRE(facts.boot);
            CHECK(to_string(*facts.boot) == kBoots[1]);
            REQUIRE(facts.previous_boot);
            CHECK(to_string(*facts.previous_boot) == kBoots[0]);
            CHECK(facts.shutdown_target == target);
        }
        machine.boot(2);  // that one was cut off
        const auto facts = machine.gather();
        REQUIRE(facts.previous_boot);
        CHECK(to_string(*facts.previous_boot) == kBoots[1]);
        CHECK(facts.shutdown_target.empty());
    }
}

TEST_CASE("gerbang-facts marks nothing without a shutdown under way", "[host]") {
    Machine machine;
    (void)machine.gather();
    machine.prints("systemctl",
                   " 7 reboot-note.service start running\n 8 x.target start waiting\n"
                   " 9 reboot.target stop waiting\n");
    CHECK(machine.run("mark") == 0);
    machine.tool("systemctl", "exit 1");
    CHECK(machine.run("mark") == 0);
    machine.boot(1);
    CHECK(machine.gather().shutdown_target.empty());
}

TEST_CASE("gerbang-facts forgets the mark of a shutdown that was called off", "[host]") {
    Machine machine;
    (void)machine.gather();
    machine.shuts_down("reboot");
    CHECK(machine.run("mark") == 0);
    (void)machine.gather();  // the same boot goes on
    machine.boot(1);
    CHECK(machine.gather().shutdown_target.empty());
}

TEST_CASE("gerbang-facts does not believe a damaged mark", "[host]") {
    for (const auto& mark :
         {std::string{}, std::string{"garbage\n"}, kBoots[0], kBoots[0] + " sleep\n",
          kBoots[3] + " reboot\n", std::string("\0\0\0\0", 4)}) {
        Machine machine;
        (void)machine.gather();
        machine.write("state/mark", mark);
        machine.boot(1);
        CHECK(machine.gather().shutdown_target.empty());
    }
}

TEST_CASE("gerbang-facts counts a crash dump once, on the boot after it", "[host]") {
    Machine machine;
    machine.write("root/sys/fs/pstore/dmesg-ramoops-0", "Panic#1 Part1\nold\n");
    CHECK(machine.gather().crash_dumps.empty());  // nobody knows of which boot it is

    machine.boot(1);
    machine.write("root/sys/fs/pstore/dmesg-ramoops-1", "Panic#1 Part1\nnew\n");
    machine.write("root/sys/fs/pstore/dmesg-ramoops-2", "Oops#1 Part1\nthe machine went on\n");
    machine.write("root/sys/fs/pstore/console-ramoops-0", "there on every boot\n");
    CHECK(machine.gather().crash_dumps == std::vector<std::string>{"dmesg-ramoops-1"});
    CHECK(machine.gather().crash_dumps == std::vector<std::string>{"dmesg-ramoops-1"});

    // systemd moves it into its archive; it stays the same dump.
    machine.boot(2);
    machine.remove("root/sys/fs/pstore/dmesg-ramoops-1");
    machine.write("root/var/lib/systemd/pstore/1700000000/dmesg-ramoops-1", "Panic#1 Part1\nnew\n");
    CHECK(machine.gather().crash_dumps.empty());

    // The next crash uses the same name.
    machine.boot(3);
    machine.write("root/sys/fs/pstore/dmesg-ramoops-1", "Panic#2 Part1\nnewer\n");
    CHECK(machine.gather().crash_dumps == std::vector<std::string>{"dmesg-ramoops-1"});
}

TEST_CASE("gerbang-facts tells no crash dump whose boot it does not know", "[host]") {
    Machine machine;
    const auto* dump = "root/sys/fs/pstore/dmesg-efi-1";
    (void)machine.gather();
    SECTION("of weeks ago, when the store's driver was not there") {
        machine.boot(1);
        machine.write_long_ago(dump, "Panic#1 Part1\nold\n");
    }
    SECTION("when the list of the known ones is lost") {
        machine.write(dump, "Panic#1 Part1\nknown\n");
        machine.boot(1);
        (void)machine.gather();
        machine.boot(2);
        machine.remove("state/dumps");
    }
    SECTION("when the time of the last look is lost") {
        machine.boot(1);
        machine.remove("state/since");
        machine.write(dump, "Panic#1 Part1\nnew\n");
    }
    SECTION("when the boot before ended in the middle of this work") {
        machine.write(dump, "Panic#1 Part1\nof the first boot\n");
        machine.boot(1);
        // Only its first step was done.
        machine.write("state/boot", kBoots[1] + "\n");
        machine.boot(2);
    }
    const auto facts = machine.gather();
    CHECK(facts.previous_boot);
    CHECK(facts.crash_dumps.empty());
    // Nor later: it is known now.
    machine.boot(3);
    CHECK(machine.gather().crash_dumps.empty());
}

TEST_CASE("gerbang-facts names the boot before this only when it knows it", "[host]") {
    Machine machine;
    (void)machine.gather();
    SECTION("not when its memory is damaged") {
        for (const auto& text : {std::string{}, std::string{"garbage\n"}, kBoots[0].substr(1)}) {
            machine.write("state/boot", text);
            machine.boot(1);
            const auto facts = machine.gather();
            REQUIRE(facts.boot);
            CHECK_FALSE(facts.previous_boot);
            machine.boot(2);
            CHECK(machine.gather().previous_boot);
        }
    }
    SECTION("not when it was interrupted on this very boot") {
        machine.shuts_down("reboot");
        CHECK(machine.run("mark") == 0);
        machine.write("state/boot", kBoots[1] + "\n");
        machine.boot(1);
        const auto facts = machine.gather();
        REQUIRE(facts.boot);
        CHECK(to_string(*facts.boot) == kBoots[1]);
        CHECK_FALSE(facts.previous_boot);
        CHECK(facts.shutdown_target.empty());
        machine.boot(2);
        CHECK(machine.gather().shutdown_target.empty());
    }
    SECTION("not when nothing can be remembered") {
        machine.remove("state");
        machine.write("state", "no folder");
        machine.boot(1);
        CHECK(machine.run("gather") == 1);
        // The old file stays as it is: the daemon sees that it is of another boot.
        CHECK(to_string(*machine.facts().boot) == kBoots[0]);
    }
}

TEST_CASE("gerbang-facts bounds what a full crash store makes of the facts", "[host]") {
    Machine machine;
    (void)machine.gather();
    machine.boot(1);
    for (int i = 0; i < 80; ++i)
        machine.write("root/sys/fs/pstore/dmesg-efi-" + std::string(120, 'x') + std::to_string(i),
                      "Panic#1 Part" + std::to_string(i) + "\n");
    CHECK(machine.gather().crash_dumps.size() == 32);
}

TEST_CASE("gerbang-facts reads why the boot began where hardware says it", "[host]") {
    Machine machine;
    CHECK(machine.reset_reason().empty());
    SECTION("the reset controller's word wins") {
        const auto at = std::string{"root/sys/devices/platform/soc/fffffe10.rstc/power_on_reason"};
        machine.write("root/sys/class/watchdog/watchdog0/bootstatus", "32\n");
        machine.write(at, "regular power-up\n");
        CHECK(machine.reset_reason() == "power-on");
        machine.write(at, "watchdog timeout\n");
        CHECK(machine.reset_reason() == "watchdog");
        machine.write(at, "brown-out reset\n");
        CHECK(machine.reset_reason() == "brownout");
        machine.write(at, "software reset\n");
        CHECK(machine.reset_reason() == "software");
        machine.write(at, "unknown reason\n");
        CHECK(machine.reset_reason() == "watchdog");
    }
    SECTION("a watchdog's status is a set of bits") {
        const auto at = std::string{"root/sys/class/watchdog/watchdog0/bootstatus"};
        machine.write(at, "0\n");
        CHECK(machine.reset_reason().empty());
        machine.write(at, "33\n");
        CHECK(machine.reset_reason() == "watchdog");
        machine.write(at, "16\n");
        CHECK(machine.reset_reason() == "brownout");
        for (const auto* odd : {"", "-1\n", "0x20\n", "99999999999999999999\n", "what\n"}) {
            machine.write(at, odd);
            CHECK(machine.reset_reason().empty());
        }
    }
    SECTION("a Raspberry Pi tells power-on from the rest, and no more") {
        const auto at = std::string{"root/proc/device-tree/chosen/bootloader/rsts"};
        machine.write(at, std::string("\0\0\x10\0", 4));
        CHECK(machine.reset_reason() == "power-on");
        machine.write(at, std::string("\0\0\0\x20", 4));
        CHECK(machine.reset_reason().empty());
        machine.write(at, "\x10");
        CHECK(machine.reset_reason().empty());
        machine.write("root/proc/device-tree/chosen/power/power_reset", std::string("\0\0\0\2", 4));
        CHECK(machine.reset_reason() == "brownout");
    }
}

TEST_CASE("gerbang-facts finds flowtables in what nft prints", "[host]") {
    Machine machine;
    machine.prints("nft",
                   "table inet fw {\n\tflowtable ft {\n\t\thook ingress priority filter\n"
                   "\t\tdevices = { eth0, \"eth1.10\" }\n\t}\n"
                   "\tflowtable hard {\n\t\thook ingress priority filter\n"
                   "\t\tdevices = { lan1,\n\t\t\t    lan2 }\n\t\tflags offload\n\t\tcounter\n\t}\n"
                   "\tflowtable last {\n\t\thook ingress priority filter\n\t}\n}\n");
    const auto facts = machine.gather();
    CHECK(facts.flowtables == std::vector<std::string>{"eth0", "eth1.10", "lan1", "lan2"});
    CHECK(facts.hw_offloads == std::vector<std::string>{"lan1", "lan2"});
    CHECK(facts.offloads_are_known);
}

TEST_CASE("gerbang-facts does not claim to know offloads that it could not list", "[host]") {
    Machine machine;
    machine.tool("nft", "echo 'Operation not permitted' >&2; exit 1");
    CHECK_FALSE(machine.gather().offloads_are_known);
}

TEST_CASE("gerbang-facts finds accelerators by their modules and filters in hardware", "[host]") {
    Machine machine;
    machine.write("root/proc/modules",
                  "shortcut_fe 61440 0 - Live 0x0\nnf_flow_table 49152 0 - Live 0x0\n");
    machine.write("root/sys/class/net/eth0/device/vendor", "0x1\n");
    machine.write("root/sys/class/net/eth1/device/vendor", "0x1\n");
    machine.prints("ethtool", "Features for eth0:\nhw-tc-offload: on\n");
    machine.tool("tc", "[ \"$4\" = eth1 ] && echo 'filter protocol ip in_hw in_hw_count 1'");
    CHECK(machine.gather().hw_offloads == std::vector<std::string>{"shortcut_fe", "eth1"});
}

TEST_CASE("gerbang-facts finds a real flowtable in a network namespace", "[host]") {
    Machine machine;
    machine.remove("bin/nft");
    // `run` puts words before its command: the script runs inside, after `setup`.
    const auto inside = [](const std::string& setup) {
        return "unshare -n sh -c \"" + setup + " && exec \\\"\\$@\\\"\" - ";
    };
    const auto quiet = std::string{" >/dev/null 2>&1"};
    const auto table = std::string{"nft add table inet f"};
    if (std::system((inside(table) + "true" + quiet).c_str()) != 0) {
        WARN("skipped: needs root, unshare and nft");
        return;
    }
    REQUIRE(machine.run("gather", inside(table)) == 0);
    CHECK(machine.facts().flowtables.empty());
    CHECK(machine.facts().offloads_are_known);

    const auto flowtable =
        table +
        " && ip link add d0 type dummy && ip link set d0 up && "
        "nft add flowtable inet f ft '{ hook ingress priority 0; devices = { d0 }; }'";
    if (std::system((inside(flowtable) + "true" + quiet).c_str()) != 0) {
        WARN("skipped: needs a kernel with nf_flow_table");
        return;
    }
    REQUIRE(machine.run("gather", inside(flowtable)) == 0);
    CHECK(machine.facts().flowtables == std::vector<std::string>{"d0"});
    CHECK(machine.facts().hw_offloads.empty());
}
