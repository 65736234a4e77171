// Usage and outages: lists of rows as JSON.

#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "common/web/members.hpp"
#include "common/web/status.hpp"

namespace gerbang::web {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 4u << 20;
constexpr std::size_t kMaxRows = 100'000;

void read_minutes(Members& members, UsageRow& row) {
    const auto* minutes = members.array("minutes", kRateBuckets);
    if (minutes == nullptr) return;
    for (std::size_t i = 0; i < minutes->size(); ++i) {
        const auto& value = (*minutes)[i];
        if (!value.is_int64() || value.get_int64() < 0 ||
            value.get_int64() > std::numeric_limits<std::uint32_t>::max()) {
            return members.fail("minutes", "expected whole numbers of minutes");
        }
        row.sum.minutes[i] = static_cast<std::uint32_t>(value.get_int64());
    }
}

void go_usage(Way way, UsageRow& row) {
    std::optional<WallTime> start;
    if (!row.is_undated) start = row.start;
    auto* reader = way.reader();
    if (reader != nullptr) start.reset();
    way.members({{"name", row.name, Slot::Kind::needed},
                 {"is_role", row.is_role},
                 {"is_undated", row.is_undated},
                 {"start", start},
                 {"rx_bytes", row.sum.received.value},
                 {"tx_bytes", row.sum.transmitted.value},
                 {"peak_rx_bit_per_s", row.sum.peak_receive.bit_per_s},
                 {"peak_tx_bit_per_s", row.sum.peak_transmit.bit_per_s},
                 {"measured_s", row.sum.measured_s}});
    if (reader == nullptr) {
        json::array minutes;
        for (const auto count : row.sum.minutes) minutes.emplace_back(count);
        way.writer()["minutes"] = std::move(minutes);
        return;
    }
    read_minutes(*reader, row);
    if (start) row.start = *start;
    if (!start && !row.is_undated) reader->fail("start", "is missing");
}

void go_outage(Way way, OutageRow& row) {
    std::string cause{to_string(row.cause)};
    std::string confidence{to_string(row.confidence)};
    way.members({{"id", row.id},
                 {"segment", row.segment},
                 {"link", row.link},
                 {"cause", cause, Slot::Kind::needed},
                 {"confidence", confidence},
                 {"is_open", row.is_open},
                 {"last_good", row.last_good},
                 {"first_bad", row.first_bad},
                 {"last_bad", row.last_bad},
                 {"first_good", row.first_good},
                 {"least_s", row.least_s},
                 {"most_s", row.most_s},
                 {"evidence", row.evidence},
                 {"folded", row.folded}});
    // A newer daemon may know words that this program does not.
    row.cause = parse_cause(cause).value_or(Cause::unknown);
    row.confidence = parse_confidence(confidence).value_or(Confidence::none);
}

struct UsageList {
    std::string by;
    std::vector<UsageRow> rows;
};

void go_usage_list(Way way, UsageList& list) {
    if (auto* reader = way.reader(); reader != nullptr && !reader->has("rows")) {
        reader->fail("rows", "is missing");
    }
    way.members({{"by", list.by}});
    way.list("rows", kMaxRows, list.rows, &go_usage);
}

void go_outage_list(Way way, std::vector<OutageRow>& rows) {
    if (auto* reader = way.reader(); reader != nullptr && !reader->has("outages")) {
        reader->fail("outages", "is missing");
    }
    way.list("outages", kMaxRows, rows, &go_outage);
}

}  // namespace

std::string to_json(const std::vector<UsageRow>& rows, UsagePeriod period) {
    return write_document(UsageList{std::string{to_string(period)}, rows}, &go_usage_list);
}

Result<std::vector<UsageRow>> usage_from_json(const std::string& text) {
    auto list = read_document(text, "usage", kMaxText, &go_usage_list);
    if (!list) return list.error();
    return std::move(list->rows);
}

std::string to_json(const std::vector<OutageRow>& rows) {
    return write_document(rows, &go_outage_list);
}

Result<std::vector<OutageRow>> outages_from_json(const std::string& text) {
    return read_document(text, "outages", kMaxText, &go_outage_list);
}

}  // namespace gerbang::web
