#include "daemon/serve/metrics.hpp"

#include <algorithm>
#include <cstddef>

namespace gerbang {
namespace {

struct Help {
    std::string_view name;
    const char* text;
};

/// By the beginning of the name; the first that fits. The last one fits all.
constexpr Help kHelp[] = {
    {"interface_receive", "Received by the interface since the journal began."},
    {"interface_transmit", "Transmitted by the interface since the journal began."},
    {"interface_suspect", "Bytes that the line could not have carried; in no other counter."},
    {"wan_", "Bytes of whichever interface held the WAN role: the usage of the site."},
    {"link_state_seconds", "Time that the link spent in the state, by cause."},
    {"link_state", "State of the WAN: 0 unknown, 1 up, 2 down."},
    {"rung_state", "State of a rung of the ladder: 0 unknown, 1 up, 2 down, 3 portal."},
    {"storage_state", "Storage: 0 opening, 1 well, 2 full, 3 read only, 4 broken, 5 hanging."},
    {"probe_loss", "Share of the questions of the last minute that nobody answered."},
    {"probe_", "Round trip to the target during the last minute."},
    {"lan_clients", "Clients in the LAN; 4 stands for 1 to 4."},
    {"wifi_stations", "Stations of the WiFi; 4 stands for 1 to 4."},
    {"daemon_", "Spent by this daemon."},
    {"", "A series of the journal as of its newest reading."},
};

const char* help_of(std::string_view name) {
    for (const auto& help : kHelp) {
        if (name.substr(0, help.name.size()) == help.name) return help.text;
    }
    return "";
}

/// A label's value. The kernel lets an interface's name hold any bytes, and one that is no UTF-8
/// would cost the whole scrape: what is not plain ASCII is written as %XX.
void append_value(std::string& text, std::string_view value) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    for (const char c : value) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\\' || c == '"') {
            text += '\\';
            text += c;
        } else if (byte >= 0x20 && byte < 0x7F) {
            text += c;
        } else {
            text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
}

/// `value` / 10^`scale`, exactly.
std::string decimal(std::int64_t value, std::size_t scale) {
    auto text = std::to_string(value);
    if (scale == 0) return text;
    const std::size_t sign = value < 0 ? 1 : 0;
    if (text.size() - sign <= scale) text.insert(sign, scale + 1 - (text.size() - sign), '0');
    text.insert(text.size() - scale, 1, '.');
    return text;
}

/// Writes families one after the other; the samples of one must come together.
class Exposition {
public:
    void family(std::string_view name, bool is_counter, const char* help) {
        name_ = "gerbang_";
        name_ += name;
        text_ += "# HELP " + name_ + " " + help + "\n# TYPE " + name_ +
                 (is_counter ? " counter\n" : " gauge\n");
    }
    void sample(const std::string& value) {
        text_ += name_ + (labels_.empty() ? labels_ : "{" + labels_ + "}") + " " + value + "\n";
        labels_.clear();
    }
    Exposition& label(std::string_view name, std::string_view value) {
        if (!labels_.empty()) labels_ += ',';
        labels_.append(name).append("=\"");
        append_value(labels_, value);
        labels_ += '"';
        return *this;
    }
    /// A family of one sample without labels.
    void one(std::string_view name, bool is_counter, const char* help, std::uint64_t value) {
        family(name, is_counter, help);
        sample(std::to_string(value));
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
    std::string name_;
    std::string labels_;
};

void write_readings(Exposition& out, std::vector<SeriesValue> newest) {
    const auto before = [](const SeriesValue& a, const SeriesValue& b) {
        const int order = a.series.name.compare(b.series.name);
        return order != 0 ? order < 0 : a.series.labels < b.series.labels;
    };
    std::sort(newest.begin(), newest.end(), before);
    const SeriesValue* last = nullptr;
    for (const auto& each : newest) {
        if (last != nullptr && !before(*last, each)) continue;
        const auto& series = each.series;
        if (last == nullptr || last->series.name != series.name) {
            out.family(series.name, series.kind == SeriesKind::counter, help_of(series.name));
        }
        for (const auto& label : series.labels) out.label(label.name, label.value);
        out.sample(decimal(each.value, series.scale));
        last = &each;
    }
}

void write_journal(Exposition& out, const web::Status& status) {
    const auto& journal = status.journal;
    out.one("journal_last_record", false, "Number of the newest record of the open epoch.",
            journal.last);
    out.one("journal_bytes", false, "Size of the database.", journal.bytes);
    out.one("journal_failing", false, "1 while the storage takes no records.",
            journal.state == "ok" ? 0 : 1);
    out.one("journal_pending_ticks", false, "Ticks in the ring that are not durable yet.",
            journal.pending_ticks);
    out.one("ring_used_bytes", false, "Room taken in the ring.", journal.ring_bytes);
    out.one("ring_capacity_bytes", false, "Room of the ring.", journal.ring_capacity_bytes);
    out.one("missed_ticks_total", true, "Ticks that nobody took since the daemon started.",
            journal.missed_ticks);
    out.one("given_up_ticks_total", true, "Ticks that found no room since the daemon started.",
            journal.given_up_ticks);
    if (journal.days_left) {
        const auto days = std::max<std::int64_t>(*journal.days_left, 0);
        out.one("journal_room_seconds", false, "How long unsent records will fit at this rate.",
                static_cast<std::uint64_t>(days) * 86'400);
    }
}

using Sync = web::Status::Sync;

void write_consumers(Exposition& out, const std::vector<Sync>& consumers) {
    if (consumers.empty()) return;
    struct Field {
        const char* name;
        bool is_counter;
        const char* help;
        std::uint64_t Sync::*at;
    };
    constexpr Field kFields[] = {
        {"sync_pending_records", false, "Records that the consumer does not hold.",
         &Sync::pending_records},
        {"sync_parked_records", false, "Records that the consumer refused.", &Sync::parked_records},
        {"sync_sent_bytes_total", true, "Sent to the consumer since the daemon started.",
         &Sync::sent_bytes}};
    for (const auto& field : kFields) {
        out.family(field.name, field.is_counter, field.help);
        for (const auto& one : consumers) {
            out.label("consumer", one.consumer).sample(std::to_string(one.*field.at));
        }
    }
    out.family("sync_stopped", false, "1 while nothing is sent until somebody mends it.");
    for (const auto& one : consumers) {
        out.label("consumer", one.consumer).sample(one.state == "stopped" ? "1" : "0");
    }
    if (std::none_of(consumers.begin(), consumers.end(),
                     [](const Sync& one) { return one.last_success_s.has_value(); })) {
        return;
    }
    out.family("sync_last_success_age_seconds", false, "Since the consumer took something.");
    for (const auto& one : consumers) {
        if (!one.last_success_s) continue;
        out.label("consumer", one.consumer).sample(std::to_string(*one.last_success_s));
    }
}

void write_links(Exposition& out, const web::Status& status) {
    // What is not known is no number: no sample.
    const auto sample = [&out](const std::string& link, const std::string& state) {
        if (state == "unknown" || state.empty()) return;
        out.label("link", link).sample(state == "down" ? "0" : "1");
    };
    out.family("link_up", false, "1 while the link works, degraded included; none: not known.");
    sample("wan", status.link.state);
    for (const auto& link : status.links) sample(link.link, link.state);
}

}  // namespace

std::string metrics_text(const web::Status& status, std::vector<SeriesValue> newest) {
    Exposition out;
    out.family("info", false, "Who this is.");
    out.label("version", status.version).label("site", status.site.id).sample("1");
    out.one("uptime_seconds", false, "Of the daemon.",
            static_cast<std::uint64_t>(std::max<std::int64_t>(status.daemon_uptime_s, 0)));
    out.one("clock_is_set", false, "1 while this box knows the time.",
            status.clock.state == "unset" || status.clock.state.empty() ? 0 : 1);
    write_links(out, status);
    out.family("interface_carrier", false, "1 while the interface has a carrier.");
    for (const auto& interface : status.interfaces) {
        out.label("interface", interface.name)
            .label("role", interface.role)
            .sample(interface.has_carrier ? "1" : "0");
    }
    write_journal(out, status);
    write_consumers(out, status.sync);
    write_readings(out, std::move(newest));
    return out.take();
}

}  // namespace gerbang
