// same JOURNAL.DB PROVINCE.DB: whether the province holds exactly the records of that journal, each
// as it is, and nothing else. Neither program may run. Prints how many there are and in how many
// epochs; 1 and the first difference otherwise. Last words excepted: what the daemon wrote while it
// stopped (at most `kLastWords` records of the newest epoch) may not have been sent.

#include <cstdint>
#include <cstdio>
#include <map>
#include <string>

#include "daemon/journal/journal.hpp"
#include "daemon/province/store.hpp"

using namespace gerbang;

namespace {

constexpr std::uint64_t kLastWords = 6;

using Records = std::map<Seq, RecordBody>;

Result<Records> all_of(Journal& journal, const Journal::EpochInfo& epoch) {
    Records records;
    for (auto next = Seq{1}; next <= epoch.last;) {
        auto slice = journal.read(epoch.id, {next, epoch.last}, 1u << 20);
        if (!slice) return slice.error();
        if (slice->absent) {
            return Error{Errc::bad_input, "the journal lacks " + std::to_string(next.value)};
        }
        for (auto& record : slice->records) {
            next = record.seq.next();
            records[record.seq] = std::move(record.body);
        }
    }
    return records;
}

Result<std::uint64_t> compare(Journal& journal, province::Store& store) {
    const auto sites = store.list();
    if (!sites) return sites.error();
    const auto epochs = journal.epochs();
    if (!epochs) return epochs.error();
    if (sites->size() != 1 || sites->front().epochs.size() != epochs->size()) {
        return Error{Errc::bad_input, "other sites or epochs"};
    }
    std::uint64_t count = 0;
    for (const auto& epoch : *epochs) {
        auto ours = all_of(journal, epoch);
        if (!ours) return ours.error();
        auto theirs = store.records(sites->front().site, epoch.id, {Seq{1}, Seq{kMaxSeq}});
        if (!theirs) return theirs.error();
        for (const auto& record : *theirs) {
            const auto found = ours->find(record.seq);
            const auto name = to_string(epoch.id) + " " + std::to_string(record.seq.value);
            if (found == ours->end()) return Error{Errc::bad_input, name + " is nobody's"};
            if (found->second != record.body) return Error{Errc::bad_input, name + " differs"};
            ours->erase(found);
            ++count;
        }
        const bool is_open = &epoch == &epochs->back();
        if (ours->empty()) continue;
        if (!is_open || ours->size() > kLastWords ||
            ours->begin()->first.value + kLastWords <= epoch.last.value) {
            return Error{Errc::bad_input, std::to_string(ours->size()) + " records are missing, " +
                                              std::to_string(ours->begin()->first.value) +
                                              " first, of " + std::to_string(epoch.last.value)};
        }
    }
    return count;
}

}  // namespace

int main(int argc, char* argv[]) {
    if (argc != 3) return 64;
    auto journal = Journal::open({.path = argv[1], .quota_bytes = kDefaultQuotaBytes});
    if (!journal) {
        std::fprintf(stderr, "same: %s\n", journal.error().detail.c_str());
        return 1;
    }
    province::StoreOptions options;
    options.path = argv[2];
    auto store = province::Store::open(options);
    if (!store) {
        std::fprintf(stderr, "same: %s\n", store.error().detail.c_str());
        return 1;
    }
    const auto same = compare(**journal, **store);
    if (!same) {
        std::fprintf(stderr, "same: %s\n", same.error().detail.c_str());
        return 1;
    }
    std::printf("%llu records, the same at both ends\n", static_cast<unsigned long long>(*same));
    return 0;
}
