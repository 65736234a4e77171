#include "daemon/serve/api.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "common/web/statement_json.hpp"
#include "tests/daemon/serve/desk.hpp"

namespace gerbang {
TEST_CASE("Local API answers unknown paths with a problem", "[serve]") {
    Desk desk;
    for (const std::string path : {"/", "/v1", "/v1/status/", "/v1/../etc", "/V1/status"}) {
        const auto answer = ask(desk, "GET", path);
        CHECK(answer.status == 404);
        CHECK(answer.content_type == "application/problem+json");
    }
    CHECK(desk.questions == 0);
}

TEST_CASE("Local API answers a wrong method with 405 and what is allowed", "[serve]") {
    Desk desk;
    for (const std::string path :
         {"/v1/status", "/v1/usage", "/v1/outages", "/v1/sync", "/healthz"}) {
        for (const std::string method : {"POST", "DELETE", "BREW"}) {
            const auto answer = ask(desk, method, path);
            CHECK(answer.status == 405);
            CHECK(answer.allow == "GET, HEAD");
        }
    }
    const auto answer = ask(desk, "GET", "/v1/sync/now");
    CHECK(answer.status == 405);
    CHECK(answer.allow == "POST");
    CHECK(desk.pushes == 0);
    for (const std::string path : {"/v1/probe", "/v1/notes", "/v1/clock"}) {
        CHECK(ask(desk, "GET", path).status == 405);
        CHECK(ask(desk, "PUT", path).allow == "POST");
    }
    CHECK(ask(desk, "PUT", "/v1/sla").allow == "GET, HEAD, POST");
    CHECK(desk.questions == 0);
}

TEST_CASE("Local API refuses bodies that are too long or of another kind, unread", "[serve]") {
    Desk desk;
    const std::string text = R"({"text":"genset rusak"})";
    for (const std::string type : {"", "text/plain", "application/jsonp", "application/x-yaml"}) {
        CHECK(ask(desk, "POST", "/v1/notes", "", text, type).status == 415);
    }
    CHECK(ask(desk, "POST", "/v1/notes", "", text + std::string(4096, ' ')).status == 413);
    CHECK(ask(desk, "POST", "/v1/clock", "", std::string(4097, ' ')).status == 413);
    CHECK(ask(desk, "POST", "/v1/sla", "month=2026-10", std::string(65'537, ' ')).status == 413);
    CHECK(desk.questions == 0);
    CHECK(ask(desk, "POST", "/v1/notes", "", text, "application/json; charset=utf-8").status ==
          202);
}

TEST_CASE("Local API takes a note and names what is wrong with one", "[serve]") {
    Desk desk;
    const auto refused = [&](const std::string& body) {
        const auto answer = ask(desk, "POST", "/v1/notes", "", body);
        CHECK(answer.status == 400);
        return answer.body;
    };
    CHECK(refused("{}").find("note.text: is missing") != std::string::npos);
    CHECK(refused(R"({"text":"a","colour":1})").find("note.colour: is not known here") !=
          std::string::npos);
    CHECK(ask(desk, "POST", "/v1/notes", "x=1", R"({"text":"a"})").status == 400);
    CHECK(desk.questions == 0);
    const auto answer = ask(desk, "POST", "/v1/notes", "",
                            R"({"kind":"power","author":"Budi","text":"PLN padam",)"
                            R"("from":"2026-11-21T06:00:00.000Z"})");
    CHECK(answer.status == 202);
    REQUIRE(desk.note);
    CHECK(desk.note->kind == "power");
    CHECK(desk.note->author == "Budi");
    CHECK(desk.note->text == "PLN padam");
    CHECK(desk.note->from == wall_from_ms(1'795'240'800'000));
    CHECK_FALSE(desk.note->to);
}

TEST_CASE("Local API passes the operator's clock on, and says why it is not wanted", "[serve]") {
    Desk desk;
    const std::string body = R"({"wall":"2026-11-21T06:05:00.000Z"})";
    REQUIRE(ask(desk, "POST", "/v1/clock", "", body).status == 202);
    CHECK(desk.from == wall_from_ms(1'795'241'100'000));
    CHECK(desk.uncertainty == Seconds{60});
    desk.failure = Error{Errc::refused, "the kernel's clock is synchronised"};
    const auto refused = ask(desk, "POST", "/v1/clock", "", body);
    CHECK(refused.status == 409);
    CHECK(refused.body.find("the kernel's clock is synchronised") != std::string::npos);
    CHECK(ask(desk, "POST", "/v1/clock", "", R"({"wall":"1970-01-01T00:00:00.000Z"})").status ==
          400);
}

TEST_CASE("Local API walks the ladder on request", "[serve]") {
    Desk desk;
    const auto report = web::probe_from_json(ask(desk, "POST", "/v1/probe", "", "", "").body);
    REQUIRE(report);
    CHECK(report->cause == "isp");
}

TEST_CASE("Local API gives the statement of a month of the site's own time", "[serve]") {
    Desk desk;
    desk.status.site.id = "melak-01";
    desk.status.site.utc_offset_s = 8 * 3600;
    REQUIRE(ask(desk, "GET", "/v1/sla", "month=2026-10").status == 200);
    CHECK(web::format_rfc3339(desk.from) == "2026-09-30T16:00:00.000Z");
    CHECK(web::format_rfc3339(desk.to) == "2026-10-31T16:00:00.000Z");
    CHECK_FALSE(desk.clauses);
    REQUIRE(ask(desk, "GET", "/v1/sla", "month=2026-12").status == 200);
    CHECK(web::format_rfc3339(desk.to) == "2026-12-31T16:00:00.000Z");
    REQUIRE(ask(desk, "GET", "/v1/sla", "from=2026-10-01&to=2026-10-02").status == 200);
    CHECK(web::format_rfc3339(desk.to) == "2026-10-02T00:00:00.000Z");
    const auto before = desk.to;
    for (const std::string query :
         {"", "from=2026-10-01", "month=2026-13", "month=2026-00", "month=2026-1", "month=10-2026",
          "month=2026-1x", "month=2026-10&from=2026-10-01", "month=1969-01", "year=2026",
          "from=2026-10-02&to=2026-10-01"}) {
        INFO(query);
        CHECK(ask(desk, "GET", "/v1/sla", query).status == 400);
    }
    CHECK(desk.to == before);
}

TEST_CASE("Local API gives availability day by day, of a month or of a period", "[serve]") {
    Desk desk;
    desk.status.site.utc_offset_s = 8 * 3600;
    for (const std::string query :
         {"", "from=2026-10-01", "month=2026-13", "by=day", "month=2026-10&from=2026-10-01",
          "from=2026-10-01&to=2027-12-01", "from=2026-10-02&to=2026-10-01"}) {
        INFO(query);
        CHECK(ask(desk, "GET", "/v1/availability", query).status == 400);
    }
    CHECK(ask(desk, "POST", "/v1/availability", "month=2026-10").status == 405);
    const auto month = ask(desk, "GET", "/v1/availability", "month=2026-10");
    REQUIRE(month.status == 200);
    const auto days = web::days_from_json(month.body);
    REQUIRE(days);
    REQUIRE(days->size() == 31);
    CHECK(days->front().day == "2026-10-01");
    CHECK(days->back().day == "2026-10-31");
    const auto part = web::days_from_json(
        ask(desk, "GET", "/v1/availability", "from=2026-10-01&to=2026-10-02").body);
    REQUIRE(part);
    CHECK(part->size() == 2);
    desk.failure = Error{Errc::unreachable, "not yet"};
    CHECK(ask(desk, "GET", "/v1/availability", "month=2026-10").status == 503);
}

TEST_CASE("Local API leaves out outages of other links and other times", "[serve]") {
    Desk desk;
    const auto at = [](int hour) { return wall_from_ms(1'795'219'200'000 + hour * 3'600'000LL); };
    const auto outage = [&](std::uint64_t id, const char* link, std::optional<WallTime> begin,
                            std::optional<WallTime> end) {
        web::OutageRow row;
        row.id = id;
        row.link = link;
        row.first_bad = begin;
        row.first_good = end;
        row.is_open = !end;
        return row;
    };
    desk.rows = {outage(1, "wan", at(0), at(1)), outage(2, "hotspot", at(1), at(2)),
                 outage(3, "wan", at(2), at(5)), outage(4, "wan", at(6), std::nullopt),
                 outage(5, "wan", std::nullopt, std::nullopt)};
    const auto ids = [&](const std::string& query) {
        const auto rows = web::outages_from_json(ask(desk, "GET", "/v1/outages", query).body);
        std::string text;
        for (const auto& row : rows.value()) text += std::to_string(row.id);
        return text;
    };
    const auto time = [&](int hour) { return web::format_rfc3339(at(hour)); };
    CHECK(ids("") == "12345");
    CHECK(ids("link=wan") == "1345");
    CHECK(ids("link=hotspot") == "2");
    CHECK(ids("link=none") == "");
    CHECK(ids("from=" + time(3)) == "34");
    CHECK(ids("to=" + time(2)) == "12");
    CHECK(ids("from=" + time(4) + "&to=" + time(6)) == "3");
    CHECK(ids("from=" + time(20) + "&to=" + time(21)) == "4");
    CHECK(desk.from == at(20));
    CHECK(ask(desk, "GET", "/v1/outages", "limit=3").status == 400);
}

TEST_CASE("Local API names the parameter that it does not know or cannot read", "[serve]") {
    Desk desk;
    const auto detail_of = [&](const std::string& path, const std::string& query) {
        const auto answer = ask(desk, path == "/v1/sync/now" ? "POST" : "GET", path, query);
        CHECK(answer.status == 400);
        return answer.body;
    };
    CHECK(detail_of("/v1/usage", "per=day")
              .find("unknown parameter \\\"per\\\"; known: by from to") != std::string::npos);
    CHECK(detail_of("/v1/usage", "by=week").find("by: expected hour, day, month or year") !=
          std::string::npos);
    CHECK(detail_of("/v1/usage", "from=yesterday").find("from: expected a time such as") !=
          std::string::npos);
    CHECK(detail_of("/v1/usage", "to=1").find("to: expected a time such as") != std::string::npos);
    CHECK(detail_of("/v1/usage", "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z")
              .find("to: lies before from") != std::string::npos);
    CHECK(detail_of("/v1/usage", "by=day&by=hour").find("parameter twice") != std::string::npos);
    for (const std::string path :
         {"/v1/status", "/v1/outages", "/v1/sync", "/healthz", "/v1/sync/now"}) {
        CHECK(detail_of(path, "x=1").find("unknown parameter \\\"x\\\"") != std::string::npos);
    }
    CHECK(desk.questions == 0);
    CHECK(desk.pushes == 0);
}

TEST_CASE("Local API says 503 with the reason while a source cannot answer", "[serve]") {
    Desk desk;
    desk.failure = Error{Errc::storage_broken, "read journal: I/O error"};
    for (const std::string path :
         {"/v1/status", "/v1/usage", "/v1/outages", "/v1/sync", "/v1/sla"}) {
        const auto answer = ask(desk, "GET", path, path == "/v1/sla" ? "month=2026-10" : "");
        CHECK(answer.status == 503);
        CHECK(answer.body.find("read journal: I/O error") != std::string::npos);
    }
    CHECK(ask(desk, "GET", "/healthz").status == 200);
}

TEST_CASE("Local API gives usage for the asked period and span", "[serve]") {
    Desk desk;
    const auto answer =
        ask(desk, "GET", "/v1/usage", "by=month&from=2026-01-01T00:00:00Z&to=2026-03-01");
    REQUIRE(answer.status == 200);
    CHECK(desk.period == UsagePeriod::month);
    CHECK(desk.from == wall_from_ms(1'767'225'600'000));
    CHECK(desk.to == wall_from_ms(1'772'323'200'000));
    const auto rows = web::usage_from_json(answer.body);
    REQUIRE(rows);
    REQUIRE(rows->size() == 1);
    CHECK(rows->at(0).sum.received == Bytes{7});

    REQUIRE(ask(desk, "GET", "/v1/usage").status == 200);
    CHECK(desk.period == UsagePeriod::day);
    CHECK(desk.from == wall_from_ms(0));
    CHECK(desk.to > wall_from_ms(4'000'000'000'000));
    for (const std::string by : {"hour", "day", "month", "year"}) {
        CHECK(ask(desk, "GET", "/v1/usage", "by=" + by).status == 200);
    }
}

TEST_CASE("Local API gives status, sync and outages", "[serve]") {
    Desk desk;
    desk.status.site.id = "6403-berau-001";
    web::Status::Sync consumer;
    consumer.consumer = "province";
    consumer.state = "waiting";
    consumer.detail = "said \"]}\\\" and [";
    consumer.through = 12;
    desk.status.sync.push_back(consumer);

    const auto status = web::status_from_json(ask(desk, "GET", "/v1/status").body);
    REQUIRE(status);
    CHECK(status->site.id == "6403-berau-001");
    const auto sync = ask(desk, "GET", "/v1/sync").body;
    const auto whole = web::to_json(desk.status);
    CHECK(whole.find("\"sync\":" + sync) != std::string::npos);
    CHECK(sync.front() == '[');
    CHECK(sync.substr(sync.size() - 2) == "}]");
    desk.status.sync.clear();
    CHECK(ask(desk, "GET", "/v1/sync").body == "[]");
    CHECK(sync.find("\"consumer\":\"province\"") != std::string::npos);
    const auto outages = web::outages_from_json(ask(desk, "HEAD", "/v1/outages").body);
    REQUIRE(outages);
    CHECK(outages->at(0).cause == Cause::carrier);
}

TEST_CASE("Local API starts a push on request", "[serve]") {
    Desk desk;
    CHECK(ask(desk, "POST", "/v1/sync/now").status == 202);
    CHECK(desk.pushes == 1);
}

TEST_CASE("Local API gives the journal's facts, epochs and records", "[serve]") {
    Desk desk;
    const auto facts = web::journal_from_json(ask(desk, "GET", "/v1/journal").body);
    REQUIRE(facts);
    CHECK(facts->quota_bytes == 64u << 20);
    const auto rows = web::epochs_from_json(ask(desk, "GET", "/v1/epochs").body);
    REQUIRE(rows);
    CHECK(*rows == std::vector<web::EpochRow>{{kEpoch, Seq{7}, true}});
    const auto query = "epoch=" + to_string(kEpoch);
    auto answer = ask(desk, "GET", "/v1/batches", query);
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "application/vnd.gerbang.batch");
    CHECK(answer.body == "after 0");
    CHECK(ask(desk, "GET", "/v1/batches", query + "&after=6").body == "after 6");
    answer = ask(desk, "GET", "/v1/batches", query + "&after=7");
    CHECK(answer.status == 204);
    CHECK(answer.body.empty());

    desk.questions = 0;
    for (const auto& bad :
         {std::string{}, std::string{"epoch=abc"}, query + "&after=-1",
          query + "&after=1099511627775", query + "&after=1x", query + "&before=1"}) {
        CHECK(ask(desk, "GET", "/v1/batches", bad).status == 400);
    }
    CHECK(desk.questions == 0);
    desk.failure = Error{Errc::unreachable, "storage hangs"};
    CHECK(ask(desk, "GET", "/v1/journal").status == 503);
    CHECK(ask(desk, "GET", "/v1/epochs").status == 503);
    CHECK(ask(desk, "GET", "/v1/batches", query).status == 503);
}

}  // namespace gerbang
