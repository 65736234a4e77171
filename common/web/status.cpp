#include "common/web/status.hpp"

#include <boost/json.hpp>
#include <limits>
#include <string_view>
#include <utility>

#include "common/core/utf8.hpp"

namespace gerbang::web {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxText = 4u << 20;  ///< no answer of the local API is longer
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxInterfaces = 1024;
constexpr std::size_t kMaxConsumers = 256;
constexpr std::size_t kMaxRows = 100'000;

// Writing ---------------------------------------------------------------------------------------

/// `text` as JSON may carry it. The kernel lets an interface name hold any bytes; one bad name
/// must not make the whole answer unreadable.
json::string clean(std::string_view text) {
    const auto valid = valid_utf8(text);
    return json::string{valid.data(), valid.size()};
}

void put_time(json::object& object, json::string_view name, const std::optional<WallTime>& at) {
    if (at) object[name] = format_rfc3339(*at);
}

void put_number(json::object& object, json::string_view name,
                const std::optional<std::int64_t>& value) {
    if (value) object[name] = *value;
}

// Reading ---------------------------------------------------------------------------------------

/// Reads members of one object. The first mistake is remembered with its path and every later read
/// is without effect, so that a reader is a list of members and one look at `ok`. Members that are
/// absent leave their default; unknown ones are ignored: an older CLI reads a newer daemon.
class Members {
public:
    Members(const json::value& value, std::string path, std::string& mistake)
        : path_{std::move(path)}, mistake_{&mistake} {
        object_ = value.if_object();
        if (object_ == nullptr) fail("", "expected an object");
    }

    bool has(json::string_view name) const { return find(name) != nullptr; }

    void text(json::string_view name, std::string& into, bool is_required = false) {
        const auto* value = find(name);
        if (value == nullptr) {
            if (is_required) fail(name, "is missing");
            return;
        }
        const auto* found = value->if_string();
        if (found == nullptr) return fail(name, "expected text");
        into.assign(found->data(), found->size());
    }

    void flag(json::string_view name, bool& into) {
        const auto* value = find(name);
        if (value == nullptr) return;
        const auto* found = value->if_bool();
        if (found == nullptr) return fail(name, "expected true or false");
        into = *found;
    }

    void number(json::string_view name, std::uint64_t& into) {
        const auto* value = find(name);
        if (value == nullptr) return;
        if (value->is_uint64()) {
            into = value->get_uint64();
        } else if (value->is_int64() && value->get_int64() >= 0) {
            into = static_cast<std::uint64_t>(value->get_int64());
        } else {
            fail(name, "expected a whole number from 0 to 2^64 - 1");
        }
    }

    void number(json::string_view name, std::uint32_t& into) {
        std::uint64_t wide = into;
        number(name, wide);
        if (wide > std::numeric_limits<std::uint32_t>::max()) return fail(name, "is too large");
        into = static_cast<std::uint32_t>(wide);
    }

    void number(json::string_view name, std::int64_t& into) {
        const auto* value = find(name);
        if (value == nullptr) return;
        if (!value->is_int64()) return fail(name, "expected a whole number within 63 bits");
        into = value->get_int64();
    }

    void number(json::string_view name, std::optional<std::int64_t>& into) {
        if (find(name) == nullptr) return;
        std::int64_t value = 0;
        number(name, value);
        into = value;
    }

    void time(json::string_view name, std::optional<WallTime>& into) {
        const auto* value = find(name);
        if (value == nullptr) return;
        const auto* found = value->if_string();
        if (found != nullptr) into = parse_rfc3339(std::string{found->data(), found->size()});
        if (found == nullptr || !into) {
            fail(name, "expected an instant such as 2026-11-21T06:05:04.123Z");
        }
    }

    /// Reads the object `name` with `read(Members&)`.
    template <class Read>
    void object(json::string_view name, Read read) {
        const auto* value = find(name);
        if (value == nullptr) return;
        Members inner{*value, path_of(name), *mistake_};
        read(inner);
    }

    /// Reads the array of objects `name`, at most `max` long, with `read(Members&)`.
    template <class Read>
    void objects(json::string_view name, std::size_t max, Read read) {
        array(name, max, [&](const json::value& value, const std::string& path) {
            Members inner{value, path, *mistake_};
            read(inner);
        });
    }

    /// Reads the array `name`, at most `max` long, with `read(const json::value&, path)`.
    template <class Read>
    void array(json::string_view name, std::size_t max, Read read) {
        const auto* value = find(name);
        if (value == nullptr) return;
        const auto* found = value->if_array();
        if (found == nullptr) return fail(name, "expected a list");
        if (found->size() > max) return fail(name, "is too long");
        for (std::size_t i = 0; i < found->size() && mistake_->empty(); ++i) {
            read((*found)[i], path_of(name) + "[" + std::to_string(i) + "]");
        }
    }

    void fail(json::string_view name, std::string_view what) {
        if (mistake_->empty()) {
            *mistake_ = (name.empty() ? path_ : path_of(name)) + ": " + std::string{what};
        }
    }

private:
    const json::value* find(json::string_view name) const {
        if (object_ == nullptr || !mistake_->empty()) return nullptr;
        const auto* value = object_->if_contains(name);
        return value == nullptr || value->is_null() ? nullptr : value;
    }
    std::string path_of(json::string_view name) const {
        return path_ + "." + std::string{name.data(), name.size()};
    }

    std::string path_;
    std::string* mistake_;
    const json::object* object_ = nullptr;
};

/// Parses `text` and reads its top object, called `what` in errors, with `read(Members&)`.
template <class Read>
Result<void> read_document(const std::string& text, const char* what, Read read) {
    if (text.size() > kMaxText) {
        return Error{Errc::bad_input, std::string{what} + ": longer than 4 MiB"};
    }
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::error_code error;
    const auto document = json::parse(text, error, {}, options);
    if (error) {
        return Error{Errc::bad_input, std::string{what} + ": not JSON: " + error.message()};
    }
    std::string mistake;
    Members top{document, what, mistake};
    read(top);
    if (!mistake.empty()) return Error{Errc::bad_input, mistake};
    return ok();
}

// Usage -----------------------------------------------------------------------------------------

std::string_view name_of(UsagePeriod period) {
    switch (period) {
        case UsagePeriod::hour:
            return "hour";
        case UsagePeriod::day:
            return "day";
        case UsagePeriod::month:
            return "month";
        case UsagePeriod::year:
            break;
    }
    return "year";
}

json::object usage_row_object(const UsageRow& row) {
    json::object object{
        {"name", clean(row.name)}, {"is_role", row.is_role}, {"is_undated", row.is_undated}};
    if (!row.is_undated) object["start"] = format_rfc3339(row.start);
    object["rx_bytes"] = row.sum.received.value;
    object["tx_bytes"] = row.sum.transmitted.value;
    object["peak_rx_bit_per_s"] = row.sum.peak_receive.bit_per_s;
    object["peak_tx_bit_per_s"] = row.sum.peak_transmit.bit_per_s;
    object["measured_s"] = row.sum.measured_s;
    json::array minutes;
    for (const auto count : row.sum.minutes) minutes.emplace_back(count);
    object["minutes"] = std::move(minutes);
    return object;
}

UsageRow read_usage_row(Members& members) {
    UsageRow row;
    std::optional<WallTime> start;
    members.text("name", row.name, true);
    members.flag("is_role", row.is_role);
    members.flag("is_undated", row.is_undated);
    members.time("start", start);
    members.number("rx_bytes", row.sum.received.value);
    members.number("tx_bytes", row.sum.transmitted.value);
    members.number("peak_rx_bit_per_s", row.sum.peak_receive.bit_per_s);
    members.number("peak_tx_bit_per_s", row.sum.peak_transmit.bit_per_s);
    members.number("measured_s", row.sum.measured_s);
    std::size_t next = 0;
    members.array("minutes", kRateBuckets, [&](const json::value& value, const std::string&) {
        if (!value.is_int64() || value.get_int64() < 0 ||
            value.get_int64() > std::numeric_limits<std::uint32_t>::max()) {
            return members.fail("minutes", "expected whole numbers of minutes");
        }
        row.sum.minutes[next++] = static_cast<std::uint32_t>(value.get_int64());
    });
    if (start) row.start = *start;
    if (!start && !row.is_undated) members.fail("start", "is missing");
    return row;
}

// Parts of the status ---------------------------------------------------------------------------

json::object interface_object(const Status::Interface& interface) {
    return {{"name", clean(interface.name)},          {"role", clean(interface.role)},
            {"has_carrier", interface.has_carrier},   {"rx_bytes", interface.rx_bytes},
            {"tx_bytes", interface.tx_bytes},         {"suspect_bytes", interface.suspect_bytes},
            {"rx_bit_per_s", interface.rx_bit_per_s}, {"tx_bit_per_s", interface.tx_bit_per_s}};
}

Status::Interface read_interface(Members& members) {
    Status::Interface interface;
    members.text("name", interface.name, true);
    members.text("role", interface.role);
    members.flag("has_carrier", interface.has_carrier);
    members.number("rx_bytes", interface.rx_bytes);
    members.number("tx_bytes", interface.tx_bytes);
    members.number("suspect_bytes", interface.suspect_bytes);
    members.number("rx_bit_per_s", interface.rx_bit_per_s);
    members.number("tx_bit_per_s", interface.tx_bit_per_s);
    return interface;
}

json::object sync_object(const Status::Sync& sync) {
    json::object object{{"consumer", clean(sync.consumer)},
                        {"state", clean(sync.state)},
                        {"detail", clean(sync.detail)},
                        {"through", sync.through},
                        {"pending_records", sync.pending_records},
                        {"parked_records", sync.parked_records}};
    put_number(object, "last_success_s", sync.last_success_s);
    put_number(object, "next_attempt_s", sync.next_attempt_s);
    object["sent_bytes"] = sync.sent_bytes;
    return object;
}

Status::Sync read_sync(Members& members) {
    Status::Sync sync;
    members.text("consumer", sync.consumer, true);
    members.text("state", sync.state);
    members.text("detail", sync.detail);
    members.number("through", sync.through);
    members.number("pending_records", sync.pending_records);
    members.number("parked_records", sync.parked_records);
    members.number("last_success_s", sync.last_success_s);
    members.number("next_attempt_s", sync.next_attempt_s);
    members.number("sent_bytes", sync.sent_bytes);
    return sync;
}

json::object journal_object(const Status& status) {
    const auto& journal = status.journal;
    return {{"epoch", clean(journal.epoch)},
            {"first", journal.first},
            {"last", journal.last},
            {"bytes", journal.bytes},
            {"written_bytes", journal.written_bytes},
            {"state", clean(journal.state)},
            {"detail", clean(journal.detail)},
            {"pending_ticks", journal.pending_ticks},
            {"ring_bytes", journal.ring_bytes},
            {"ring_capacity_bytes", journal.ring_capacity_bytes},
            {"commit_s", journal.commit_s}};
}

void read_journal(Members& members, Status& status) {
    auto& journal = status.journal;
    members.text("epoch", journal.epoch);
    members.number("first", journal.first);
    members.number("last", journal.last);
    members.number("bytes", journal.bytes);
    members.number("written_bytes", journal.written_bytes);
    members.text("state", journal.state);
    members.text("detail", journal.detail);
    members.number("pending_ticks", journal.pending_ticks);
    members.number("ring_bytes", journal.ring_bytes);
    members.number("ring_capacity_bytes", journal.ring_capacity_bytes);
    members.number("commit_s", journal.commit_s);
}

json::object link_object(const Status& status) {
    json::object link{{"state", clean(status.link.state)}, {"cause", clean(status.link.cause)}};
    put_number(link, "since_s", status.link.since_s);
    put_time(link, "since", status.link.since);
    link["evidence"] = clean(status.link.evidence);
    return link;
}

json::object site_object(const Status& status) {
    return {{"id", clean(status.site.id)},
            {"code", clean(status.site.code)},
            {"name", clean(status.site.name)},
            {"is_assigned", status.site.is_assigned},
            {"utc_offset_s", status.site.utc_offset_s}};
}

json::object provider_object(const Status& status) {
    return {{"provider", clean(status.provider.provider)},
            {"product", clean(status.provider.product)},
            {"customer_number", clean(status.provider.customer_number)},
            {"helpdesk", clean(status.provider.helpdesk)}};
}

json::object outage_object(const OutageRow& row) {
    const auto cause = to_string(row.cause);
    json::object object{{"id", row.id},
                        {"segment", row.segment},
                        {"cause", json::string_view{cause.data(), cause.size()}},
                        {"is_open", row.is_open}};
    put_time(object, "last_good", row.last_good);
    put_time(object, "first_bad", row.first_bad);
    put_time(object, "last_bad", row.last_bad);
    put_time(object, "first_good", row.first_good);
    put_number(object, "least_s", row.least_s);
    put_number(object, "most_s", row.most_s);
    object["evidence"] = clean(row.evidence);
    return object;
}

OutageRow read_outage(Members& members) {
    OutageRow row;
    std::string cause;
    members.number("id", row.id);
    members.number("segment", row.segment);
    members.text("cause", cause, true);
    // A newer daemon may know causes that this program does not.
    row.cause = parse_cause(cause).value_or(Cause::unknown);
    members.flag("is_open", row.is_open);
    members.time("last_good", row.last_good);
    members.time("first_bad", row.first_bad);
    members.time("last_bad", row.last_bad);
    members.time("first_good", row.first_good);
    members.number("least_s", row.least_s);
    members.number("most_s", row.most_s);
    members.text("evidence", row.evidence);
    return row;
}

}  // namespace

std::string to_json(const Status& status) {
    json::object top{{"version", clean(status.version)},
                     {"site", site_object(status)},
                     {"boot", {{"id", clean(status.boot.id)}, {"number", status.boot.number}}},
                     {"uptime_s", status.uptime_s},
                     {"daemon_uptime_s", status.daemon_uptime_s}};
    json::array interfaces;
    for (const auto& interface : status.interfaces) {
        interfaces.push_back(interface_object(interface));
    }
    top["interfaces"] = std::move(interfaces);
    top["usage"] = {{"rx_bytes", status.usage.rx_bytes}, {"tx_bytes", status.usage.tx_bytes}};
    top["link"] = link_object(status);
    top["journal"] = journal_object(status);
    json::array sync;
    for (const auto& consumer : status.sync) sync.push_back(sync_object(consumer));
    top["sync"] = std::move(sync);
    json::object clock{{"state", clean(status.clock.state)}};
    put_time(clock, "now", status.clock.now);
    top["clock"] = std::move(clock);
    top["provider"] = provider_object(status);
    return json::serialize(top);
}

Result<Status> status_from_json(const std::string& text) {
    Status status;
    const auto done = read_document(text, "status", [&](Members& top) {
        top.text("version", status.version);
        top.object("site", [&](Members& members) {
            members.text("id", status.site.id, true);
            members.text("code", status.site.code);
            members.text("name", status.site.name);
            members.flag("is_assigned", status.site.is_assigned);
            members.number("utc_offset_s", status.site.utc_offset_s);
        });
        if (status.site.id.empty()) top.fail("site.id", "is missing");
        top.object("boot", [&](Members& members) {
            members.text("id", status.boot.id);
            members.number("number", status.boot.number);
        });
        top.number("uptime_s", status.uptime_s);
        top.number("daemon_uptime_s", status.daemon_uptime_s);
        top.objects("interfaces", kMaxInterfaces, [&](Members& members) {
            status.interfaces.push_back(read_interface(members));
        });
        top.object("usage", [&](Members& members) {
            members.number("rx_bytes", status.usage.rx_bytes);
            members.number("tx_bytes", status.usage.tx_bytes);
        });
        top.object("link", [&](Members& members) {
            members.text("state", status.link.state);
            members.text("cause", status.link.cause);
            members.number("since_s", status.link.since_s);
            members.time("since", status.link.since);
            members.text("evidence", status.link.evidence);
        });
        top.object("journal", [&](Members& members) { read_journal(members, status); });
        top.objects("sync", kMaxConsumers,
                    [&](Members& members) { status.sync.push_back(read_sync(members)); });
        top.object("clock", [&](Members& members) {
            members.text("state", status.clock.state);
            members.time("now", status.clock.now);
        });
        top.object("provider", [&](Members& members) {
            members.text("provider", status.provider.provider);
            members.text("product", status.provider.product);
            members.text("customer_number", status.provider.customer_number);
            members.text("helpdesk", status.provider.helpdesk);
        });
    });
    if (!done) return done.error();
    return status;
}

std::string to_json(const std::vector<UsageRow>& rows, UsagePeriod period) {
    const auto by = name_of(period);
    json::array list;
    for (const auto& row : rows) list.push_back(usage_row_object(row));
    json::object top{{"by", json::string_view{by.data(), by.size()}}, {"rows", std::move(list)}};
    return json::serialize(top);
}

Result<std::vector<UsageRow>> usage_from_json(const std::string& text) {
    std::vector<UsageRow> rows;
    const auto done = read_document(text, "usage", [&](Members& top) {
        if (!top.has("rows")) top.fail("rows", "is missing");
        top.objects("rows", kMaxRows,
                    [&](Members& members) { rows.push_back(read_usage_row(members)); });
    });
    if (!done) return done.error();
    return rows;
}

std::string to_json(const std::vector<OutageRow>& rows) {
    json::array list;
    for (const auto& row : rows) list.push_back(outage_object(row));
    json::object top{{"outages", std::move(list)}};
    return json::serialize(top);
}

Result<std::vector<OutageRow>> outages_from_json(const std::string& text) {
    std::vector<OutageRow> rows;
    const auto done = read_document(text, "outages", [&](Members& top) {
        if (!top.has("outages")) top.fail("outages", "is missing");
        top.objects("outages", kMaxRows,
                    [&](Members& members) { rows.push_back(read_outage(members)); });
    });
    if (!done) return done.error();
    return rows;
}

std::string problem_json(int status, const std::string& title, const std::string& detail) {
    json::object top{{"type", "about:blank"},
                     {"status", status},
                     {"title", clean(title)},
                     {"detail", clean(detail)}};
    return json::serialize(top);
}

}  // namespace gerbang::web
