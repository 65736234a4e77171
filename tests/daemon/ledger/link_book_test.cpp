#include <catch2/catch.hpp>

#include "tests/daemon/ledger/link_book_samples.hpp"

namespace gerbang {
TEST_CASE("LinkBook numbers the outages of all links together", "[ledger]") {
    Book site;
    LinkBook::History history;
    history.last_outage_id = 7;
    CHECK(site.book.start(history, at(0), false).empty());
    (void)site.wan(good(10));
    for (const std::int64_t second : {20, 23, 26}) {
        (void)site.wan(good(second));
        const auto written = site.book.observe("hotspot", beside(second, Cause::hotspot, false));
        CHECK(written.size() == (second == 26 ? 1 : 0));
        if (second == 26) CHECK(written[0].id == 8);
        if (second == 26) CHECK(written[0].link == "hotspot");
    }
    for (const std::int64_t second : {30, 33}) CHECK(site.wan(dead(second)).empty());
    CHECK(site.wan(dead(36)).at(0).id == 9);
    CHECK(site.book.view("hotspot").cause == Cause::hotspot);
    CHECK(site.book.view("wan").cause == Cause::isp);
}

TEST_CASE("LinkBook calls nothing behind the WAN down unless the WAN is seen to work", "[ledger]") {
    const std::string link = GENERATE("province", "service-dukcapil");
    const auto cause = link == "province" ? Cause::province : Cause::service;
    Book site;
    (void)site.start_at(at(0));
    const auto silent = [&](std::int64_t second) {
        return site.book.observe(link, beside(second, cause, false));
    };
    SECTION("not before the first look at it") {
        for (std::int64_t second = 10; second < 60; second += 3) CHECK(silent(second).empty());
        CHECK(site.book.view(link).state == LinkState::unknown);
        CHECK(site.book.view(link).evidence == "the WAN is not known to work");
    }
    SECTION("not while it is in doubt or down") {
        (void)site.wan(good(10));
        (void)site.book.observe(link, good(10));
        for (std::int64_t second = 20; second < 60; second += 3) {
            (void)site.wan(dead(second));
            CHECK(silent(second).empty());
        }
        CHECK(site.book.view(link).state == LinkState::unknown);
        // It answers all the same: then it is up.
        (void)site.book.observe(link, good(60));
        CHECK(site.book.view(link).state == LinkState::up);
    }
    SECTION("but when the WAN works, also a degraded one") {
        for (const std::int64_t second : {20, 23, 26}) {
            auto verdict = good(second);
            if (second > 20) verdict.state = LinkState::degraded;
            (void)site.wan(verdict);
            CHECK(silent(second).size() == (second == 26 ? 1 : 0));
        }
        CHECK(site.book.view(link).cause == cause);
        CHECK(site.book.view("wan").state == LinkState::degraded);
    }
    SECTION("while the hotspot does not ask the WAN") {
        for (const std::int64_t second : {20, 23, 26}) {
            (void)site.wan(dead(second));
            (void)site.book.observe("hotspot", beside(second, Cause::hotspot, false));
        }
        CHECK(site.book.view("hotspot").state == LinkState::down);
    }
}

TEST_CASE("LinkBook is not held in doubt by links that nobody looks at after a gap", "[ledger]") {
    auto history = after(at(1000, 4));
    history.open = {segment(3, 1, Cause::hotspot, at(900, 4), at(910, 4))};
    history.open[0].link = "hotspot";
    Book site;
    (void)site.book.start(history, at(30, 5), false);
    CHECK(site.book.is_in_doubt());
    (void)site.wan(good(31, 5));
    CHECK_FALSE(site.book.is_in_doubt());
}

TEST_CASE("LinkBook takes up the open outages of each link and closes those of links gone",
          "[ledger]") {
    auto history = after(at(1000, 4), Cause::power);
    history.open = {segment(2, 1, Cause::isp, at(20, 3), at(30, 3)),
                    segment(3, 1, Cause::hotspot, at(900, 4), at(910, 4)),
                    segment(4, 2, Cause::isp, at(920, 4), at(930, 4)),
                    segment(5, 1, Cause::service, at(940, 4), at(950, 4))};
    history.open[1].link = "hotspot";
    history.open[3].link = "service-gone";
    history.last_outage_id = 1;  // an old mirror: the open ones know better
    Book site;
    const auto written = site.book.start(history, at(30, 5), false);

    REQUIRE(written.size() == 6);
    CHECK(written[0].id == 4);
    CHECK(written[1].id == 4);
    CHECK(written[1].cause == Cause::undetermined);
    CHECK(written[1].segment == 3);
    CHECK(written[2].id == 3);
    CHECK(written[3].id == 3);
    CHECK(written[3].cause == Cause::undetermined);
    CHECK(written[3].link == "hotspot");
    for (const auto& [index, id] : {std::pair{4U, 2U}, std::pair{5U, 5U}}) {
        const auto& closed = written[index];
        CHECK(closed.id == id);
        CHECK(closed.last_bad == at(1000, 4));
        CHECK(closed.first_good == at(30, 5));
        CHECK(closed.evidence == "no longer measured; before");
    }
    (void)site.wan(good(31, 5));
    for (const std::int64_t second : {40, 43}) (void)site.wan(dead(second, 5));
    CHECK(site.wan(dead(46, 5)).at(0).id == 6);
}

TEST_CASE("LinkBook goes on over a reload without a gap for any link", "[ledger]") {
    auto history = after(at(1000));
    history.run->was_reload = true;
    history.run->ended_cleanly = true;
    history.open = {segment(3, 1, Cause::hotspot, at(900), at(910)),
                    segment(4, 1, Cause::isp, at(900), at(910))};
    history.open[0].link = "hotspot";
    Book site;
    CHECK(site.book.start(history, at(1001), true).empty());
    CHECK(site.book.view("wan").state == LinkState::down);
    CHECK(site.book.view("hotspot").state == LinkState::down);
    CHECK_FALSE(site.book.wants_gap_length_since());
    (void)site.wan(good(1005));
    CHECK(site.book.observe("hotspot", good(1006)).at(0).id == 3);
    CHECK(site.seconds() == std::map<std::string, std::int64_t>{{"wan down isp", 4000},
                                                                {"hotspot down hotspot", 5000}});
}

TEST_CASE("LinkBook views name state, cause, confidence, bounds and evidence", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    CHECK(site.book.views().size() == 4);
    CHECK(site.book.views()[0].link == "wan");
    CHECK(site.book.views()[3].link == kService);
    auto verdict = good(10);
    verdict.evidence = "bytes come in on the WAN";
    (void)site.wan(verdict);
    auto view = site.book.view("wan");
    CHECK(view.state == LinkState::up);
    CHECK(view.confidence == Confidence::high);
    CHECK(view.since == at(10));
    CHECK(view.evidence == "bytes come in on the WAN");
    CHECK_FALSE(view.open);
    for (const std::int64_t second : {20, 23, 26}) (void)site.wan(dead(second));
    view = site.book.view("wan");
    CHECK(view.state == LinkState::down);
    CHECK(view.cause == Cause::isp);
    CHECK(view.confidence == Confidence::medium);
    CHECK(view.since == at(20));
    REQUIRE(view.open);
    CHECK(view.open->first_bad == at(20));
    CHECK(view.evidence == "a: time-out");
}

TEST_CASE("LinkBook gives uncertain stretches to the state before, at both ends", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(5));
    (void)site.wan(good(15));
    for (const std::int64_t second : {25, 28}) (void)site.wan(dead(second));
    // Not decided yet: the seconds wait.
    CHECK(site.seconds() ==
          std::map<std::string, std::int64_t>{{"wan unknown none", 5000}, {"wan up none", 10000}});
    (void)site.wan(dead(31));
    CHECK(site.seconds("wan up none") == 20000);
    CHECK(site.seconds("wan down isp") == 6000);
    (void)site.wan(dead(41));
    (void)site.wan(good(50));
    CHECK(site.seconds("wan down isp") == 25000);
    auto lossy = good(60);
    lossy.state = LinkState::degraded;
    (void)site.wan(lossy);
    CHECK(site.seconds("wan up none") == 30000);
    (void)site.wan(good(64));
    CHECK(site.seconds("wan degraded none") == 4000);
    // A doubt that came to nothing was up all the time.
    (void)site.wan(dead(74));
    (void)site.wan(good(77));
    CHECK(site.seconds("wan up none") == 43000);
}

TEST_CASE("LinkBook gives each cause of an outage the seconds of its segment", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(0));
    for (const std::int64_t second : {10, 13, 16}) (void)site.wan(unplugged(second));
    for (const std::int64_t second : {26, 29}) (void)site.wan(dead(second));
    CHECK(site.seconds("wan down carrier") == 6000);
    (void)site.wan(dead(32));
    CHECK(site.seconds("wan down carrier") == 16000);
    CHECK(site.seconds("wan down isp") == 6000);
    (void)site.wan(good(40));
    CHECK(site.seconds("wan down isp") == 14000);
}

TEST_CASE("LinkBook counts a link that nobody sees as unknown from the first miss on", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(0));
    for (const std::int64_t second : {10, 13, 16, 26}) (void)site.wan(unasked(second));
    CHECK(site.seconds() ==
          std::map<std::string, std::int64_t>{{"wan up none", 10000}, {"wan unknown none", 16000}});
}

TEST_CASE("LinkBook counts the gap of a daemon as unknown, once the link is seen", "[ledger]") {
    Book site;
    (void)site.book.start(after(at(1000)), at(1200), true);
    CHECK_FALSE(site.book.wants_gap_length_since());
    CHECK(site.seconds("wan unknown daemon") == 0);
    CHECK(site.seconds("hotspot unknown daemon") == 200'000);
    SECTION("and works") {
        (void)site.wan(good(1203));
        CHECK(site.seconds("wan unknown daemon") == 203'000);
    }
    SECTION("and is down: nobody knows since when") {
        for (const std::int64_t second : {1203, 1206, 1209}) (void)site.wan(dead(second));
        CHECK(site.seconds("wan down undetermined") == 203'000);
        CHECK(site.seconds("wan down isp") == 6'000);
        CHECK(site.seconds("wan unknown daemon") == 0);
    }
    SECTION("and cannot be asked") {
        for (const std::int64_t second : {1203, 1206, 1209}) (void)site.wan(unasked(second));
        CHECK(site.seconds("wan unknown daemon") == 200'000);
        CHECK(site.seconds("wan unknown none") == 9'000);
    }
}

TEST_CASE("LinkBook counts a gap over boots when both its cause and its length are known",
          "[ledger]") {
    const bool length_first = GENERATE(true, false);
    auto history = after(at(1000, 4), Cause::power);
    history.open = {segment(3, 1, Cause::hotspot, at(900, 4), at(910, 4))};
    history.open[0].link = "hotspot";
    Book site;
    (void)site.book.start(history, at(30, 5), false);
    CHECK(site.book.wants_gap_length_since() == at(1000, 4));
    if (length_first) site.book.add_gap_length(Millis{3'600'000});
    (void)site.wan(good(33, 5));
    if (!length_first) {
        CHECK(site.seconds("wan down power") == 3'000);
        CHECK(site.seconds("province unknown power") == 0);
        site.book.add_gap_length(Millis{3'600'000});
    }
    CHECK_FALSE(site.book.wants_gap_length_since());
    CHECK(site.seconds("wan down power") == 3'603'000);
    CHECK(site.seconds("province unknown power") == 3'600'000);
    CHECK(site.seconds("hotspot down undetermined") == 3'600'000);
    site.book.add_gap_length(Millis{5});
    CHECK(site.seconds("wan down power") == 3'603'000);
}

TEST_CASE("LinkBook takes the first length of a gap, and once", "[ledger]") {
    Book site;
    (void)site.book.start(after(at(1000, 4), Cause::crash), at(30, 5), false);
    site.book.add_gap_length(Millis{5});
    site.book.add_gap_length(Millis{7});
    (void)site.wan(good(31, 5));
    site.book.add_gap_length(Millis{9});
    CHECK(site.seconds("wan down crash") == 1005);
    CHECK(site.seconds("hotspot unknown crash") == 5);
}

TEST_CASE("LinkBook counts a daemon gap of several lives whole for the WAN alone", "[ledger]") {
    auto history = after(at(1090));
    history.open = {segment(5, 1, Cause::daemon, at(1000), at(1060))};
    Book site;
    CHECK(site.book.start(history, at(1200), true).empty());
    (void)site.wan(good(1201));
    CHECK(site.seconds("wan unknown daemon") == 201'000);
    CHECK(site.seconds("hotspot unknown daemon") == 110'000);
}

TEST_CASE("LinkBook counts an undetermined gap of several boots for the WAN alone", "[ledger]") {
    auto history = after(at(20, 4), Cause::power);
    history.open = {segment(5, 2, Cause::undetermined, at(900, 3), at(960, 3))};
    Book site;
    CHECK(site.book.start(history, at(30, 5), false).empty());
    CHECK(site.book.wants_gap_length_since() == at(900, 3));
    site.book.add_gap_length(Millis{500'000});
    (void)site.wan(good(31, 5));
    CHECK(site.seconds("wan down undetermined") == 501'000);
    // An earlier life may have counted a part of it for this one.
    CHECK(site.seconds("hotspot unknown power") == 0);
}

TEST_CASE("LinkBook makes every gap undetermined that nobody saw the end of", "[ledger]") {
    auto history = after(at(35, 2));
    history.open = {segment(5, 2, Cause::daemon, at(20, 2), at(30, 2))};
    auto first = segment(5, 1, Cause::device_off, at(1000, 1), at(1060, 1));
    first.last_bad = at(20, 2);
    first.first_good = at(30, 2);
    // In any order, and with the open one once more: the caller may give all that it has.
    history.earlier = {history.open[0], first, segment(4, 1, Cause::isp, at(1, 1), at(2, 1))};
    Book site;
    (void)site.book.start(history, at(20, 3), false);
    for (const std::int64_t second : {21, 24}) (void)site.wan(dead(second, 3));
    const auto down = site.wan(dead(27, 3));
    REQUIRE(down.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(down[i].segment == i + 1);
        CHECK(down[i].cause == Cause::undetermined);
    }
    CHECK(down[3].cause == Cause::isp);
}

TEST_CASE("LinkBook counts no negative gap", "[ledger]") {
    Book site;
    (void)site.book.start(after(at(1000, 4), Cause::crash), at(30, 5), false);
    site.book.add_gap_length(Millis{-77});
    (void)site.wan(good(31, 5));
    CHECK(site.seconds() == std::map<std::string, std::int64_t>{{"wan down crash", 1000}});
}

TEST_CASE("LinkBook calls the seconds of a power cut in mid-outage undetermined", "[ledger]") {
    auto history = after(at(1000, 4), Cause::device_off);
    history.open = {segment(9, 1, Cause::isp, at(900, 4), at(910, 4))};
    Book site;
    (void)site.book.start(history, at(30, 5), false);
    site.book.add_gap_length(Millis{600'000});
    for (const std::int64_t second : {31, 34, 37}) (void)site.wan(dead(second, 5));
    CHECK(site.seconds("wan down undetermined") == 601'000);
    CHECK(site.seconds("wan down device_off") == 0);
    CHECK(site.seconds("wan down isp") == 6'000);
}

TEST_CASE("LinkBook settles before a stop in favour of what is decided", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(10));
    (void)site.wan(dead(20));
    site.book.settle(at(25));
    CHECK(site.seconds("wan up none") == 15'000);
    CHECK(site.seconds("province unknown none") == 25'000);

    Book gap;
    (void)gap.book.start(after(at(1000)), at(1200), true);
    gap.book.settle(at(1210));
    CHECK(gap.seconds("wan unknown daemon") == 0);
    CHECK(gap.seconds("wan unknown none") == 0);
}

TEST_CASE("LinkBook ignores a verdict that is older than the last", "[ledger]") {
    Book site;
    (void)site.start_at(at(0));
    (void)site.wan(good(10));
    (void)site.wan(good(20));
    CHECK(site.wan(dead(15)).empty());
    CHECK(site.seconds("wan up none") == 10'000);
    CHECK(site.book.view("wan").evidence.empty());
}

}  // namespace gerbang
