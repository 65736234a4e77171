// What strangers can do to the listener for pullers: take time and memory that it has bounds for.

#include <fstream>
#include <list>

#include "tests/daemon/serve/pull_gateway.hpp"

namespace gerbang {
namespace {

/// Resident memory of this process, clients of the test included; 0 where it says nothing.
std::int64_t resident_bytes() {
#ifdef __SANITIZE_ADDRESS__
    return 0;
#else
    std::ifstream file{"/proc/self/status"};
    for (std::string word; file >> word;) {
        if (word != "VmRSS:") continue;
        std::int64_t kib = 0;
        file >> kib;
        return kib * 1024;
    }
    return 0;
#endif
}

constexpr int kStrangers = 200;
constexpr std::int64_t kMostGrowth = 2'000'000;

}  // namespace

TEST_CASE("Two hundred strangers that drip cost the pull listener less than 2 MB and no puller",
          "[serve][pull][limits]") {
    Desk desk;
    PullGateway gateway{desk};
    REQUIRE(gateway.get("/metrics").status == 200);
    const auto before = resident_bytes();
    std::list<RawClient> strangers;
    for (int i = 0; i < kStrangers; ++i) {
        strangers.emplace_back(gateway.port());
        (void)strangers.back().write("GET /v1/status HTTP/1.1\r\nX: ");
        if (i % 20 == 0) CHECK(gateway.get("/healthz").status == 200);
    }
    for (int round = 0; round < 20; ++round) {
        for (auto& stranger : strangers) (void)stranger.write(std::string(300, 'x'));
        CHECK(gateway.get("/healthz").status == 200);
    }
    CHECK(resident_bytes() - before < kMostGrowth);
}

TEST_CASE("Giant headers and bodies of two hundred strangers are not kept",
          "[serve][pull][limits]") {
    Desk desk;
    PullGateway gateway{desk};
    REQUIRE(gateway.get("/metrics").status == 200);
    const auto before = resident_bytes();
    for (int i = 0; i < kStrangers; ++i) {
        const auto header = "X: " + std::string(100'000, 'h') + "\r\n";
        CHECK(gateway.send("GET", "/healthz", header, "").status == 431);
        CHECK(gateway.send("POST", "/v1/receipts", "", std::string(100'000, 'b')).status == 413);
        // Refused for want of a credential, before a byte of the body is looked at.
        CHECK(gateway.send("POST", "/v1/receipts", "", std::string(4000, 'b')).status == 401);
    }
    CHECK(resident_bytes() - before < kMostGrowth);
    CHECK(gateway.get("/healthz").status == 200);
}

TEST_CASE("A flood of requests without a credential leaves nothing behind",
          "[serve][pull][limits]") {
    Desk desk;
    PullGateway gateway{desk};
    RawClient first{gateway.port()};
    const auto before = resident_bytes();
    for (int i = 0; i < 2000; ++i) {
        const auto answer =
            gateway.send("GET", "/v1/batches?epoch=" + gateway.epoch(),
                         "Authorization: Bearer " + std::string(4000, 't') + "\r\n", "");
        REQUIRE(answer.status == 401);
    }
    CHECK(desk.questions == 0);
    CHECK(resident_bytes() - before < kMostGrowth);
    CHECK(gateway.get("/healthz").status == 200);
}

}  // namespace gerbang
