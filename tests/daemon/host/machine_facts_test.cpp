#include "daemon/host/machine_facts.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.hpp"

using namespace gerbang;

namespace {

const std::string kBoot = "0e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11";
const std::string kNextBoot = "1e3b5c0a-7a57-4d0c-9d4a-1f5f0c1f7d11";

std::string defect_of(const std::string& text) {
    const auto facts = parse_machine_facts(text);
    if (facts) return "";
    CHECK(facts.error().code == Errc::bad_input);
    return facts.error().detail;
}

}  // namespace

TEST_CASE("Machine facts that are no facts are refused with their line", "[host]") {
    using Catch::Contains;
    CHECK_THAT(defect_of("reset_reason=watchdog"), Contains("line 1: the line break is missing"));
    CHECK_THAT(defect_of("reset_reason=a\nreset_reason=b\n"), Contains("line 2: given twice"));
    CHECK_THAT(defect_of("\n\nshutdown_target=sleep\n"), Contains("line 3: expected reboot"));
    CHECK_THAT(defect_of("previous_boot=yes\n"), Contains("line 1: not a boot id"));
    CHECK_THAT(defect_of("previous_boot=00000000-0000-0000-0000-000000000000\n"),
               Contains("not a boot id"));
    CHECK_THAT(defect_of("previous_boot=" + kBoot + "\nprevious_boot=" + kBoot + "\n"),
               Contains("line 2: given twice"));
    CHECK_THAT(defect_of("boot=\n"), Contains("1 to 64 bytes"));
    CHECK_THAT(defect_of("boot=yes\n"), Contains("not a boot id"));
    CHECK_THAT(defect_of("boot=" + kBoot + "\nboot=" + kBoot + "\n"), Contains("given twice"));
    CHECK_THAT(defect_of("shutdown_target=halt\nshutdown_target=halt\n"), Contains("given twice"));
    CHECK_THAT(defect_of("offloads=known\noffloads=known\n"), Contains("given twice"));
    CHECK_THAT(defect_of("offloads=perhaps\n"), Contains("expected known"));
    CHECK_THAT(defect_of("flowtable=a/b\n"), Contains("not a name"));
    CHECK_THAT(defect_of("flowtable=sixteen-bytes-xx\n"), Contains("not a name"));
    CHECK_THAT(defect_of("crash_dump=../../etc/passwd\n"), Contains("not a name"));
    CHECK_THAT(defect_of("reset_reason=\n"), Contains("1 to 64 bytes"));
    CHECK_THAT(defect_of("reset_reason=" + std::string(65, 'x') + "\n"), Contains("1 to 64 bytes"));
    CHECK_THAT(defect_of("reset_reason=a\tb\n"), Contains("not printable"));
    CHECK_THAT(defect_of("reset_reason=\xc3\xa9\n"), Contains("not printable"));
    CHECK_THAT(defect_of("just words\n"), Contains("expected key=value"));
    CHECK_THAT(defect_of("=value\n"), Contains("expected key=value"));
    CHECK_THAT(defect_of("Key=value\n"), Contains("expected key=value"));
    CHECK_THAT(defect_of(std::string(kMaxFactsBytes + 1, '\n')), Contains("larger than 16 KiB"));
}

TEST_CASE("Machine facts are read with every key", "[host]") {
    const auto facts = parse_machine_facts(
        "# gathered by root\n\nboot=" + kNextBoot + "\nprevious_boot=" + kBoot +
        "\nshutdown_target=poweroff\nreset_reason=power-on\ncrash_dump=dmesg-ramoops-0\n"
        "crash_dump=dmesg-ramoops-1\nflowtable=eth0\nflowtable=eth1\nhw_offload=eth0\n"
        "offloads=known\nlater_key=what a newer one says\n");
    REQUIRE(facts);
    REQUIRE(facts->boot);
    CHECK(to_string(*facts->boot) == kNextBoot);
    REQUIRE(facts->previous_boot);
    CHECK(to_string(*facts->previous_boot) == kBoot);
    CHECK(facts->shutdown_target == "poweroff");
    CHECK(facts->reset_reason == "power-on");
    CHECK(facts->crash_dumps == std::vector<std::string>{"dmesg-ramoops-0", "dmesg-ramoops-1"});
    CHECK(facts->flowtables == std::vector<std::string>{"eth0", "eth1"});
    CHECK(facts->hw_offloads == std::vector<std::string>{"eth0"});
    CHECK(facts->offloads_are_known);
    CHECK(facts->unknown_keys == 1);

    const auto nothing = parse_machine_facts("");
    REQUIRE(nothing);
    CHECK_FALSE(nothing->boot);
    CHECK_FALSE(nothing->previous_boot);
    CHECK_FALSE(nothing->offloads_are_known);
}

TEST_CASE("More values of a repeated key than the bound are dropped", "[host]") {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "flowtable=eth" + std::to_string(i) + "\n";
    const auto facts = parse_machine_facts(text);
    REQUIRE(facts);
    CHECK(facts->flowtables.size() == kMaxFactValues);
    CHECK(facts->flowtables.back() == "eth31");
}

TEST_CASE("The file of facts may be missing, no file, or too large", "[host]") {
    TempFolder folder;
    HostPaths paths;
    paths.facts = folder.file("facts");
    auto facts = read_machine_facts(paths);
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Errc::not_found);

    const int made = ::mkfifo(paths.facts.c_str(), 0600);
    REQUIRE(made == 0);
    facts = read_machine_facts(paths);  // and does not wait for a writer
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Errc::bad_input);
    ::unlink(paths.facts.c_str());

    std::ofstream{paths.facts} << "reset_reason=watchdog\n" << std::string(kMaxFactsBytes, '\n');
    facts = read_machine_facts(paths);
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Errc::bad_input);

    std::ofstream{paths.facts} << "reset_reason=watchdog\n";
    facts = read_machine_facts(paths);
    REQUIRE(facts);
    CHECK(facts->reset_reason == "watchdog");
}
