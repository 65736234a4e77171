#include "daemon/cli/arguments.hpp"

#include <getopt.h>
#include <sysexits.h>

#include <algorithm>
#include <charconv>

#include "common/web/text.hpp"
#include "daemon/cli/human.hpp"
#include "daemon/config/values.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

constexpr std::size_t kHelpColumn = 30;
/// What getopt returns for a long option; 'h' is the short one.
constexpr int kLong = 1;
constexpr Tongues kHelpHelp{"tampilkan bantuan ini", "show this help"};

std::string choices_of(const OptionSpec& option) {
    std::string list = option.choices;
    for (std::size_t at = 0; (at = list.find('|', at)) != std::string::npos; at += 2) {
        list.replace(at, 1, ", ");
    }
    return list;
}

bool is_choice(std::string_view choices, std::string_view value) {
    while (!choices.empty()) {
        const auto end = std::min(choices.find('|'), choices.size());
        if (choices.substr(0, end) == value) return true;
        choices.remove_prefix(std::min(end + 1, choices.size()));
    }
    return false;
}

bool is_number(std::string_view value, int most) {
    int number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    return code == std::errc{} && end == value.data() + value.size() && number >= 1 &&
           number <= most;
}

/// "journal verify": the part behind "journal ".
std::string_view below(const CommandSpec& command, const CommandSpec& parent) {
    const std::string_view name = command.name;
    const std::string_view above = parent.name;
    const bool is_below =
        name.size() > above.size() && name.starts_with(above) && name[above.size()] == ' ';
    return is_below ? name.substr(above.size() + 1) : std::string_view{};
}

class Reader {
public:
    Reader(const ProgramSpec& program, int argc, const char* const* argv, Language language)
        : program_{program}, argc_{argc}, argv_{argv}, language_{language} {}

    Reading read() {
        int next = 1;
        bool is_word = false;
        while (!reading_.refusal && !reading_.arguments.wants_help) {
            if (next < argc_ && (is_word || !is_option(next))) {
                const std::string_view word = argv_[next];
                ++next;
                if (!is_word && word == "--") {
                    is_word = true;
                } else {
                    take_word(word);
                }
                continue;
            }
            if (next >= argc_) break;
            next += take_option(next);
        }
        if (!reading_.refusal && !reading_.arguments.wants_help) check_end();
        return std::move(reading_);
    }

private:
    [[nodiscard]] bool is_option(int at) const {
        const std::string_view word = argv_[at];
        return word.size() > 1 && word[0] == '-' && word != "--";
    }

    /// The option at `at`, with its value: one element or two, which is returned.
    int take_option(int at) {
        std::vector<const OptionSpec*> known;
        for (const auto& option : program_.options) known.push_back(&option);
        if (const auto* command = reading_.arguments.command) {
            for (const auto& option : command->options) known.push_back(&option);
        }
        std::vector<option> table;
        for (const auto* one : known) {
            table.push_back(
                {one->name, one->is_flag() ? no_argument : required_argument, nullptr, kLong});
        }
        table.push_back({"help", no_argument, nullptr, 'h'});
        table.push_back({});
        int which = -1;
        // It skips the first element, as if that were the program, and at 0 forgets earlier calls.
        optind = 0;
        opterr = 0;  // the complaints are ours
        const auto code = ::getopt_long(argc_ - at + 1, const_cast<char* const*>(argv_ + at - 1),
                                        "+:h", table.data(), &which);
        if (code == 'h') {
            reading_.arguments.wants_help = true;
        } else if (code == kLong) {
            take_value(*known[static_cast<std::size_t>(which)],
                       optarg == nullptr ? std::string{} : std::string{optarg});
        } else if (code == ':') {
            refuse(Text::option_wants_value, argv_[at]);
        } else if (optopt == kLong) {
            refuse(Text::bad_option, argv_[at]);  // a flag with a value
        } else {
            std::vector<std::string_view> names;
            for (const auto* one : known) names.push_back(one->name);
            std::string_view word = argv_[at];
            word = word.substr(0, word.find('='));
            const auto meant = word.starts_with("--") ? config::nearest(word.substr(2), names) : "";
            refuse(Text::unknown_word, word, meant.empty() ? "" : "--" + meant);
        }
        return optind - 1;
    }

    void take_value(const OptionSpec& option, std::string value) {
        const auto named = std::string{"--"} + option.name + " " + one_line(value, 60);
        if (option.choices != nullptr && !is_choice(option.choices, value)) {
            refuse(Text::option_not_among, named, {}, choices_of(option));
        } else if (option.most > 0 && !is_number(value, option.most)) {
            refuse(Text::option_not_among, named, {}, "1-" + std::to_string(option.most));
        }
        reading_.arguments.options.emplace_back(&option, std::move(value));
    }

    void take_word(std::string_view word) {
        auto& found = reading_.arguments;
        std::vector<std::string_view> names;
        for (const auto& command : program_.commands) {
            const std::string_view name = command.name;
            const bool is_top = name.find(' ') == std::string_view::npos;
            const auto wanted = found.command == nullptr ? (is_top ? name : std::string_view{})
                                                         : below(command, *found.command);
            if (wanted.empty()) continue;
            if (wanted == word && found.words.empty()) {
                found.command = &command;
                return;
            }
            names.push_back(wanted);
        }
        const bool takes = found.command != nullptr && found.command->words.name.english != nullptr;
        if (takes && (found.words.empty() || found.command->words.is_many)) {
            found.words.emplace_back(word);
            return;
        }
        refuse(Text::unknown_word, word, config::nearest(word, names));
    }

    void check_end() {
        const auto* command = reading_.arguments.command;
        if (command == nullptr) return;
        if (command->wants_below) {
            std::string names;
            for (const auto& other : program_.commands) {
                const auto name = below(other, *command);
                if (!name.empty()) names += (names.empty() ? "" : ", ") + std::string{name};
            }
            refuse(Text::command_wants, command->name, {}, names);
        } else if (command->words.is_required && reading_.arguments.words.empty()) {
            refuse(Text::command_wants, command->name, {}, command->words.name.in(language_));
        }
    }

    void refuse(Text what, std::string_view word, const std::string& meant = {},
                const std::string& detail = {}) {
        auto text = say(language_, what, {one_line(word, 80), detail});
        if (!meant.empty()) text += say(language_, Text::did_you_mean, {meant});
        reading_.refusal =
            Outcome{EX_USAGE, "", wrap(text) + say(language_, Text::see_help) + help_name() + "\n"};
    }

    /// " journal --help" of "Lihat: gerbang journal --help".
    [[nodiscard]] std::string help_name() const {
        const auto* command = reading_.arguments.command;
        return std::string{" "} + program_.name +
               (command == nullptr ? "" : std::string{" "} + command->name) + " --help";
    }

    const ProgramSpec& program_;
    const int argc_;
    const char* const* argv_;
    const Language language_;
    Reading reading_;
};

void add_row(std::string& text, const std::string& name, std::string_view help) {
    std::string line = "  " + name;
    if (width_of(line) + 1 > kHelpColumn) {
        text += line + "\n";
        line.clear();
    }
    line.append(kHelpColumn - width_of(line), ' ');
    text += wrap(line + std::string{help}, kHelpColumn);
}

void add_options(std::string& text, std::span<const OptionSpec> options, Language language) {
    text += language == Language::english ? "\nOptions:\n" : "\nPilihan:\n";
    add_row(text, "-h, --help", kHelpHelp.in(language));
    for (const auto& option : options) {
        std::string name = std::string{"--"} + option.name;
        if (option.choices != nullptr) {
            name += std::string{" "} + option.choices;
        } else if (option.most > 0) {
            name += " 1-" + std::to_string(option.most);
        } else if (!option.is_flag()) {
            name += std::string{" "} + option.value.in(language);
        }
        std::string help = option.help.in(language);
        if (option.standard != nullptr) help += std::string{" ("} + option.standard + ")";
        add_row(text, name, help);
    }
}

/// Those at the top for none, else those below it.
void add_commands(std::string& text, const ProgramSpec& program, const CommandSpec* above,
                  Language language) {
    bool is_first = true;
    for (const auto& command : program.commands) {
        const std::string_view name = command.name;
        const bool is_top = name.find(' ') == std::string_view::npos;
        const auto shown =
            above == nullptr ? (is_top ? name : std::string_view{}) : below(command, *above);
        if (shown.empty()) continue;
        if (is_first) text += language == Language::english ? "\nCommands:\n" : "\nPerintah:\n";
        is_first = false;
        add_row(text, std::string{shown}, command.help.in(language));
    }
}

bool has_below(const ProgramSpec& program, const CommandSpec& above) {
    for (const auto& command : program.commands) {
        if (!below(command, above).empty()) return true;
    }
    return false;
}

}  // namespace

bool Arguments::is(std::string_view command_name) const {
    return command != nullptr && command->name == command_name;
}

bool Arguments::has(std::string_view option) const {
    for (const auto& [spec, value] : options) {
        if (spec->name == option) return true;
    }
    return false;
}

std::string Arguments::value(std::string_view option, std::string_view otherwise) const {
    std::string found{otherwise};
    for (const auto& [spec, value] : options) {
        if (spec->name == option) found = value;
    }
    return found;
}

Reading read_arguments(const ProgramSpec& program, int argc, const char* const* argv,
                       Language language) {
    return Reader{program, argc, argv, language}.read();
}

std::string help_text(const ProgramSpec& program, const CommandSpec* command, Language language) {
    const bool is_english = language == Language::english;
    std::string text = command == nullptr ? program.about.in(language) : command->help.in(language);
    text += is_english ? "\nUsage: " : "\nCara pakai: ";
    text += program.name;
    if (command != nullptr) text += std::string{" "} + command->name;
    text += is_english ? " [OPTIONS]" : " [PILIHAN]";
    if (command == nullptr || has_below(program, *command)) {
        const std::string name = is_english ? "COMMAND" : "PERINTAH";
        text += command != nullptr && command->wants_below ? " " + name : " [" + name + "]";
    }
    const bool has_words = command != nullptr && command->words.name.english != nullptr;
    if (has_words) {
        const std::string name =
            command->words.name.in(language) + std::string{command->words.is_many ? "..." : ""};
        text += command->words.is_required ? " " + name : " [" + name + "]";
    }
    text += "\n";
    if (has_words) {
        text += is_english ? "\nArguments:\n" : "\nMasukan:\n";
        add_row(text, command->words.name.in(language), command->words.help.in(language));
    }
    add_options(text, command == nullptr ? program.options : command->options, language);
    add_commands(text, program, command, language);
    if (command != nullptr) {
        text += is_english ? "\nOptions of all commands (--json, --lang, ...): "
                           : "\nPilihan untuk semua perintah (--json, --lang, ...): ";
        text += std::string{program.name} + " --help\n";
    }
    return text;
}

}  // namespace gerbang::cli
