#include "daemon/province/summary.hpp"

#include <algorithm>
#include <utility>

#include "daemon/province/levels.hpp"

namespace gerbang::province {
namespace {

Seq seq_from(std::int64_t value) {
    return Seq{static_cast<std::uint64_t>(value)};
}

struct EpochRow {
    std::int64_t id = 0;
    std::int64_t parent_last = 0;
    EpochSummary summary;
};

std::vector<EpochRow> epochs_of(Database& db, std::int64_t site_id) {
    std::vector<EpochRow> epochs;
    {
        // Parents before children as far as the parents are known here, else in order of arrival.
        auto rows = db.query(
            "SELECT epoch_id, epoch, through, parent, parent_last FROM epoch_row "
            "WHERE site_id = ?1 ORDER BY epoch_id",
            {site_id});
        while (rows.next()) {
            EpochRow row;
            row.id = rows.integer(0);
            row.summary.id = parse_id<EpochId>(rows.text(1)).value_or(EpochId{});
            row.summary.through = seq_from(rows.integer(2));
            row.summary.parent = parse_id<EpochId>(rows.text(3)).value_or(EpochId{});
            row.parent_last = rows.integer(4);
            epochs.push_back(std::move(row));
        }
    }
    for (auto& epoch : epochs) {
        auto rows =
            db.query("SELECT first, last FROM held WHERE epoch_id = ?1 ORDER BY first", {epoch.id});
        Seq next = epoch.summary.through.next();
        while (rows.next()) {
            const SeqRange range{seq_from(rows.integer(0)), seq_from(rows.integer(1))};
            epoch.summary.missing.push_back({next, range.first.previous()});
            epoch.summary.held.push_back(range);
            next = range.last.next();
        }
        epoch.summary.reduced = reduced_in(db, epoch.id, {Seq{1}, Seq{kMaxSeq}});
    }
    return epochs;
}

std::optional<std::int64_t> newest(Database& db, const char* sql, std::int64_t epoch_id,
                                   std::int64_t last) {
    return db.number(sql, {epoch_id, last});
}

/// Adds what the epoch's WAN counter grew by: its newest value less what its parent had reached
/// when the epoch branched off. A counter that restarted lower counts from zero (SCHEMA.md).
void add_usage(Database& db, const EpochRow& epoch, const std::vector<EpochRow>& all,
               SiteSummary& site) {
    constexpr const char* kRx =
        "SELECT wan_rx_bytes FROM chunk WHERE epoch_id = ?1 AND seq <= ?2 AND wan_rx_bytes IS NOT "
        "NULL ORDER BY seq DESC LIMIT 1";
    constexpr const char* kTx =
        "SELECT wan_tx_bytes FROM chunk WHERE epoch_id = ?1 AND seq <= ?2 AND wan_tx_bytes IS NOT "
        "NULL ORDER BY seq DESC LIMIT 1";
    constexpr const char* kFirstRx =
        "SELECT wan_rx_bytes FROM chunk WHERE epoch_id = ?1 AND seq >= ?2 AND wan_rx_bytes IS NOT "
        "NULL ORDER BY seq LIMIT 1";
    constexpr const char* kFirstTx =
        "SELECT wan_tx_bytes FROM chunk WHERE epoch_id = ?1 AND seq >= ?2 AND wan_tx_bytes IS NOT "
        "NULL ORDER BY seq LIMIT 1";
    const auto grown = [&](const char* newest_sql, const char* first_sql) -> std::uint64_t {
        const auto last = newest(db, newest_sql, epoch.id, static_cast<std::int64_t>(kMaxSeq));
        if (!last) return 0;
        std::int64_t base = 0;
        // An epoch that branched off before it had counted anything passes on what it began with.
        const auto* child = &epoch;
        for (std::size_t steps = 0; child != nullptr && steps < all.size(); ++steps) {
            const auto parent = std::find_if(all.begin(), all.end(), [child](const EpochRow& one) {
                return !child->summary.parent.is_none() && one.summary.id == child->summary.parent;
            });
            if (parent == all.end()) break;
            const auto reached = newest(db, newest_sql, parent->id, child->parent_last);
            base = reached.value_or(0);
            child = reached ? nullptr : &*parent;
        }
        const auto first = newest(db, first_sql, epoch.id, 0).value_or(0);
        if (first < base) base = 0;
        return *last > base ? static_cast<std::uint64_t>(*last - base) : 0;
    };
    site.rx_bytes += grown(kRx, kFirstRx);
    site.tx_bytes += grown(kTx, kFirstTx);
}

void add_link(Database& db, const EpochRow& epoch, SiteSummary& site) {
    const auto state = db.number(
        "SELECT link_state FROM chunk WHERE epoch_id = ?1 AND link_state IS NOT NULL "
        "ORDER BY seq DESC LIMIT 1",
        {epoch.id});
    if (state == 1) site.link = LinkState::up;
    if (state == 2) site.link = LinkState::down;
    if (state == 3) site.link = LinkState::degraded;

    const auto epoch_name = to_string(epoch.summary.id);
    auto rows = db.query(
        "SELECT cause, unixepoch(first_bad) * 1000, is_open FROM outage WHERE site = ?1 AND "
        "epoch = ?2 AND link = 'wan' ORDER BY outage DESC, segment DESC LIMIT 1",
        {std::string_view{site.site}, epoch_name});
    if (!rows.next() || rows.integer(2) == 0) return;
    OpenOutage outage{.cause = parse_cause(rows.text(0)).value_or(Cause::unknown), .since = {}};
    if (const auto since = rows.integer_or_null(1)) outage.since = wall_from_ms(*since);
    site.outage = outage;
}

}  // namespace

Result<std::vector<SiteSummary>> summarise(Database& db) {
    db.clear_failure();
    std::vector<std::pair<std::int64_t, SiteSummary>> sites;
    {
        auto rows = db.query(
            "SELECT site_id, site, code, name, provider, last_heard_ms FROM site_row ORDER BY "
            "site");
        while (rows.next()) {
            SiteSummary site;
            site.site = rows.text(1);
            site.code = rows.text(2);
            site.name = rows.text(3);
            site.provider = rows.text(4);
            site.last_heard = wall_from_ms(rows.integer(5));
            sites.emplace_back(rows.integer(0), std::move(site));
        }
    }
    std::vector<SiteSummary> list;
    for (auto& [site_id, site] : sites) {
        auto epochs = epochs_of(db, site_id);
        for (auto& epoch : epochs) {
            bool has_child = false;
            for (const auto& other : epochs) has_child |= other.summary.parent == epoch.summary.id;
            epoch.summary.is_current = !has_child;
            if (has_child) {
                const auto name = to_string(epoch.summary.id);
                epoch.summary.is_cloned =
                    db.number("SELECT count(*) FROM clone WHERE site = ?1 AND epoch = ?2",
                              {std::string_view{site.site}, name})
                        .value_or(0) != 0;
            }
            add_usage(db, epoch, epochs, site);
            site.records += epoch.summary.through.value;
            for (const auto& range : epoch.summary.held) site.records += range.size();
        }
        for (const auto& epoch : epochs) {
            if (epoch.summary.is_current) add_link(db, epoch, site);
            site.epochs.push_back(epoch.summary);
        }
        list.push_back(std::move(site));
    }
    if (db.failure()) return *db.failure();
    return list;
}

}  // namespace gerbang::province
