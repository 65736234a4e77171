#include "daemon/config/values.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include "common/core/ids.hpp"

namespace gerbang::config {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t factor;
};
constexpr std::array kDurations{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"min", 60'000},
                                Unit{"h", 3'600'000}, Unit{"d", 86'400'000}};
constexpr std::array kSizes{Unit{"B", 1},          Unit{"kB", 1000},     Unit{"KiB", 1024},
                            Unit{"MB", 1'000'000}, Unit{"MiB", 1 << 20}, Unit{"GB", 1'000'000'000},
                            Unit{"GiB", 1 << 30}};
constexpr std::array kRates{Unit{"bit/s", 1}, Unit{"kbit/s", 1000}, Unit{"Mbit/s", 1'000'000},
                            Unit{"Gbit/s", 1'000'000'000}};

std::span<const Unit> units_of(Form form) {
    if (form == Form::duration) return kDurations;
    if (form == Form::size) return kSizes;
    if (form == Form::rate) return kRates;
    return {};
}

struct Alias {
    Form form;
    std::string_view wrong;  ///< in lower case
    std::string_view right;
};
/// Units as people write them wrongly, in both languages.
constexpr std::array kAliases{
    Alias{Form::duration, "sec", "s"},       Alias{Form::duration, "secs", "s"},
    Alias{Form::duration, "second", "s"},    Alias{Form::duration, "seconds", "s"},
    Alias{Form::duration, "detik", "s"},     Alias{Form::duration, "dtk", "s"},
    Alias{Form::duration, "", "s"},          Alias{Form::duration, "m", "min"},
    Alias{Form::duration, "mins", "min"},    Alias{Form::duration, "minute", "min"},
    Alias{Form::duration, "minutes", "min"}, Alias{Form::duration, "menit", "min"},
    Alias{Form::duration, "mnt", "min"},     Alias{Form::duration, "hr", "h"},
    Alias{Form::duration, "hour", "h"},      Alias{Form::duration, "hours", "h"},
    Alias{Form::duration, "jam", "h"},       Alias{Form::duration, "day", "d"},
    Alias{Form::duration, "days", "d"},      Alias{Form::duration, "hari", "d"},
    Alias{Form::duration, "msec", "ms"},     Alias{Form::size, "", "KiB"},
    Alias{Form::size, "k", "KiB"},           Alias{Form::size, "kib", "KiB"},
    Alias{Form::size, "kb", "KiB"},          Alias{Form::size, "m", "MiB"},
    Alias{Form::size, "mib", "MiB"},         Alias{Form::size, "mb", "MiB"},
    Alias{Form::size, "g", "GiB"},           Alias{Form::size, "gib", "GiB"},
    Alias{Form::size, "gb", "GiB"},          Alias{Form::size, "byte", "B"},
    Alias{Form::size, "bytes", "B"},         Alias{Form::rate, "", "Mbit/s"},
    Alias{Form::rate, "mb", "Mbit/s"},       Alias{Form::rate, "mbps", "Mbit/s"},
    Alias{Form::rate, "mb/s", "Mbit/s"},     Alias{Form::rate, "mbit", "Mbit/s"},
    Alias{Form::rate, "mbits", "Mbit/s"},    Alias{Form::rate, "m", "Mbit/s"},
    Alias{Form::rate, "kbps", "kbit/s"},     Alias{Form::rate, "kb", "kbit/s"},
    Alias{Form::rate, "kb/s", "kbit/s"},     Alias{Form::rate, "kbit", "kbit/s"},
    Alias{Form::rate, "k", "kbit/s"},        Alias{Form::rate, "gbps", "Gbit/s"},
    Alias{Form::rate, "gb", "Gbit/s"},       Alias{Form::rate, "gb/s", "Gbit/s"},
    Alias{Form::rate, "gbit", "Gbit/s"},     Alias{Form::rate, "bps", "bit/s"},
    Alias{Form::rate, "mbit/s", "Mbit/s"},   Alias{Form::rate, "gbit/s", "Gbit/s"},
};

std::string lower(std::string_view text) {
    std::string result{text};
    for (auto& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t count_digits(std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) -
                                    text.begin());
}

std::string_view without_zeros(std::string_view digits) {
    const auto first = digits.find_first_not_of('0');
    return first == std::string_view::npos ? "0" : digits.substr(first);
}

bool has_leading_zero(std::string_view digits) {
    return digits.size() > 1 && digits.front() == '0';
}

std::string join_unit(std::string_view number, std::string_view unit) {
    const bool is_tight = unit == "s" || unit == "ms" || unit == "h" || unit == "d";
    return std::string{number} + (is_tight ? "" : " ") + std::string{unit};
}

Said in_range(Form form, const Bounds& bounds) {
    const auto least = write_value(form, bounds.least);
    const auto most = write_value(form, bounds.most);
    return {"harus antara " + least + " dan " + most, "expected " + least + " to " + most};
}

const Said kOctal{"angka tidak boleh diawali nol (pembaca YAML lain mengiranya oktal)",
                  "expected a number without leading zeros (other YAML readers take it for octal)"};

/// A number of units; `text` is not empty of digits in front or is refused.
ParsedValue parse_quantity(Form form, const Bounds& bounds, std::string_view text) {
    const auto expected = describe(form, bounds);
    const auto digit_count = count_digits(text);
    const auto digits = text.substr(0, digit_count);
    auto unit = text.substr(digit_count);
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    if (digits.empty()) return ValueProblem{expected, ""};

    const auto units = units_of(form);
    const auto found = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& known) { return known.name == unit; });
    if (found == units.end()) {
        const auto alias = std::find_if(kAliases.begin(), kAliases.end(), [&](const Alias& known) {
            return known.form == form && known.wrong == lower(unit);
        });
        std::string suggestion;
        if (alias != kAliases.end()) suggestion = join_unit(without_zeros(digits), alias->right);
        return ValueProblem{expected, suggestion};
    }
    if (has_leading_zero(digits)) {
        return ValueProblem{kOctal, join_unit(without_zeros(digits), unit)};
    }
    std::int64_t count = 0;
    const auto end = digits.data() + digits.size();
    if (std::from_chars(digits.data(), end, count).ec != std::errc{} ||
        count > std::numeric_limits<std::int64_t>::max() / found->factor) {
        return ValueProblem{in_range(form, bounds), ""};
    }
    const auto number = count * found->factor;
    if (number < bounds.least || number > bounds.most) {
        return ValueProblem{in_range(form, bounds), ""};
    }
    return Value{std::string{text}, number};
}

ParsedValue parse_whole(const Bounds& bounds, std::string_view text) {
    if (text.empty() || count_digits(text) != text.size()) {
        return ValueProblem{describe(Form::whole, bounds), ""};
    }
    if (has_leading_zero(text)) return ValueProblem{kOctal, std::string{without_zeros(text)}};
    std::int64_t number = 0;
    const auto failed =
        std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{};
    if (failed || number < bounds.least || number > bounds.most) {
        return ValueProblem{in_range(Form::whole, bounds), ""};
    }
    return Value{std::string{text}, number};
}

ParsedValue parse_flag(const Bounds& bounds, const std::string& text) {
    if (text == "true") return Value{text, 1};
    if (text == "false") return Value{text, 0};
    const auto word = lower(text);
    std::string suggestion;
    for (const char* yes : {"yes", "y", "on", "ya", "1", "true", "benar", "aktif"}) {
        if (word == yes) suggestion = "true";
    }
    for (const char* no : {"no", "n", "off", "tidak", "0", "false", "salah", "mati"}) {
        if (word == no) suggestion = "false";
    }
    if (suggestion.empty()) suggestion = nearest(word, {"true", "false"});
    return ValueProblem{describe(Form::flag, bounds), suggestion};
}

ParsedValue parse_offset(const Bounds& bounds, const std::string& text) {
    for (const auto& [name, hours] : {std::pair{"WIB", 7}, {"WITA", 8}, {"WIT", 9}}) {
        if (text == name) return Value{text, hours * 3600};
        if (lower(text) == lower(name)) {
            return ValueProblem{describe(Form::offset, bounds), name};
        }
    }
    const bool has_form = text.size() == 6 && (text[0] == '+' || text[0] == '-') &&
                          is_digit(text[1]) && is_digit(text[2]) && text[3] == ':' &&
                          is_digit(text[4]) && is_digit(text[5]);
    if (!has_form) {
        std::string suggestion;
        std::string digits;
        for (const char c : text) {
            if (is_digit(c)) digits.push_back(c);
        }
        for (const char* hour : {"7", "8", "9"}) {
            const std::string two = std::string{"0"} + hour;
            if (digits == hour || digits == two || digits == two + "00" ||
                digits == std::string{hour} + "00") {
                suggestion = "+" + two + ":00";
            }
        }
        return ValueProblem{describe(Form::offset, bounds), suggestion};
    }
    const int hours = (text[1] - '0') * 10 + (text[2] - '0');
    const int minutes = (text[4] - '0') * 10 + (text[5] - '0');
    const std::int64_t seconds = (text[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    if (minutes > 59 || seconds < bounds.least || seconds > bounds.most) {
        return ValueProblem{in_range(Form::offset, bounds), ""};
    }
    return Value{text, seconds};
}

ParsedValue parse_choice(const Bounds& bounds, const std::string& text) {
    const auto choices = split(bounds.choices, '|');
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return Value{text, 0};
    return ValueProblem{describe(Form::one_of, bounds), nearest(lower(text), choices)};
}

ParsedValue parse_text(const Bounds& bounds, const std::string& text, bool is_quoted) {
    if (!is_quoted) {
        for (const char* word : {"yes", "no", "on", "off", "true", "false", "null"}) {
            if (lower(text) != word) continue;
            return ValueProblem{
                {"harus berupa teks; beri tanda kutip bila memang teks ini yang dimaksud",
                 "expected text; put it into quotes if this word is meant"},
                "\"" + text + "\""};
        }
    }
    if (static_cast<std::int64_t>(text.size()) > bounds.most) {
        return ValueProblem{{"teks paling panjang " + std::to_string(bounds.most) + " huruf",
                             "expected at most " + std::to_string(bounds.most) + " bytes of text"},
                            ""};
    }
    const bool has_control = std::any_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (has_control) {
        return ValueProblem{{"harus berupa teks satu baris", "expected text on one line"}, ""};
    }
    return Value{text, 0};
}

/// Of a name of form `site_id`; bounds of 0 are those of a site itself.
std::size_t longest_id(const Bounds& bounds) {
    return bounds.most > 0 ? static_cast<std::size_t>(bounds.most) : 64;
}

std::string as_site_id(std::string_view text) {
    std::string id;
    for (const char c : lower(text)) {
        const bool is_good = (c >= 'a' && c <= 'z') || is_digit(c) || c == '-';
        if (is_good) {
            id.push_back(c);
        } else if (c == ' ' || c == '_' || c == '.' || c == '/') {
            id.push_back('-');
        }
    }
    if (id.size() > 64) id.resize(64);
    return is_valid_site_id(id) ? id : "";
}

bool is_site_code(std::string_view text) {
    constexpr std::string_view kForm = "00.00.00.0000";
    if (text.size() != kForm.size()) return false;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        if (kForm[i] == '.' ? text[i] != '.' : !is_digit(text[i])) return false;
    }
    return true;
}

bool is_interface_name(std::string_view text) {
    return !text.empty() && text.size() <= 15 && text != "." && text != ".." &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && c != '/' && c != ':' && static_cast<unsigned char>(c) < 0x7f;
           });
}

struct Url {
    bool is_tls = false;
    std::string_view host;
    std::string_view port;
};

/// Scheme, host and port and nothing else: paths are the protocol's, secrets have files.
std::optional<Url> split_url(std::string_view text) {
    Url url;
    if (text.substr(0, 8) == "https://") {
        url.is_tls = true;
        text.remove_prefix(8);
    } else if (text.substr(0, 7) == "http://") {
        text.remove_prefix(7);
    } else {
        return std::nullopt;
    }
    if (!text.empty() && text.back() == '/') text.remove_suffix(1);
    std::string_view rest;
    if (!text.empty() && text.front() == '[') {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        url.host = text.substr(1, end - 1);
        if (url.host.find(':') == std::string_view::npos || !is_numeric_address(url.host)) {
            return std::nullopt;
        }
        rest = text.substr(end + 1);
    } else {
        const auto end = std::min(text.find(':'), text.size());
        url.host = text.substr(0, end);
        rest = text.substr(end);
        const bool is_host = !url.host.empty() && url.host.size() <= 253 &&
                             std::all_of(url.host.begin(), url.host.end(), [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                        is_digit(c) || c == '.' || c == '-';
                             });
        if (!is_host) return std::nullopt;
    }
    if (rest.empty()) return url;
    if (rest.front() != ':') return std::nullopt;
    url.port = rest.substr(1);
    const auto port = parse_whole({1, 65535, ""}, url.port);
    if (!std::holds_alternative<Value>(port)) return std::nullopt;
    return url;
}

ParsedValue parse_url(const Bounds& bounds, const std::string& text) {
    if (split_url(text))
        return Value{text.back() == '/' ? text.substr(0, text.size() - 1) : text, 0};
    const auto with_scheme = "https://" + text;
    std::string suggestion;
    if (text.find("://") == std::string::npos && split_url(with_scheme)) suggestion = with_scheme;
    const auto slash =
        text.find('/', text.find("://") == std::string::npos ? 0 : text.find("://") + 3);
    if (suggestion.empty() && slash != std::string::npos && split_url(text.substr(0, slash))) {
        suggestion = text.substr(0, slash);
    }
    return ValueProblem{describe(Form::url, bounds), suggestion};
}

/// A server, and perhaps a path on it. No '#', which no server sees, and no '@' before the path,
/// which `split_url` refuses: a password has no place here.
bool is_page(const Bounds& bounds, std::string_view text) {
    if (text.empty()) return bounds.least == 0;
    const auto scheme = text.find("://");
    if (scheme == std::string_view::npos) return false;
    const auto slash = text.find('/', scheme + 3);
    return static_cast<std::int64_t>(text.size()) <= bounds.most &&
           split_url(text.substr(0, slash)) && std::all_of(text.begin(), text.end(), [](char c) {
               return c > ' ' && static_cast<unsigned char>(c) < 0x7f && c != '#' && c != '"' &&
                      c != '\\';
           });
}

bool is_domain(std::string_view text) {
    if (text.empty() || text.size() > 253) return false;
    for (const auto label : split(text, '.')) {
        const bool is_good = !label.empty() && label.size() <= 63 &&
                             std::all_of(label.begin(), label.end(), [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                        is_digit(c) || c == '-' || c == '_';
                             });
        if (!is_good) return false;
    }
    return text.back() != '.' && !is_numeric_address(text);
}

bool is_supply_name(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c != '/' && static_cast<unsigned char>(c) < 0x7f;
    });
}

/// A numeric address in its usual form, IPv6 by the shortest; a link-local one may name its
/// interface ("fe80::1%eth0"). Empty when `text` is none.
std::string as_kernel_writes(const std::string& text) {
    const auto end = std::min(text.find('%'), text.size());
    const auto address = text.substr(0, end);
    const auto scope = text.substr(end);
    if (scope.empty() && address.find(':') == std::string::npos) {
        return is_numeric_address(address) ? address : std::string{};
    }
    in6_addr bytes{};
    if (inet_pton(AF_INET6, address.c_str(), &bytes) != 1) return {};
    const bool has_good_scope =
        scope.empty() || (IN6_IS_ADDR_LINKLOCAL(&bytes) && is_interface_name(scope.substr(1)));
    std::array<char, INET6_ADDRSTRLEN> written{};
    if (!has_good_scope || inet_ntop(AF_INET6, &bytes, written.data(), written.size()) == nullptr) {
        return {};
    }
    return written.data() + scope;
}

ParsedValue accept_if(bool is_good, Form form, const Bounds& bounds, const std::string& text,
                      std::string suggestion = "") {
    if (is_good) return Value{text, 0};
    return ValueProblem{describe(form, bounds), std::move(suggestion)};
}

std::string two_digits(std::int64_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return parts;
}

ParsedValue parse_value(Form form, const Bounds& bounds, const std::string& text, bool is_quoted) {
    switch (form) {
        case Form::text:
            return parse_text(bounds, text, is_quoted);
        case Form::one_of:
            return parse_choice(bounds, text);
        case Form::flag:
            return parse_flag(bounds, text);
        case Form::duration:
        case Form::size:
        case Form::rate:
            return parse_quantity(form, bounds, text);
        case Form::whole:
            return parse_whole(bounds, text);
        case Form::offset:
            return parse_offset(bounds, text);
        case Form::site_id:
            return accept_if(is_valid_site_id(text) && text.size() <= longest_id(bounds), form,
                             bounds, text, as_site_id(text).substr(0, longest_id(bounds)));
        case Form::site_code:
            return accept_if(text.empty() || is_site_code(text), form, bounds, text);
        case Form::interface:
            return accept_if(is_interface_name(text), form, bounds, text);
        case Form::address: {
            auto address = as_kernel_writes(text);
            return accept_if(!address.empty(), form, bounds, address);
        }
        case Form::url:
            return parse_url(bounds, text);
        case Form::page:
            return accept_if(is_page(bounds, text), form, bounds, text,
                             is_page(bounds, "http://" + text) ? "http://" + text : "");
        case Form::domain:
            return accept_if(is_domain(text), form, bounds, text);
        case Form::supply:
            return accept_if(is_supply_name(text), form, bounds, text);
        case Form::file:
            return accept_if(text.empty() || (text.front() == '/' && text.size() < 4096), form,
                             bounds, text);
    }
    return ValueProblem{};
}

std::string write_value(Form form, std::int64_t number) {
    if (form == Form::flag) return number != 0 ? "true" : "false";
    if (form == Form::offset) {
        const auto minutes = (number < 0 ? -number : number) / 60;
        return (number < 0 ? "-" : "+") + two_digits(minutes / 60) + ":" + two_digits(minutes % 60);
    }
    const auto units = units_of(form);
    if (units.empty()) return std::to_string(number);
    const Unit* best = &units.front();
    for (const auto& unit : units) {
        if (number != 0 && number % unit.factor == 0) best = &unit;
    }
    return join_unit(std::to_string(number / best->factor), best->name);
}

Said describe(Form form, const Bounds& bounds) {
    switch (form) {
        case Form::text:
            return {"harus berupa teks", "expected text"};
        case Form::one_of: {
            std::string list;
            for (const auto choice : split(bounds.choices, '|')) {
                list += (list.empty() ? "" : ", ") + std::string{choice};
            }
            return {"harus salah satu dari: " + list, "expected one of: " + list};
        }
        case Form::flag:
            return {"harus true atau false", "expected true or false"};
        case Form::duration:
            return {"harus lama waktu dengan satuan ms, s, min, h atau d, misalnya 10s",
                    "expected a duration in ms, s, min, h or d, such as 10s"};
        case Form::size:
            return {"harus ukuran dengan satuan, misalnya 256 KiB atau 64 MiB",
                    "expected a size with its unit, such as 256 KiB or 64 MiB"};
        case Form::rate:
            return {"harus kecepatan dengan satuan, misalnya 50 Mbit/s",
                    "expected a rate with its unit, such as 50 Mbit/s"};
        case Form::whole: {
            const auto least = std::to_string(bounds.least);
            const auto most = std::to_string(bounds.most);
            return {"harus bilangan bulat dari " + least + " sampai " + most,
                    "expected a whole number from " + least + " to " + most};
        }
        case Form::offset:
            return {"harus selisih waktu dari UTC: WIB, WITA, WIT, atau misalnya +08:00",
                    "expected an offset from UTC: WIB, WITA, WIT, or such as +08:00"};
        case Form::site_id:
            return {"harus 1-" + std::to_string(longest_id(bounds)) +
                        " huruf kecil a-z, angka, atau tanda hubung",
                    "expected 1-" + std::to_string(longest_id(bounds)) +
                        " of: lower-case letters a-z, digits, hyphens"};
        case Form::site_code:
            return {"harus kode wilayah Kemendagri, misalnya 64.11.03.2005",
                    "expected the ministry's village code, such as 64.11.03.2005"};
        case Form::interface:
            return {"harus nama antarmuka, misalnya eth0 (lihat: ip link)",
                    "expected an interface name, such as eth0 (see: ip link)"};
        case Form::address:
            return {"harus alamat IP angka, misalnya 1.1.1.1 (bukan nama)",
                    "expected a numeric IP address, such as 1.1.1.1 (not a name)"};
        case Form::url:
            return {"harus alamat server tanpa jalur, misalnya https://server.contoh.go.id:8443",
                    "expected a server without a path, such as https://server.example.org:8443"};
        case Form::page:
            return {"harus alamat halaman, misalnya http://contoh.go.id/halo",
                    "expected the address of a page, such as http://example.org/hello"};
        case Form::domain:
            return {"harus nama DNS, misalnya contoh.go.id (bukan alamat IP)",
                    "expected a DNS name, such as example.org (not an IP address)"};
        case Form::supply:
            return {"harus auto, none, atau nama dari /sys/class/power_supply",
                    "expected auto, none, or a name from /sys/class/power_supply"};
        case Form::file:
            return {"harus nama berkas lengkap yang diawali \"/\"",
                    "expected a full file name beginning with \"/\""};
    }
    return {};
}

std::string nearest(std::string_view wrong, const std::vector<std::string_view>& candidates) {
    std::string best;
    if (wrong.size() > 64) return best;
    // A third of the word may differ: enough for slips of the finger, too little for other words.
    std::size_t best_distance = std::max<std::size_t>(1, (wrong.size() + 1) / 3) + 1;
    for (const auto candidate : candidates) {
        const auto columns = candidate.size() + 1;
        std::vector<std::size_t> before(columns), previous(columns), row(columns);
        for (std::size_t j = 0; j < columns; ++j) previous[j] = j;
        for (std::size_t i = 1; i <= wrong.size(); ++i) {
            row[0] = i;
            for (std::size_t j = 1; j < columns; ++j) {
                const std::size_t change = wrong[i - 1] == candidate[j - 1] ? 0 : 1;
                row[j] = std::min({previous[j] + 1, row[j - 1] + 1, previous[j - 1] + change});
                if (i > 1 && j > 1 && wrong[i - 1] == candidate[j - 2] &&
                    wrong[i - 2] == candidate[j - 1]) {
                    row[j] = std::min(row[j], before[j - 2] + 1);
                }
            }
            before.swap(previous);
            previous.swap(row);
        }
        if (previous.back() < best_distance) {
            best_distance = previous.back();
            best = candidate;
        }
    }
    return best;
}

bool is_numeric_address(std::string_view text) {
    const std::string copy{text};
    in6_addr buffer{};
    return inet_pton(AF_INET, copy.c_str(), &buffer) == 1 ||
           inet_pton(AF_INET6, copy.c_str(), &buffer) == 1;
}

bool is_loopback_url(std::string_view text) {
    const auto url = split_url(text);
    if (!url) return false;
    return url->host == "localhost" || url->host == "::1" ||
           (url->host.substr(0, 4) == "127." && is_numeric_address(url->host));
}

}  // namespace gerbang::config
