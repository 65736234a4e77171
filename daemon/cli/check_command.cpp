#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/web/text.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/journal/holes.hpp"
#include "daemon/journal/quota.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

std::string seconds_text(Language language, Millis value) {
    return human_duration(language, std::chrono::duration_cast<Seconds>(value).count());
}

/// What a daemon with this configuration would do, in sentences.
std::string summary(const Config& config) {
    const auto language = config.lang;
    auto text = say(language, Text::config_meters,
                    {seconds_text(language, config.metering.tick),
                     seconds_text(language, config.metering.commit)});
    if (config.interfaces.wan == "auto") {
        text += say(language, Text::config_wan_auto);
    } else {
        text += say(language, Text::config_wan, {config.interfaces.wan});
    }
    std::string probed;
    for (const auto& target : config.probe.targets) {
        probed += (probed.empty() ? "" : ", ") + target.name + " (" + target.address + ")";
    }
    text += " " + (config.probe.enabled ? say(language, Text::config_probes, {probed})
                                        : say(language, Text::config_probes_off));
    std::string pushed;
    for (const auto& target : config.sync.targets) {
        pushed += (pushed.empty() ? "" : ", ") + target.name + " (" + target.url + ")";
    }
    text += " " + (config.sync.targets.empty() ? say(language, Text::config_pushes_none)
                                               : say(language, Text::config_pushes, {pushed}));
    if (!config.is_assigned()) text += " " + say(language, Text::config_unassigned);
    return text;
}

/// Files that are named but not there: the daemon meters without them, but cannot send.
std::string file_notes(const Config& config) {
    std::string text;
    for (std::size_t i = 0; i < config.sync.targets.size(); ++i) {
        const auto& target = config.sync.targets[i];
        const auto path = "sync.targets[" + std::to_string(i) + "]";
        for (const auto& [key, file] :
             {std::pair{"ca_file", target.ca_file}, std::pair{"token_file", target.token_file},
              std::pair{"cert_file", target.cert_file}, std::pair{"key_file", target.key_file}}) {
            if (file.empty() || ::access(file.c_str(), R_OK) == 0) continue;
            text += wrap(
                say(config.lang, Text::config_file_unreadable, {path + "." + key, one_line(file)}),
                2);
        }
    }
    return text;
}

/// A quota that the disk cannot give, beside what the journal's files take already. Nothing is said
/// where the folder cannot be asked: another user's, or not made yet.
std::string room_note(const Config& config, const std::string& folder) {
    const auto quota = config.journal.quota.value;
    const auto free = free_bytes_at(folder + "/journal.db");
    if (quota == 0 || !free) return {};
    auto room = *free;
    for (const auto* name : {"", "-wal", "-ballast"}) {
        room += Holes::bytes_on_disk(folder + "/journal.db" + name);
    }
    if (room >= quota) return {};
    const auto language = config.lang;
    return wrap(say(language, Text::config_quota_room,
                    {human_bytes(language, quota), human_bytes(language, room), folder}),
                2);
}

}  // namespace

std::string problems_text(const LoadedConfig& loaded) {
    std::string text;
    for (const auto& problem : loaded.problems) text += problem.text() + "\n";
    return text +
           say(loaded.config.lang, Text::config_bad, {std::to_string(loaded.problems.size())}) +
           "\n";
}

std::optional<Outcome> unreadable(const std::string& file, Language language) {
    std::error_code ignored;
    int error = ::access(file.c_str(), R_OK) != 0 ? errno : 0;
    if (error == 0 && std::filesystem::is_directory(file, ignored)) error = EISDIR;
    if (error == 0) return std::nullopt;
    return Outcome{
        EX_NOINPUT, "",
        say(language, Text::config_missing, {one_line(file), unreadable_reason(error, language)}) +
            "\n"};
}

Outcome check_command(const std::string& file, Language language, bool file_may_choose,
                      const std::string& state_folder) {
    if (auto outcome = unreadable(file, language)) return *outcome;
    const auto loaded = load_config(file, language, file_may_choose);
    if (!loaded.problems.empty()) return {EX_CONFIG, problems_text(loaded), ""};
    const auto& config = loaded.config;
    return {0,
            wrap(say(config.lang, Text::config_good, {file})) + wrap(summary(config)) +
                file_notes(config) + room_note(config, state_folder),
            ""};
}

}  // namespace gerbang::cli
