// Links beside the WAN: their outages while the WAN is away, and for whom the site hurries.

#include <catch2/catch.hpp>

#include "tests/daemon/ledger/link_book_samples.hpp"

namespace gerbang {
namespace {

/// A service found dead at 10 s while the WAN works, then the WAN fails at 20 s.
struct Eclipsed : Book {
    Eclipsed() {
        (void)start_at(at(0));
        for (const std::int64_t second : {10, 13, 16}) {
            (void)wan(good(second));
            keep(book.observe(kService, beside(second, Cause::service, false)));
        }
        for (const std::int64_t second : {20, 23, 26, 36}) {
            (void)wan(dead(second));
            keep(book.observe(kService, beside(second, Cause::service, false)));
        }
    }
    void keep(const std::vector<Outage>& segments) {
        for (const auto& outage : segments) told[outage.segment] = outage;
    }
    std::map<std::uint32_t, Outage> told;  ///< of one outage
};

}  // namespace

TEST_CASE("LinkBook goes on unmeasured with an outage behind the WAN when the WAN fails",
          "[ledger]") {
    Eclipsed site;
    REQUIRE(site.told.size() == 2);
    CHECK(site.told[1].cause == Cause::service);
    CHECK(site.told[1].last_bad == at(16));
    CHECK(site.told[1].first_good == at(20));
    CHECK(site.told[2].id == site.told[1].id);
    CHECK(site.told[2].cause == Cause::unknown);
    CHECK(site.told[2].confidence == Confidence::none);
    CHECK(site.told[2].evidence == "no longer measured; the WAN is not known to work");
    CHECK(site.told[2].last_good == at(16));
    CHECK(site.told[2].first_bad == at(20));
    CHECK(site.told[2].is_open());
    CHECK(site.book.view(kService).state == LinkState::unknown);
    CHECK(site.book.view(kService).since == at(20));

    SECTION("and it is still dead behind it: one outage") {
        (void)site.wan(good(40));
        for (const std::int64_t second : {43, 46, 49}) {
            CHECK(site.told.size() == 2);
            (void)site.wan(good(second));
            site.keep(site.book.observe(kService, beside(second, Cause::service, false)));
        }
        REQUIRE(site.told.size() == 3);
        CHECK(site.told[2].last_bad == at(36));
        CHECK(site.told[2].first_good == at(43));
        CHECK(site.told[3].id == site.told[1].id);
        CHECK(site.told[3].cause == Cause::service);
        CHECK(site.told[3].last_good == at(36));
        CHECK(site.told[3].first_bad == at(43));
        CHECK(site.book.view(kService).state == LinkState::down);
        (void)site.wan(good(60));
        site.keep(site.book.observe(kService, good(60)));
        CHECK_FALSE(site.told[3].is_open());
        CHECK(site.seconds("service-dukcapil down service") == 10'000 + 17'000);
        CHECK(site.seconds("service-dukcapil unknown none") == 10'000 + 23'000);
        CHECK(site.seconds("service-dukcapil up none") == 0);
    }
    SECTION("and it answers behind it: nobody knows since when") {
        (void)site.wan(good(40));
        site.keep(site.book.observe(kService, good(43)));
        REQUIRE(site.told.size() == 2);
        CHECK(site.told[2].last_bad == at(36));
        CHECK(site.told[2].first_good == at(43));
        CHECK(site.book.view(kService).state == LinkState::up);
        CHECK(site.seconds("service-dukcapil down service") == 10'000);
        CHECK(site.seconds("service-dukcapil unknown none") == 10'000 + 23'000);
    }
    SECTION("and one failure behind it is not yet believed") {
        (void)site.wan(good(40));
        site.keep(site.book.observe(kService, beside(43, Cause::service, false)));
        CHECK(site.book.is_in_doubt());
        site.keep(site.book.observe(kService, good(46)));
        REQUIRE(site.told.size() == 2);
        CHECK(site.told[2].last_bad == at(43));
        CHECK(site.told[2].first_good == at(46));
    }
    SECTION("and the device goes off in the middle of it") {
        auto history = after(at(40));
        history.open = {site.told[2]};
        Book next;
        site.keep(next.book.start(history, at(30, 2), false));
        REQUIRE(site.told.size() == 3);
        CHECK(site.told[2].last_bad == at(40));
        CHECK(site.told[3].cause == Cause::undetermined);
        SECTION("and the WAN is dead behind it: the gap is no end of the outage") {
            for (const std::int64_t second : {31, 34, 37}) {
                (void)next.wan(dead(second, 2));
                site.keep(next.book.observe(kService, unasked(second, 2)));
            }
            REQUIRE(site.told.size() == 4);
            CHECK(site.told[3].first_good == at(30, 2));
            CHECK(site.told[4].cause == Cause::unknown);
            CHECK(site.told[4].first_bad == at(30, 2));
            CHECK(next.book.view(kService).state == LinkState::unknown);
        }
        SECTION("and it answers") {
            (void)next.wan(good(31, 2));
            site.keep(next.book.observe(kService, good(31, 2)));
            REQUIRE(site.told.size() == 3);
            CHECK(site.told[3].first_good == at(31, 2));
        }
    }
    SECTION("and the configuration is read anew") {
        auto history = after(at(40));
        history.run->was_reload = true;
        history.run->ended_cleanly = true;
        history.open = {site.told[2], segment(9, 1, Cause::isp, at(16), at(20))};
        Book next;
        CHECK(next.book.start(history, at(41), true).empty());
        CHECK(next.book.view(kService).state == LinkState::unknown);
        (void)next.wan(good(45));
        site.keep(next.book.observe(kService, good(46)));
        REQUIRE(site.told.size() == 2);
        CHECK(site.told[2].first_good == at(46));
        CHECK(next.seconds("service-dukcapil down service") == 0);
        CHECK(next.seconds("service-dukcapil unknown none") == 5'000);
    }
}

TEST_CASE("LinkBook hurries for every link until its verdict, and no longer", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(10));
    CHECK_FALSE(site.book.is_in_doubt());
    const std::string link = GENERATE("hotspot", "province", "service-dukcapil");
    const auto cause = link == "hotspot" ? Cause::hotspot : Cause::service;
    (void)site.book.observe(link, beside(10, cause, false));
    CHECK(site.book.is_in_doubt());
    CHECK(site.book.wants_look(link));
    SECTION("not after a minute without a look at it: the last LAN port is gone") {
        (void)site.wan(good(70));
        CHECK(site.book.is_in_doubt());
        (void)site.wan(good(71));
        CHECK_FALSE(site.book.is_in_doubt());
        CHECK_FALSE(site.book.wants_look(link));
        (void)site.wan(dead(81));
        CHECK(site.book.is_in_doubt());
    }
    SECTION("not after its verdict, for as long as it stays down") {
        (void)site.book.observe(link, beside(13, cause, false));
        CHECK(site.book.is_in_doubt());
        CHECK(site.book.observe(link, beside(16, cause, false)).size() == 1);
        for (std::int64_t second = 20; second < 4000; second += 10) {
            (void)site.wan(good(second));
            CHECK_FALSE(site.book.is_in_doubt());
            CHECK_FALSE(site.book.wants_look(link));
            (void)site.book.observe(link, beside(second, cause, false));
        }
    }
    SECTION("not for ever when it flaps") {
        unsigned hurried = 0;
        for (std::int64_t second = 20; second < 7200; second += 3) {
            (void)site.wan(good(second));
            (void)site.book.observe(link, beside(second, cause, second % 2 == 0));
            if (site.book.is_in_doubt()) ++hurried;
        }
        CHECK(hurried <= 2 * LinkBook::kMostHurried);
        CHECK(hurried >= 2 * LinkBook::kMostHurried - 3);
        // The WAN's own doubt is not held back by that.
        (void)site.wan(dead(7200));
        CHECK(site.book.is_in_doubt());
    }
}

TEST_CASE("LinkBook wants a look at what lies behind the WAN when the WAN is back", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(10));
    (void)site.book.observe(kService, good(10));
    for (const std::int64_t second : {20, 23, 26, 36}) {
        (void)site.wan(dead(second));
        (void)site.book.observe(kService, unasked(second));
        CHECK(site.book.wants_look(kService) == (second < 26));  // in doubt itself
    }
    (void)site.wan(good(46));
    CHECK_FALSE(site.book.is_in_doubt());
    CHECK(site.book.wants_look(kService));
    CHECK_FALSE(site.book.wants_look("hotspot"));
    SECTION("once") {
        (void)site.book.observe(kService, good(56));
        CHECK_FALSE(site.book.wants_look(kService));
        (void)site.wan(good(66));
        CHECK_FALSE(site.book.wants_look(kService));
    }
    SECTION("once, also when the look said nothing") {
        (void)site.book.observe(kService, unasked(56));
        CHECK_FALSE(site.book.wants_look(kService));
    }
    SECTION("but not while the WAN is in doubt again") {
        (void)site.wan(dead(56));
        CHECK_FALSE(site.book.wants_look(kService));
    }
}

}  // namespace gerbang
