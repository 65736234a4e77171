#include "daemon/serve/pull_api.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <sstream>

#include "tests/support/manual_clock.hpp"
#include "tests/support/sample_site.hpp"

namespace gerbang {
namespace {

constexpr const char* kToken = "0123456789abcdef0123456789abcdef";
const EpochId kNextEpoch = *parse_id<EpochId>("00112233-4455-6677-8899-aabbccddeeff");

/// A gateway with two epochs: the first closed with the records of `site`, the second empty.
struct Pulled {
    Pulled() { site.minutes(3); }

    net::io_context io;
    ManualClock clock;
    SampleSite site{"6403-berau-001"};
    std::optional<Error> failure;
    std::string consumer;
    std::optional<Receipt> receipt;
    Seq agreed;
    std::string passed_on;
    std::uint64_t max_bytes = 0;
    std::uint64_t absent_to = 0;  ///< records 1 to here are lost
    std::vector<Puller> pullers{{"pusat", kToken, {}}, {"kabupaten", {}, "puller.example"}};

    PullApi api() {
        PullSources sources;
        sources.records = [this](EpochId epoch, Seq after,
                                 std::uint64_t max) -> net::awaitable<Result<PulledRecords>> {
            if (failure) co_return *failure;
            CHECK(epoch == site.epoch());
            max_bytes = max;
            PulledRecords found;
            found.site = site.site();
            const Seq first{std::max(after.value, absent_to) + 1};
            if (first > site.last()) co_return found;
            found.before = site.head(Seq{first.value - 1});
            found.records = site.records({first, site.last()});
            co_return found;
        };
        sources.epochs = [this]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
            if (failure) co_return *failure;
            co_return std::vector<web::EpochRow>{{site.epoch(), site.last(), false},
                                                 {kNextEpoch, Seq{}, true}};
        };
        sources.receipt = [this](std::string who, Receipt got,
                                 Seq common) -> net::awaitable<Result<void>> {
            if (failure) co_return *failure;
            consumer = std::move(who);
            receipt = std::move(got);
            agreed = common;
            co_return ok();
        };
        sources.series = [] {
            std::vector<Series> all(2);
            all[0].id = SeriesId{1};
            all[0].name = "wan_receive_bytes_total";
            all[0].kind = SeriesKind::counter;
            all[0].unit = "bytes";
            all[1].id = SeriesId{7};
            all[1].name = "probe_loss_ratio";
            all[1].labels = {{"target", "nasional"}};
            all[1].scale = 4;
            return all;
        };
        return {clock, pullers, std::move(sources),
                [this](ServerRequest got) -> net::awaitable<ServerResponse> {
                    passed_on = got.method + " " + got.path + "?" + got.query;
                    co_return ServerResponse{.status = 200, .body = "local"};
                }};
    }

    ServerResponse ask(ServerRequest request) {
        auto handler = api();
        if (auto refusal = handler.check_head(request)) return std::move(*refusal);
        ServerResponse got;
        io.restart();
        net::co_spawn(io, handler.answer(std::move(request)),
                      [&](std::exception_ptr failed, ServerResponse response) {
                          if (failed) std::rethrow_exception(failed);
                          got = std::move(response);
                      });
        io.run();
        return got;
    }
    ServerResponse get(const std::string& path, const std::string& query = {},
                       const std::string& accept = {}) {
        auto request = request_for("GET", path);
        request.query = query;
        request.accept = accept;
        return ask(std::move(request));
    }
    static ServerRequest request_for(const std::string& method, const std::string& path) {
        ServerRequest request;
        request.method = method;
        request.path = path;
        request.authorization = std::string{"Bearer "} + kToken;
        return request;
    }
    [[nodiscard]] std::string epoch_query() const { return "epoch=" + to_string(site.epoch()); }
};

}  // namespace

TEST_CASE("Pull API gives nothing to whoever has no puller's credential", "[serve][pull]") {
    Pulled gateway;
    auto request = Pulled::request_for("GET", "/v1/status");
    const std::string token{kToken};
    for (const auto& authorization :
         {std::string{}, std::string{"Bearer"}, std::string{"Bearer "}, token, "Basic " + token,
          "Bearer " + token + "0", "Bearer " + token.substr(1), "Bearer " + token + " ",
          "Bearer x" + token.substr(1)}) {
        INFO(authorization);
        request.authorization = authorization;
        for (const std::string path :
             {"/healthz", "/metrics", "/v1/status", "/v1/batches", "/v1/none"}) {
            request.path = path;
            const auto answer = gateway.ask(request);
            CHECK(answer.status == 401);
            CHECK(answer.content_type == "application/problem+json");
            CHECK_FALSE(answer.proves_client);
        }
    }
    request.authorization.clear();
    request.client_name = "somebody.example";
    CHECK(gateway.ask(request).status == 401);
    CHECK(gateway.passed_on.empty());
}

TEST_CASE("Pull API refuses a certificate and a token that are not of one puller",
          "[serve][pull]") {
    Pulled gateway;
    auto request = Pulled::request_for("GET", "/v1/status");
    request.client_name = "puller.example";
    CHECK(gateway.ask(request).status == 401);
    gateway.pullers[0].certificate = "puller.example";
    gateway.pullers[1].certificate = "other.example";
    CHECK(gateway.ask(request).status == 200);
    request.authorization = "Bearer wrong-wrong-wrong-wrong";
    CHECK(gateway.ask(request).status == 401);
    // A puller whose token could not be read is not one without a token.
    gateway.pullers = {{"pusat", {}, {}}};
    request.client_name.clear();
    for (const std::string authorization : {"", "Bearer ", "Bearer"}) {
        request.authorization = authorization;
        CHECK(gateway.ask(request).status == 401);
    }
}

TEST_CASE("Pull API serves its own routes and five of the local ones, and no other",
          "[serve][pull]") {
    Pulled gateway;
    for (const std::string path :
         {"/healthz", "/metrics", "/v1/status", "/v1/outages", "/v1/usage"}) {
        const auto answer = gateway.get(path, "a=b");
        CHECK(answer.status == 200);
        CHECK(answer.proves_client);
        CHECK(gateway.passed_on == "GET " + path + "?a=b");
    }
    gateway.passed_on.clear();
    for (const std::string path : {"/", "/v1/sync", "/v1/journal", "/v1/sla", "/v1/notes",
                                   "/v1/clock", "/v1/sync/now", "/v1/probe", "/v1/batches/"}) {
        INFO(path);
        CHECK(gateway.get(path).status == 404);
        CHECK(gateway.ask(Pulled::request_for("POST", path)).status == 404);
    }
    CHECK(gateway.passed_on.empty());
    for (const std::string path : {"/v1/batches", "/v1/epochs", "/v1/series"}) {
        const auto answer = gateway.ask(Pulled::request_for("DELETE", path));
        CHECK(answer.status == 405);
        CHECK(answer.allow == "GET, HEAD");
    }
    CHECK(gateway.get("/v1/receipts").status == 405);
}

TEST_CASE("Pull API names what is wrong with a question for records", "[serve][pull]") {
    Pulled gateway;
    const auto epoch = gateway.epoch_query();
    for (const auto& bad :
         {std::string{}, std::string{"epoch=abc"}, epoch + "&after=-1", epoch + "&after=x",
          epoch + "&after=1099511627775", epoch + "&max=4095", epoch + "&max=262145",
          epoch + "&max=", epoch + "&before=1", epoch + "&after=1&after=2"}) {
        INFO(bad);
        CHECK(gateway.get("/v1/batches", bad).status == 400);
    }
    const auto unknown = gateway.get("/v1/batches", "epoch=ffffffff-4455-6677-8899-aabbccddeeff");
    CHECK(unknown.status == 404);
    CHECK(gateway.get("/v1/epochs", "a=1").status == 400);
    gateway.failure = Error{Errc::unreachable, "storage hangs"};
    CHECK(gateway.get("/v1/batches", epoch).status == 503);
    CHECK(gateway.get("/v1/epochs").status == 503);
}

TEST_CASE("Pull API asks to come again while a damaged database is being salvaged",
          "[serve][pull]") {
    Pulled gateway;
    auto handler_failure = Error{Errc::overloaded, "being salvaged"};
    auto api = gateway.api();
    // Epochs are known, the records not yet: the failure comes from the second question only.
    PullSources sources;
    sources.epochs = [&]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
        co_return std::vector<web::EpochRow>{{gateway.site.epoch(), Seq{9}, false}};
    };
    sources.records = [&](EpochId, Seq, std::uint64_t) -> net::awaitable<Result<PulledRecords>> {
        co_return handler_failure;
    };
    sources.receipt = [](std::string, Receipt, Seq) -> net::awaitable<Result<void>> {
        co_return ok();
    };
    sources.series = [] { return std::vector<Series>{}; };
    PullApi salvaging{
        gateway.clock, gateway.pullers, std::move(sources),
        [](ServerRequest) -> net::awaitable<ServerResponse> { co_return ServerResponse{}; }};
    auto request = Pulled::request_for("GET", "/v1/batches");
    request.query = gateway.epoch_query();
    ServerResponse got;
    net::co_spawn(gateway.io, salvaging.answer(std::move(request)),
                  [&](std::exception_ptr, ServerResponse response) { got = std::move(response); });
    gateway.io.run();
    CHECK(got.status == 503);
    CHECK(got.retry_after == Seconds{60});
}

TEST_CASE("Pull API gives records as the batch that a push would have sent", "[serve][pull]") {
    Pulled gateway;
    const auto last = gateway.site.last().value;
    const auto answer = gateway.get("/v1/batches", gateway.epoch_query() + "&after=2&max=262144");
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "application/vnd.gerbang.batch");
    CHECK(answer.body == wire::encode_batch(gateway.site.batch(3, last)));
    CHECK(gateway.max_bytes == 262'144);
    CHECK(answer.link == "</v1/batches?epoch=00112233-4455-6677-8899-aabbccddeeff>; rel=\"next\"");
    CHECK(gateway.get("/v1/batches", gateway.epoch_query()).status == 200);
    CHECK(gateway.max_bytes == 65'536);
}

TEST_CASE("Pull API names the next epoch at the end of one and nothing at the newest",
          "[serve][pull]") {
    Pulled gateway;
    const auto after = "&after=" + std::to_string(gateway.site.last().value);
    auto answer = gateway.get("/v1/batches", gateway.epoch_query() + after);
    CHECK(answer.status == 204);
    CHECK(answer.body.empty());
    CHECK(answer.link.find(to_string(kNextEpoch)) != std::string::npos);
    answer = gateway.get("/v1/batches", "epoch=" + to_string(kNextEpoch));
    CHECK(answer.status == 204);
    CHECK(answer.link.empty());
}

TEST_CASE("Pull API goes on behind records that are lost", "[serve][pull]") {
    Pulled gateway;
    gateway.absent_to = 4;
    const auto answer = gateway.get("/v1/batches", gateway.epoch_query());
    const auto batch = wire::decode_batch(answer.body);
    REQUIRE(batch);
    CHECK(wire::range_of_pack(batch->pack)->first == Seq{5});
    gateway.absent_to = gateway.site.last().value;
    CHECK(gateway.get("/v1/batches", gateway.epoch_query()).status == 204);
}

TEST_CASE("Pull API gives lines that hold everything of the records", "[serve][pull]") {
    Pulled gateway;
    const auto answer = gateway.get("/v1/batches", gateway.epoch_query() + "&after=3",
                                    "application/x-ndjson, */*;q=0.1");
    CHECK(answer.status == 200);
    CHECK(answer.content_type == "application/x-ndjson");
    CHECK(gateway.max_bytes == 16'384);
    std::istringstream lines{answer.body};
    std::string line;
    REQUIRE(std::getline(lines, line));
    const auto head = boost::json::parse(line).as_object();
    CHECK(head.at("type") == "batch");
    CHECK(head.at("site") == "6403-berau-001");
    CHECK(head.at("epoch") == to_string(gateway.site.epoch()).c_str());
    CHECK(head.at("before") == to_hex(gateway.site.head(Seq{3})).c_str());
    auto record = gateway.site.records().begin() + 3;
    for (; std::getline(lines, line); ++record) {
        INFO(line);
        const auto got = boost::json::parse(line).as_object();
        CHECK(got.at("seq").to_number<std::uint64_t>() == record->seq.value);
        CHECK(got.at("boot").to_number<std::uint32_t>() == boot_of(record->body).value);
        if (const auto* event = std::get_if<Event>(&record->body)) {
            CHECK(got.at("type") == "event");
            CHECK(got.at("kind") == to_string(event->kind).c_str());
            CHECK(got.at("ms").as_int64() == to_ms(event->at.at));
            REQUIRE(got.at("fields").as_object().size() == event->fields.size());
            for (const auto& field : event->fields) {
                const auto& value = got.at("fields").as_object().at(field.key);
                if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
                    CHECK(value.as_int64() == *number);
                } else {
                    CHECK(value == std::get<std::string>(field.value).c_str());
                }
            }
            continue;
        }
        const auto& chunk = std::get<Chunk>(record->body);
        CHECK(got.at("type") == "chunk");
        CHECK(got.at("level") == 0);
        REQUIRE(got.at("ticks").as_array().size() == chunk.ticks.size());
        CHECK(got.at("ticks").as_array().back().as_int64() == to_ms(chunk.ticks.back()));
        REQUIRE(got.at("columns").as_array().size() == chunk.columns.size());
        for (std::size_t i = 0; i < chunk.columns.size(); ++i) {
            const auto& column = chunk.columns[i];
            const auto& as_json = got.at("columns").as_array()[i].as_object();
            CHECK(as_json.at("series").to_number<std::uint32_t>() == column.series.value);
            CHECK(as_json.contains("part") == false);
            CHECK(as_json.contains("present") == !column.present.empty());
            REQUIRE(as_json.at("values").as_array().size() == column.values.size());
            for (std::size_t v = 0; v < column.values.size(); ++v) {
                CHECK(as_json.at("values").as_array()[v].as_int64() == column.values[v]);
            }
        }
    }
    CHECK(record == gateway.site.records().end());
}

TEST_CASE("Pull API keeps a receipt under the puller's name and refuses what is none",
          "[serve][pull]") {
    Pulled gateway;
    Receipt receipt;
    receipt.site = gateway.site.site();
    receipt.store = *parse_id<StoreId>("11112222-4455-6677-8899-aabbccddeeff");
    receipt.epoch = gateway.site.epoch();
    receipt.through = Seq{5};
    receipt.head = gateway.site.head(Seq{5});
    auto request = Pulled::request_for("POST", "/v1/receipts");
    request.content_type = "application/vnd.gerbang.receipt";
    request.body = "GR";
    CHECK(gateway.ask(request).status == 400);
    request.body = wire::encode_receipt(receipt);
    request.query = "a=1";
    CHECK(gateway.ask(request).status == 400);
    request.query.clear();
    request.content_type = "application/json";
    CHECK(gateway.ask(request).status == 415);
    CHECK_FALSE(gateway.receipt);
    request.content_type = "application/vnd.gerbang.receipt";
    CHECK(gateway.ask(request).status == 204);
    CHECK(gateway.receipt == receipt);
    CHECK(gateway.consumer == "pusat");
    CHECK(gateway.agreed == Seq{});
    for (const std::string bad : {"agreed=", "agreed=0", "agreed=-1", "agreed=1099511627776"}) {
        request.query = bad;
        CHECK(gateway.ask(request).status == 400);
    }
    request.query = "agreed=3";
    CHECK(gateway.ask(request).status == 204);
    CHECK(gateway.agreed == Seq{3});
    request.query.clear();
    request.authorization.clear();
    request.client_name = "puller.example";
    CHECK(gateway.ask(request).status == 204);
    CHECK(gateway.consumer == "kabupaten");
    const std::pair<Errc, int> kinds[] = {{Errc::diverged, 409},
                                          {Errc::not_found, 404},
                                          {Errc::bad_input, 400},
                                          {Errc::storage_full, 503}};
    for (const auto& [code, status] : kinds) {
        gateway.failure = Error{code, "because"};
        CHECK(gateway.ask(request).status == status);
    }
}

TEST_CASE("Pull API gives the series that were asked for", "[serve][pull]") {
    Pulled gateway;
    const auto numbers = [&](const std::string& query) {
        const auto answer = gateway.get("/v1/series", query);
        REQUIRE(answer.status == 200);
        std::vector<std::int64_t> ids;
        const auto parsed = boost::json::parse(answer.body);
        for (const auto& one : parsed.at("series").as_array()) {
            ids.push_back(one.at("id").as_int64());
        }
        return ids;
    };
    CHECK(numbers("") == std::vector<std::int64_t>{1, 7});
    CHECK(numbers("ids=7,9") == std::vector<std::int64_t>{7});
    CHECK(numbers("ids=8").empty());
    CHECK(gateway.get("/v1/series", "ids=7").body ==
          R"({"series":[{"id":7,"name":"probe_loss_ratio","labels":{"target":"nasional"},)"
          R"("kind":"gauge","unit":"","scale":4}]})");
    for (const std::string bad : {"ids=", "ids=1,", "ids=,1", "ids=x", "ids=-1", "id=1"}) {
        CHECK(gateway.get("/v1/series", bad).status == 400);
    }
}

}  // namespace gerbang
