// A whole province of gateways comes back at once: it was down for a day, and everyone has a
// backlog.

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include "common/model/facts.hpp"
#include "daemon/host/log.hpp"
#include "daemon/province/receiver.hpp"
#include "daemon/sync/pusher.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"
#include "tests/support/temp_folder.hpp"
#include "tests/support/village_link.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

constexpr BootNo kBoot{1};
constexpr std::uint64_t kMinutesOfADay = 1440;
/// Of a body: a day's backlog takes several, as it does over a slow link.
constexpr std::uint64_t kBodyBytes = 24u << 10;

/// One village's journal with a day of records, and the pusher as it is.
struct Gateway {
    Gateway(ManualClock& clock, net::io_context& loop, std::uint64_t seed, std::string name,
            const std::string& path, std::function<Handler()> province)
        : site{std::move(name)}, entropy{seed}, link{clock, seed, std::move(province)} {
        JournalOptions options;
        options.path = path;
        auto opened = Journal::open(options);
        REQUIRE(opened);
        EpochFact fact;
        fact.id = EpochId{entropy.uuid()};
        fact.reason = "new";
        const DeviceTime start{kBoot, clock.now()};
        REQUIRE((*opened)->begin_epoch(fact, start, {to_event(BootFact{}, start)}));
        epoch = fact.id;
        for (std::uint64_t minute = 0; minute < kMinutesOfADay;) {
            std::vector<RecordBody> hour;
            for (int i = 0; i < 60; ++i, ++minute) {
                Event event;
                event.kind = EventKind{99};
                event.at = {kBoot,
                            clock.now() + Millis{static_cast<std::int64_t>(minute) * 60'000}};
                std::string text(64, ' ');
                for (auto& c : text) c = static_cast<char>('a' + entropy.below(26));
                event.fields = {{"text", std::move(text)}};
                hour.emplace_back(std::move(event));
            }
            REQUIRE((*opened)->append((*opened)->state().last.next(), hour));
        }
        last = (*opened)->state().last;
        journal = std::make_unique<AsyncJournal>(*std::move(opened), loop.get_executor());
        PushSettings settings;
        settings.consumer = "province";
        settings.site = site;
        settings.max_body_bytes = kBodyBytes;
        pusher = std::make_unique<Pusher>(settings, clock, entropy, *journal, link);
    }

    std::string site;
    SeededEntropy entropy;
    VillageLink link;
    EpochId epoch;
    Seq last;
    std::unique_ptr<AsyncJournal> journal;
    std::unique_ptr<Pusher> pusher;
    std::optional<Monotonic> first_kept;  ///< the first receipt after the outage
    std::optional<Monotonic> drained;
};

/// All of them and their province, whose disk takes its time for each batch.
struct Herd {
    Herd(std::uint64_t count, bool was_off) {
        set_log_sink([](std::string_view) {});
        auto opened = province::Store::open({.path = ":memory:", .vfs = {}, .new_id = {{9}}});
        REQUIRE(opened);
        store = *std::move(opened);
        receiver = std::make_unique<province::Receiver>(
            clock, *store, disk->get_executor(),
            province::ReceiverOptions{
                .tokens_file = {}, .accepts_certificates = false, .trusts_network = true});
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto name = "desa-" + std::to_string(i);
            gateways.push_back(std::make_unique<Gateway>(
                clock, *loop, test_seed() * 1000 + i, name, folder.file(name), [this]() -> Handler {
                    if (!is_up) return {};
                    return [this](ServerRequest request) { return take(std::move(request)); };
                }));
        }
        clock.pass(was_off ? 24h : 23h);
        for (auto& gateway : gateways) {
            net::co_spawn(*loop, gateway->pusher->run(), [](std::exception_ptr failure) {
                if (failure) std::rethrow_exception(failure);
            });
        }
        if (!was_off) clock.run_for(*loop, 1h);
        is_up = true;
        up_since = clock.now();
    }
    ~Herd() {
        disk.reset();
        loop.reset();
        receiver.reset();
        gateways.clear();
        set_log_sink(nullptr);
    }

    net::awaitable<ServerResponse> take(ServerRequest request) {
        const auto minute = static_cast<std::size_t>((clock.now() - up_since) / 60s);
        if (arrivals.size() <= minute) arrivals.resize(minute + 1);
        ++arrivals[minute];
        auto response = co_await receiver->handle(std::move(request));
        if (response.status == 503) {
            REQUIRE(response.retry_after);
            waits.push_back(*response.retry_after);
        } else {
            REQUIRE(response.status == 200);
            ++kept;
        }
        co_return response;
    }

    /// One job of the store each `service`.
    void run(Millis service, Millis span) {
        for (Millis done{}; done < span; done += service) {
            clock.run_for(*loop, service);
            disk->restart();
            disk->poll_one();
            clock.run_ready(*loop);
            look();
            if (left == 0) return;
        }
    }
    void look() {
        left = 0;
        for (auto& gateway : gateways) {
            if (gateway->drained) continue;
            const auto status = gateway->pusher->status();
            if (!gateway->first_kept && status.last_success) gateway->first_kept = clock.now();
            if (status.through == gateway->last) {
                gateway->drained = clock.now();
            } else {
                ++left;
            }
        }
    }

    ManualClock clock;
    TempFolder folder;
    std::unique_ptr<net::io_context> loop = std::make_unique<net::io_context>(1);
    std::unique_ptr<net::io_context> disk = std::make_unique<net::io_context>(1);
    std::unique_ptr<province::Store> store;
    std::unique_ptr<province::Receiver> receiver;
    std::vector<std::unique_ptr<Gateway>> gateways;
    bool is_up = false;
    Monotonic up_since;
    std::vector<std::uint64_t> arrivals;  ///< a minute
    std::vector<Seconds> waits;           ///< that the province asked for
    std::uint64_t kept = 0;
    std::uint64_t left = 0;
};

}  // namespace

TEST_CASE("Herd of gateways drains after a province's outage of a day, spread, and none starves",
          "[simulation][herd]") {
    const bool comes_at_once = GENERATE(false, true);
    const bool is_all = test_effort() > 1;
    // More than may wait at the receiver, where they come at once.
    const std::uint64_t count = is_all ? 841 : comes_at_once ? 150 : 50;
    // So slow a disk that they are a crowd.
    const Millis service = is_all ? Millis{125} : Millis{500};
    const auto per_minute = static_cast<std::uint64_t>(60s / service);
    // A gateway that ran all day tries about every ten minutes. Those that were off themselves, a
    // district whose power returns, all come in the same second.
    Herd herd{count, comes_at_once};
    herd.run(service, 12h);
    REQUIRE(herd.left == 0);

    const auto& arrivals = herd.arrivals;
    const auto most = *std::max_element(arrivals.begin(), arrivals.end());
    const auto most_later =
        arrivals.size() > 1 ? *std::max_element(arrivals.begin() + 1, arrivals.end()) : 0;
    Millis heard{}, drained{};
    for (const auto& gateway : herd.gateways) {
        heard = std::max<Millis>(heard, *gateway->first_kept - herd.up_since);
        drained = std::max<Millis>(drained, *gateway->drained - herd.up_since);
    }
    const Millis ideal = service * static_cast<std::int64_t>(herd.kept);
    WARN(count << " gateways" << (comes_at_once ? ", all in one second" : "") << ": " << herd.kept
               << " batches kept, " << herd.waits.size() << " sent away; arrivals a minute " << most
               << ", after the first " << most_later << ", can be kept " << per_minute
               << "; all heard after " << heard / 1s << " s, drained after " << drained / 1s
               << " s of work for " << ideal / 1s << " s");
    // The share of the slots is half of what can be kept, that of those who come unasked the rest;
    // a minute of chance may double it.
    CHECK(most_later <= 2 * per_minute);
    // Ten minutes are the longest back-off of a gateway that was left alone.
    const Millis alone = comes_at_once ? Millis{} : Millis{600'000};
    CHECK(heard <= alone + ideal + province::RetrySlots::kMost);
    CHECK(drained <= alone + 2 * ideal + province::RetrySlots::kMost);
    CHECK(herd.waits.empty() == (!is_all && !comes_at_once));
    for (const auto wait : herd.waits) {
        REQUIRE(wait >= province::RetrySlots::kLeast);
        REQUIRE(wait <= province::RetrySlots::kMost);
    }
}
