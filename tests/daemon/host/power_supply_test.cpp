#include "daemon/host/power_supply.hpp"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_folder.hpp"

using namespace gerbang;
namespace fs = std::filesystem;

namespace {

/// A /sys with power supplies of our own, and the time.
class Box {
public:
    void set(const std::string& supply, const std::string& attribute, const std::string& value) {
        const auto folder = fs::path{folder_.file("class/power_supply")} / supply;
        fs::create_directories(folder);
        std::ofstream{folder / attribute, std::ios::binary} << value;
    }
    void remove(const std::string& path) {
        fs::remove_all(folder_.file("class/power_supply/" + path));
    }
    void add_mains(const std::string& name, bool is_online) {
        set(name, "type", "Mains\n");
        set(name, "online", is_online ? "1\n" : "0\n");
    }
    void add_battery(const std::string& status, int capacity) {
        set("battery", "type", "Battery\n");
        set("battery", "status", status + "\n");
        set("battery", "capacity", std::to_string(capacity) + "\n");
    }
    [[nodiscard]] std::string path(const std::string& below) const {
        return folder_.file("class/power_supply/" + below);
    }
    [[nodiscard]] const std::string& sys() const { return folder_.path(); }
    std::vector<PowerSupply> read_next(PowerSupplies& supplies) {
        now_ += Millis{10'000};
        return supplies.read(now_);
    }
    /// A minute later, when new supplies are looked for.
    std::vector<PowerSupply> read_later(PowerSupplies& supplies) {
        now_ += Millis{50'000};
        return read_next(supplies);
    }

private:
    TempFolder folder_;
    Monotonic now_{};
};

}  // namespace

TEST_CASE("A machine without power supplies has nothing to tell", "[host]") {
    Box box;
    PowerSupplies supplies{box.sys()};
    CHECK(box.read_next(supplies).empty());
    CHECK_FALSE(supplies.mains_is_on());
    CHECK_FALSE(supplies.battery_percent());
    CHECK_FALSE(supplies.battery_is_discharging());
}

TEST_CASE("Malformed power supplies are unknown and hurt nobody", "[host]") {
    Box box;
    box.set("empty", "type", "");
    box.set("long", "type", std::string(100'000, 'M'));
    box.set("odd name", "type", "Mains\n");
    box.set(std::string(60, 'n'), "type", "Mains\n");
    box.add_mains("ac", true);
    box.set("ac", "online", "-1\n");
    box.add_battery("Exploding", 101);
    fs::create_directories(box.path("ups"));
    const int made = ::mkfifo(box.path("ups/type").c_str(), 0600);  // must not be waited for
    REQUIRE(made == 0);
    PowerSupplies supplies{box.sys()};
    const auto told = box.read_next(supplies);
    REQUIRE(told.size() == 2);
    CHECK(told[0] == PowerSupply{.name = "ac", .kind = "mains", .status = ""});
    CHECK(told[1] == PowerSupply{.name = "battery", .kind = "battery", .status = ""});
    CHECK_FALSE(supplies.mains_is_on());

    box.set("ac", "online", "yes\n");
    box.set("battery", "capacity", "99999999999999999999\n");
    CHECK(box.read_next(supplies).empty());
    box.set("ac", "online", "");
    box.set("battery", "capacity", "50 %\n");
    CHECK(box.read_next(supplies).empty());
}

TEST_CASE("Supplies of attached devices and unknown kinds are left out", "[host]") {
    Box box;
    box.set("mouse", "type", "Battery\n");
    box.set("mouse", "scope", "Device\n");
    box.set("mouse", "capacity", "3\n");
    box.set("qi", "type", "Wireless\n");
    box.add_battery("Full", 100);
    box.set("battery", "scope", "System\n");
    PowerSupplies supplies{box.sys()};
    REQUIRE(box.read_next(supplies).size() == 1);
    CHECK(supplies.all()[0].name == "battery");
    CHECK(supplies.battery_percent() == 100u);
}

TEST_CASE("At most eight supplies are read, in order of name", "[host]") {
    Box box;
    for (int i = 19; i >= 10; --i) box.add_mains("ac" + std::to_string(i), true);
    PowerSupplies supplies{box.sys()};
    const auto told = box.read_next(supplies);
    REQUIRE(told.size() == kMaxPowerSupplies);
    CHECK(told.front().name == "ac10");
    CHECK(told.back().name == "ac17");
}

TEST_CASE("A power cut is told with the reading that sees it", "[host]") {
    Box box;
    box.add_mains("ac", true);
    PowerSupplies supplies{box.sys()};
    const auto first = box.read_next(supplies);
    REQUIRE(first.size() == 1);
    CHECK(first[0].is_online == true);
    CHECK(supplies.mains_is_on() == true);
    CHECK(box.read_next(supplies).empty());

    box.set("ac", "online", "0\n");
    const auto cut = box.read_next(supplies);
    REQUIRE(cut.size() == 1);
    CHECK(cut[0].is_online == false);
    CHECK(supplies.mains_is_on() == false);

    box.remove("ac/online");  // unreadable for a moment: unknown, no event
    CHECK(box.read_next(supplies).empty());
    CHECK_FALSE(supplies.mains_is_on());
}

TEST_CASE("Supplies are read every ten seconds and looked for once a minute", "[host]") {
    Box box;
    PowerSupplies supplies{box.sys()};
    Monotonic now{Millis{1'000}};
    CHECK(supplies.read(now).empty());
    box.add_mains("ac", true);
    CHECK(supplies.read(now + Millis{59'000}).empty());
    CHECK(supplies.read(now + Millis{60'000}).empty());  // found, but read a second ago
    CHECK(supplies.read(now + Millis{69'000}).size() == 1);
    box.set("ac", "online", "0\n");
    CHECK(supplies.read(now + Millis{78'000}).empty());
    CHECK(supplies.read(now + Millis{78'500}).size() == 1);
}

TEST_CASE("A capacity is told by ten per cent, a status at once", "[host]") {
    Box box;
    box.add_battery("Discharging", 80);
    PowerSupplies supplies{box.sys()};
    REQUIRE(box.read_next(supplies).size() == 1);
    CHECK(supplies.battery_is_discharging());
    box.add_battery("Discharging", 71);
    CHECK(box.read_next(supplies).empty());
    CHECK(supplies.battery_percent() == 71u);
    box.add_battery("Discharging", 70);
    const auto told = box.read_next(supplies);
    REQUIRE(told.size() == 1);
    CHECK(told[0].capacity_percent == 70u);
    box.add_battery("Discharging", 79);
    CHECK(box.read_next(supplies).empty());
    box.add_battery("Not charging", 79);
    REQUIRE(box.read_next(supplies).size() == 1);
    CHECK(supplies.all()[0].status == "not_charging");
    CHECK_FALSE(supplies.battery_is_discharging());
}

TEST_CASE("An input that was never on tells nothing unless there is a battery", "[host]") {
    Box box;
    box.add_mains("ac", false);
    box.set("typec", "type", "USB_C\n");
    box.set("typec", "online", "0\n");
    PowerSupplies supplies{box.sys()};
    (void)box.read_next(supplies);
    CHECK_FALSE(supplies.mains_is_on());

    // A phone that charged the box for a minute is no mains.
    box.set("typec", "online", "2\n");
    (void)box.read_next(supplies);
    CHECK_FALSE(supplies.mains_is_on());
    box.set("typec", "online", "0\n");

    SECTION("with a battery it does") {
        box.add_battery("Discharging", 60);
        (void)box.read_later(supplies);
        CHECK(supplies.mains_is_on() == false);
        box.set("typec", "online", "1\n");
        (void)box.read_next(supplies);
        CHECK(supplies.mains_is_on() == true);
    }
    SECTION("an empty place for a battery is none") {
        box.add_battery("Unknown", 0);
        box.set("battery", "present", "0\n");
        (void)box.read_later(supplies);
        CHECK_FALSE(supplies.mains_is_on());
        CHECK_FALSE(supplies.battery_percent());
    }
    SECTION("once seen on, it does") {
        box.add_mains("ac", true);
        (void)box.read_next(supplies);
        CHECK(supplies.mains_is_on() == true);
        box.add_mains("ac", false);
        (void)box.read_next(supplies);
        CHECK(supplies.mains_is_on() == false);
    }
}

TEST_CASE("The configuration names the input that tells, or none", "[host]") {
    Box box;
    box.add_mains("ac", false);
    box.add_mains("other", true);
    PowerSupplies named{box.sys(), "ac"};
    (void)box.read_next(named);
    CHECK(named.mains_is_on() == false);
    PowerSupplies absent{box.sys(), "gone"};
    (void)box.read_next(absent);
    CHECK_FALSE(absent.mains_is_on());
    PowerSupplies none{box.sys(), "none"};
    (void)box.read_next(none);
    CHECK_FALSE(none.mains_is_on());
    CHECK(none.all().size() == 2);
}

TEST_CASE("A supply that went is told once, one that comes back again", "[host]") {
    Box box;
    box.set("ups", "type", "UPS\n");
    box.set("ups", "online", "1\n");
    box.set("ups", "capacity", "90\n");
    box.add_mains("ac", true);
    PowerSupplies supplies{box.sys()};
    REQUIRE(box.read_next(supplies).size() == 2);
    box.remove("ups");
    auto told = box.read_later(supplies);
    REQUIRE(told.size() == 1);
    CHECK(told[0] == PowerSupply{.name = "ups", .kind = "ups", .status = "gone"});
    CHECK(supplies.all().size() == 1);
    CHECK(box.read_later(supplies).empty());
    box.set("ups", "type", "UPS\n");
    box.set("ups", "online", "1\n");
    told = box.read_later(supplies);
    REQUIRE(told.size() == 1);
    CHECK(told[0].is_online == true);
}

TEST_CASE("A new epoch hears of every supply again", "[host]") {
    Box box;
    box.add_mains("ac", true);
    PowerSupplies supplies{box.sys()};
    REQUIRE(box.read_next(supplies).size() == 1);
    supplies.retell();
    CHECK(box.read_next(supplies).size() == 1);
    CHECK(box.read_next(supplies).empty());
}
