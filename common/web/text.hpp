#pragma once

// The catalogue of sentences for people: command line and page say the same things in the same
// words. Nothing else in the product holds sentences except the configuration's messages.

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/core/language.hpp"
#include "common/model/ladder.hpp"
#include "common/model/outage.hpp"

namespace gerbang::web {

/// One sentence or label. The order is that of the catalogue in text.cpp.
enum class Text : std::uint16_t {
    // The verdict: what is wrong, whose it is, what to do next
    internet_up,
    internet_down,
    internet_down_since,  ///< since when, for how long
    internet_down_for,    ///< for how long; the clock is not set
    internet_degraded,
    internet_starting,
    internet_unknown,
    nothing_wrong,
    starting_since,  ///< for how long
    not_probed,
    degraded_means,
    cause_is,      ///< the cause
    cause_may_be,  ///< the cause, when the evidence is thin
    of_provider,   ///< provider
    power_on,
    power_off,
    battery_at,  ///< per cent
    cable_fine,
    modem_fine,
    do_nothing,
    if_degraded_long,
    wait_a_minute,
    restart_modem_first,
    call_provider,         ///< number
    call_provider_number,  ///< customer number
    call_provider_unknown,
    data_safe,
    data_safe_days,  ///< days
    data_few_days,   ///< days
    data_not_saved,
    since_at,       ///< since when, for how long
    since_for,      ///< for how long
    hotspot_down,   ///< since when
    service_down,   ///< service, since when
    province_down,  ///< since when

    // The ladder
    rung_power,
    rung_carrier,
    rung_next_hop,
    rung_provider,
    rung_domestic,
    rung_international,
    rung_dns,
    rung_web,
    rung_province,
    link_hotspot,
    link_service,  ///< service
    rung_up,
    rung_down,
    rung_portal,
    rung_unknown,
    ladder_is,  ///< rungs
    silence_timeout,
    silence_unreachable,
    silence_refused,
    silence_servfail,
    silence_nxdomain,
    silence_wrong,
    silence_local,
    probe_title,
    probe_up,
    probe_degraded,
    probe_down,  ///< the cause
    probe_unknown,
    confidence_is,  ///< how much
    confidence_none,
    confidence_low,
    confidence_medium,
    confidence_high,

    // Causes, what they mean and what to do; in the order of `Cause`
    cause_unknown,
    cause_device_off,
    cause_power,
    cause_crash,
    cause_off,
    cause_reboot,
    cause_daemon,
    cause_carrier,
    cause_modem,
    cause_blocked,
    cause_isp,
    cause_international,
    cause_dns,
    cause_province,
    cause_undetermined,
    cause_hotspot,
    cause_service,
    do_unknown,
    do_device_off,
    do_power,
    do_crash,
    do_off,
    do_reboot,
    do_daemon,
    do_carrier,
    do_modem,
    do_blocked,
    do_isp,
    do_international,
    do_dns,
    do_province,
    do_undetermined,
    do_hotspot,
    do_service,
    // The same in two or three words, for tables
    short_unknown,
    short_device_off,
    short_power,
    short_crash,
    short_off,
    short_reboot,
    short_daemon,
    short_carrier,
    short_modem,
    short_blocked,
    short_isp,
    short_international,
    short_dns,
    short_province,
    short_undetermined,
    short_hotspot,
    short_service,

    // Status
    site_unassigned,
    running_for,  ///< kernel's time up, daemon's version
    total_usage,  ///< received, transmitted
    interface,
    role,
    cable,
    received,
    transmitted,
    receiving_now,
    transmitting_now,
    yes,
    no,
    role_wan,
    role_lan,
    role_wifi,
    role_none,
    suspect_bytes,  ///< interface, bytes
    no_interfaces,
    journal_ok,       ///< records, bytes, seconds that a power cut costs
    journal_failing,  ///< error, readings waiting
    do_storage_full,  ///< what to do about each state of the storage
    do_storage_read_only,
    do_storage_broken,
    do_storage_hanging,
    storage_is_ram,
    writes_too_much,
    config_quota_room,
    ring_gave_up,  ///< readings
    clock_synchronised,
    clock_province,
    clock_operator,
    clock_unset,
    usage_not_in_path,
    usage_suspect,  ///< why

    // Sync
    sync_none,
    sync_idle,         ///< consumer
    sync_next,         ///< consumer, records pending
    sync_sending,      ///< consumer, records pending
    sync_waiting,      ///< consumer, records pending
    sync_waiting_for,  ///< seconds until the next attempt
    sync_stopped,      ///< consumer, records pending
    sync_reason,       ///< detail
    sync_waiting_hint,
    sync_stopped_hint,
    sync_parked,        ///< records
    sync_last_success,  ///< time ago
    sync_never,
    sync_sent,        ///< bytes
    sync_through,     ///< record
    sync_pending,     ///< bytes
    sync_oldest,      ///< duration
    sync_rate,        ///< bytes
    sync_note,        ///< detail
    sync_parked_one,  ///< first and last record, reason
    sync_parked_none,
    sync_parked_hint,

    // Usage
    usage_by_hour,  ///< name, zone
    usage_by_day,
    usage_by_month,
    usage_by_year,
    hour,
    day,
    month,
    year,
    total,
    mean_rate,
    estimated,
    undated,  ///< received, transmitted
    usage_none,
    usage_no_such,  ///< interface, those that there are
    usage_partial,

    // Outages
    outages_title,  ///< zone
    outages_none,
    outage_start,
    outage_end,
    outage_duration,
    outage_cause,
    outage_open,
    outage_undated,
    outage_bounds_duration,  ///< certain, possible
    outage_bounds_start,     ///< last good, first bad
    outage_bounds_end,       ///< last bad, first good
    outage_link,             ///< link
    outage_evidence,         ///< evidence
    outages_more,            ///< how many are not shown
    outages_none_then,

    // The statement
    sla_title,    ///< month or span, zone, site
    sla_clauses,  ///< name
    sla_example,
    sla_not_over,
    sla_raw,
    sla_by_clauses,
    sla_coverage,
    sla_unmeasured,  ///< hours and minutes
    sla_kept,
    sla_broken,
    sla_no_verdict,
    sla_lost,
    sla_nothing_lost,
    sla_counted,   ///< how many, hours and minutes
    sla_disputed,  ///< how many, hours and minutes
    sla_nothing_measured,
    days_units,
    days_up,
    days_down,
    days_unmeasured,
    days_available,
    sla_period_wanted,
    days_without_clauses,
    party_provider,
    party_utility,
    party_village,
    party_province,
    party_nobody,
    party_undecided,

    // What people tell the daemon
    note_taken,
    clock_taken,      ///< time, zone
    request_refused,  ///< detail
    bad_time,         ///< what was written
    bad_clock_time,   ///< what was written
    bad_month,        ///< what was written

    // The journal as a store
    journal_title,      ///< bytes, most bytes
    journal_parts,      ///< database, free in it, WAL, ballast, mirror
    journal_set_aside,  ///< bytes
    journal_protected,  ///< bytes, most bytes
    journal_written,    ///< bytes
    journal_budget,     ///< bytes; the day's budget; per cent of it
    journal_in_budget,
    journal_over_budget,
    journal_device,  ///< device; bytes; duration since the boot
    journal_device_unnamed,
    journal_loss_window,     ///< duration
    journal_loss_stretched,  ///< duration; duration as configured
    journal_written_on,      ///< list of days
    journal_oldest,          ///< when
    journal_days_left,       ///< days
    journal_days_unknown,
    journal_last,
    journal_as_taken,
    journal_per_minute,
    journal_per_five,
    journal_per_hour,
    journal_given_up,
    journal_epochs_more,  ///< how many
    journal_owed,         ///< consumer, records
    journal_held,         ///< consumer
    journal_silent,       ///< consumer, days
    journal_lost,         ///< records, reason
    journal_nothing_lost,
    journal_damaged,        ///< when, what was found
    journal_damaged_once,   ///< what was found
    journal_salvaging,      ///< blocks done, blocks found, records so far
    journal_salvaged,       ///< records
    journal_checked,        ///< per cent
    journal_checked_whole,  ///< times, per cent of the present round
    journal_unreadable,     ///< why
    verify_good,            ///< records
    verify_reduced,         ///< records
    verify_absent,          ///< records
    verify_empty,
    verify_salvaging,
    verify_broken,   ///< epoch, number
    export_done,     ///< readings, events
    export_undated,  ///< rows
    export_absent,   ///< records
    export_failed,   ///< why
    export_needs_file,

    // Durations
    seconds,  ///< number
    minutes,
    hours,
    days,
    ago,      ///< duration
    for_now,  ///< "a moment"

    // The command line
    daemon_absent,  ///< socket
    daemon_absent_hint,
    daemon_forbidden,    ///< socket
    daemon_unclear,      ///< detail
    unknown_word,        ///< words of the command line
    did_you_mean,        ///< suggestion
    bad_option,          ///< detail
    option_not_among,    ///< option and value, what it may be
    option_wants_value,  ///< option
    command_wants,       ///< command, what must follow it
    see_help,
    config_missing,  ///< file, why
    config_good,     ///< file
    config_bad,      ///< number of mistakes
    config_meters,   ///< tick, commit
    config_wan_auto,
    config_wan,     ///< interface
    config_probes,  ///< names
    config_probes_off,
    config_pushes,  ///< targets
    config_pushes_none,
    config_unassigned,
    config_file_unreadable,  ///< key, file
    count_,
};

/// The sentence `id` with its {} replaced by `arguments` in order. Arguments are taken as they are;
/// a {} without an argument stays.
[[nodiscard]] std::string say(Language language, Text id,
                              std::initializer_list<std::string_view> arguments = {});

/// The bare sentence, for tests and tables.
[[nodiscard]] std::string_view sentence(Language language, Text id);

/// What `cause` means, what to do about it, and its name in a table.
[[nodiscard]] Text cause_text(Cause cause);
[[nodiscard]] Text remedy_text(Cause cause);
[[nodiscard]] Text short_cause_text(Cause cause);
[[nodiscard]] Text rung_text(Rung rung);
[[nodiscard]] Text confidence_text(Confidence confidence);
/// Why a rung is silent; nothing for a word that is not known.
[[nodiscard]] std::optional<Text> silence_text(std::string_view silence);

/// An outage's evidence, which the journal keeps in English, in the reader's language: the phrases
/// that the daemon itself writes are replaced, names and whatever is not known stay as they are.
[[nodiscard]] std::string evidence_text(Language language, std::string_view evidence);

}  // namespace gerbang::web
