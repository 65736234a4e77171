// needs: journal
// A damaged or hostile database file: opening, reading, appending and reopening never crash.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "common/model/facts.hpp"
#include "daemon/journal/journal.hpp"

using namespace gerbang;

namespace {

const std::string& folder() {
    static const std::string path = [] {
        auto pattern = (std::filesystem::temp_directory_path() / "gerbang-fuzz-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) std::abort();
        return pattern;
    }();
    return path;
}

void use(Journal& journal) {
    const DeviceTime now{BootNo{1}, Monotonic{Millis{1'000}}};
    if (const auto epochs = journal.epochs()) {
        for (const auto& epoch : *epochs) {
            (void)journal.read(epoch.id, {Seq{1}, epoch.last.next()}, 1 << 16);
        }
    }
    (void)journal.cursors();
    (void)journal.outages();
    (void)journal.usage(UsagePeriod::month, wall_from_ms(INT64_MIN), wall_from_ms(INT64_MAX));
    std::vector<RecordBody> bodies;
    bodies.emplace_back(to_event(StopFact{"signal"}, now));
    (void)journal.append(journal.state().last.next(), bodies);
    (void)journal.checkpoint();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMaxFile = 1 << 20;
    if (size > kMaxFile) return 0;
    const auto path = folder() + "/journal.db";
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path + "-journal");
    std::ofstream{path, std::ios::binary}.write(reinterpret_cast<const char*>(data),
                                                static_cast<std::streamsize>(size));
    for (int round = 0; round < 2; ++round) {
        if (auto journal = Journal::open({.path = path})) use(**journal);
    }
    return 0;
}
