// A WAN that is a PPPoE session: when it breaks, its interface goes with it.

#include <catch2/catch.hpp>

#include "tests/support/seed.hpp"
#include "tests/support/village.hpp"

using namespace gerbang;
using namespace std::chrono_literals;

namespace {

void begin_session(Village& village) {
    village.kernel.add("ppp0");
    auto& session = village.kernel.interface("ppp0");
    session.is_physical = false;
    session.is_ppp = true;
    session.is_point_to_point = true;
    village.kernel.stack("ppp0", "eth0");
    village.kernel.default_route("ppp0");
}

/// What the kernel says to whoever binds to an interface that is gone, or has no route at all.
void answer_as_the_kernel(Village& village) {
    village.prober.set_script([&village](const ProbeTarget&, Monotonic) {
        ProbeAnswer answer;
        answer.answered = village.kernel.has("ppp0");
        answer.round_trip = 40ms;
        if (answer.answered) return answer;
        answer.silence = Silence::local;
        const auto& device = village.prober.last_device();
        answer.detail =
            device.empty() ? std::string{kNoRoute} : "device " + device + ": No such device";
        return answer;
    });
    village.prober.set_name_script([&village](const NameQuestion& question, Monotonic) {
        ProbeAnswer answer;
        answer.answered = village.kernel.has("ppp0");
        answer.round_trip = 40ms;
        if (!answer.answered) answer.silence = Silence::local;
        answer.detail = answer.answered && !question.expected.empty() ? question.expected.front()
                                                                      : "interface down";
        return answer;
    });
}

}  // namespace

TEST_CASE("Session that breaks is an outage of the provider, also over a restart", "[scenario]") {
    Village village{test_seed()};
    begin_session(village);
    answer_as_the_kernel(village);
    village.start();
    village.run_for(5min);
    REQUIRE(village.daemon().status().link.state == "up");

    village.kernel.default_route("");
    village.kernel.remove("ppp0");
    village.link.up = false;
    village.link_changed();
    village.run_for(30s);
    CHECK(village.daemon().status().link.state == "down");
    CHECK(village.daemon().status().link.cause == "isp");
    village.run_for(5min);
    village.kill();
    village.start();
    village.run_for(1min);
    CHECK(village.daemon().status().link.state == "down");
    CHECK(village.daemon().status().link.cause == "isp");

    begin_session(village);
    village.link.up = true;
    village.link_changed();
    village.run_for(1min);
    CHECK(village.daemon().status().link.state == "up");
    village.stop();
}
