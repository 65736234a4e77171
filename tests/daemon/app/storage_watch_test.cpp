#include "daemon/app/storage_watch.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

Monotonic at(Millis ms) {
    return Monotonic{} + ms;
}

}  // namespace

TEST_CASE("StorageWatch tries a dead card at most every 30 s and tells of it once",
          "[app][storage]") {
    StorageWatch watch;
    CHECK_FALSE(watch.take_change());
    const Error dead{Errc::storage_broken, "fsync journal.db-wal: Input/output error"};
    Monotonic now = at(1s);
    unsigned changes = 0;
    std::vector<Millis> pauses;
    for (int i = 0; i < 8; ++i) {
        watch.failed(dead, now);
        if (watch.take_change()) ++changes;
        pauses.push_back(watch.retry_at() - now);
        now = watch.retry_at();
        watch.opened(now);  // it opens, and the next commit fails: that is no healing
    }
    CHECK(pauses == std::vector<Millis>{1s, 2s, 4s, 8s, 16s, 30s, 30s, 30s});
    CHECK(changes == 1);
    CHECK(watch.state() == StorageState::broken);
    CHECK(watch.since() == at(1s));
    watch.committed(now);
    CHECK(watch.state() == StorageState::well);
    CHECK(watch.detail().empty());
    REQUIRE(watch.take_change());
    // It broke again at once: the pause goes on growing.
    watch.failed(dead, now + 5s);
    CHECK(watch.retry_at() - (now + 5s) == 30s);
    watch.committed(now + 90s);
    watch.failed(dead, now + 91s);
    CHECK(watch.retry_at() - (now + 91s) == 1s);
}

TEST_CASE("StorageWatch tells full, read-only and broken storage apart", "[app][storage]") {
    CHECK(state_of({Errc::storage_full, "disk is full"}) == StorageState::full);
    CHECK(state_of({Errc::storage_broken, "attempt to write a readonly database"}) ==
          StorageState::read_only);
    CHECK(state_of({Errc::storage_broken, "open x: Read-only file system"}) ==
          StorageState::read_only);
    CHECK(state_of({Errc::storage_broken, "open x: No such file or directory"}) ==
          StorageState::broken);
}

TEST_CASE("StorageWatch calls a call that does not return hanging, and forgets it when it does",
          "[app][storage]") {
    StorageWatch watch;
    watch.opened(at(1s));
    watch.committed(at(1s));
    watch.look(at(10s), 5s, at(14s));
    CHECK(watch.state() == StorageState::well);
    CHECK_FALSE(watch.take_change());
    watch.look(at(10s), 5s, at(15s));
    CHECK(watch.state() == StorageState::hanging);
    CHECK(watch.since() == at(10s));
    const auto change = watch.take_change();
    REQUIRE(change);
    CHECK(change->state == StorageState::hanging);
    CHECK(change->since == at(10s));
    CHECK_FALSE(change->detail.empty());
    watch.look(std::nullopt, 5s, at(80s));
    CHECK(watch.state() == StorageState::well);
    REQUIRE(watch.take_change());
    CHECK_FALSE(watch.take_change());
}
