#include "tests/daemon/sync/sender.hpp"

#include <sqlite3.h>
#include <stdlib.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <filesystem>
#include <optional>
#include <system_error>

#include "common/core/check.hpp"
#include "common/model/facts.hpp"
#include "daemon/host/log.hpp"

namespace gerbang {
namespace {

void rethrow(std::exception_ptr problem) {
    if (problem) std::rethrow_exception(problem);
}

template <class T>
net::awaitable<void> keep(net::awaitable<T> work, std::optional<T>& into) {
    into = co_await std::move(work);
}

/// In memory where there is a place for that: thousands of commits need no real disk.
std::string make_folder() {
    const std::filesystem::path memory{"/dev/shm"};
    const auto parent =
        std::filesystem::is_directory(memory) ? memory : std::filesystem::temp_directory_path();
    std::string name = (parent / "gerbang-test-XXXXXX").string();
    GERBANG_CHECK(::mkdtemp(name.data()) != nullptr);
    return name;
}

constexpr BootNo kBoot{1};

}  // namespace

PushSettings Sender::default_settings() {
    PushSettings settings;
    settings.consumer = "province";
    settings.site = "village-1";
    return settings;
}

Sender::Sender(std::uint64_t seed, PushSettings settings)
    : link{clock, province, seed},
      folder_{make_folder()},
      entropy_{seed + 1},
      settings_{std::move(settings)} {
    set_log_level(LogLevel::error);  // thousands of failures are the point here
    start();
}

Sender::~Sender() {
    if (pusher_) kill();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    set_log_level(LogLevel::info);
}

void Sender::start(bool new_epoch) {
    JournalOptions options;
    options.path = folder_ + "/journal.db";
    auto journal = Journal::open(options);
    GERBANG_CHECK(journal.has_value());
    if (new_epoch || (*journal)->state().epoch.is_none()) {
        EpochFact fact;
        fact.id = EpochId{entropy_.uuid()};
        fact.parent = (*journal)->state().epoch;
        fact.parent_last = (*journal)->state().last;
        fact.reason = fact.parent.is_none() ? "new" : "damage";
        const DeviceTime at{kBoot, clock.now()};
        const auto begun = (*journal)->begin_epoch(fact, at, {to_event(BootFact{}, at)});
        GERBANG_CHECK(begun.has_value());
    }
    loop_ = std::make_unique<net::io_context>();
    journal_ = std::make_unique<AsyncJournal>(std::move(*journal), loop_->get_executor());
    clock.resume();
    pusher_ = std::make_unique<Pusher>(settings_, clock, entropy_, *journal_, link);
    has_returned_ = false;
    net::co_spawn(*loop_, pusher_->run(), [this](std::exception_ptr problem) {
        rethrow(problem);
        has_returned_ = true;
    });
    clock.run_ready(*loop_);
}

void Sender::stop() {
    clock.stop();
    clock.run_ready(*loop_);
    GERBANG_CHECK(has_returned_);
    kill();
}

void Sender::kill() {
    loop_.reset();
    pusher_.reset();
    journal_.reset();
    clock.stop();
}

template <class T>
T Sender::wait(net::awaitable<T> work) {
    std::optional<T> result;
    net::co_spawn(*loop_, keep(std::move(work), result), rethrow);
    clock.run_ready(*loop_);
    return std::move(result.value());
}

void Sender::lose(EpochId epoch, SeqRange range) {
    sqlite3* handle = nullptr;
    GERBANG_CHECK(sqlite3_open((folder_ + "/journal.db").c_str(), &handle) == SQLITE_OK);
    sqlite3_exec(handle, "PRAGMA locking_mode=EXCLUSIVE", nullptr, nullptr, nullptr);
    const std::string uuid = [&] {
        constexpr char kDigits[] = "0123456789abcdef";
        std::string text;
        for (const auto byte : epoch.bytes) {
            text += kDigits[byte >> 4];
            text += kDigits[byte & 15];
        }
        return text;
    }();
    const auto key = "((SELECT no FROM epoch WHERE uuid=x'" + uuid + "') << 40)+";
    const auto text = "DELETE FROM block WHERE id>=" + key + std::to_string(range.first.value) +
                      " AND id<=" + key + std::to_string(range.last.value);
    GERBANG_CHECK(sqlite3_exec(handle, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(handle);
}

void Sender::commit(std::uint64_t count, std::size_t text_bytes) {
    if (count == 0) return;
    std::vector<RecordBody> bodies;
    for (std::uint64_t i = 0; i < count; ++i) {
        Event event;
        event.kind = EventKind{99};
        event.at = {kBoot, clock.now()};
        ++written_;
        std::string text(text_bytes, ' ');
        for (auto& c : text) c = static_cast<char>('a' + entropy_.below(26));
        event.fields = {{"n", written_}, {"text", text}};
        bodies.emplace_back(std::move(event));
    }
    const auto committed = wait(journal_->append(journal_->last().next(), std::move(bodies)));
    GERBANG_CHECK(committed.has_value());
    pusher_->data_bell().ring();
    clock.run_ready(*loop_);
}

void Sender::live(Millis span, std::uint64_t per_commit) {
    for (Millis passed{}; passed < span; passed += Millis{60'000}) {
        run_for(Millis{60'000});
        commit(per_commit);
    }
}

std::vector<EpochId> Sender::epochs() {
    std::vector<EpochId> ids;
    auto infos = wait(journal_->epochs());
    GERBANG_CHECK(infos.has_value());
    for (const auto& info : *infos) ids.push_back(info.id);
    return ids;
}

std::vector<Record> Sender::records(const EpochId& epoch) {
    std::vector<Record> all;
    for (Seq first{1};;) {
        auto slice = wait(journal_->read(epoch, {first, Seq{kMaxSeq}}, 1u << 20));
        if (!slice) break;
        for (; slice->absent && first <= slice->absent->last; first = first.next()) {
            all.push_back({first, Chunk{BootNo{1}, kMaxLevel, {}, {}}});
        }
        for (auto& record : slice->records) all.push_back(std::move(record));
        first = all.back().seq.next();
    }
    return all;
}

bool Sender::is_complete() {
    const auto ids = epochs();
    for (const auto& id : ids) {
        if (province.records(id) != records(id)) return false;
    }
    return province.epochs().size() == ids.size();
}

}  // namespace gerbang
