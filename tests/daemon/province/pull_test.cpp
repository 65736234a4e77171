#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <deque>
#include <exception>
#include <random>

#include "daemon/host/log.hpp"
#include "daemon/province/pull_round.hpp"
#include "daemon/serve/pull_api.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace gerbang::province;
using namespace std::chrono_literals;

namespace {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
constexpr const char* kSite = "muara-siran";

/// A gateway's real pull API without a network between, and the faults of one.
class GatewayLink final : public Uplink {
public:
    GatewayLink(Clock& clock, SampleSite& site) : clock_{clock}, site_{site} {
        PullSources sources;
        sources.records = [this](EpochId epoch, Seq after,
                                 std::uint64_t) -> net::awaitable<Result<PulledRecords>> {
            CHECK(epoch == site_.epoch());
            const Seq last{std::min(site_.last().value, after.value + records_at_once)};
            PulledRecords found;
            found.site = site_.site();
            found.before = site_.head(after);
            found.records = site_.records({after.next(), last});
            given += found.records.size();
            co_return found;
        };
        sources.epochs = [this]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
            auto rows = left;
            rows.push_back({site_.epoch(), site_.last(), is_epoch_open});
            co_return rows;
        };
        sources.receipt = [this](std::string, Receipt got,
                                 Seq common) -> net::awaitable<Result<void>> {
            receipts.push_back(got);
            if (common.value != 0) {
                agreed.push_back(common);
                if (forks) {
                    left.push_back({site_.epoch(), common, false});
                    site_.new_epoch(common, "diverged");
                    site_.minutes(3);
                }
                co_return ok();
            }
            if (got.epoch != site_.epoch()) co_return ok();
            if (got.through > site_.last() || got.head != site_.head(got.through)) {
                co_return Error{Errc::diverged, "rolled back or cloned"};
            }
            co_return ok();
        };
        sources.series = [] { return std::vector<Series>{}; };
        api_.emplace(
            clock, std::vector<Puller>{{"pusat", kToken, {}}}, std::move(sources),
            [](ServerRequest) -> net::awaitable<ServerResponse> { co_return ServerResponse{}; });
    }

    net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override {
        ++requests;
        ++under_way;
        most_under_way = std::max(most_under_way, under_way);
        (void)co_await clock_.sleep_until(clock_.now() + latency);
        --under_way;
        if (!faults.empty()) {
            const auto fault = faults.front();
            faults.pop_front();
            if (fault == -1) co_return Error{Errc::unreachable, "time-out"};
            if (fault != 0) {
                HttpAnswer refusal;
                refusal.status = fault;
                refusal.retry_after = retry_after;
                co_return refusal;
            }
        }
        ServerRequest asked;
        asked.method = request.method;
        const auto mark = std::min(request.path.find('?'), request.path.size());
        asked.path = request.path.substr(0, mark);
        if (mark < request.path.size()) asked.query = request.path.substr(mark + 1);
        asked.body = std::move(request.body);
        asked.content_type = request.content_type;
        asked.authorization = std::string{"Bearer "} + token;
        auto response = co_await api_->answer(std::move(asked));
        HttpAnswer answer;
        answer.status = response.status;
        answer.body = std::move(response.body);
        answer.request = request.method + " https://gateway" + request.path;
        if (loses_next_answer) {
            loses_next_answer = false;
            co_return Error{Errc::unreachable, "reset"};
        }
        co_return answer;
    }
    UplinkTraffic traffic() const override { return {}; }

    std::deque<int> faults;  ///< of the next requests: -1 lost, 0 none, else a status
    std::optional<Seconds> retry_after;
    bool loses_next_answer = false;
    std::string token = kToken;
    std::uint64_t records_at_once = 7;
    Millis latency{600};
    std::uint64_t given = 0;
    int requests = 0;
    int under_way = 0;
    int most_under_way = 0;
    std::vector<Receipt> receipts;
    std::vector<Seq> agreed;  ///< the last common records that it was told
    bool forks = false;       ///< what it does then
    std::vector<web::EpochRow> left;
    bool is_epoch_open = true;

private:
    Clock& clock_;
    SampleSite& site_;
    std::optional<PullApi> api_;
};

/// A store, a site and the way between them, on virtual time.
struct Region {
    explicit Region(std::uint64_t seed = 1) : site{kSite, seed} {
        set_log_sink([](std::string_view) {});
        auto opened = Store::open({.path = ":memory:", .vfs = {}, .new_id = {{9}}});
        REQUIRE(opened);
        store = *std::move(opened);
        sink = store_sink(*store, io.get_executor(), clock);
        site.minutes(30);
    }
    ~Region() { set_log_sink(nullptr); }

    Result<void> visit(const std::string& name = kSite) {
        std::optional<Result<void>> result;
        progress = {};
        net::co_spawn(io, pull_site(name, link, *sink, clock, progress),
                      [&](std::exception_ptr failure, Result<void> done) {
                          if (failure) std::rethrow_exception(failure);
                          result = std::move(done);
                      });
        const auto began = clock.now();
        while (!result && clock.now() - began < 1h) clock.run_for(io, 1s);
        REQUIRE(result);
        took = clock.now() - began;
        return *result;
    }
    std::vector<Record> held() {
        auto records = store->records(kSite, site.epoch(), {Seq{1}, Seq{kMaxSeq}});
        REQUIRE(records);
        return *std::move(records);
    }

    ManualClock clock;
    net::io_context io{1};
    SampleSite site;
    GatewayLink link{clock, site};
    std::unique_ptr<Store> store;
    std::unique_ptr<PullSink> sink;
    PullProgress progress;
    Millis took{};
};

}  // namespace

TEST_CASE("Pull stops at once where it is not let in and stores nothing", "[province][pull]") {
    Region field;
    field.link.token = "ffffffffffffffffffffffffffffffff";
    const auto done = field.visit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::not_authorised);
    CHECK(field.link.requests == 1);
    CHECK(field.held().empty());
    CHECK_FALSE(field.progress.is_done);
}

TEST_CASE("Pull takes nothing from a gateway that is another site", "[province][pull]") {
    Region field;
    const auto done = field.visit("muara-lain");
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::bad_input);
    CHECK(done.error().detail.find("muara-siran, not muara-lain") != std::string::npos);
    CHECK(field.store->list()->empty());
}

TEST_CASE("Pull tries again what fails in passing, as long as it is told to wait",
          "[province][pull]") {
    Region field;
    field.link.retry_after = Seconds{90};
    field.link.faults = {503, -1, 429};
    REQUIRE(field.visit());
    CHECK(field.held() == field.site.records());
    CHECK(field.took >= 184s);
    field.link.retry_after.reset();
    field.link.faults = {500, 502, -1, 408};
    field.site.minute();
    const auto done = field.visit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::overloaded);
    CHECK(field.took < 20s);
}

TEST_CASE("Pull fetches what there is, once, and says what is held", "[province][pull]") {
    Region field;
    REQUIRE(field.visit());
    CHECK(field.progress.is_done);
    CHECK(field.progress.records == field.site.last().value);
    CHECK(field.held() == field.site.records());
    REQUIRE_FALSE(field.link.receipts.empty());
    CHECK(field.link.receipts.back().through == field.site.last());
    const auto given = field.link.given;
    const auto requests = field.link.requests;
    REQUIRE(field.visit());
    CHECK(field.link.given == given);
    CHECK(field.link.requests == requests + 1);
    field.site.minute();
    REQUIRE(field.visit());
    CHECK(field.link.given == field.site.last().value);
    CHECK(field.held() == field.site.records());
    CHECK(field.store->duplicates_ignored() == 0);
}

TEST_CASE("Pull goes on where it was cut off, whatever was cut off", "[province][pull]") {
    const auto seed = test_seed();
    std::mt19937_64 random{seed};
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        Region field{seed + round};
        field.link.latency = Millis{50};
        for (int visit = 0; visit < 60 && !field.progress.is_done; ++visit) {
            // Four failures in a row end a visit.
            field.link.faults.assign(random() % 4, 0);
            field.link.faults.insert(field.link.faults.end(), 4, -1);
            field.link.loses_next_answer = random() % 2 == 0;
            field.link.records_at_once = 1 + random() % 9;
            (void)field.visit();
        }
        field.link.faults.clear();
        REQUIRE(field.visit());
        REQUIRE(field.held() == field.site.records());
    }
}

TEST_CASE("Pull and push of one site together store each record once", "[province][pull]") {
    const auto seed = test_seed();
    std::mt19937_64 random{seed};
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        Region field{seed + round};
        field.link.records_at_once = 1 + random() % 9;
        field.link.latency = Millis{100};
        PullProgress progress;
        std::optional<Result<void>> result;
        net::co_spawn(field.io, pull_site(kSite, field.link, *field.sink, field.clock, progress),
                      [&](std::exception_ptr failure, Result<void> done) {
                          REQUIRE_FALSE(failure);
                          result = std::move(done);
                      });
        while (!result) {
            const auto first = 1 + random() % field.site.last().value;
            const auto last = std::min(field.site.last().value, first + random() % 12);
            // What is pushed ahead of the rest may only need too many separate ranges.
            const auto pushed =
                field.store->accept(field.site.batch(first, last), field.clock.wall().wall);
            if (!pushed) REQUIRE(pushed.error().code == Errc::overloaded);
            field.clock.run_for(field.io, Millis{37});
        }
        REQUIRE(*result);
        REQUIRE(field.held() == field.site.records());
        const auto sites = field.store->list();
        REQUIRE(sites);
        REQUIRE(sites->at(0).records == field.site.last().value);
        REQUIRE(sites->at(0).rx_bytes == static_cast<std::uint64_t>(field.site.wan_rx_bytes()));
    }
}

TEST_CASE("Pull that is cut off while it looks for the last common record tells nothing",
          "[province][pull][diverge]") {
    Region field;
    REQUIRE(field.visit());
    const auto before = field.held();
    field.site.roll_back(Seq{9});
    field.site.minutes(60);
    SECTION("by the link") {
        field.link.faults = {0, 0, 0, -1, -1, -1, -1};
        CHECK(field.visit().error().code == Errc::unreachable);
    }
    SECTION("by a gateway that knows no such question") {
        field.link.faults.assign(8, 0);
        field.link.faults.push_back(400);
        CHECK(field.visit().error().code == Errc::bad_input);
    }
    CHECK(field.link.agreed.empty());
    CHECK(field.held() == before);
    CHECK_FALSE(field.progress.is_done);
}

TEST_CASE("Pull tells a gateway that was rolled back where, and keeps what it has",
          "[province][pull][diverge]") {
    Region field;
    REQUIRE(field.visit());
    const auto before = field.held();
    field.site.roll_back(Seq{9});
    SECTION("and is shorter than what is held") {}
    SECTION("and has grown beyond it with other records") {
        field.site.minutes(60);
    }
    const auto done = field.visit();
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Errc::diverged);
    CHECK(field.link.receipts.back().through == before.back().seq);
    CHECK(field.link.agreed == std::vector{Seq{9}});
    CHECK(field.held() == before);
}

TEST_CASE("Pull goes on in the epoch that a gateway begins where the histories part",
          "[province][pull][diverge]") {
    const auto seed = test_seed();
    std::mt19937_64 random{seed};
    for (std::uint64_t round = 0; round < test_rounds(20); ++round) {
        Region field{seed + round};
        field.link.latency = Millis{20};
        field.link.forks = true;
        REQUIRE(field.visit());
        const auto old = field.site.epoch();
        const auto before = field.held();
        const Seq common{1 + random() % (before.size() - 1)};
        field.site.roll_back(common);
        field.site.minutes(static_cast<int>(random() % 60));
        const auto requests = field.link.requests;
        const auto done = field.visit();
        INFO("seed " << seed << " round " << round << " common " << common.value);
        REQUIRE(done);
        REQUIRE(field.link.agreed == std::vector{common});
        // A question for each halving of what is held, and what is asked anyway.
        REQUIRE(field.link.requests - requests < 20);
        REQUIRE(field.progress.is_done);
        REQUIRE(*field.store->records(kSite, old, {Seq{1}, Seq{kMaxSeq}}) == before);
        REQUIRE(field.held() == field.site.records());
        REQUIRE(field.visit());
        REQUIRE(field.link.agreed.size() == 1);
    }
}

TEST_CASE("Pull leaves what a closed epoch has of its own, says so, and goes on",
          "[province][pull][diverge]") {
    Region field;
    REQUIRE(field.visit());
    const auto before = field.held();
    field.site.roll_back(Seq{9});
    field.site.minutes(60);
    field.link.is_epoch_open = false;
    REQUIRE(field.visit());
    CHECK(field.progress.refused == field.site.last().value - before.size());
    CHECK(field.link.agreed.empty());
    CHECK(field.held() == before);
}

TEST_CASE("Pull visits many gateways at a time and goes on without those that fail",
          "[province][pull]") {
    Region field;
    std::vector<std::unique_ptr<SampleSite>> sites;
    std::vector<GatewayLink*> links;
    std::vector<Gateway> gateways;
    for (int i = 0; i < 12; ++i) {
        const auto name = "desa-" + std::to_string(i);
        sites.push_back(std::make_unique<SampleSite>(name, static_cast<std::uint64_t>(i)));
        sites.back()->minutes(3);
        gateways.push_back({name, {}});
        gateways.back().target.url = std::to_string(i);
    }
    int open = 0;
    int most_open = 0;
    const OpenUplink opener = [&](const UplinkTarget& target) -> Result<std::unique_ptr<Uplink>> {
        const auto index = static_cast<std::size_t>(std::stoi(target.url));
        if (index == 3) return Error{Errc::bad_input, "no such file"};
        struct Counted final : Uplink {
            Counted(Clock& clock, SampleSite& site, int& count) : link{clock, site}, open{count} {}
            ~Counted() override { --open; }
            net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override {
                return link.send(std::move(request));
            }
            UplinkTraffic traffic() const override { return {}; }
            GatewayLink link;
            int& open;
        };
        auto made = std::make_unique<Counted>(field.clock, *sites[index], open);
        most_open = std::max(most_open, ++open);
        if (index == 5) made->link.token = "nonsense-nonsense";
        return std::unique_ptr<Uplink>{std::move(made)};
    };
    std::optional<std::vector<SiteVisit>> visits;
    int reports = 0;
    net::co_spawn(field.io,
                  pull_all(gateways, opener, *field.sink, field.clock, 4,
                           [&](const std::vector<SiteVisit>&) { ++reports; }),
                  [&](std::exception_ptr failure, std::vector<SiteVisit> all) {
                      REQUIRE_FALSE(failure);
                      visits = std::move(all);
                  });
    field.clock.run_for(field.io, 120s);
    REQUIRE(visits);
    CHECK(most_open == 4);
    CHECK(reports >= 1);
    for (std::size_t i = 0; i < visits->size(); ++i) {
        const auto& visit = visits->at(i);
        INFO(visit.site);
        CHECK(visit.is_over);
        CHECK(visit.progress.is_done == (i != 3 && i != 5));
        if (i == 3) CHECK(visit.error->code == Errc::bad_input);
        if (i == 5) CHECK(visit.error->code == Errc::not_authorised);
    }
    CHECK(field.store->list()->size() == 10);
}

TEST_CASE("Pull of many gateways ends when it is stopped", "[province][pull]") {
    Region field;
    std::vector<Gateway> gateways{{kSite, {}}, {"desa-2", {}}};
    std::optional<std::vector<SiteVisit>> visits;
    field.link.faults.assign(100, -1);
    const OpenUplink opener = [&](const UplinkTarget&) -> Result<std::unique_ptr<Uplink>> {
        return std::unique_ptr<Uplink>{std::make_unique<GatewayLink>(field.clock, field.site)};
    };
    net::co_spawn(field.io,
                  pull_all(gateways, opener, *field.sink, field.clock, 1,
                           [](const std::vector<SiteVisit>&) {}),
                  [&](std::exception_ptr, std::vector<SiteVisit> all) { visits = std::move(all); });
    field.clock.run_for(field.io, 1s);
    CHECK_FALSE(visits);
    field.clock.stop();
    field.clock.run_ready(field.io);
    REQUIRE(visits);
    CHECK_FALSE(visits->at(1).is_over);
}
