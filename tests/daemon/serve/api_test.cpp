#include "daemon/serve/api.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <string>

namespace gerbang {
namespace {

/// Sources with little to tell, and what they were asked.
struct Desk {
    web::Status status;
    std::optional<Error> failure;
    UsagePeriod period{};
    WallTime from, to;
    int pushes = 0;
    int questions = 0;

    Handler api() {
        ApiSources sources;
        sources.status = [this]() -> Result<web::Status> {
            ++questions;
            if (failure) return *failure;
            return status;
        };
        sources.usage = [this](UsagePeriod by, WallTime begin,
                               WallTime end) -> net::awaitable<Result<std::vector<UsageRow>>> {
            ++questions;
            period = by;
            from = begin;
            to = end;
            if (failure) co_return *failure;
            co_return std::vector<UsageRow>{{.name = "wan",
                                             .is_role = true,
                                             .start = begin,
                                             .sum = {.received = Bytes{7},
                                                     .transmitted = {},
                                                     .peak_receive = {},
                                                     .peak_transmit = {}}}};
        };
        sources.outages = [this]() -> net::awaitable<Result<std::vector<web::OutageRow>>> {
            ++questions;
            if (failure) co_return *failure;
            web::OutageRow row;
            row.id = 3;
            row.cause = Cause::carrier;
            co_return std::vector<web::OutageRow>{row};
        };
        sources.push_now = [this] { ++pushes; };
        return make_local_api(std::move(sources));
    }
};

ServerResponse ask(Desk& desk, const std::string& method, const std::string& path,
                   const std::string& query = {}) {
    net::io_context io;
    const auto api = desk.api();
    ServerRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    ServerResponse got;
    net::co_spawn(io, api(std::move(request)),
                  [&](std::exception_ptr failure, ServerResponse response) {
                      if (failure) std::rethrow_exception(failure);
                      got = std::move(response);
                  });
    io.run();
    return got;
}

}  // namespace

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
    for (const std::string path : {"/v1/status", "/v1/usage", "/v1/outages", "/v1/sync"}) {
        const auto answer = ask(desk, "GET", path);
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

}  // namespace gerbang
