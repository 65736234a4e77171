#include <algorithm>

#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Status;
using web::Text;

Seconds offset_of(const Status& status) {
    return Seconds{status.site.utc_offset_s};
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

std::optional<Text> remedy_of_storage(const std::string& storage) {
    if (storage == "full") return Text::do_storage_full;
    if (storage == "read_only") return Text::do_storage_read_only;
    if (storage == "broken") return Text::do_storage_broken;
    if (storage == "hanging") return Text::do_storage_hanging;
    return std::nullopt;
}

std::string journal_lines(const Status& status, const RenderOptions& options) {
    const auto& journal = status.journal;
    const auto language = options.language;
    std::string ram;
    if (journal.is_ram) ram = painted(wrap(say(language, Text::storage_is_ram)), kRed, options);
    if (journal.daily_writes_bytes != 0 &&
        journal.written_today_bytes > journal.daily_writes_bytes) {
        ram += painted(wrap(say(language, Text::writes_too_much,
                                {human_bytes(language, journal.written_today_bytes),
                                 human_bytes(language, journal.daily_writes_bytes)})),
                       kYellow, options);
    }
    if (journal.state == "failing") {
        auto text = painted(wrap(say(language, Text::journal_failing,
                                     {web::evidence_text(language, one_line(journal.detail)),
                                      human_count(language, journal.pending_ticks)})),
                            kRed, options);
        if (const auto what = remedy_of_storage(journal.storage))
            text += wrap(say(language, *what));
        if (journal.given_up_ticks != 0) {
            text += wrap(
                say(language, Text::ring_gave_up, {human_count(language, journal.given_up_ticks)}));
        }
        return text + ram;
    }
    const auto records =
        journal.last >= journal.first && journal.first > 0 ? journal.last - journal.first + 1 : 0;
    return wrap(
               say(language, Text::journal_ok,
                   {human_count(language, records), human_bytes(language, journal.bytes),
                    human_duration(language, std::max(journal.loss_window_s, journal.commit_s))})) +
           ram;
}

std::string clock_line(const Status& status, Language language) {
    const auto& state = status.clock.state;
    auto text = Text::clock_unset;
    if (state == "synchronised") text = Text::clock_synchronised;
    if (state == "province") text = Text::clock_province;
    if (state == "operator") text = Text::clock_operator;
    return wrap(say(language, text));
}

/// What the usage is not worth, where that is known.
std::string usage_notes(const Status& status, const RenderOptions& options) {
    const auto& usage = status.usage;
    const auto language = options.language;
    if (usage.path == "not_in_path") {
        return painted(wrap(say(language, Text::usage_not_in_path)), kYellow, options);
    }
    if (usage.confidence != "suspect") return "";
    return painted(wrap(say(language, Text::usage_suspect, {one_line(usage.reason)})), kYellow,
                   options);
}

/// What was found on the way to the internet, when something is wrong on it.
std::string findings(const Status& status, Language language) {
    const auto is_bad = [](const web::RungLine& line) {
        return line.state == "down" || line.state == "portal";
    };
    std::string text;
    if (status.link.state != "up" ||
        std::any_of(status.ladder.begin(), status.ladder.end(), is_bad)) {
        text = ladder_line(status.ladder, language);
    }
    if (status.link.state == "down" && !status.link.evidence.empty()) {
        auto evidence = say(language, Text::outage_evidence,
                            {web::evidence_text(language, one_line(status.link.evidence))});
        evidence[0] = static_cast<char>(evidence[0] - 'a' + 'A');
        text += wrap(evidence + ".");
    }
    return text.empty() ? text : text + "\n";
}

/// What `gerbang sync` says of a consumer besides its state.
std::string sync_history(const Status::Sync& sync, Language language) {
    std::string text;
    const auto add = [&](Text what, std::string value) {
        text += wrap("  " + say(language, what, {std::move(value)}), 2);
    };
    if (sync.state == "idle" && !sync.detail.empty()) add(Text::sync_note, one_line(sync.detail));
    add(Text::sync_through, human_count(language, sync.through));
    if (sync.pending_records > 0 && sync.pending_bytes > 0) {
        add(Text::sync_pending, human_bytes(language, sync.pending_bytes));
    }
    if (sync.oldest_s) add(Text::sync_oldest, human_duration(language, *sync.oldest_s));
    if (sync.last_success_s) {
        add(Text::sync_last_success,
            say(language, Text::ago, {human_duration(language, *sync.last_success_s)}));
    } else {
        text += wrap("  " + std::string{say(language, Text::sync_never)}, 2);
    }
    if (sync.rate_bytes_s > 0) add(Text::sync_rate, human_bytes(language, sync.rate_bytes_s));
    add(Text::sync_sent, human_bytes(language, sync.sent_bytes));
    return text;
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
    return with_history ? text + sync_history(sync, language) : text;
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

std::string render_parked(const Status& status, const RenderOptions& options) {
    const auto language = options.language;
    std::string text;
    for (const auto& sync : status.sync) {
        if (sync.parked_records == 0) continue;
        text += one_line(sync.consumer, 64) + "\n";
        for (const auto& parked : sync.parked) {
            text += wrap("  " + say(language, Text::sync_parked_one,
                                    {human_count(language, parked.first),
                                     human_count(language, parked.last), one_line(parked.reason)}),
                         2);
        }
        text += wrap(
            "  " + say(language, Text::sync_parked, {human_count(language, sync.parked_records)}),
            2);
    }
    return text.empty() ? wrap(say(language, Text::sync_parked_none))
                        : text + wrap(say(language, Text::sync_parked_hint));
}

std::string render_status(const Status& status, const RenderOptions& options) {
    const auto language = options.language;
    auto text = render_verdict(status, options) + "\n" + head_line(status, options) + "\n" +
                findings(status, language);
    text += wrap(say(language, Text::total_usage,
                     {human_bytes(language, status.usage.rx_bytes),
                      human_bytes(language, status.usage.tx_bytes)}));
    text += usage_notes(status, options) + interface_table(status, language) + "\n";
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
