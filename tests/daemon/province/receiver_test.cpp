#include "daemon/province/receiver.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <random>

#include "daemon/host/log.hpp"
#include "daemon/province/sites_json.hpp"
#include "daemon/province/sqlite.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

/// The receiver on virtual time; its worker is the loop itself.
struct Bench {
    explicit Bench(ReceiverOptions options = {.tokens_file = {}, .trusts_network = true}) {
        set_log_sink([](std::string_view) {});
        auto opened = Store::open({.path = ":memory:", .vfs = {}, .new_id = {{9}}});
        REQUIRE(opened);
        store = *std::move(opened);
        receiver.emplace(clock, *store, io.get_executor(), std::move(options));
        REQUIRE(receiver->load_tokens());
    }
    ~Bench() { set_log_sink(nullptr); }

    std::optional<ServerResponse>& post(ServerRequest request) {
        answers.emplace_back();
        const auto index = answers.size() - 1;
        net::co_spawn(io, receiver->handle(std::move(request)),
                      [this, index](std::exception_ptr failure, ServerResponse response) {
                          REQUIRE_FALSE(failure);
                          answers[index] = std::move(response);
                      });
        return answers[index];
    }
    ServerResponse ask(ServerRequest request) {
        const auto index = answers.size();
        post(std::move(request));
        clock.run_ready(io);
        REQUIRE(answers[index]);
        return *answers[index];
    }

    ManualClock clock;
    net::io_context io{1};
    std::unique_ptr<Store> store;
    std::optional<Receiver> receiver;
    std::deque<std::optional<ServerResponse>> answers;
};

ServerRequest batch_request(const wire::Batch& batch, const std::string& token = {}) {
    ServerRequest request;
    request.method = "POST";
    request.path = "/v1/batches";
    request.body = wire::encode_batch(batch);
    request.content_type = wire::kBatchType;
    if (!token.empty()) request.authorization = "Bearer " + token;
    return request;
}

Receipt receipt_in(const ServerResponse& response) {
    REQUIRE(response.status == 200);
    CHECK(response.content_type == wire::kReceiptType);
    const auto receipt = wire::decode_receipt(response.body);
    REQUIRE(receipt);
    return *receipt;
}

boost::json::object problem_in(const ServerResponse& response) {
    CHECK(response.content_type == "application/problem+json");
    auto problem = boost::json::parse(response.body).as_object();
    CHECK(problem.at("status").to_number<int>() == response.status);
    return problem;
}

/// A store whose disk fails in the given way.
class FailingStore final : public Store {
public:
    std::optional<Error> failure;

    Result<Receipt> accept(const wire::Batch& batch, WallTime) override {
        if (failure) return *failure;
        Receipt receipt;
        receipt.site = batch.site;
        receipt.store = {{1}};
        receipt.epoch = batch.epoch;
        return receipt;
    }
    Result<Receipt> receipt(const std::string&, const EpochId&) override {
        return Error{Errc::storage_broken, ""};
    }
    Result<std::vector<Record>> records(const std::string&, const EpochId&, SeqRange) override {
        return Error{Errc::storage_broken, ""};
    }
    Result<std::vector<SiteSummary>> list() override { return Error{Errc::storage_broken, "x"}; }
    Result<std::unique_ptr<DatabaseCopy>> begin_copy(const std::string&) override {
        return Error{Errc::storage_broken, ""};
    }
    Result<std::uint64_t> mark_restored(WallTime) override {
        return Error{Errc::storage_broken, ""};
    }
    StoreId id() const override { return {{1}}; }
    std::uint64_t generation() const override { return 1; }
    std::uint64_t duplicates_ignored() const override { return 0; }
};

class TokensFile {
public:
    TokensFile() {
        std::string folder = (std::filesystem::temp_directory_path() / "receiver-XXXXXX").string();
        REQUIRE(::mkdtemp(folder.data()) != nullptr);
        folder_ = folder;
    }
    ~TokensFile() { std::filesystem::remove_all(folder_); }
    TokensFile(const TokensFile&) = delete;
    TokensFile& operator=(const TokensFile&) = delete;
    std::string add(const std::string& site) {
        const auto token = add_token(path(), site, entropy_);
        REQUIRE(token);
        return *token;
    }
    [[nodiscard]] std::string path() const { return folder_ + "/tokens"; }

private:
    std::string folder_;
    SeededEntropy entropy_{7};
};

}  // namespace

TEST_CASE("Receiver asks senders to wait while its storage fails, and says so in its health",
          "[province]") {
    Bench bench;
    FailingStore store;
    bench.receiver.emplace(bench.clock, store, bench.io.get_executor(),
                           ReceiverOptions{.tokens_file = {}, .trusts_network = true});
    SampleSite site{"muara-siran"};
    ServerRequest health;
    health.method = "GET";
    health.path = "/healthz";
    for (const auto code : {Errc::storage_full, Errc::storage_broken}) {
        store.failure = Error{code, "disk /dev/secret"};
        const auto answer = bench.ask(batch_request(site.all()));
        CHECK(answer.status == 503);
        CHECK(answer.retry_after == Seconds{60});
        CHECK(answer.body.find("secret") == std::string::npos);
        CHECK(bench.ask(health).status == 503);
        store.failure.reset();
        CHECK(bench.ask(batch_request(site.all())).status == 200);
        CHECK(bench.ask(health).status == 200);
    }
    store.failure = Error{Errc::overloaded, "65 ranges"};
    const auto busy = bench.ask(batch_request(site.all()));
    CHECK(busy.status == 429);
    CHECK(busy.retry_after);
    ServerRequest list;
    list.method = "GET";
    list.path = "/v1/sites";
    list.is_local = true;
    CHECK(bench.ask(list).status == 503);
    bench.receiver->stop();
    CHECK(bench.ask(batch_request(site.all())).status == 503);
}

TEST_CASE("Receiver lets nobody in without the site's own credential", "[province]") {
    TokensFile file;
    const auto token = file.add("muara-siran");
    const auto other = file.add("long-iram");
    Bench bench{{.tokens_file = file.path()}};
    SampleSite site{"muara-siran"};
    site.minutes(2);

    CHECK(bench.ask(batch_request(site.all())).status == 401);
    CHECK(bench.ask(batch_request(site.all(), std::string(64, '0'))).status == 401);
    auto basic = batch_request(site.all());
    basic.authorization = "Basic " + token;
    CHECK(bench.ask(basic).status == 401);
    auto named = batch_request(site.all());
    named.client_name = "muara-siran";  // no certificate is asked for, so none counts
    CHECK(bench.ask(named).status == 401);

    const auto forbidden = bench.ask(batch_request(site.all(), other));
    CHECK(forbidden.status == 403);
    const auto problem = problem_in(forbidden);
    const std::string detail = problem.at("detail").as_string().c_str();
    CHECK(detail.find("long-iram") != std::string::npos);
    CHECK(detail.find("muara-siran") != std::string::npos);
    CHECK(forbidden.body.find(other) == std::string::npos);
    CHECK(bench.store->list()->empty());

    CHECK(receipt_in(bench.ask(batch_request(site.all(), token))).through == site.last());
}

TEST_CASE("Receiver's gate refuses a batch without a credential by its head alone", "[province]") {
    TokensFile tokens;
    const auto token = tokens.add("muara-siran");
    Bench bench{{.tokens_file = tokens.path()}};
    auto head = batch_request(SampleSite{"muara-siran"}.all());
    head.body.clear();
    for (const auto& wrong : {std::string{}, std::string{"Bearer "}, "Bearer x" + token}) {
        head.authorization = wrong;
        const auto refusal = bench.receiver->check_head(head);
        REQUIRE(refusal);
        CHECK(refusal->status == 401);
    }
    head.authorization = "Bearer " + token;
    CHECK_FALSE(bench.receiver->check_head(head));
    head.authorization.clear();
    head.path = "/healthz";
    CHECK_FALSE(bench.receiver->check_head(head));
}

TEST_CASE("Receiver takes a new token within a second and drops a removed one", "[province]") {
    TokensFile file;
    const auto old_token = file.add("muara-siran");
    Bench bench{{.tokens_file = file.path()}};
    SampleSite site{"muara-siran"};
    REQUIRE(bench.ask(batch_request(site.all(), old_token)).status == 200);
    std::filesystem::remove(file.path());
    const auto new_token = file.add("muara-siran");
    bench.clock.run_for(bench.io, Millis{1000});
    CHECK(bench.ask(batch_request(site.all(), new_token)).status == 200);
    CHECK(bench.ask(batch_request(site.all(), old_token)).status == 401);
}

TEST_CASE("Receiver believes a client certificate's name, not the body", "[province]") {
    Bench bench{{.tokens_file = {}, .accepts_certificates = true}};
    SampleSite site{"muara-siran"};
    auto request = batch_request(site.all());
    CHECK(bench.ask(request).status == 401);
    request.client_name = "long-iram";
    CHECK(bench.ask(request).status == 403);
    request.client_name = "muara-siran";
    CHECK(bench.ask(request).status == 200);
}

TEST_CASE("Receiver says what is wrong with a request", "[province]") {
    Bench bench;
    SampleSite site{"muara-siran"};
    site.minutes(3);
    auto request = batch_request(site.all());

    auto typed = request;
    typed.content_type = "application/json";
    CHECK(bench.ask(typed).status == 415);
    auto method = request;
    method.method = "PUT";
    const auto not_allowed = bench.ask(method);
    CHECK(not_allowed.status == 405);
    CHECK(not_allowed.allow == "POST");
    auto path = request;
    path.path = "/v1/sites";  // on the local socket only
    CHECK(bench.ask(path).status == 404);
    auto large = request;
    large.body.resize(Receiver::kMaxBodyBytes + 1);
    CHECK(bench.ask(large).status == 413);
    auto cut = request;
    cut.body.resize(cut.body.size() - 1);
    CHECK(bench.ask(cut).status == 400);
    SampleSite nobody{"unassigned"};
    CHECK(bench.ask(batch_request(nobody.all())).status == 403);

    auto wrong = site.all();
    wrong.before[0] = 1;
    CHECK(bench.ask(batch_request(wrong)).status == 422);

    REQUIRE(bench.ask(batch_request(site.batch(1, 5))).status == 200);
    auto tampered = site.batch(6, 7);
    tampered.before[3] ^= 1;
    const auto diverged = bench.ask(batch_request(tampered));
    CHECK(diverged.status == 409);
    // What is held, so that the gateway can ask where the histories part.
    CHECK(diverged.content_type == wire::kReceiptType);
    const auto held = wire::decode_receipt(diverged.body);
    REQUIRE(held);
    CHECK(held->epoch == site.epoch());
    CHECK(held->through == Seq{5});
}

TEST_CASE("Receiver survives any damage to a body and stores nothing that the sender did not write",
          "[province]") {
    Bench bench;
    SampleSite site{"muara-siran"};
    site.minutes(4);
    const auto good = batch_request(site.all());
    std::mt19937_64 random{test_seed()};
    const auto rounds = test_rounds(3000);
    for (std::uint64_t round = 0; round < rounds; ++round) {
        auto bad = good;
        const auto changes = 1 + random() % 3;
        for (std::uint64_t i = 0; i < changes; ++i) {
            const auto at = random() % bad.body.size();
            switch (random() % 3) {
                case 0:
                    bad.body[at] = static_cast<char>(bad.body[at] ^ (1 << random() % 8));
                    break;
                case 1:
                    bad.body.resize(at + 1);
                    break;
                default:
                    bad.body.insert(at, 1, static_cast<char>(random()));
            }
        }
        if (bad.body == good.body) continue;
        const auto status = bench.ask(bad).status;
        INFO("round " << round << " status " << status);
        CHECK((status == 200 || status == 400 || status == 403 || status == 409 || status == 422 ||
               status == 429));
    }
    // Damage that decodes by chance is another epoch or another site; ours is as we send it.
    const auto answer = bench.ask(good);
    if (answer.status == 200) {
        const auto records =
            bench.store->records(site.site(), site.epoch(), {Seq{1}, Seq{kMaxSeq}});
        REQUIRE(records);
        CHECK(*records == site.records());
    } else {
        CHECK(answer.status == 409);
    }
}

TEST_CASE("Receiver answers busy with Retry-After when too much waits, and loses nothing",
          "[province]") {
    Bench bench;
    SampleSite site{"muara-siran"};
    site.minutes(2);
    for (int i = 0; i < 6; ++i) bench.post(batch_request(site.all()));
    bench.clock.run_ready(bench.io);
    int kept = 0;
    int busy = 0;
    for (const auto& answer : bench.answers) {
        REQUIRE(answer);
        if (answer->status == 200) ++kept;
        if (answer->status == 429) {
            ++busy;
            CHECK(answer->retry_after);
        }
    }
    CHECK(kept == static_cast<int>(Receiver::kMaxPendingPerSite));
    CHECK(busy == 2);

    bench.answers.clear();
    std::deque<SampleSite> sites;
    for (std::size_t i = 0; i < Receiver::kMaxPending + 3; ++i) {
        sites.emplace_back("site-" + std::to_string(i));
        bench.post(batch_request(sites.back().all()));
    }
    bench.clock.run_ready(bench.io);
    std::size_t unavailable = 0;
    for (const auto& answer : bench.answers) unavailable += answer->status == 503 ? 1u : 0u;
    CHECK(unavailable == 3);
    for (const auto& one : sites) CHECK(bench.ask(batch_request(one.all())).status == 200);
}

TEST_CASE("Receiver serves fifty sites whose batches come interleaved, twice and out of order",
          "[province]") {
    Bench bench;
    std::mt19937_64 random{test_seed()};
    std::deque<SampleSite> sites;
    std::vector<std::pair<std::size_t, SeqRange>> sendings;
    for (std::size_t i = 0; i < 50; ++i) {
        auto& site = sites.emplace_back("site-" + std::to_string(i), test_seed());
        site.anchor();
        site.minutes(6);
        const auto last = site.last().value;
        for (std::uint64_t first = 1; first <= last; first += 4) {
            const SeqRange range{Seq{first}, Seq{std::min(last, first + 3)}};
            sendings.emplace_back(i, range);
            if (random() % 3 == 0) sendings.emplace_back(i, range);
        }
    }
    std::shuffle(sendings.begin(), sendings.end(), random);
    for (const auto& [index, range] : sendings) {
        CHECK(bench.ask(batch_request(sites[index].batch(range))).status == 200);
    }
    for (const auto& site : sites) {
        const auto records =
            bench.store->records(site.site(), site.epoch(), {Seq{1}, Seq{kMaxSeq}});
        REQUIRE(records);
        CHECK(*records == site.records());
    }
    ServerRequest list;
    list.method = "GET";
    list.path = "/v1/sites";
    list.is_local = true;
    const auto answer = bench.ask(list);
    REQUIRE(answer.status == 200);
    const auto parsed = sites_from_json(answer.body);
    REQUIRE(parsed);
    CHECK(*parsed == *bench.store->list());
    CHECK(parsed->size() == 50);
    for (const auto language : {Language::indonesian, Language::english}) {
        const auto table = to_table(*parsed, bench.clock.wall().wall, language);
        CHECK(std::count(table.begin(), table.end(), '\n') == 51);
    }
}

TEST_CASE("Receiver gives its time only while its own clock is disciplined", "[province]") {
    Bench bench;
    ServerRequest health;
    health.method = "GET";
    health.path = "/healthz";
    CHECK(bench.ask(health).date == bench.clock.wall().wall);
    bench.clock.set_synchronised(false);
    const auto answer = bench.ask(health);
    CHECK(answer.status == 200);
    CHECK_FALSE(answer.date);
}

TEST_CASE("Receiver makes a copy that can be opened, and refuses to overwrite", "[province]") {
    Bench bench;
    SampleSite site{"muara-siran"};
    site.minutes(3);
    REQUIRE(bench.ask(batch_request(site.all())).status == 200);
    TokensFile folder;
    ServerRequest copy;
    copy.method = "POST";
    copy.path = "/v1/copy";
    copy.query = "to=" + folder.path();
    copy.is_local = true;
    REQUIRE(bench.ask(copy).status == 200);
    {
        auto database = Database::open(folder.path(), "");
        REQUIRE(database);
        CHECK((*database)->number("SELECT count(*) FROM reading") > 0);
    }
    const auto again = bench.ask(copy);
    CHECK(again.status == 500);
    CHECK(std::filesystem::exists(folder.path()));
    copy.query = "to=relative";
    CHECK(bench.ask(copy).status == 400);
    copy.query = "";
    CHECK(bench.ask(copy).status == 400);
}

TEST_CASE("Human sizes use decimal units and the reader's decimal mark", "[province]") {
    CHECK(human_bytes(0, Language::english) == "0 B");
    CHECK(human_bytes(999, Language::english) == "999 B");
    CHECK(human_bytes(1'234'567, Language::indonesian) == "1,2 MB");
    CHECK(human_bytes(999'960, Language::english) == "1.0 MB");
    CHECK(human_bytes(18'446'744'073'709'551'615u, Language::english) == "18.4 EB");
}
