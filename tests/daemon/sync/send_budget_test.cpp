#include "daemon/sync/send_budget.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

TEST_CASE("A send budget without a rate lets everything begin at once", "[sync]") {
    SendBudget budget;
    budget.spend(Monotonic{} + 5s, 1'000'000'000);
    CHECK(budget.free_at() == Monotonic{});
    CHECK(budget.body_bytes(262'144, 8'192) == 262'144);
}

TEST_CASE("A send budget spaces bodies by what they take at its rate, and saves nothing up",
          "[sync]") {
    SendBudget budget;
    budget.set_rate(1'000);
    const Monotonic start = Monotonic{} + 100s;
    budget.spend(start, 3'000);
    CHECK(budget.free_at() == start + 3s);
    budget.spend(start + 1s, 500);  // one that did not wait is paid for behind the other
    CHECK(budget.free_at() == start + 3500ms);
    budget.spend(start + 60s, 1);
    CHECK(budget.free_at() == start + 60s + 1ms);
    budget.set_rate(0);
    CHECK(budget.free_at() == Monotonic{});
}

TEST_CASE("A send budget keeps bodies short enough for what is fresh", "[sync]") {
    SendBudget budget;
    budget.set_rate(20'000);
    CHECK(budget.body_bytes(262'144, 8'192) == 80'000);
    CHECK(budget.body_bytes(10'000, 8'192) == 10'000);
    budget.set_rate(100);
    CHECK(budget.body_bytes(262'144, 8'192) == 8'192);
}
