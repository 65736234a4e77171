// needs: web sla
// Clauses, statements and days as JSON: what is accepted survives being written and read, and any
// clauses can be evaluated with seconds that add up.

#include <cstdint>
#include <string>

#include "common/core/check.hpp"
#include "common/web/clauses_json.hpp"
#include "common/web/statement_json.hpp"

namespace {

using namespace gerbang;

/// A month with an outage of each cause.
sla::Ledger sample() {
    constexpr std::int64_t kFromMs = 1'790'000'000'000;
    sla::Ledger ledger;
    ledger.known_from = wall_from_ms(kFromMs);
    ledger.known_to = wall_from_ms(kFromMs + 30 * 86'400'000LL);
    for (std::size_t i = 0; i < kCauseCount; ++i) {
        const auto at = [&](std::int64_t ms) {
            const auto wall =
                wall_from_ms(kFromMs + static_cast<std::int64_t>(i) * 86'400'000 + ms);
            return WallSpan{wall, wall};
        };
        sla::LedgerEntry entry;
        entry.id = i + 1;
        entry.cause = static_cast<Cause>(i);
        entry.last_good = at(0);
        entry.first_bad = at(3'000);
        entry.last_bad = at(500'000);
        entry.first_good = at(503'000);
        ledger.entries.push_back(entry);
    }
    return ledger;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const auto ledger = sample();
    const std::string text{reinterpret_cast<const char*>(data), size};
    if (const auto clauses = web::clauses_from_json(text)) {
        const auto again = web::clauses_from_json(web::to_json(*clauses));
        GERBANG_CHECK(again && web::to_json(*again) == web::to_json(*clauses));
        const auto statement =
            sla::evaluate(ledger, *clauses, ledger.known_from, ledger.known_to, Seconds{8 * 3600});
        GERBANG_CHECK(statement.has_value());
        auto sum = statement->up + statement->unmeasured;
        for (const auto& [party, causes] : statement->down) {
            for (const auto& [cause, seconds] : causes) sum += seconds;
        }
        GERBANG_CHECK(sum == statement->period);
    }
    if (const auto statement = web::statement_from_json(text)) {
        const auto again = web::statement_from_json(web::to_json(*statement));
        GERBANG_CHECK(again && *again == *statement);
    }
    if (const auto days = web::days_from_json(text)) {
        const auto again = web::days_from_json(web::to_json(*days));
        GERBANG_CHECK(again && *again == *days);
    }
    return 0;
}
