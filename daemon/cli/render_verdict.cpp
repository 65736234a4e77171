// The first lines of `status`, and `probe`: what is wrong, whose it is, what to do next.

#include <algorithm>
#include <array>

#include "common/model/ladder.hpp"
#include "common/web/text.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::LinkLine;
using web::RungLine;
using web::say;
using web::Status;
using web::Text;

constexpr const char* kPlain = "\x1b[0m";
/// A finding that is older says nothing of now.
constexpr std::int64_t kFreshS = 180;
/// Until then "not known" means "not yet".
constexpr std::int64_t kStartingS = 60;
constexpr std::int64_t kFewDays = 7;

Seconds offset_of(const Status& status) {
    return Seconds{status.site.utc_offset_s};
}

bool rung_is(const Status& status, Rung rung, std::string_view state) {
    return std::any_of(status.ladder.begin(), status.ladder.end(), [&](const RungLine& line) {
        return line.rung == to_string(rung) && line.state == state &&
               line.age_s.value_or(kFreshS) < kFreshS;
    });
}

std::string capitalised(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
        text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    return text;
}

bool mains_are_out(const Status& status) {
    return status.power.mains == "off" || rung_is(status, Rung::power, "down");
}

/// " Power fine, modem fine.": what need not be looked at, or nothing where nothing is known.
std::string what_is_fine(const Status& status, Cause cause, Language language) {
    std::string text;
    const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
    const auto& power = status.power;
    if (mains_are_out(status)) {
        if (cause != Cause::power) add(say(language, Text::power_off));
        if (power.battery_percent) {
            add(say(language, Text::battery_at, {std::to_string(*power.battery_percent)}));
        }
    } else if (power.mains == "on" || rung_is(status, Rung::power, "up")) {
        add(say(language, Text::power_on));
    }
    if (rung_is(status, Rung::next_hop, "up")) {
        add(say(language, Text::modem_fine));
    } else if (rung_is(status, Rung::carrier, "up")) {
        add(say(language, Text::cable_fine));
    }
    return text.empty() ? text : " " + capitalised(text) + ".";
}

/// How long ago; nothing when neither instant nor age is known.
std::optional<std::int64_t> age_of(const Status& status, std::optional<std::int64_t> since_s,
                                   const std::optional<WallTime>& since) {
    if (since_s || !since || !status.clock.now) return since_s;
    return std::chrono::duration_cast<Seconds>(*status.clock.now - *since).count();
}

/// " since 14:05 WITA (2 h 11 min)", " for 2 h 11 min", or nothing.
std::string since_words(const Status& status, const LinkLine& link, Language language) {
    const auto age = age_of(status, link.since_s, link.since);
    const auto lasted = age ? human_duration(language, *age) : std::string{"?"};
    if (link.since) {
        return say(
            language, Text::since_at,
            {short_moment(language, *link.since, status.clock.now, offset_of(status)), lasted});
    }
    return age ? say(language, Text::since_for, {lasted}) : std::string{};
}

std::string down_sentence(const Status& status, Language language) {
    const auto& link = status.link;
    const auto age = age_of(status, link.since_s, link.since);
    const auto lasted = age ? human_duration(language, *age) : std::string{"?"};
    if (link.since) {
        return say(
            language, Text::internet_down_since,
            {short_moment(language, *link.since, status.clock.now, offset_of(status)), lasted});
    }
    if (age) return say(language, Text::internet_down_for, {lasted});
    return say(language, Text::internet_down);
}

/// Causes that the provider alone can mend.
bool is_providers(Cause cause) {
    return cause == Cause::isp || cause == Cause::international || cause == Cause::dns;
}

std::string cause_sentence(const Status& status, Cause cause, Language language) {
    auto what = say(language, web::cause_text(cause));
    if ((is_providers(cause) || cause == Cause::blocked) && !status.provider.provider.empty()) {
        what += say(language, Text::of_provider, {one_line(status.provider.provider, 40)});
    }
    const auto& confidence = status.link.confidence;
    const bool is_thin =
        confidence == to_string(Confidence::low) || confidence == to_string(Confidence::none);
    return say(language, is_thin && cause != Cause::unknown ? Text::cause_may_be : Text::cause_is,
               {what});
}

std::string whom_to_call(const Status& status, Language language) {
    const auto& provider = status.provider;
    if (provider.helpdesk.empty()) return say(language, Text::call_provider_unknown) + ".";
    auto text = say(language, Text::call_provider, {one_line(provider.helpdesk, 40)});
    if (!provider.customer_number.empty()) {
        text += say(language, Text::call_provider_number, {one_line(provider.customer_number, 40)});
    }
    return text + ".";
}

std::string next_step(const Status& status, Cause cause, Language language) {
    // A modem without power is as good as none.
    const bool is_modem = cause == Cause::carrier || cause == Cause::modem;
    if (is_modem && mains_are_out(status)) return say(language, Text::do_power);
    if (!is_providers(cause)) return say(language, web::remedy_text(cause));
    const auto call = whom_to_call(status, language);
    // A modem that hangs looks like a dead provider where it cannot be asked.
    if (cause != Cause::isp || rung_is(status, Rung::next_hop, "up")) return call;
    return say(language, Text::restart_modem_first) + " " + call;
}

std::string data_sentence(const Status& status, Language language) {
    const auto& journal = status.journal;
    if (journal.state == "failing") return say(language, Text::data_not_saved);
    if (!journal.days_left) return say(language, Text::data_safe);
    return say(language, *journal.days_left < kFewDays ? Text::data_few_days : Text::data_safe_days,
               {human_count(language, static_cast<std::uint64_t>(
                                          std::max<std::int64_t>(0, *journal.days_left)))});
}

/// The three lines, and the colour of the first.
struct Verdict {
    std::string what;
    std::string whose;
    std::string next;
    const char* colour = kYellow;
};

Verdict verdict_of(const Status& status, Language language) {
    const auto& state = status.link.state;
    const auto cause = parse_cause(status.link.cause).value_or(Cause::unknown);
    const auto fine = what_is_fine(status, cause, language);
    if (state == to_string(LinkState::up)) {
        const bool is_all = std::none_of(
            status.links.begin(), status.links.end(),
            [](const LinkLine& link) { return link.state == to_string(LinkState::down); });
        return {say(language, Text::internet_up), say(language, Text::nothing_wrong) + fine,
                is_all ? say(language, Text::do_nothing) + " " : "", kGreen};
    }
    if (state == to_string(LinkState::degraded)) {
        return {say(language, Text::internet_degraded), say(language, Text::degraded_means),
                say(language, Text::if_degraded_long) + " " + whom_to_call(status, language) + " "};
    }
    if (state == to_string(LinkState::down)) {
        return {down_sentence(status, language), cause_sentence(status, cause, language) + fine,
                next_step(status, cause, language) + " ", kRed};
    }
    const auto wait = say(language, Text::wait_a_minute) + " ";
    if (status.daemon_uptime_s < kStartingS) {
        const auto age = human_duration(language, status.daemon_uptime_s);
        return {say(language, Text::internet_starting),
                say(language, Text::starting_since, {age}) + fine, wait};
    }
    return {say(language, Text::internet_unknown), say(language, Text::not_probed), wait};
}

/// Room for `name` in a list of rungs.
std::string name_of_rung(const std::string& name, Language language) {
    const auto rung = parse_rung(name);
    return rung ? say(language, web::rung_text(*rung)) : one_line(name, 20);
}

std::string name_of_link(const std::string& link, Language language) {
    if (link == link_name::kHotspot) return say(language, Text::link_hotspot);
    if (link == link_name::kProvince) return say(language, Text::rung_province);
    if (link.rfind(link_name::kServicePrefix, 0) == 0) {
        return say(language, Text::link_service,
                   {one_line(link.substr(link_name::kServicePrefix.size()), 40)});
    }
    return one_line(link, 40);
}

std::string state_word(const std::string& state, Language language) {
    auto text = Text::rung_unknown;
    if (state == to_string(RungState::up)) text = Text::rung_up;
    if (state == to_string(RungState::down)) text = Text::rung_down;
    if (state == to_string(RungState::portal)) text = Text::rung_portal;
    return say(language, text);
}

std::string down_link(const Status& status, const LinkLine& link, Language language) {
    const auto since = since_words(status, link, language);
    if (link.link == link_name::kHotspot) return say(language, Text::hotspot_down, {since});
    if (link.link == link_name::kProvince) return say(language, Text::province_down, {since});
    auto name = link.link;
    if (name.rfind(link_name::kServicePrefix, 0) == 0) {
        name.erase(0, link_name::kServicePrefix.size());
    }
    return say(language, Text::service_down, {one_line(name, 48), since});
}

/// Why a rung is not well: what each that was asked met, without the rung's own name before it and
/// once each. Of a page the kind of silence alone: its address and the library's words say no more.
std::string why_not(const RungLine& line, Language language) {
    const auto silence = web::silence_text(line.silence);
    const bool is_page = line.rung == to_string(Rung::web);
    if (silence && (line.detail.empty() || is_page)) return say(language, *silence);
    const auto detail = one_line(line.detail);
    const auto own = line.rung + ": ";
    std::string text;
    for (std::size_t start = 0; start < detail.size();) {
        const auto end = std::min(detail.find("; ", start), detail.size());
        auto part = detail.substr(start, end - start);
        if (part.starts_with(own)) part.erase(0, own.size());
        if (text.find(part) == std::string::npos) text += (text.empty() ? "" : "; ") + part;
        start = end + 2;
    }
    return web::evidence_text(language, text);
}

/// "  modem             ok          3 ms   detail"
std::string probe_line(const std::string& name, const std::string& state, const std::string& rest) {
    constexpr std::size_t kName = 20;
    constexpr std::size_t kState = 15;
    const auto pad = [](std::string text, std::size_t width) {
        const auto has = width_of(text);
        text.append(has < width ? width - has : 0, ' ');
        return text;
    };
    auto line = "  " + pad(name, kName) + " " + pad(state, kState) + " " + rest;
    line.erase(line.find_last_not_of(' ') + 1);
    return wrap(line, kName + 3);
}

}  // namespace

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

std::string render_verdict(const Status& status, const RenderOptions& options) {
    const auto language = options.language;
    const auto verdict = verdict_of(status, language);
    auto text = painted(wrap(verdict.what), verdict.colour, options) + wrap(verdict.whose) +
                wrap(verdict.next + data_sentence(status, language));
    for (const auto& link : status.links) {
        if (link.state != to_string(LinkState::down)) continue;
        text += painted(wrap(down_link(status, link, language)), kYellow, options);
    }
    return text;
}

std::string ladder_line(const std::vector<RungLine>& ladder, Language language) {
    std::string text;
    for (const auto& line : ladder) {
        if (line.state.empty() || line.state == to_string(RungState::unknown)) continue;
        text += (text.empty() ? "" : ", ") + name_of_rung(line.rung, language) + " " +
                state_word(line.state, language);
    }
    return text.empty() ? text : wrap(say(language, Text::ladder_is, {text}));
}

std::string render_probe(const web::ProbeReport& report, const RenderOptions& options) {
    const auto language = options.language;
    auto text = wrap(say(language, Text::probe_title));
    for (const auto& line : report.ladder) {
        std::string rest;
        const auto add = [&](const std::string& part) {
            if (!part.empty()) rest += (rest.empty() ? "" : "; ") + part;
        };
        if (line.rtt_ms) add(std::to_string(*line.rtt_ms) + " ms");
        if (line.state != to_string(RungState::up)) add(why_not(line, language));
        text +=
            probe_line(name_of_rung(line.rung, language), state_word(line.state, language), rest);
    }
    for (const auto& link : report.links) {
        text += probe_line(name_of_link(link.link, language), state_word(link.state, language), "");
    }
    auto verdict = say(language, Text::probe_unknown);
    if (report.state == to_string(LinkState::up)) verdict = say(language, Text::probe_up);
    if (report.state == to_string(LinkState::degraded)) {
        verdict = say(language, Text::probe_degraded);
    }
    if (report.state == to_string(LinkState::down)) {
        const auto cause = parse_cause(report.cause).value_or(Cause::unknown);
        auto what = say(language, web::cause_text(cause));
        if (const auto confidence = parse_confidence(report.confidence)) {
            what += " (" +
                    say(language, Text::confidence_is,
                        {say(language, web::confidence_text(*confidence))}) +
                    ")";
        }
        verdict = say(language, Text::probe_down, {what});
    }
    return text + wrap(verdict);
}

}  // namespace gerbang::cli
