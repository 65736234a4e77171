#include <algorithm>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Status;
using web::Text;

constexpr const char* kGreen = "\x1b[1;32m";
constexpr const char* kRed = "\x1b[1;31m";
constexpr const char* kYellow = "\x1b[1;33m";
constexpr const char* kPlain = "\x1b[0m";

/// Paints whole lines, so that wrapping never counts an escape sequence.
std::string painted(const std::string& text, const char* colour, const RenderOptions& options) {
    if (!options.use_colour) return text;
    std::string result;
    std::size_t start = 0;
    while (start < text.size()) {
        const auto end = std::min(text.find('\n', start), text.size());
        result += colour + text.substr(start, end - start) + kPlain + "\n";
        start = end + 1;
    }
    return result;
}

Seconds offset_of(const Status& status) {
    return Seconds{status.site.utc_offset_s};
}

/// Whom to call and with which number; nothing for causes that the provider cannot mend.
std::string whom_to_call(const Status& status, Cause cause, Language language) {
    const bool is_provider = cause == Cause::modem || cause == Cause::isp ||
                             cause == Cause::international || cause == Cause::dns;
    if (!is_provider) return "";
    const auto& provider = status.provider;
    if (provider.helpdesk.empty()) return " " + say(language, Text::call_provider_unknown);
    const auto name = provider.provider.empty() ? std::string{"ISP"} : one_line(provider.provider);
    auto text = " " + say(language, Text::call_provider, {name, one_line(provider.helpdesk)});
    if (!provider.customer_number.empty()) {
        text += say(language, Text::call_provider_number, {one_line(provider.customer_number)});
    }
    return text + ".";
}

std::string down_sentence(const Status& status, Language language) {
    const auto& link = status.link;
    auto age = link.since_s;
    if (!age && link.since && status.clock.now) {
        age = std::chrono::duration_cast<Seconds>(*status.clock.now - *link.since).count();
    }
    const auto lasted = age ? human_duration(language, *age) : std::string{"?"};
    if (link.since) {
        const auto since = local_minute(language, *link.since, offset_of(status)) + " " +
                           zone_name(offset_of(status));
        return say(language, Text::internet_down_since, {since, lasted});
    }
    if (age) return say(language, Text::internet_down_for, {lasted});
    return say(language, Text::internet_down);
}

std::string verdict(const Status& status, const RenderOptions& options) {
    const auto language = options.language;
    if (status.link.state == "up") {
        return painted(wrap(say(language, Text::internet_up)), kGreen, options);
    }
    if (status.link.state != "down") {
        return painted(wrap(say(language, Text::internet_unknown)), kYellow, options) +
               wrap(say(language, Text::internet_unknown_hint));
    }
    const auto cause = parse_cause(status.link.cause).value_or(Cause::unknown);
    const auto step = say(language, Text::next_step);
    return painted(wrap(down_sentence(status, language)), kRed, options) +
           wrap(say(language, Text::cause_is, {say(language, web::cause_text(cause))})) +
           wrap(step + say(language, web::remedy_text(cause)) +
                    whom_to_call(status, cause, language),
                width_of(step));
}

std::string head_line(const Status& status, const RenderOptions& options) {
    auto line = one_line(status.site.name, 40);
    line += line.empty() ? one_line(status.site.id, 64) : " (" + one_line(status.site.id, 64) + ")";
    if (status.clock.now) {
        line += std::string{options.use_utf8 ? " · " : " - "} +
                local_minute(options.language, *status.clock.now, offset_of(status)) + " " +
                zone_name(offset_of(status));
    }
    auto text = wrap(line);
    if (!status.site.is_assigned) text += wrap(say(options.language, Text::site_unassigned));
    return text;
}

Text role_text(const std::string& role) {
    if (role == "wan") return Text::role_wan;
    if (role == "lan") return Text::role_lan;
    if (role == "wifi") return Text::role_wifi;
    return Text::role_none;
}

std::string interface_table(const Status& status, Language language) {
    if (status.interfaces.empty()) return wrap(say(language, Text::no_interfaces));
    Table table;
    table.columns = {
        {say(language, Text::interface), false},      {say(language, Text::role), false},
        {say(language, Text::cable), false},          {say(language, Text::received), true},
        {say(language, Text::transmitted), true},     {say(language, Text::receiving_now), true},
        {say(language, Text::transmitting_now), true}};
    std::string notes;
    for (const auto& interface : status.interfaces) {
        table.rows.push_back(
            {one_line(interface.name, 20), say(language, role_text(interface.role)),
             say(language, interface.has_carrier ? Text::yes : Text::no),
             human_bytes(language, interface.rx_bytes), human_bytes(language, interface.tx_bytes),
             human_rate(language, interface.rx_bit_per_s),
             human_rate(language, interface.tx_bit_per_s)});
        if (interface.suspect_bytes > 0) {
            notes += wrap(say(
                language, Text::suspect_bytes,
                {one_line(interface.name, 20), human_bytes(language, interface.suspect_bytes)}));
        }
    }
    return table.text() + notes;
}

std::string journal_lines(const Status& status, const RenderOptions& options) {
    const auto& journal = status.journal;
    const auto language = options.language;
    if (journal.state == "failing") {
        return painted(
            wrap(say(language, Text::journal_failing,
                     {one_line(journal.detail), human_count(language, journal.pending_ticks)})),
            kRed, options);
    }
    const auto records =
        journal.last >= journal.first && journal.first > 0 ? journal.last - journal.first + 1 : 0;
    return wrap(say(language, Text::journal_ok,
                    {human_count(language, records), human_bytes(language, journal.bytes),
                     human_duration(language, journal.commit_s)}));
}

std::string clock_line(const Status& status, Language language) {
    const auto& state = status.clock.state;
    const auto text = state == "synchronised"
                          ? Text::clock_synchronised
                          : (state == "operator" ? Text::clock_operator : Text::clock_unset);
    return wrap(say(language, text));
}

/// One consumer: its state, and for a state that worries people, why and what to do.
std::string consumer_lines(const Status::Sync& sync, Language language, bool with_history) {
    const auto name = one_line(sync.consumer, 64);
    const auto pending = human_count(language, sync.pending_records);
    std::string line;
    if (sync.state == "idle") {
        // Between two transmissions the newest records always wait: "all sent" would be untrue.
        line = sync.pending_records == 0 ? say(language, Text::sync_idle, {name})
                                         : say(language, Text::sync_next, {name, pending});
    } else if (sync.state == "sending") {
        line = say(language, Text::sync_sending, {name, pending});
    } else if (sync.state == "stopped") {
        line = say(language, Text::sync_stopped, {name, pending});
    } else {
        line = say(language, Text::sync_waiting, {name, pending});
        if (sync.next_attempt_s) {
            line += " " + say(language, Text::sync_waiting_for,
                              {human_duration(language, *sync.next_attempt_s)});
        }
    }
    const bool is_troubled = sync.state == "waiting" || sync.state == "stopped";
    if (is_troubled && !sync.detail.empty()) {
        line += " " + say(language, Text::sync_reason, {one_line(sync.detail)});
    }
    auto text = wrap(line, 2);
    if (sync.state == "stopped") {
        text += wrap("  " + say(language, Text::sync_stopped_hint), 2);
    } else if (sync.state == "waiting" && !sync.detail.empty()) {
        text += wrap("  " + say(language, Text::sync_waiting_hint), 2);
    }
    if (sync.parked_records > 0) {
        text += wrap(
            "  " + say(language, Text::sync_parked, {human_count(language, sync.parked_records)}),
            2);
    }
    if (!with_history) return text;
    const auto last =
        sync.last_success_s
            ? say(language, Text::sync_last_success,
                  {say(language, Text::ago, {human_duration(language, *sync.last_success_s)})})
            : say(language, Text::sync_never);
    return text + wrap("  " + last, 2) +
           wrap("  " + say(language, Text::sync_sent, {human_bytes(language, sync.sent_bytes)}), 2);
}

}  // namespace

std::string render_sync(const Status& status, const RenderOptions& options) {
    std::string text;
    if (!status.site.is_assigned) text += wrap(say(options.language, Text::site_unassigned));
    if (status.sync.empty() && status.site.is_assigned) {
        text += wrap(say(options.language, Text::sync_none));
    }
    for (const auto& sync : status.sync) text += consumer_lines(sync, options.language, true);
    return text;
}

std::string render_status(const Status& status, const RenderOptions& options) {
    const auto language = options.language;
    auto text = verdict(status, options) + "\n" + head_line(status, options) + "\n";
    text += wrap(say(language, Text::total_usage,
                     {human_bytes(language, status.usage.rx_bytes),
                      human_bytes(language, status.usage.tx_bytes)}));
    text += interface_table(status, language) + "\n";
    text += journal_lines(status, options);
    if (status.sync.empty() && status.site.is_assigned) {
        text += wrap(say(language, Text::sync_none));
    }
    for (const auto& sync : status.sync) text += consumer_lines(sync, language, false);
    text += clock_line(status, language);
    return text +
           wrap(say(language, Text::running_for,
                    {human_duration(language, status.uptime_s), one_line(status.version, 20)}));
}

}  // namespace gerbang::cli
