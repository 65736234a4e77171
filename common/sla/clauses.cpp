#include "common/sla/clauses.hpp"

namespace gerbang::sla {
namespace {

constexpr std::array<std::string_view, kPartyCount> kPartyNames{"provider", "utility", "village",
                                                                "province", "nobody",  "undecided"};

Clauses make_example() {
    Clauses clauses;
    clauses.name = "example-300s";
    clauses.source = "Emerging Science Journal 9(4):2045, 2025: an example, not a contract";
    clauses.is_example = true;
    const auto carries = [&](Party party, std::initializer_list<Cause> causes) {
        for (const auto cause : causes) clauses.party[static_cast<std::size_t>(cause)] = party;
    };
    carries(Party::utility, {Cause::power});
    carries(Party::provider, {Cause::modem, Cause::isp, Cause::international, Cause::dns});
    carries(Party::province, {Cause::crash, Cause::blocked, Cause::province, Cause::service});
    carries(Party::village, {Cause::off, Cause::reboot, Cause::hotspot});
    return clauses;
}

}  // namespace

std::string_view to_string(Party party) noexcept {
    const auto index = static_cast<std::size_t>(party);
    return index < kPartyCount ? kPartyNames[index] : kPartyNames[kPartyCount - 1];
}

std::optional<Party> parse_party(std::string_view name) noexcept {
    for (std::size_t i = 0; i < kPartyCount; ++i) {
        if (kPartyNames[i] == name) return static_cast<Party>(i);
    }
    return std::nullopt;
}

const Clauses& example_clauses() {
    static const Clauses example = make_example();
    return example;
}

}  // namespace gerbang::sla
