#include <catch2/catch.hpp>
#include <chrono>

#include "tests/daemon/sync/sender.hpp"
#include "tests/support/seed.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("Pusher looks past what is not here for the last record in common", "[sync][diverge]") {
    // Two cards of one identity with the same first twelve records, then others.
    const auto seed = test_seed();
    Sender first{seed};
    Sender second{seed};
    second.link.is_up = false;
    for (int i = 0; i < 10; ++i) {
        first.commit(1, 50);
        second.commit(1, 50);
    }
    const Seq common = first.last();
    for (int i = 0; i < 20; ++i) {
        first.commit(1, 60);
        second.commit(1, 70);
    }
    const Seq last = first.last();
    first.run_for(10min);
    REQUIRE(first.is_complete());
    const auto closed = second.epoch();
    REQUIRE(closed == first.epoch());
    second.kill();
    second.start(true);
    second.kill();
    // Of its own three remain before the hole, and those behind it.
    second.lose(closed, {Seq{common.value + 4}, Seq{common.value + 14}});
    second.province = first.province;
    second.start();
    second.link.is_up = true;
    second.run_for(1h);
    const auto status = second.status();
    REQUIRE(status.parked.size() == 1);
    CHECK(status.parked.front().range == SeqRange{common.next(), last});
    const auto attempts = second.link.attempts();
    second.run_for(6h);
    CHECK(second.link.attempts() == attempts);
    const bool is_as_it_was = second.province.records(closed) == first.records(closed);
    CHECK(is_as_it_was);
}
