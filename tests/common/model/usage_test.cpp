#include "common/model/usage.hpp"

#include <catch2/catch.hpp>

namespace gerbang {

TEST_CASE("Usage periods have the names that queries and JSON use", "[model]") {
    CHECK(to_string(UsagePeriod::hour) == "hour");
    CHECK(to_string(UsagePeriod::day) == "day");
    CHECK(to_string(UsagePeriod::month) == "month");
    CHECK(to_string(UsagePeriod::year) == "year");
}

TEST_CASE("Usage sums add up, peaks go by the maximum", "[model]") {
    UsageSum sum{.received = Bytes{10},
                 .transmitted = Bytes{1},
                 .peak_receive = BitRate{500},
                 .peak_transmit = BitRate{7},
                 .minutes = {1, 2},
                 .measured_s = 60};
    const UsageSum more{.received = Bytes{5},
                        .transmitted = Bytes{2},
                        .peak_receive = BitRate{400},
                        .peak_transmit = BitRate{9},
                        .minutes = {0, 3},
                        .measured_s = 30};
    sum += more;
    CHECK(sum == UsageSum{.received = Bytes{15},
                          .transmitted = Bytes{3},
                          .peak_receive = BitRate{500},
                          .peak_transmit = BitRate{9},
                          .minutes = {1, 5},
                          .measured_s = 90});
}

}  // namespace gerbang
