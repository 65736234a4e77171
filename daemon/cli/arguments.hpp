#pragma once

// A command line, read by a table: the options, the help and every complaint come from it, in the
// reader's language.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/language.hpp"
#include "daemon/cli/commands.hpp"

namespace gerbang::cli {

/// The same in both languages.
struct Tongues {
    const char* indonesian = nullptr;
    const char* english = nullptr;
    [[nodiscard]] const char* in(Language language) const {
        return language == Language::english ? english : indonesian;
    }
};

/// `--name`, with or without a value.
struct OptionSpec {
    const char* name = nullptr;     ///< without the dashes
    Tongues value;                  ///< as the help shows it; none and no choices: a flag
    const char* choices = nullptr;  ///< "id|en": one of these; none: any text
    Tongues help;
    int most = 0;                    ///< a whole number from 1 to this; 0: any text
    const char* standard = nullptr;  ///< what holds without it, as the help shows it
    [[nodiscard]] bool is_flag() const {
        return value.english == nullptr && choices == nullptr && most == 0;
    }
};

/// The words that a command takes besides its options.
struct WordSpec {
    Tongues name;  ///< none: it takes none
    Tongues help;
    bool is_required = false;
    bool is_many = false;
};

struct CommandSpec {
    const char* name = nullptr;  ///< "journal", and "journal verify" for one below it
    Tongues help;
    std::span<const OptionSpec> options;
    WordSpec words;
    bool wants_below = false;  ///< it does nothing without a command below it
};

/// A program: its options stand before and behind the command.
struct ProgramSpec {
    const char* name = nullptr;
    Tongues about;
    std::span<const OptionSpec> options;
    std::span<const CommandSpec> commands;
};

/// What was read. Refers to the tables.
struct Arguments {
    const CommandSpec* command = nullptr;  ///< none was named
    std::vector<std::pair<const OptionSpec*, std::string>> options;
    std::vector<std::string> words;
    bool wants_help = false;

    [[nodiscard]] bool is(std::string_view command_name) const;
    [[nodiscard]] bool has(std::string_view option) const;
    /// The last one given; `otherwise` where none is.
    [[nodiscard]] std::string value(std::string_view option, std::string_view otherwise = {}) const;
};

/// Reads by getopt_long: `--name=value`, `--name value`, unambiguous beginnings, `--` before words
/// that begin with a dash. What is not accepted is an outcome with EX_USAGE, a suggestion and the
/// next step. One thread at a time (getopt keeps its place in globals).
struct Reading {
    Arguments arguments;
    std::optional<Outcome> refusal;
};
[[nodiscard]] Reading read_arguments(const ProgramSpec& program, int argc, const char* const* argv,
                                     Language language);

/// The help of the program, or of `command`.
[[nodiscard]] std::string help_text(const ProgramSpec& program, const CommandSpec* command,
                                    Language language);

}  // namespace gerbang::cli
