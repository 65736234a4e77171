#include "daemon/host/ring.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "daemon/host/ring_layout.hpp"
#include "tests/daemon/host/ring_script.hpp"
#include "tests/support/memory_ring.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using ring_test::Model;

namespace {

constexpr std::uint64_t kCapacity = 64 * 1024;

BootId boot_number(std::uint8_t number) {
    BootId boot;
    boot.bytes.fill(number);
    return boot;
}

std::unique_ptr<Ring> open_or_fail(const std::string& path, const BootId& boot = boot_number(1),
                                   std::uint64_t capacity = kCapacity) {
    auto ring = open_ring(path, boot, capacity);
    if (!ring) FAIL(ring.error().detail);
    return std::move(ring).value();
}

std::string read_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void write_file(const std::string& path, const std::string& bytes) {
    std::ofstream file{path, std::ios::binary | std::ios::trunc};
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

bool is_root() {
    return ::geteuid() == 0;
}

}  // namespace

TEST_CASE("open_ring refuses a capacity outside 64 KiB to 64 MiB", "[host][ring]") {
    const TempFolder folder;
    for (const std::uint64_t capacity :
         {std::uint64_t{0}, kCapacity - 1, (std::uint64_t{64} << 20) + 1}) {
        const auto ring = open_ring(folder.file("ring"), boot_number(1), capacity);
        REQUIRE_FALSE(ring);
        CHECK(ring.error().code == Errc::bad_input);
        CHECK(ring.error().detail.find("64 KiB to 64 MiB") != std::string::npos);
    }
    CHECK_FALSE(std::filesystem::exists(folder.file("ring")));
}

TEST_CASE("open_ring in a folder that is not there says what must exist", "[host][ring]") {
    const TempFolder folder;
    const auto ring = open_ring(folder.file("missing/ring"), boot_number(1), kCapacity);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code == Errc::storage_broken);
    CHECK(ring.error().detail.find("missing/ring") != std::string::npos);
    CHECK(ring.error().detail.find("RuntimeDirectory") != std::string::npos);
}

TEST_CASE("open_ring never follows a symbolic link", "[host][ring]") {
    const TempFolder folder;
    write_file(folder.file("precious"), "precious");
    REQUIRE(::symlink(folder.file("precious").c_str(), folder.file("ring").c_str()) == 0);
    const auto ring = open_ring(folder.file("ring"), boot_number(1), kCapacity);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code == Errc::storage_broken);
    CHECK(ring.error().detail.find("symbolic link") != std::string::npos);
    CHECK(read_file(folder.file("precious")) == "precious");
}

TEST_CASE("open_ring leaves alone what is not a plain file of its user", "[host][ring]") {
    const TempFolder folder;
    SECTION("a second name of another file") {
        write_file(folder.file("precious"), "precious");
        REQUIRE(::link(folder.file("precious").c_str(), folder.file("ring").c_str()) == 0);
    }
    SECTION("a pipe") {
        REQUIRE(::mkfifo(folder.file("ring").c_str(), 0600) == 0);
    }
    SECTION("a folder") {
        std::filesystem::create_directory(folder.file("ring"));
    }
    SECTION("a file of somebody else") {
        if (!is_root()) {
            WARN("skipped: changing a file's owner needs root");
            return;
        }
        write_file(folder.file("ring"), "");
        REQUIRE(::chown(folder.file("ring").c_str(), 1, 1) == 0);
    }
    const auto ring = open_ring(folder.file("ring"), boot_number(1), kCapacity);
    REQUIRE_FALSE(ring);
    CHECK(ring.error().code == Errc::storage_broken);
    if (std::filesystem::exists(folder.file("precious"))) {
        CHECK(read_file(folder.file("precious")) == "precious");
    }
}

TEST_CASE("open_ring makes a file that only its user can read", "[host][ring]") {
    const TempFolder folder;
    const auto mask = ::umask(0);
    (void)open_or_fail(folder.file("ring"));
    ::umask(mask);
    struct stat about {};
    REQUIRE(::stat(folder.file("ring").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    // Wholly allocated, so that a full RAM file system cannot kill the daemon later.
    CHECK(static_cast<std::uint64_t>(about.st_blocks) * 512 >= kCapacity);
}

TEST_CASE("Ring that is full refuses the entry, changes nothing, and goes on after a release",
          "[host][ring]") {
    const TempFolder folder;
    const auto ring = open_or_fail(folder.file("ring"));
    const std::string kilobyte(1000, 'k');
    std::uint64_t last = 0;
    for (;;) {
        const auto number = ring->append(kilobyte);
        if (!number) {
            CHECK(number.error().code == Errc::storage_full);
            break;
        }
        last = *number;
    }
    CHECK(last == kCapacity / 1016);
    CHECK(ring->used_bytes() == last * 1016);
    CHECK_FALSE(ring->append(std::string(2 * kCapacity, 'x')));

    ring->release(1);
    CHECK(*ring->append(kilobyte) == last + 1);  // at the front: the ring wraps around
    CHECK_FALSE(ring->append(kilobyte));

    const auto left = open_or_fail(folder.file("ring"))->left_behind();
    REQUIRE(left.entries.size() == last);
    CHECK(left.entries.front().number == 2);
    CHECK(left.entries.back().number == last + 1);
    CHECK(left.entries.back().bytes == kilobyte);
}

TEST_CASE("Ring keeps entries and intent for the next process of the same boot", "[host][ring]") {
    const TempFolder folder;
    Ring::Intent intent;
    intent.epoch.bytes.fill(7);
    intent.first = Seq{10};
    intent.last = Seq{12};
    intent.through = 2;
    {
        const auto ring = open_or_fail(folder.file("ring"));
        CHECK(ring->left_behind().entries.empty());
        CHECK(*ring->append("one") == 1);
        CHECK(*ring->append("") == 2);
        CHECK(*ring->append(std::string("three\0", 6)) == 3);
        ring->intend(intent);
        CHECK(ring->left_behind().entries.empty());  // nobody left them behind: they are ours
    }
    const auto ring = open_or_fail(folder.file("ring"));
    auto left = ring->left_behind();
    REQUIRE(left.entries.size() == 3);
    CHECK(left.entries[0].bytes == "one");
    CHECK(left.entries[1].bytes.empty());
    CHECK(left.entries[2].bytes == std::string("three\0", 6));
    CHECK(left.intent.epoch == intent.epoch);
    CHECK(left.intent.first == Seq{10});
    CHECK(left.intent.last == Seq{12});
    CHECK(left.intent.through == 2);

    ring->release(2);
    CHECK(*ring->append("four") == 4);
    left = ring->left_behind();
    CHECK(left.entries.size() == 1);
    CHECK(left.intent.last == Seq{12});  // as found
    const auto again = open_or_fail(folder.file("ring"))->left_behind();
    CHECK(again.entries.size() == 2);
    CHECK(again.intent.last == Seq{0});
}

TEST_CASE("Ring keeps the intent while only entries before its end are given up", "[host][ring]") {
    const TempFolder folder;
    MemoryRing memory;
    for (const bool in_memory : {false, true}) {
        const auto open = [&] {
            return in_memory ? memory.open(boot_number(1)) : open_or_fail(folder.file("ring"));
        };
        const auto ring = open();
        for (int i = 0; i < 5; ++i) REQUIRE(ring->append("entry"));
        ring->intend({.epoch = {}, .first = Seq{1}, .last = Seq{4}, .through = 4});
        ring->release(2);
        CHECK(open()->left_behind().intent.last == Seq{4});
        ring->release(4);
        CHECK(open()->left_behind().intent.last == Seq{0});
        CHECK(open()->left_behind().entries.size() == 1);
    }
}

TEST_CASE("Ring of another boot is discarded, whatever it holds", "[host][ring]") {
    const TempFolder folder;
    REQUIRE(open_or_fail(folder.file("ring"), boot_number(1))->append("old"));
    const auto ring = open_or_fail(folder.file("ring"), boot_number(2));
    CHECK(ring->left_behind().entries.empty());
    CHECK(*ring->append("new") == 1);
    CHECK(open_or_fail(folder.file("ring"), boot_number(2))->left_behind().entries.size() == 1);
}

TEST_CASE("Ring of another size keeps it while it holds entries, else is made anew",
          "[host][ring]") {
    const TempFolder folder;
    REQUIRE(open_or_fail(folder.file("ring"))->append("held"));
    {
        const auto ring = open_or_fail(folder.file("ring"), boot_number(1), 4 * kCapacity);
        CHECK(ring->capacity_bytes() == kCapacity);
        REQUIRE(ring->left_behind().entries.size() == 1);
        ring->release(1);
    }
    const auto ring = open_or_fail(folder.file("ring"), boot_number(1), 4 * kCapacity);
    CHECK(ring->capacity_bytes() == 4 * kCapacity);
}

TEST_CASE("Ring file that was cut or lengthened is made anew", "[host][ring]") {
    const TempFolder folder;
    for (const std::uint64_t size : {0ull, 1ull, 4096ull, 69631ull, 69633ull, 100ull << 20}) {
        REQUIRE(open_or_fail(folder.file("ring"))->append("held"));
        std::filesystem::resize_file(folder.file("ring"), size);
        const auto ring = open_or_fail(folder.file("ring"));
        INFO("size " << size);
        CHECK(ring->left_behind().entries.empty());
        CHECK(ring->capacity_bytes() == kCapacity);
        CHECK(std::filesystem::file_size(folder.file("ring")) == 4096 + kCapacity);
    }
}

TEST_CASE("Ring starts again at the front whenever it becomes empty", "[host][ring]") {
    const TempFolder folder;
    const auto ring = open_or_fail(folder.file("ring"));
    for (int minute = 0; minute < 1000; ++minute) {
        for (int tick = 0; tick < 6; ++tick) REQUIRE(ring->append(std::string(100, 't')));
        ring->release(~std::uint64_t{0});
        CHECK(ring->used_bytes() == 0);
    }
    const auto file = read_file(folder.file("ring"));
    CHECK(file.find_first_not_of('\0', 4096 + 4096) == std::string::npos);
}

TEST_CASE("Ring behaves as the simple model through appends, releases and restarts",
          "[host][ring]") {
    for (std::uint64_t round = 0; round < test_rounds(10); ++round) {
        const TempFolder folder;
        const auto seed = test_seed() * 1000 + round;
        const std::uint64_t longest = round % 2 == 0 ? 300 : 20'000;
        Model model;
        auto ring = open_or_fail(folder.file("ring"));
        unsigned refused = 0;
        for (std::uint64_t step = 0; step < 2000; ++step) {
            if (!ring_test::take_step(seed, step, longest, ring.get(), model)) {
                ++refused;
                // Room may be lost to one entry's alignment and one unusable end, not to more.
                const auto size =
                    ring_layout::occupied_by(ring_test::bytes_of_step(seed, step, longest).size());
                REQUIRE(ring->used_bytes() + size + ring_layout::occupied_by(longest) > kCapacity);
                const auto oldest = model.entries.front().number;
                ring->release(oldest);
                model.release(oldest);
            }
            std::uint64_t used = 0;
            for (const auto& entry : model.entries) {
                used += ring_layout::occupied_by(entry.bytes.size());
            }
            REQUIRE(ring->used_bytes() == used);
            if (ring_test::draw(seed, step, 9) % 50 == 0) {
                ring = open_or_fail(folder.file("ring"));
                INFO("seed " << seed << " step " << step);
                REQUIRE(model.equals(ring->left_behind()));
            }
        }
        if (longest > 1000) CHECK(refused > 0);
    }
}

TEST_CASE("Ring never crashes on, nor invents an entry from, a file with flipped bits",
          "[host][ring][fault]") {
    const TempFolder folder;
    Model model;
    std::map<std::uint64_t, std::string> written;
    {
        // Full, wrapped around, with released entries beside those that count.
        const auto ring = open_or_fail(folder.file("ring"));
        for (std::uint64_t step = 0; step < 200; ++step) {
            auto bytes = ring_test::bytes_of_step(5, step, 2000);
            while (!ring->append(bytes)) {
                const auto oldest = model.entries.front().number;
                ring->release(oldest);
                model.release(oldest);
            }
            written[model.next] = bytes;
            model.append(std::move(bytes));
        }
        model.intent = ring_test::intent_of_step(5, 200, model.next - 10);
        ring->intend(model.intent);
    }
    REQUIRE(model.entries.size() > 50);
    const auto sound = read_file(folder.file("ring"));
    std::mt19937_64 random{test_seed()};
    std::uint64_t whole = 0;
    std::uint64_t cut = 0;
    std::uint64_t nothing = 0;
    for (std::uint64_t round = 0; round < test_rounds(1500); ++round) {
        auto hostile = sound;
        // Most flips hit the parts that steer: preamble, states, entry headers.
        const auto flips = 1 + random() % 4;
        for (std::uint64_t i = 0; i < flips; ++i) {
            const auto place = random() % 3 == 0 ? 1024 * (random() % 3) + random() % 96
                                                 : random() % hostile.size();
            hostile[place] = static_cast<char>(hostile[place] ^ (1 << (random() % 8)));
        }
        write_file(folder.file("ring"), hostile);
        const auto ring = open_or_fail(folder.file("ring"));
        const auto left = ring->left_behind();
        // Either state may serve after damage, so what was released last may come back; but
        // nothing that was not written.
        std::uint64_t previous = 0;
        for (const auto& entry : left.entries) {
            REQUIRE(entry.number > previous);
            previous = entry.number;
            REQUIRE(written.count(entry.number) == 1);
            REQUIRE(written[entry.number] == entry.bytes);
        }
        ++(left.entries.empty() ? nothing : model.equals(left) ? whole : cut);
        // Whatever was found, the ring must go on working.
        const auto number = ring->append("after");
        if (number) REQUIRE(*number > previous);
        ring->release(~std::uint64_t{0});
        REQUIRE(ring->used_bytes() == 0);
    }
    CHECK(whole + cut + nothing == test_rounds(1500));
    INFO("whole " << whole << ", cut " << cut << ", discarded " << nothing);
    if (test_rounds(1500) >= 500) {
        CHECK(whole > 0);
        CHECK(cut > 0);
        CHECK(nothing > 0);
    }
}

TEST_CASE("Ring cuts the list at a damaged entry and never reuses its number",
          "[host][ring][fault]") {
    const TempFolder folder;
    {
        const auto ring = open_or_fail(folder.file("ring"));
        for (int i = 0; i < 4; ++i) REQUIRE(ring->append(std::string(32, 'a')));
    }
    auto bytes = read_file(folder.file("ring"));
    bytes[4096 + 2 * 48 + 20] = 'b';  // in the third entry
    write_file(folder.file("ring"), bytes);
    {
        const auto ring = open_or_fail(folder.file("ring"));
        CHECK(ring->left_behind().entries.size() == 2);
        CHECK(ring->used_bytes() == 96);
        CHECK(*ring->append("five") == 5);
    }
    const auto left = open_or_fail(folder.file("ring"))->left_behind();
    REQUIRE(left.entries.size() == 3);
    CHECK(left.entries[2].number == 5);
    CHECK(left.entries[2].bytes == "five");
}

TEST_CASE("MemoryRing behaves as the file ring, and a power cut empties it", "[host][ring]") {
    MemoryRing memory;
    Model model;
    auto ring = memory.open(boot_number(1));
    for (std::uint64_t step = 0; step < 2000; ++step) {
        REQUIRE(ring_test::take_step(3, step, 300, ring.get(), model));
        if (step % 100 == 0) {
            ring = memory.open(boot_number(1));
            REQUIRE(model.equals(ring->left_behind()));
        }
    }
    memory.fill_up(1);
    CHECK_FALSE(ring->append("refused"));
    CHECK(ring->append("taken"));
    memory.power_cut();
    CHECK(memory.open(boot_number(1))->left_behind().entries.empty());

    REQUIRE(memory.open(boot_number(1))->append("x"));
    CHECK(memory.open(boot_number(2))->left_behind().entries.empty());
}

TEST_CASE("Ring knows the newest released commit over a death, and not one that was withdrawn",
          "[host][ring]") {
    TempFolder folder;
    const EpochId epoch{{3, 1, 4}};
    {
        auto ring = open_or_fail(folder.file("ring"));
        CHECK(ring->left_behind().acknowledged == Ring::Acknowledged{});
        for (std::uint64_t n = 1; n <= 3; ++n) REQUIRE(*ring->append("tick") == n);
        ring->intend({.epoch = epoch, .first = Seq{5}, .last = Seq{6}, .through = 1});
        ring->release(1);
        ring->intend({.epoch = epoch, .first = Seq{7}, .last = Seq{9}, .through = 2});
        ring->withdraw();
        ring->release(2);
    }
    CHECK(open_or_fail(folder.file("ring"))->left_behind().acknowledged ==
          Ring::Acknowledged{epoch, Seq{6}});
    CHECK(open_or_fail(folder.file("ring"), boot_number(2))->left_behind().acknowledged ==
          Ring::Acknowledged{});
}
