#include "daemon/province/inventory.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <utility>

#include "common/core/ids.hpp"

namespace gerbang::province {
namespace {

constexpr std::size_t kMaxWordBytes = 1024;

std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    constexpr std::string_view kBlanks = " \t\r";
    while (!line.empty()) {
        const auto begin = line.find_first_not_of(kBlanks);
        if (begin == std::string_view::npos) break;
        line.remove_prefix(begin);
        const auto end = std::min(line.find_first_of(kBlanks), line.size());
        words.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
    return words;
}

/// Why `word` is no key with its value; empty when it was taken into `target`.
std::string take_key(const std::string& word, UplinkTarget& target) {
    const auto equals = word.find('=');
    const auto name = word.substr(0, equals);
    const auto value = equals == std::string::npos ? std::string{} : word.substr(equals + 1);
    if (name == "plain") {
        target.allow_plain = value == "yes";
        return value == "yes" || value == "no" ? "" : "plain: expected plain=yes or plain=no";
    }
    const std::pair<const char*, std::string*> files[] = {{"ca", &target.ca_file},
                                                          {"token", &target.token_file},
                                                          {"cert", &target.cert_file},
                                                          {"key", &target.key_file}};
    for (const auto& [key, file] : files) {
        if (name != key) continue;
        if (value.empty() || value.front() != '/') return name + ": expected an absolute path";
        *file = value;
        return {};
    }
    return "unknown key \"" + name.substr(0, 32) + "\"; known: ca token cert key plain";
}

/// Why nobody can be reached so; empty: as far as words tell, one can.
std::string defect_of(const UplinkTarget& target) {
    const bool is_tls = target.url.rfind("https://", 0) == 0;
    if (!is_tls && target.url.rfind("http://", 0) != 0) {
        return "expected a URL such as https://10.7.0.11:8621";
    }
    const auto host = target.url.substr(target.url.find("//") + 2);
    if (host.empty() || host.find_first_of("/?#@") != std::string::npos) {
        return "the URL must be https://HOST:PORT, without a path or a password";
    }
    if (is_tls && target.ca_file.empty()) return "https needs ca=FILE";
    if (!is_tls && !target.allow_plain) return "http needs plain=yes, within a tunnel only";
    if (target.cert_file.empty() != target.key_file.empty()) return "cert and key belong together";
    if (target.cert_file.empty() && target.token_file.empty())
        return "needs token=FILE, or cert and key";
    return {};
}

}  // namespace

Result<std::vector<Gateway>> parse_inventory(std::string_view text, const std::string& path) {
    std::vector<Gateway> gateways;
    std::set<std::string> sites;
    UplinkTarget defaults;
    int number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto refused = [&](const std::string& why) {
            return Error{Errc::bad_input, path + ":" + std::to_string(number) + ": " + why};
        };
        const auto words = words_of(line);
        if (words.empty() || words[0][0] == '#') continue;
        for (const auto& word : words) {
            if (word.size() > kMaxWordBytes) return refused("a word is longer than 1024 bytes");
            for (const char c : word) {
                if (static_cast<unsigned char>(c) <= ' ' || c == 0x7F) {
                    return refused("a control character");
                }
            }
        }
        const bool is_default = words[0] == "*";
        Gateway gateway{words[0], defaults};
        std::size_t at = 1;
        if (!is_default) {
            if (!is_valid_site_id(gateway.site)) {
                return refused("expected a site, of a-z, 0-9 and '-', at most 64");
            }
            if (words.size() < 2) return refused("the URL is missing");
            gateway.target.url = words[at++];
        }
        for (; at < words.size(); ++at) {
            const auto mistake = take_key(words[at], gateway.target);
            if (!mistake.empty()) return refused(mistake);
        }
        if (is_default) {
            defaults = std::move(gateway.target);
            continue;
        }
        const auto defect = defect_of(gateway.target);
        if (!defect.empty()) return refused(defect);
        if (!sites.insert(gateway.site).second) return refused(gateway.site + " stands twice");
        if (gateways.size() == kMaxGateways) return refused("more than 4096 gateways");
        gateways.push_back(std::move(gateway));
    }
    return gateways;
}

Result<std::vector<Gateway>> load_inventory(const std::string& path) {
    errno = 0;
    std::ifstream file{path, std::ios::binary};
    std::string text(kMaxInventoryBytes + 1, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (!file.eof() && file.gcount() == 0) {
        return Error{Errc::bad_input, path + ": " + std::strerror(errno != 0 ? errno : EIO)};
    }
    text.resize(static_cast<std::size_t>(file.gcount()));
    if (text.size() > kMaxInventoryBytes) return Error{Errc::bad_input, path + ": over 1 MiB"};
    return parse_inventory(text, path);
}

}  // namespace gerbang::province
