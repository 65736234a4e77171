#include "daemon/host/resolvers.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace gerbang {
namespace {

constexpr std::size_t kMaxFileBytes = 8192;
constexpr std::string_view kBlanks = " \t\r";

bool is_address(const std::string& text) {
    std::array<unsigned char, sizeof(in6_addr)> sink{};
    return ::inet_pton(AF_INET, text.c_str(), sink.data()) == 1 ||
           ::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), sink.data()) == 1;
}

std::string read_small(const char* path) {
    std::string text(kMaxFileBytes, '\0');
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return {};
    const auto size = ::read(file, text.data(), text.size());
    ::close(file);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
}

}  // namespace

std::vector<std::string> parse_resolv_conf(std::string_view text) {
    constexpr std::string_view kKey = "nameserver";
    std::vector<std::string> found;
    while (!text.empty() && found.size() < kMaxResolvers) {
        auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        line.remove_prefix(std::min(line.size(), line.find_first_not_of(kBlanks)));
        if (!line.starts_with(kKey)) continue;
        line.remove_prefix(kKey.size());
        const auto begin = line.find_first_not_of(kBlanks);
        if (begin == 0 || begin == std::string_view::npos) continue;
        line.remove_prefix(begin);
        const std::string address{line.substr(0, line.find_first_of(kBlanks))};
        if (!is_address(address)) continue;
        if (std::find(found.begin(), found.end(), address) == found.end()) found.push_back(address);
    }
    return found;
}

std::vector<std::string> system_resolvers() {
    auto found = parse_resolv_conf(read_small("/etc/resolv.conf"));
    if (found.size() == 1 && found.front() == "127.0.0.53") {
        const auto behind = parse_resolv_conf(read_small("/run/systemd/resolve/resolv.conf"));
        if (!behind.empty()) found = behind;
    }
    return found;
}

}  // namespace gerbang
