#include "common/web/clauses_json.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "common/web/statement_json.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

const std::string kLeast = R"({"name":"a","counts_over_s":300})";

/// `kLeast` with `members` added.
std::string with(const std::string& members) {
    return kLeast.substr(0, kLeast.size() - 1) + "," + members + "}";
}

void check_refused(const std::string& text, const std::string& place) {
    const auto read = web::clauses_from_json(text);
    INFO(text);
    REQUIRE_FALSE(read);
    INFO(read.error().detail);
    CHECK(read.error().code == Errc::bad_input);
    CHECK(read.error().detail.find(place) != std::string::npos);
}

}  // namespace

TEST_CASE("Clauses that might be meant otherwise are refused with the place", "[web]") {
    REQUIRE(web::clauses_from_json(kLeast));
    check_refused("", "not JSON");
    check_refused("[]", "expected an object");
    check_refused(R"({"counts_over_s":300})", "clauses.name");
    check_refused(R"({"name":"","counts_over_s":300})", "clauses.name");
    check_refused(R"({"name":"a"})", "clauses.counts_over_s");
    check_refused(R"({"name":"a","counts_over_s":-1})", "clauses.counts_over_s");
    check_refused(R"({"name":"a","counts_over_s":"300"})", "clauses.counts_over_s");
    check_refused(R"({"name":"a","counts_over_s":99999999})", "clauses.counts_over_s");
    check_refused(with(R"("count_over_s":1)"), "clauses.count_over_s");
    check_refused(with(R"("party":{"listrik":"utility"})"), "clauses.party.listrik");
    check_refused(with(R"("party":{"power":"pln"})"), "clauses.party.power");
    check_refused(with(R"("party":{"power":3})"), "clauses.party.power");
    check_refused(with(R"("party":[])"), "clauses.party");
    check_refused(with(R"("promised_ppm":1000001)"), "clauses.promised_ppm");
    check_refused(with(R"("promised_ppm":99.5)"), "clauses.promised_ppm");
    check_refused(with(R"("least_coverage_ppm":1000001)"), "clauses.least_coverage_ppm");
    check_refused(with(R"("maintenance":[{"from":"2026-01-01T00:00:00.000Z"}])"),
                  "clauses.maintenance[0].to");
    check_refused(with(R"("maintenance":[{"from":"2026-01-01","to":"2026-01-02"}])"),
                  "clauses.maintenance[0].from");
    check_refused(with(R"("maintenance":[{"from":"2026-01-01T00:00:00.000Z",)"
                       R"("to":"2026-01-01T00:00:00.000Z"}])"),
                  "clauses.maintenance[0].to");
    check_refused(with(R"("hours":[{"day":"senin"}])"), "clauses.hours[0].day");
    check_refused(with(R"("hours":[{"from":"08:00"}])"), "clauses.hours[0].day");
    for (const char* time : {"8:00", "24:01", "12:60", "0800", "-1:00", "aa:bb"}) {
        check_refused(with(R"("hours":[{"day":"monday","from":")" + std::string{time} + R"("}])"),
                      "clauses.hours[0].to");
    }
    check_refused(with(R"("hours":[{"day":"monday","from":"12:00","to":"12:00"}])"),
                  "clauses.hours[0].to");
    check_refused(with("\"source\":\"" + std::string(70'000, 'x') + "\""), "longer than 64 KiB");
    check_refused(with("\"source\":\"" + std::string(1025, 'x') + "\""), "clauses.source");
}

TEST_CASE("A cause that the clauses do not name is undecided, not somebody's", "[web]") {
    const auto read = web::clauses_from_json(with(R"("party":{"isp":"provider"})"));
    REQUIRE(read);
    for (std::size_t i = 0; i < kCauseCount; ++i) {
        const bool is_named = static_cast<Cause>(i) == Cause::isp;
        CHECK(read->party[i] == (is_named ? sla::Party::provider : sla::Party::undecided));
    }
}

TEST_CASE("Clauses survive being written and read", "[web]") {
    auto clauses = sla::example_clauses();
    clauses.name = "kontrak-2027";
    clauses.is_example = false;
    clauses.maintenance = {{wall_from_ms(1'790'000'000'000), wall_from_ms(1'790'000'100'001), "x"},
                           {wall_from_ms(4'102'444'800'000), wall_from_ms(4'102'444'800'001), ""}};
    clauses.hours = {{0, 450, 1440}, {6, 0, 1}};
    clauses.least_coverage_ppm = 900'000;
    clauses.promised_ppm = 1'000'000;
    const auto read = web::clauses_from_json(web::to_json(clauses));
    REQUIRE(read);
    CHECK(*read == clauses);
}

TEST_CASE("The shipped file of example clauses is what the program calls the example", "[web]") {
    std::ifstream file{std::string{GERBANG_SOURCE_DIR} + "/config/province/clauses-example.json"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto read = web::clauses_from_json(text);
    INFO((read ? std::string{} : read.error().detail));
    REQUIRE(read);
    CHECK(*read == sla::example_clauses());
}

TEST_CASE("A statement survives being written and read", "[web]") {
    sla::Statement statement;
    statement.from = wall_from_ms(1'790'000'000'000);
    statement.to = wall_from_ms(1'792'592'000'000);
    statement.clauses = "example-300s";
    statement.is_example = true;
    statement.period = Seconds{2'592'000};
    statement.up = Seconds{2'000'000};
    statement.unmeasured = Seconds{92'000};
    statement.down[sla::Party::provider][Cause::isp] = Seconds{400'000};
    statement.down[sla::Party::utility][Cause::power] = Seconds{100'000};
    statement.uncertain = Seconds{42};
    statement.counted = Seconds{300'000};
    statement.disputed = Seconds{1};
    statement.coverage_ppm = 964'506;
    statement.has_verdict = true;
    sla::Judged judged;
    judged.id = 7;
    judged.party = sla::Party::provider;
    judged.cause = Cause::isp;
    judged.from = statement.from;
    judged.to = statement.from + 1h;
    judged.certain = Seconds{3590};
    judged.possible = Seconds{3610};
    judged.in_period = Seconds{3600};
    judged.verdict = sla::Judged::Verdict::counts;
    judged.reason = "over_threshold";
    statement.outages = {judged, judged};
    for (const bool has_shares : {false, true}) {
        if (has_shares) {
            statement.raw_ppm = 0;
            statement.clause_ppm = 1'000'000;
        }
        const auto text = web::to_json(statement);
        const auto read = web::statement_from_json(text);
        INFO(text);
        REQUIRE(read);
        CHECK(*read == statement);
    }
}

TEST_CASE("A statement with impossible names or shares is refused with the place", "[web]") {
    const auto refused = [](const std::string& text, const std::string& place) {
        const auto read = web::statement_from_json(text);
        REQUIRE_FALSE(read);
        INFO(read.error().detail);
        CHECK(read.error().detail.find(place) != std::string::npos);
    };
    refused(R"({"raw_ppm":1000001})", "statement.raw_ppm");
    refused(R"({"clause_ppm":-1})", "statement.clause_ppm");
    refused(R"({"down_s":{"provider":{"isp":"1"}}})", "statement.down_s.provider.isp");
    refused(R"({"outages":[{"verdict":"perhaps"}]})", "statement.outages[0].verdict");
    refused(R"({"outages":[{"party":"isp"}]})", "statement.outages[0].party");
    refused(R"({"from":"yesterday"})", "statement.from");
}

TEST_CASE("Days that cannot be read are refused with the place", "[web]") {
    const auto refused = [](const std::string& text, const std::string& place) {
        const auto read = web::days_from_json(text);
        REQUIRE_FALSE(read);
        INFO(read.error().detail);
        CHECK(read.error().code == Errc::bad_input);
        CHECK(read.error().detail.find(place) != std::string::npos);
    };
    refused("[]", "expected an object");
    refused("{}", "availability.days");
    refused(R"({"days":[{}]})", "availability.days[0].day");
    refused(R"({"days":[{"day":1}]})", "availability.days[0].day");
    refused(R"({"days":[{"day":"x","up_s":"1"}]})", "availability.days[0].up_s");
    refused(R"({"days":[{"day":"x","down":{"isp":1.5}}]})", "availability.days[0].down.isp");
    refused(R"({"days":[{"day":"x","raw_ppm":1000001}]})", "availability.days[0].raw_ppm");
    std::string many = R"({"days":[)";
    for (int i = 0; i < 1000; ++i) many += R"({"day":"x"},)";
    CHECK(web::days_from_json(many + R"({"day":"x"}]})").has_value() == false);
    many.back() = ']';
    CHECK(web::days_from_json(many + "}"));
}

TEST_CASE("Days survive being written and read", "[web]") {
    std::vector<sla::Day> days(2);
    days[0] = {"2026-10-01", 86'400s, 85'190s, 10s, {{Cause::isp, 1'199s}, {Cause::power, 1s}},
               986'109};
    days[1] = {"2026-10-02", 86'400s, 0s, 86'400s, {}, {}};
    const auto text = web::to_json(days);
    INFO(text);
    const auto read = web::days_from_json(text);
    REQUIRE(read);
    CHECK(*read == days);
    CHECK(text.find(R"("down":{"power":1,"isp":1199})") != std::string::npos);
    CHECK(web::days_from_json(web::to_json(std::vector<sla::Day>{}))->empty());
}
