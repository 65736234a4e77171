#include "daemon/config/config.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <tuple>
#include <utility>

#include "daemon/config/schema.hpp"
#include "daemon/config/walker.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxFiles = 64;

LoadedConfig finish(config::Walked walked, const std::vector<std::string>& files, Language language,
                    bool file_may_choose) {
    config::cross_check(walked);
    std::stable_sort(walked.findings.begin(), walked.findings.end(),
                     [](const config::Finding& a, const config::Finding& b) {
                         return std::tie(a.file, a.at.line, a.at.column) <
                                std::tie(b.file, b.at.line, b.at.column);
                     });
    if (walked.is_language_known && file_may_choose) language = walked.config.lang;
    walked.config.lang = language;
    LoadedConfig loaded{std::move(walked.config), {}};
    for (auto& finding : walked.findings) {
        auto& message =
            language == Language::english ? finding.message.english : finding.message.indonesian;
        loaded.problems.push_back({files[finding.file], finding.at.line, finding.at.column,
                                   std::move(finding.path), std::move(message)});
    }
    return loaded;
}

/// Reads at most one byte more than is allowed, so that "too large" can be told from the rest.
bool read_file(const std::string& file, std::string& text, int& error) {
    std::ifstream stream{file, std::ios::binary};
    std::error_code ignored;
    if (!stream || std::filesystem::is_directory(file, ignored)) {
        error = stream ? EISDIR : errno;
        return false;
    }
    text.resize(config::kMaxFileBytes + 1);
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (stream.bad()) {
        error = EIO;
        return false;
    }
    return true;
}

std::vector<std::string> files_of(const std::string& file) {
    std::vector<std::string> files;
    std::error_code error;
    const auto folder = std::filesystem::path{file}.parent_path() / "conf.d";
    for (std::filesystem::directory_iterator it{folder, error}, end; !error && it != end;
         it.increment(error)) {
        const auto name = it->path().filename().string();
        if (name.front() != '.' && it->path().extension() == ".yaml") {
            files.push_back(it->path().string());
        }
    }
    std::sort(files.begin(), files.end());
    files.insert(files.begin(), file);
    return files;
}

}  // namespace

std::string unreadable_reason(int error, Language language) {
    const bool is_english = language == Language::english;
    switch (error) {
        case ENOENT:
            return is_english ? "there is no such file" : "berkas ini tidak ada";
        case EACCES:
            return is_english ? "this user may not; repeat with sudo"
                              : "pengguna ini tidak boleh; ulangi dengan sudo";
        case EISDIR:
            return is_english ? "it is a folder, not a file" : "ini folder, bukan berkas";
        default:
            return std::strerror(error);
    }
}

std::string ConfigProblem::text() const {
    auto result = file;
    if (line > 0) result += ":" + std::to_string(line) + ":" + std::to_string(column);
    result += ": ";
    if (!path.empty()) result += path + ": ";
    return result + message;
}

LoadedConfig load_config(const std::string& file, Language language, bool file_may_choose) {
    const auto files = files_of(file);
    config::Walked walked;
    walked.config = config::default_config();
    for (std::size_t i = 0; i < files.size(); ++i) {
        std::string text;
        int error = 0;
        if (i == kMaxFiles) {
            walked.complain(i, {}, "",
                            {"terlalu banyak berkas di conf.d (paling banyak 63)",
                             "too many files in conf.d (at most 63)"});
            break;
        }
        if (read_file(files[i], text, error)) {
            config::walk(text, i, walked);
        } else {
            walked.is_whole = false;
            walked.complain(
                i, {}, "",
                {"tidak dapat dibaca: " + unreadable_reason(error, Language::indonesian),
                 "cannot be read: " + unreadable_reason(error, Language::english)});
        }
    }
    return finish(std::move(walked), files, language, file_may_choose);
}

LoadedConfig parse_config(const std::string& text, const std::string& name, Language language,
                          bool file_may_choose) {
    config::Walked walked;
    walked.config = config::default_config();
    config::walk(text, 0, walked);
    return finish(std::move(walked), {name}, language, file_may_choose);
}

}  // namespace gerbang
