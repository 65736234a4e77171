#include "daemon/province/tokens.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "common/core/check.hpp"
#include "common/core/ids.hpp"
#include "daemon/host/unique_fd.hpp"

namespace gerbang::province {
namespace {

std::array<std::uint8_t, 32> sha256(std::string_view text) {
    std::array<std::uint8_t, 32> digest{};
    unsigned size = 0;
    const int done =
        EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr);
    GERBANG_CHECK(done == 1 && size == digest.size());
    return digest;
}

Error at_line(const std::string& path, std::size_t line, const std::string& what) {
    return {Errc::bad_input, path + ":" + std::to_string(line) + ": " + what};
}

}  // namespace

Result<TokenBook> TokenBook::load(const std::string& path) {
    // Taken before reading: a change in between is then seen as a change.
    const auto version = version_of(path);
    std::ifstream file{path, std::ios::binary};
    if (!version || !file) {
        return Error{Errc::bad_input, "tokens file " + path + ": " + std::strerror(errno)};
    }
    if (version->others_may_write) {
        return Error{Errc::bad_input, "tokens file " + path +
                                          " may be written by everybody, who could let themselves "
                                          "in: chmod o-w"};
    }
    if (version->bytes > static_cast<std::int64_t>(kMaxFileBytes)) {
        return Error{Errc::bad_input, "tokens file " + path + " is larger than 1 MiB"};
    }
    std::string text(static_cast<std::size_t>(version->bytes), '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    auto book = parse(text, path);
    if (book) book->version_ = version;
    return book;
}

Result<TokenBook> TokenBook::parse(std::string_view text, const std::string& path) {
    TokenBook book;
    book.path_ = path;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const auto end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (line.empty() || line.front() == '#') continue;
        const auto space = std::min(line.find(' '), line.size());
        const auto site = line.substr(0, space);
        line.remove_prefix(std::min(space + 1, line.size()));
        const auto bytes = bytes_from_hex(line);
        if (!is_valid_site_id(site)) return at_line(path, number, "expected a site id");
        if (!bytes || bytes->size() != Hash{}.size()) {
            return at_line(path, number, "expected 64 hexadecimal digits after the site id");
        }
        Entry entry{.site = std::string{site}};
        std::memcpy(entry.hash.data(), bytes->data(), entry.hash.size());
        for (const auto& other : book.entries_) {
            if (other.hash == entry.hash && other.site != entry.site) {
                return at_line(path, number, "the same token as site " + other.site);
            }
        }
        book.entries_.push_back(std::move(entry));
    }
    return book;
}

std::optional<std::string> TokenBook::site_of(std::string_view token) const {
    const auto hash = sha256(token);
    const Entry* found = nullptr;
    for (const auto& entry : entries_) {
        // Every entry is compared in full, so that time tells nothing.
        const bool is_same = CRYPTO_memcmp(entry.hash.data(), hash.data(), hash.size()) == 0;
        if (is_same) found = &entry;
    }
    if (found == nullptr || token.empty()) return std::nullopt;
    return found->site;
}

Result<bool> TokenBook::refresh(bool force) {
    const auto version = version_of(path_);
    if (!force && version == version_) return false;
    // Whatever is wrong with this version is said once, not at every request.
    version_ = version;
    auto book = load(path_);
    if (!book) return book.error();
    *this = *std::move(book);
    return true;
}

std::optional<TokenBook::Version> TokenBook::version_of(const std::string& path) {
    struct stat file {};
    if (::stat(path.c_str(), &file) != 0) return std::nullopt;
    return Version{.inode = static_cast<std::int64_t>(file.st_ino),
                   .bytes = static_cast<std::int64_t>(file.st_size),
                   .others_may_write = (file.st_mode & S_IWOTH) != 0,
                   .changed_ns = std::int64_t{file.st_mtim.tv_sec} * 1'000'000'000 +
                                 std::int64_t{file.st_mtim.tv_nsec}};
}

Result<std::string> add_token(const std::string& path, const std::string& site, Entropy& entropy) {
    if (!is_valid_site_id(site)) {
        return Error{Errc::bad_input, "site id must be 1 to 64 of a-z, 0-9 and '-'"};
    }
    std::array<std::uint8_t, 32> secret{};
    for (std::size_t i = 0; i < secret.size(); i += 8) {
        const auto bits = entropy.bits();
        std::memcpy(secret.data() + i, &bits, 8);
    }
    auto token = to_hex(secret);
    const auto failed = [&] {
        return Error{Errc::storage_broken, "tokens file " + path + ": " + std::strerror(errno)};
    };
    const UniqueFd file{::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
    if (!file.is_open()) return failed();
    // A file that an editor left without a last line break must not swallow our line.
    std::string line;
    struct stat status {};
    char last = '\n';
    if (::fstat(file.get(), &status) != 0) return failed();
    if (status.st_size > 0 && ::pread(file.get(), &last, 1, status.st_size - 1) != 1) {
        return failed();
    }
    if (last != '\n') line = "\n";
    line += site + " " + to_hex(sha256(token)) + "\n";
    const auto written = ::write(file.get(), line.data(), line.size());
    if (written != static_cast<ssize_t>(line.size()) || ::fsync(file.get()) != 0) return failed();
    return token;
}

}  // namespace gerbang::province
