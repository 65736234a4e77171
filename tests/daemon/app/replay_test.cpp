#include "daemon/app/replay.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

DeviceTime on(std::uint32_t boot, Millis at) {
    return {BootNo{boot}, Monotonic{} + at};
}

LinkBook::History power_cut_after(DeviceTime last) {
    LinkBook::History past;
    PreviousRun run;
    run.last_tick = last;
    run.ending.cause = Cause::device_off;
    past.run = run;
    past.last_outage_id = 7;
    return past;
}

LinkBook::View up_since(DeviceTime at) {
    LinkBook::View view;
    view.link = link_name::kWan;
    view.state = LinkState::up;
    view.since = at;
    return view;
}

}  // namespace

TEST_CASE("Replay gives the gap before a blind life its end where the link was first seen",
          "[app][replay]") {
    const BlindLife life{.began = on(2, 2s),
                         .ended = on(2, 3600s),
                         .segments = {},
                         .at_end = {up_since(on(2, 20s))}};
    const auto told = replay(power_cut_after(on(1, 900s)), life, false, 3, 300s);
    REQUIRE(told.written.size() == 2);
    const auto& gap = told.written.back();
    CHECK(gap.id == 8);
    CHECK(gap.cause == Cause::device_off);
    CHECK(gap.last_good == on(1, 900s));
    CHECK(gap.first_good == on(2, 20s));
    CHECK(told.open.empty());
    CHECK(told.last_id == 8);
}

TEST_CASE("Replay gives a blind life's outages ids of the journal and keeps their bounds",
          "[app][replay]") {
    Outage seen{.id = 1,
                .segment = 1,
                .link = std::string{link_name::kWan},
                .cause = Cause::isp,
                .last_good = on(2, 990s),
                .first_bad = on(2, 1000s),
                .last_bad = on(2, 1500s),
                .first_good = on(2, 1503s),
                .confidence = Confidence::medium,
                .evidence = "far side silent"};
    auto open = seen;
    open.id = 2;
    open.last_good = on(2, 2990s);
    open.first_bad = on(2, 3000s);
    open.last_bad.reset();
    open.first_good.reset();
    const BlindLife life{
        .began = on(2, 2s), .ended = on(2, 3600s), .segments = {seen, open}, .at_end = {}};
    const auto told = replay(power_cut_after(on(1, 900s)), life, false, 3, 300s);
    std::vector<Outage> closed;
    for (const auto& outage : told.written) {
        if (!outage.is_open() && outage.cause == Cause::isp) closed.push_back(outage);
    }
    REQUIRE(closed.size() == 1);
    seen.id = closed[0].id;
    CHECK(closed[0].id > 8);
    CHECK(closed[0] == seen);
    REQUIRE(told.open.size() == 1);
    CHECK(told.open[0].first_bad == on(2, 3000s));
    CHECK(told.open[0].last_good == on(2, 2990s));
    CHECK(told.open[0].id == told.last_id);
}

TEST_CASE("Replay tells what a blind life folded as the fold that it was", "[app][replay]") {
    Outage folded{.id = 5,
                  .segment = 1,
                  .link = std::string{link_name::kWan},
                  .cause = Cause::undetermined,
                  .last_good = on(2, 990s),
                  .first_bad = on(2, 1000s),
                  .last_bad = on(2, 1900s),
                  .first_good = on(2, 1903s),
                  .confidence = Confidence::none,
                  .evidence = "9 short outages in a row: carrier 4, isp 5",
                  .fold = Fold{9, 100s, 160s, 20s, 30s}};
    auto single = folded;
    single.id = 14;
    single.cause = Cause::isp;
    single.last_good = on(2, 2000s);
    single.first_bad = on(2, 2010s);
    single.last_bad = on(2, 2500s);
    single.first_good = on(2, 2503s);
    single.fold.reset();
    const BlindLife life{
        .began = on(2, 2s), .ended = on(2, 3600s), .segments = {single, folded}, .at_end = {}};
    const auto told = replay(power_cut_after(on(1, 900s)), life, false, 3, 300s);
    std::vector<Outage> folds;
    for (const auto& outage : told.written) {
        if (outage.fold) folds.push_back(outage);
        // It was never open: what goes on cannot be a fold.
        if (outage.first_bad == folded.first_bad) CHECK_FALSE(outage.is_open());
    }
    REQUIRE(folds.size() == 1);
    folded.id = folds[0].id;
    CHECK(folds[0] == folded);
    CHECK(told.last_id == folded.id + 1);
    CHECK(told.open.empty());
}
