#include "daemon/host/host_facts.hpp"

#include <linux/magic.h>
#include <openssl/evp.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "daemon/host/mounts.hpp"

namespace gerbang {
namespace {

namespace fs = std::filesystem;

/// Small files of /proc and /sys; what is longer is cut.
constexpr std::size_t kLongestFile = 256 * 1024;

std::optional<std::string> read_text(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return std::nullopt;
    std::string text(kLongestFile, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

/// One line without surrounding blanks, line break and the NUL that the device tree appends.
std::optional<std::string> read_line(const std::string& path) {
    auto text = read_text(path);
    if (!text) return std::nullopt;
    const auto is_blank = [](char c) { return c == '\0' || c == ' ' || c == '\n' || c == '\t'; };
    while (!text->empty() && is_blank(text->back())) text->pop_back();
    text->erase(text->begin(), std::find_if_not(text->begin(), text->end(), is_blank));
    if (text->empty()) return std::nullopt;
    return text;
}

/// Numbers that manufacturers left as they came; thousands of boards share them.
bool is_dummy_serial(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::array<std::string_view, 12> kDummies{"to be filled by o.e.m.",
                                                        "default string",
                                                        "none",
                                                        "not specified",
                                                        "not applicable",
                                                        "system serial number",
                                                        "serial number",
                                                        "oem",
                                                        "03000200-0400-0500-0006-000700080009",
                                                        "1234567890",
                                                        "123456789",
                                                        "0123456789"};
    if (std::find(kDummies.begin(), kDummies.end(), text) != kDummies.end()) return true;
    std::erase_if(text, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; });
    return text.size() < 4 ||
           std::all_of(text.begin(), text.end(), [&](char c) { return c == text.front(); });
}

bool is_permanent_mac(std::string_view text) {
    if (text.size() != 17 || text == "00:00:00:00:00:00") return false;
    std::string digits{text};
    std::erase(digits, ':');
    const auto bytes = bytes_from_hex(digits);
    // Bit 0: a group; bit 1: made up locally, by a driver or a hypervisor.
    return bytes && bytes->size() == 6 && (static_cast<unsigned char>(bytes->front()) & 3) == 0;
}

/// The lowest permanent MAC; built-in interfaces before those on USB, which come and go.
std::optional<std::string> permanent_mac(const std::string& sys) {
    std::optional<std::pair<bool, std::string>> best;
    std::error_code error;
    for (fs::directory_iterator it{sys + "/class/net", error}, end; !error && it != end;
         it.increment(error)) {
        const auto folder = it->path().string();
        std::error_code ignored;
        const auto device = fs::canonical(folder + "/device", ignored);
        if (ignored) continue;  // no bus device: bridge, tunnel, loopback
        if (read_line(folder + "/addr_assign_type") != "0") continue;
        const auto mac = read_line(folder + "/address");
        if (!mac || !is_permanent_mac(*mac)) continue;
        const bool is_usb = device.string().find("/usb") != std::string::npos;
        std::pair<bool, std::string> candidate{is_usb, *mac};
        if (!best || candidate < *best) best = std::move(candidate);
    }
    if (!best) return std::nullopt;
    return best->second;
}

/// Names what the identity is made of, so that a serial never equals a MAC.
std::optional<std::string> identity(const std::string& sys) {
    const auto soc = read_line(sys + "/firmware/devicetree/base/serial-number");
    if (soc && !is_dummy_serial(*soc)) return "soc " + *soc;
    if (const auto mac = permanent_mac(sys)) return "mac " + *mac;
    // Last, because only root may read them: the identity must not depend on who asks.
    for (const char* name : {"product_uuid", "product_serial"}) {
        const auto serial = read_line(sys + "/class/dmi/id/" + name);
        if (serial && !is_dummy_serial(*serial)) return "dmi " + *serial;
    }
    return std::nullopt;
}

/// Slow on purpose (about 10 ms, once a start): a plain digest of a MAC is undone by trying all
/// of a vendor's in a second. Somebody with patience can still confirm a guess.
std::string digest(const std::string& text) {
    constexpr std::string_view kSalt = "gerbang hardware identity 1";
    constexpr int kRounds = 20'000;
    std::array<std::uint8_t, 16> out{};
    const int done = ::PKCS5_PBKDF2_HMAC(text.data(), static_cast<int>(text.size()),
                                         reinterpret_cast<const unsigned char*>(kSalt.data()),
                                         static_cast<int>(kSalt.size()), kRounds, ::EVP_sha256(),
                                         static_cast<int>(out.size()), out.data());
    GERBANG_CHECK(done == 1);
    return to_hex(out);
}

bool machine_is_32bit(std::string_view machine) {
    // "armv8l" is a 64-bit kernel that speaks to a 32-bit program.
    return machine.find("64") == std::string_view::npos && machine != "s390x" &&
           machine != "armv8l";
}

bool is_ram_magic(const std::string& folder) {
    struct statfs about {};
    if (::statfs(folder.c_str(), &about) != 0) return false;
    // Signed, and of 32 bits on 32-bit machines: a large number is negative there.
    const auto magic = static_cast<std::uint32_t>(about.f_type);
    return magic == TMPFS_MAGIC || magic == RAMFS_MAGIC;
}

bool is_really_ram(const std::string& folder, unsigned depth) {
    // A folder that is not there yet will be made on the file system of its parent.
    std::error_code error;
    fs::path existing = fs::absolute(folder, error);
    while (!error && !fs::exists(existing, error) && existing.has_relative_path()) {
        error.clear();
        existing = existing.parent_path();
    }
    error.clear();
    existing = fs::canonical(existing, error);
    if (error) return false;
    if (is_ram_magic(existing.string())) return true;
    const auto mountinfo = read_text("/proc/self/mountinfo");
    if (!mountinfo) return false;
    const auto mount = find_mount(*mountinfo, existing.string());
    if (!mount) return false;
    if (mount->source.starts_with("/dev/zram") || mount->source.starts_with("/dev/ram")) {
        return true;
    }
    const auto upper = mount_option(mount->options, "upperdir");
    if (mount->type != "overlay" || !upper || depth == 0) return false;
    // Not visible from here (made by the initramfs): unknown.
    return fs::exists(*upper, error) && is_really_ram(*upper, depth - 1);
}

}  // namespace

Result<HostFacts> read_host_facts(const HostPaths& paths) {
    const auto boot_file = paths.proc + "/sys/kernel/random/boot_id";
    const auto boot_text = read_line(boot_file);
    if (!boot_text) {
        return Error{Errc::bad_input, "read " + boot_file +
                                          ": not readable; is /proc mounted, "
                                          "and does the service not hide it (ProcSubset=pid)?"};
    }
    const auto boot = parse_id<BootId>(*boot_text);
    if (!boot || boot->is_none()) {
        return Error{Errc::bad_input, boot_file + ": not a UUID: " + boot_text->substr(0, 64)};
    }
    HostFacts facts;
    facts.boot = *boot;
    if (const auto known = identity(paths.sys)) facts.hardware = digest(*known);
    utsname kernel{};
    if (::uname(&kernel) == 0) {
        facts.kernel_is_32bit = machine_is_32bit(kernel.machine);
        facts.kernel = kernel.release;
    }
    return facts;
}

bool is_really_ram(const std::string& folder) {
    return is_really_ram(folder, 8);
}

}  // namespace gerbang
