#include "daemon/journal/mirror.hpp"

#include <catch2/catch.hpp>
#include <random>

#include "tests/daemon/journal/journal_samples.hpp"
#include "tests/support/fault_vfs.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::samples;

namespace {

constexpr const char* kPath = "journal.mirror";

Mirror sample(std::uint64_t n) {
    Mirror mirror;
    mirror.schema = 2;
    mirror.epochs = {{epoch_id(1), 1, Seq{500}, false}, {epoch_id(2), 2, Seq{40 + n}, true}};
    mirror.series = {wan_series(1, false), wan_series(2, true)};
    mirror.totals = {{SeriesId{1}, static_cast<std::int64_t>(n) * 1'000}, {SeriesId{2}, -5}};
    mirror.last_boot_no = 7;
    mirror.last_boot = boot_id(7);
    mirror.last_outage_id = n;
    mirror.elapsed = Millis{86'400'000};
    Cursor cursor;
    cursor.consumer = "province";
    cursor.epoch = epoch_id(2);
    cursor.through = Seq{30};
    cursor.head.fill(3);
    cursor.held.add({Seq{33}, Seq{35}});
    cursor.deferred.add({Seq{37}, Seq{37}});
    cursor.parked = {{{Seq{31}, Seq{31}}, "HTTP 422"}};
    cursor.store.bytes.fill(9);
    cursor.generation = 2;
    mirror.cursors = {cursor};
    mirror.notes = {{"power", "mains=1"}};
    return mirror;
}

}  // namespace

TEST_CASE("A mirror is read back as it was written, the newest of its two slots",
          "[journal][mirror]") {
    FaultVfs disk;
    MirrorFile file{kPath, disk.name()};
    const auto none = file.read();
    REQUIRE(none);
    CHECK_FALSE(*none);
    for (std::uint64_t n = 1; n <= 5; ++n) {
        REQUIRE(file.write(sample(n)));
        const auto found = file.read();
        REQUIRE(found);
        REQUIRE(*found == sample(n));
    }
    CHECK(disk.content(kPath).size() < 2 * MirrorFile::kSlotBytes);
    const auto written = disk.written_bytes();
    REQUIRE(file.write(sample(5)));
    CHECK(disk.written_bytes() == written);
}

TEST_CASE("A mirror torn at any call keeps the state before or after it", "[journal][mirror]") {
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(500);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        FaultVfs disk;
        MirrorFile file{kPath, disk.name()};
        REQUIRE(file.write(sample(1)));
        REQUIRE(file.write(sample(2)));
        disk.arm({.fault = Fault::power_cut,
                  .at_call = 1 + random() % 24,
                  .seed = random(),
                  .directory = Directory::with_its_own,
                  .is_powersafe_overwrite = random() % 2 == 0});
        const bool is_promised = file.write(sample(3)).has_value();
        disk.restart();
        const auto found = file.read();
        REQUIRE(found);
        REQUIRE(*found);
        const bool is_before = **found == sample(2);
        const bool is_after = **found == sample(3);
        REQUIRE((is_after || (is_before && !is_promised)));
    }
}

TEST_CASE("A damaged slot of a mirror is never believed", "[journal][mirror]") {
    std::mt19937_64 random{test_seed()};
    FaultVfs disk;
    MirrorFile file{kPath, disk.name()};
    REQUIRE(file.write(sample(1)));
    REQUIRE(file.write(sample(2)));
    const auto whole = disk.content(kPath);
    const auto rounds = test_rounds(2000);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        auto bytes = whole;
        for (auto flips = 1 + random() % 4; flips > 0; --flips) {
            const auto at = random() % 2 == 0 ? random() % 400 : random() % bytes.size();
            bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
        }
        if (random() % 8 == 0) bytes.resize(random() % bytes.size());
        disk.put(kPath, bytes);
        const auto found = file.read();
        REQUIRE(found);
        if (*found) REQUIRE((**found == sample(1) || **found == sample(2)));
    }
}

TEST_CASE("A mirror too large for its slot leaves out what can be had again", "[journal][mirror]") {
    auto mirror = sample(1);
    mirror.epochs.clear();
    mirror.cursors.clear();
    for (std::uint32_t n = 1; n <= 4000; ++n) {
        EpochId id;
        id.bytes[0] = static_cast<std::uint8_t>(n);
        id.bytes[1] = static_cast<std::uint8_t>(n >> 8);
        mirror.epochs.push_back({id, n, Seq{n}, n == 4000});
        Cursor cursor;
        cursor.consumer = "province";
        cursor.epoch = id;
        mirror.cursors.push_back(cursor);
    }
    const auto encoded = encode_mirror(mirror);
    REQUIRE(encoded.size() <= kMaxMirrorBytes);
    const auto decoded = decode_mirror(encoded);
    REQUIRE(decoded);
    CHECK(decoded->totals == mirror.totals);
    CHECK(decoded->epochs.back() == mirror.epochs.back());
    CHECK(decoded->last_outage_id == mirror.last_outage_id);
}
