// The program itself over real loopback sockets: start, kill, restart, list.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "daemon/host/unique_fd.hpp"
#include "daemon/province/sites_json.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "tests/support/sample_site.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/starvation.hpp"
#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::province;

namespace {

/// A child process whose standard error (and output) is read line by line.
class Program {
public:
    explicit Program(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), GERBANG_PROVINCE);
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        std::vector<char*> argv;
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            ::dup2(ends[1], STDOUT_FILENO);
            ::dup2(ends[1], STDERR_FILENO);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = UniqueFd{ends[0]};
    }
    ~Program() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            (void)wait();
        }
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Reads until `word` has come, or the end.
    std::string read_until(const std::string& word) {
        while (text_.find(word) == std::string::npos) {
            std::array<char, 512> buffer{};
            const auto size = ::read(output_.get(), buffer.data(), buffer.size());
            if (size <= 0) break;
            text_.append(buffer.data(), static_cast<std::size_t>(size));
        }
        return text_;
    }
    std::string read_all() { return read_until("\x01 never written"); }
    void signal(int number) const { ::kill(pid_, number); }
    /// Exit code, or minus the signal that ended it.
    int wait() {
        int status = 0;
        ::waitpid(std::exchange(pid_, -1), &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    }
    std::uint16_t port() {
        const std::string key = " port=";
        auto text = read_until(key);
        while (text.find('\n', text.find(key)) == std::string::npos) {
            const auto more = read_until(text + "?");
            if (more == text) break;
            text = more;
        }
        INFO(text);
        const auto at = text.find(key);
        REQUIRE(at != std::string::npos);
        return static_cast<std::uint16_t>(std::atoi(text.c_str() + at + key.size()));
    }

private:
    pid_t pid_ = -1;
    UniqueFd output_;
    std::string text_;
};

struct Answer {
    int status = 0;  ///< 0: no complete answer
    std::string body;
};

/// One request over a connection of its own; survives a server that dies in the middle.
Answer post(std::uint16_t port, const std::string& body, const std::string& headers = {}) {
    const UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return {};
    }
    const std::string request = "POST /v1/batches HTTP/1.1\r\nHost: province\r\nContent-Type: " +
                                std::string{wire::kBatchType} + "\r\nConnection: close\r\n" +
                                headers + "Content-Length: " + std::to_string(body.size()) +
                                "\r\n\r\n" + body;
    for (std::size_t sent = 0; sent < request.size();) {
        const auto size =
            ::send(socket.get(), request.data() + sent, request.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return {};
        sent += static_cast<std::size_t>(size);
    }
    std::string text;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto size = ::recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const auto end = text.find("\r\n\r\n");
    if (text.size() < 12 || end == std::string::npos) return {};
    return {std::atoi(text.c_str() + 9), text.substr(end + 4)};
}

std::vector<std::string> receive_arguments(const std::string& store) {
    return {"receive", "--listen", "127.0.0.1:0", "--store", store};
}

}  // namespace

TEST_CASE("gerbang-province refuses to listen to everybody unless told to", "[province][program]") {
    const TempFolder folder;
    const auto store = folder.file("p.db");
    Program open{{"receive", "--listen", "0.0.0.0:0", "--store", store}};
    CHECK(open.read_all().find("--trust-network") != std::string::npos);
    CHECK(open.wait() == 64);
    Program half{{"receive", "--listen", "127.0.0.1:0", "--store", store, "--tls-cert", "x"}};
    CHECK(half.wait() == 64);
    Program unknown{{"receive", "--lisen", "127.0.0.1:0"}};
    CHECK(unknown.wait() == 64);
    Program no_tokens{
        {"receive", "--listen", "127.0.0.1:0", "--store", store, "--tokens", folder.file("none")}};
    CHECK(no_tokens.wait() == 78);
    Program told{{"receive", "--listen", "0.0.0.0:0", "--store", store, "--trust-network"}};
    CHECK(told.port() != 0);
    CHECK(told.read_until("receiving").find("no_credentials_asked") != std::string::npos);
}

TEST_CASE("gerbang-province keeps what it confirmed, lists it running or not, and ends at once",
          "[province][program]") {
    const TempFolder folder;
    const auto store = folder.file("p.db");
    const auto tokens = folder.file("tokens");
    Program make_token{{"token", "muara-siran", "--tokens", tokens, "--quiet"}};
    auto token = make_token.read_all();
    REQUIRE(make_token.wait() == 0);
    REQUIRE(token.size() == 65);
    token.pop_back();

    auto arguments = receive_arguments(store);
    arguments.insert(arguments.end(), {"--tokens", tokens});
    Program receiver{arguments};
    const auto port = receiver.port();
    SampleSite site{"muara-siran"};
    site.minutes(5);
    CHECK(post(port, wire::encode_batch(site.all())).status == 401);
    const auto answer =
        post(port, wire::encode_batch(site.all()), "Authorization: Bearer " + token + "\r\n");
    REQUIRE(answer.status == 200);
    const auto receipt = wire::decode_receipt(answer.body);
    REQUIRE(receipt);
    CHECK(receipt->through == site.last());

    Program second{arguments};
    CHECK(second.wait() == 75);
    Program early{{"restored", "--store", store}};
    CHECK(early.wait() == 75);
    Program list{{"list", "--json", "--store", store}};
    const auto sites = sites_from_json(list.read_all());
    REQUIRE(sites);
    REQUIRE(sites->size() == 1);
    CHECK(sites->front().epochs.front().through == site.last());

    Starvation starvation;
    const auto asked = std::chrono::steady_clock::now();
    receiver.signal(SIGTERM);
    CHECK(receiver.wait() == 0);
    const auto took = std::chrono::steady_clock::now() - asked;
    CHECK(starvation.allows(took, std::chrono::seconds{2}));

    Program list_again{{"list", "--json", "--store", store}};
    const auto sites_again = sites_from_json(list_again.read_all());
    REQUIRE(sites_again);
    CHECK(*sites_again == *sites);
    Program restored{{"restored", "--store", store}};
    CHECK(restored.read_all().find("enera") != std::string::npos);
    CHECK(restored.wait() == 0);
    Program table{{"list", "--store", store, "--lang", "en"}};
    CHECK(table.read_all().find("Desa muara-siran") != std::string::npos);
    CHECK(table.wait() == 0);
}

TEST_CASE("gerbang-province loses no confirmed record and stores none twice across kill -9",
          "[province][program]") {
    const TempFolder folder;
    const auto store = folder.file("p.db");
    std::mt19937_64 random{test_seed()};
    SampleSite site{"muara-siran", test_seed()};
    site.anchor();
    site.minutes(400);
    std::uint64_t confirmed = 0;
    const auto kills = test_rounds(25);
    for (std::uint64_t round = 0; round < kills; ++round) {
        INFO("round " << round << ", confirmed " << confirmed);
        Program receiver{receive_arguments(store)};
        const auto port = receiver.port();
        // One sender that believes receipts only; the killer strikes at some moment of its work,
        // also between a commit and its reply.
        std::atomic<std::uint64_t> answers = 0;
        std::thread killer{
            [&receiver, &answers, after = round == 0 ? 1 : random() % 40, turns = random() % 3000] {
                for (auto seen = answers.load(); seen < after; seen = answers.load()) {
                    answers.wait(seen);
                }
                // On a busy machine a turn is long, and a few more answers are long enough.
                for (std::uint64_t i = 0; i < turns && answers.load() < after + 4; ++i) {
                    std::this_thread::yield();
                }
                receiver.signal(SIGKILL);
            }};
        for (;;) {
            const auto first = confirmed + 1 > site.last().value ? 1 : confirmed + 1;
            const auto last = std::min(site.last().value, first + random() % 6);
            const auto answer = post(port, wire::encode_batch(site.batch(first, last)));
            if (answer.status == 0) break;
            ++answers;
            answers.notify_one();
            REQUIRE(answer.status == 200);
            const auto receipt = wire::decode_receipt(answer.body);
            if (!receipt) break;
            CHECK(receipt->through.value >= last);
            CHECK(receipt->head == site.head(receipt->through));
            confirmed = receipt->through.value;
        }
        killer.join();
        CHECK(receiver.wait() == -SIGKILL);
    }
    CHECK(confirmed > 0);
    auto opened = Store::open({.path = store, .vfs = {}, .new_id = {{1}}});
    REQUIRE(opened);
    const auto records = (*opened)->records(site.site(), site.epoch(), {Seq{1}, Seq{kMaxSeq}});
    REQUIRE(records);
    CHECK(records->size() >= confirmed);
    CHECK(*records == site.records({Seq{1}, Seq{records->size()}}));
    opened->reset();
    auto database = Database::open(store, "");
    REQUIRE(database);
    const auto rows = (*database)->number(
        "SELECT count(*) FROM (SELECT seq FROM chunk UNION ALL SELECT seq FROM event_row)");
    CHECK(rows == static_cast<std::int64_t>(records->size()));
    auto check = (*database)->query("PRAGMA integrity_check");
    REQUIRE(check.next());
    CHECK(check.text(0) == "ok");
}
