#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/model/facts.hpp"
#include "daemon/journal/async_journal.hpp"
#include "daemon/sync/pusher.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/remote_receiver.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"
#include "tests/support/temp_folder.hpp"

using namespace std::chrono_literals;

namespace gerbang {
namespace {

constexpr BootNo kBoot{1};
constexpr WallTime kStart = wall_from_ms(1'790'000'000'000);

BootFact some_boot(BootNo boot) {
    BootFact fact;
    fact.id.bytes.fill(static_cast<std::uint8_t>(boot.value));
    return fact;
}

void rethrow(std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
}

net::awaitable<void> keep(net::awaitable<Result<Committed>> work,
                          std::optional<Result<Committed>>& into) {
    into = co_await std::move(work);
}

/// A village that pushes to a Prometheus on virtual time: six ticks a minute of two series.
class Village {
public:
    explicit Village(Millis max_age = {}, bool in_order = true) {
        receiver.date = kStart;
        another.date = kStart;
        settings_.consumer = "prometheus";
        settings_.site = "village-1";
        settings_.remote_write = RemoteWriteSettings{{{"province", "kaltim"}}, max_age, in_order};
        start();
    }
    ~Village() {
        stop();
        CHECK(receiver.unlawful == 0);
        CHECK(receiver.futures == 0);
        CHECK(receiver.changed == 0);
    }

    void start() {
        JournalOptions options;
        options.path = folder_.path() + "/journal.db";
        auto journal = Journal::open(options);
        REQUIRE(journal);
        if ((*journal)->state().epoch.is_none()) {
            const DeviceTime at{kBoot, clock.now()};
            EpochFact fact;
            fact.id = EpochId{entropy_.uuid()};
            fact.reason = "new";
            const auto begun = (*journal)->begin_epoch(
                fact, at,
                {to_event(some_boot(kBoot), at),
                 to_event(Series{SeriesId{1},
                                 "wan_receive_bytes_total",
                                 {},
                                 SeriesKind::counter,
                                 "bytes",
                                 0},
                          at),
                 to_event(
                     Series{
                         SeriesId{2}, "temperature_celsius", {}, SeriesKind::gauge, "celsius", 1},
                     at)});
            REQUIRE(begun);
        }
        loop_ = std::make_unique<net::io_context>();
        journal_ = std::make_unique<AsyncJournal>(std::move(*journal), loop_->get_executor());
        pusher_ = std::make_unique<Pusher>(settings_, clock, entropy_, *journal_, receiver);
        net::co_spawn(*loop_, pusher_->run(), rethrow);
        auto elsewhere = settings_;
        elsewhere.consumer = "elsewhere";
        elsewhere_ = std::make_unique<Pusher>(elsewhere, clock, entropy_, *journal_, another);
        if (has_another) net::co_spawn(*loop_, elsewhere_->run(), rethrow);
        clock.run_ready(*loop_);
    }
    /// kill -9.
    void stop() {
        loop_.reset();
        pusher_.reset();
        elsewhere_.reset();
        journal_.reset();
    }

    void anchor(WallTime wall) {
        const DeviceTime at{boot, clock.now()};
        append(to_event(Anchor{at, wall, AnchorSource::kernel, {}}));
    }
    void anchor() { anchor(receiver.date + (clock.now() - Monotonic{})); }
    void reboot() {
        boot = BootNo{boot.value + 1};
        append(to_event(some_boot(boot), {boot, clock.now()}));
    }
    /// Minutes of life, with commits.
    void live(int minutes) {
        for (int i = 0; i < minutes; ++i) {
            std::vector<Tick> ticks;
            for (int tick = 0; tick < 6; ++tick) {
                clock.run_for(*loop_, 10s);
                ticks.push_back(
                    {clock.now(), {{SeriesId{1}, ++bytes_ * 1000}, {SeriesId{2}, 421}}});
            }
            append(make_chunk(boot, ticks));
            count += 6;
        }
    }
    void run_for(Millis span) { clock.run_for(*loop_, span); }
    [[nodiscard]] PushStatus status_elsewhere() const { return elsewhere_->status(); }
    [[nodiscard]] PushStatus status() const { return pusher_->status(); }
    [[nodiscard]] Pusher& pusher() { return *pusher_; }
    [[nodiscard]] std::size_t held(const std::string& name) const {
        const auto found = receiver.series.find(name + ";province=kaltim;site=village-1");
        return found == receiver.series.end() ? 0 : found->second.size();
    }
    [[nodiscard]] std::size_t bytes_held() const { return held("gerbang_wan_receive_bytes_total"); }
    [[nodiscard]] std::size_t heat_held() const { return held("gerbang_temperature_celsius"); }

    ManualClock clock;
    RemoteReceiver receiver{clock};
    RemoteReceiver another{clock};  ///< of a second target
    bool has_another = false;       ///< from the next start on
    std::size_t count = 0;          ///< ticks committed
    BootNo boot = kBoot;

private:
    void append(RecordBody body) {
        std::optional<Result<Committed>> done;
        std::vector<RecordBody> bodies{std::move(body)};
        net::co_spawn(*loop_,
                      keep(journal_->append(journal_->last().next(), std::move(bodies)), done),
                      rethrow);
        for (int i = 0; i < 1000 && !done; ++i) clock.run_ready(*loop_);
        REQUIRE(done);
        REQUIRE(*done);
        pusher_->data_bell().ring();
        elsewhere_->data_bell().ring();
    }

    TempFolder folder_;
    SeededEntropy entropy_{test_seed()};
    PushSettings settings_;
    std::unique_ptr<AsyncJournal> journal_;
    std::unique_ptr<Pusher> pusher_;
    std::unique_ptr<Pusher> elsewhere_;
    std::unique_ptr<net::io_context> loop_;
    std::int64_t bytes_ = 0;
};

}  // namespace

TEST_CASE("Remote-Write asks for the receiver's time before it sends a sample", "[sync]") {
    Village village;
    village.receiver.says_date = false;
    village.anchor();
    village.live(10);
    CHECK(village.bytes_held() == 0);
    CHECK(village.status().state == PushState::waiting);
    CHECK(village.status().detail.find("Date") != std::string::npos);
    village.receiver.says_date = true;
    village.live(10);
    CHECK(village.bytes_held() >= village.count - 12);
}

TEST_CASE("Remote-Write sends everything once, old and new, and goes on after a restart",
          "[sync]") {
    Village village;
    village.anchor();
    village.live(30);
    village.receiver.is_up = false;
    village.live(600);
    CHECK(village.status().state == PushState::waiting);
    village.stop();
    village.start();
    village.live(5);
    village.receiver.is_up = true;
    village.live(30);
    CHECK(village.bytes_held() >= village.count - 18);
    CHECK(village.heat_held() == village.bytes_held());
    CHECK(village.receiver.changed == 0);
    const auto requests = village.receiver.requests;
    village.stop();
    village.start();
    village.run_for(1min);
    CHECK(village.receiver.requests <= requests + 2);  // one asks for the time
    CHECK(village.status().parked_records == 0);
}

TEST_CASE("Remote-Write sends again what nobody heard of, with the very same samples", "[sync]") {
    Village village;
    village.anchor();
    for (int i = 0; i < 200; ++i) village.receiver.lost_answers.push_back(i % 3 != 0);
    village.live(120);
    CHECK(village.receiver.changed == 0);
    village.receiver.lost_answers.clear();
    village.live(20);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write keeps records without a clock until there is one", "[sync]") {
    Village village;
    village.live(60);
    CHECK(village.bytes_held() == 0);
    CHECK(village.status().state == PushState::idle);
    CHECK(village.status().pending_records >= 60);
    village.anchor();
    village.live(15);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write never sends from the receiver's future", "[sync]") {
    Village village;
    village.anchor(kStart + 3h);
    village.live(60);
    CHECK(village.bytes_held() == 0);
    CHECK(village.receiver.futures == 0);
    village.live(200);
    CHECK(village.receiver.futures == 0);
    CHECK(village.bytes_held() > 0);
    CHECK(village.bytes_held() <= village.count - 6 * 170);
}

TEST_CASE("Remote-Write finds the series that a receiver refuses, leaves it out and says so",
          "[sync]") {
    Village village;
    village.anchor();
    village.live(10);
    village.receiver.poison = {"gerbang_temperature_celsius"};
    const auto heat = village.heat_held();
    const auto before = village.receiver.requests;
    village.live(120);
    CHECK(village.bytes_held() >= village.count - 18);
    CHECK(village.heat_held() == heat);
    CHECK(village.status().state == PushState::idle);
    CHECK(village.status().parked_records == 1);
    CHECK(village.status().detail.find("gerbang_temperature_celsius") != std::string::npos);
    CHECK(village.receiver.requests - before <= 60 + 20);
}

TEST_CASE("Remote-Write stops at a receiver that refuses everything, and hammers nobody",
          "[sync]") {
    Village village;
    village.anchor();
    village.live(10);
    village.receiver.poison = {"gerbang_temperature_celsius", "gerbang_wan_receive_bytes_total"};
    const auto before = village.receiver.requests;
    village.live(120);
    CHECK(village.status().state == PushState::stopped);
    CHECK(village.receiver.requests - before <= 120);
    village.receiver.poison.clear();
    village.pusher().push_now();
    village.live(10);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write parks what is too old for the receiver, by its word or ours", "[sync]") {
    const Millis told = GENERATE(Millis{0}, Millis{3h});
    const bool in_order = GENERATE(true, false);
    Village village{told, in_order};
    village.receiver.max_age = 3h;
    village.anchor();
    village.live(10);
    village.receiver.is_up = false;
    village.live(600);
    village.receiver.is_up = true;
    village.receiver.requests = 0;
    village.live(60);
    CHECK(village.status().state == PushState::idle);
    CHECK(village.status().parked_records >= 415);
    CHECK(village.status().parked_records <= 440);
    CHECK(village.bytes_held() >= 6 * (10 + 170 + 55));
    CHECK(village.receiver.requests <= 90);
    if (told > Millis{0}) CHECK(village.receiver.refusals <= 2);
}

TEST_CASE("Remote-Write loses nothing to a receiver that takes no older sample after a newer",
          "[sync]") {
    Village village;
    village.receiver.takes_old = false;
    village.anchor();
    for (int i = 0; i < 6; ++i) {
        village.live(20);
        village.receiver.is_up = !village.receiver.is_up;
        if (i == 2) {
            village.stop();
            village.start();
        }
    }
    village.receiver.is_up = true;
    village.live(30);
    CHECK(village.receiver.refusals == 0);
    CHECK(village.status().parked_records == 0);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write sends the new first where old samples are taken after them", "[sync]") {
    Village village{Millis{0}, false};
    village.anchor();
    village.receiver.is_up = false;
    village.live(3 * 1440);
    village.receiver.is_up = true;
    village.receiver.max_body = 9'000;  // the backlog needs many requests
    const auto newest = [&] {
        const auto& all = village.receiver.series;
        const auto found =
            all.find("gerbang_wan_receive_bytes_total;province=kaltim;site=village-1");
        return found == all.end() ? std::int64_t{0} : found->second.rbegin()->first;
    };
    const auto requests = village.receiver.requests;
    for (int i = 0; i < 1200 && newest() == 0; ++i) village.run_for(1s);
    CHECK(newest() >= to_ms(kStart + (village.clock.now() - Monotonic{})) - 900'000);
    CHECK(village.receiver.requests - requests <= 8);
    CHECK(village.bytes_held() < village.count / 2);
    village.live(60);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write sends what had no clock before what came with one", "[sync]") {
    Village village;
    village.receiver.takes_old = false;
    const int minutes = GENERATE(61, 62, 63, 64, 65);
    village.live(minutes);
    village.anchor();
    village.live(15);
    CHECK(village.receiver.refusals == 0);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Remote-Write parks for good what no clock can tell the time of any more", "[sync]") {
    Village village;
    village.live(60);
    village.reboot();
    village.anchor();
    village.live(20);
    CHECK(village.status().parked_records >= 60);
    CHECK(village.status().parked_records <= 65);
    CHECK(village.status().state == PushState::idle);
    CHECK(village.bytes_held() >= 6 * 18);
    CHECK(village.bytes_held() <= 6 * 20);
}

TEST_CASE("Remote-Write halves what is too large", "[sync]") {
    Village village;
    village.anchor();
    village.receiver.is_up = false;
    village.live(600);
    village.receiver.max_body = 9'000;
    village.receiver.is_up = true;
    village.live(60);
    CHECK(village.bytes_held() >= village.count - 18);
}

TEST_CASE("Two targets have a cursor each, and one that never answers slows no other", "[sync]") {
    Village village;
    const bool is_elsewhere_dead = GENERATE(false, true);
    village.stop();
    village.has_another = true;
    village.start();
    village.anchor();
    village.receiver.is_up = false;
    village.another.is_up = false;
    village.live(3 * 1440);
    village.receiver.is_up = true;
    village.another.is_up = !is_elsewhere_dead;
    village.another.is_black_hole = is_elsewhere_dead;
    village.pusher().push_now();
    village.run_for(20s);
    // As soon as alone: three days in a few requests of 300 ms.
    CHECK(village.bytes_held() >= village.count - 18);
    village.live(120);
    CHECK(village.bytes_held() >= village.count - 18);
    CHECK(village.status().pending_records <= 3);
    if (is_elsewhere_dead) {
        CHECK(village.another.series.empty());
        CHECK(village.status_elsewhere().state != PushState::idle);
        CHECK(village.status_elsewhere().pending_records >= 3 * 1440 + 120);
        village.another.is_black_hole = false;
        village.another.is_up = true;
        village.live(30);
    }
    CHECK(village.status_elsewhere().pending_records <= 3);
    CHECK(village.another.series.size() == village.receiver.series.size());
    CHECK(village.another.changed == 0);
}

}  // namespace gerbang
