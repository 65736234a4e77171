#include "daemon/net/curl_target.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/host/log.hpp"
#include "daemon/net/curl_library.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;

struct UrlParts {
    UrlParts() : url{curl().url()} {}
    ~UrlParts() { curl().url_cleanup(url); }
    UrlParts(const UrlParts&) = delete;
    UrlParts& operator=(const UrlParts&) = delete;

    [[nodiscard]] std::string part(CURLUPart which) const {
        char* text = nullptr;
        if (curl().url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
        std::string copy{text};
        curl().free(text);
        return copy;
    }

    CURLU* url;
};

bool is_loopback(const std::string& host) {
    in_addr address{};
    if (::inet_pton(AF_INET, host.c_str(), &address) == 1) {
        return (ntohl(address.s_addr) >> 24) == 127;
    }
    return host == "localhost" || host == "[::1]" || host == "::1";
}

Error unreadable(const char* what, const std::string& path) {
    return {Errc::bad_input, std::string{what} + " " + path +
                                 " cannot be read: check that it exists and that the "
                                 "gerbang user may read it"};
}

UplinkTarget without_slash(UplinkTarget target) {
    if (target.url.ends_with('/')) target.url.pop_back();
    return target;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

/// The server turned our certificate away (TLS 1.3 tells only after the handshake).
bool is_certificate_alert(const std::string& text) {
    return contains(text, "alert") &&
           (contains(text, "certificate") || contains(text, "unknown ca") ||
            contains(text, "access denied"));
}

}  // namespace

Result<std::string> TokenFile::token() {
    const auto problem = [&](const std::string& what) {
        mtime_ns_ = -1;
        return Error{Errc::not_authorised, "token file " + path_ + " " + what};
    };
    const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) return problem("cannot be read: check that it exists and its owner");
    struct stat facts {};
    std::array<char, kMaxTokenBytes + 2> buffer{};
    ssize_t got = -1;
    const bool is_file = ::fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
    const std::int64_t mtime_ns =
        std::int64_t{facts.st_mtim.tv_sec} * 1'000'000'000 + facts.st_mtim.tv_nsec;
    const auto inode = static_cast<std::int64_t>(facts.st_ino);
    const bool is_known = is_file && mtime_ns == mtime_ns_ && inode == inode_;
    if (is_file && !is_known) got = ::read(file, buffer.data(), buffer.size());
    ::close(file);
    if (is_known) return token_;
    if (got < 0) return problem("cannot be read: it is not a regular file, or broken");
    std::string_view text{buffer.data(), static_cast<std::size_t>(got)};
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    if (text.empty()) return problem("is empty: put this gateway's token into it");
    if (text.size() > kMaxTokenBytes ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 127; })) {
        return problem("holds no token: expected one line of printable characters");
    }
    if ((facts.st_mode & S_IROTH) != 0) {
        log(LogLevel::warning, "token_readable_by_all", {{"file", path_}, {"next", "chmod 640"}});
    }
    token_ = text;
    mtime_ns_ = mtime_ns;
    inode_ = inode;
    return token_;
}

CurlTarget::CurlTarget(UplinkTarget what)
    : target{without_slash(std::move(what))},
      is_https{target.url.starts_with("https:")},
      token{target.token_file},
      share{curl().share_init()} {
    if (share != nullptr) {
        curl().share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
    }
}

CurlTarget::~CurlTarget() {
    if (share != nullptr) curl().share_cleanup(share);
}

Result<void> check_target(const UplinkTarget& target) {
    UrlParts parts;
    const auto wrong = [&](const std::string& why) {
        // The url may hold a password, which is exactly one of the mistakes: it is not repeated.
        return Error{Errc::bad_input, "url of the push target: " + why};
    };
    if (parts.url == nullptr ||
        curl().url_set(parts.url, CURLUPART_URL, target.url.c_str(), 0) != CURLUE_OK) {
        return wrong("expected https://host or https://host:port");
    }
    if (!parts.part(CURLUPART_USER).empty() || !parts.part(CURLUPART_PASSWORD).empty()) {
        return wrong("no user name or password in it: put a token into token_file");
    }
    const auto path = parts.part(CURLUPART_PATH);
    if ((!path.empty() && path != "/") || !parts.part(CURLUPART_QUERY).empty() ||
        !parts.part(CURLUPART_FRAGMENT).empty()) {
        return wrong("expected https://host or https://host:port, without a path");
    }
    const auto scheme = parts.part(CURLUPART_SCHEME);
    if (scheme == "http") {
        if (!target.allow_plain && !target.is_anonymous &&
            !is_loopback(parts.part(CURLUPART_HOST))) {
            return wrong("http is for this machine only: use https");
        }
        return ok();
    }
    if (scheme != "https") return wrong("expected https, got " + scheme);
    if (target.is_anonymous) return ok();
    if (target.ca_file.empty()) {
        return Error{Errc::bad_input,
                     "ca_file is missing: the certificate of the authority that signed the "
                     "province's certificate (PEM)"};
    }
    if (::access(target.ca_file.c_str(), R_OK) != 0) return unreadable("ca_file", target.ca_file);
    if (target.cert_file.empty() != target.key_file.empty()) {
        return Error{Errc::bad_input, "cert_file and key_file belong together: set both or none"};
    }
    for (const auto& [what, file] :
         {std::pair{"cert_file", &target.cert_file}, std::pair{"key_file", &target.key_file}}) {
        if (!file->empty() && ::access(file->c_str(), R_OK) != 0) return unreadable(what, *file);
    }
    return ok();
}

Error uplink_error(int code, const std::string& request, const std::string& text,
                   const UplinkTarget& target) {
    const std::string why =
        request + ": " + (text.empty() ? curl().easy_strerror(static_cast<CURLcode>(code)) : text);
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
            if (contains(text, "not yet valid") || contains(text, "expired")) {
                return {Errc::not_authorised, why +
                                                  "; check this gateway's clock, then the "
                                                  "server's certificate"};
            }
            return {Errc::not_authorised,
                    why +
                        "; the server did not prove that it is the province: check url and "
                        "ca_file (" +
                        target.ca_file + "), or whether a portal answers in its place"};
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
            return {Errc::not_authorised, why + "; check ca_file (" + target.ca_file + ")"};
        case CURLE_SSL_CERTPROBLEM:
            return {Errc::not_authorised,
                    why + "; check cert_file (" + target.cert_file + ") and key_file"};
        default:
            break;
    }
    if (is_certificate_alert(text)) {
        return {Errc::not_authorised,
                why +
                    "; the server wants a client certificate that it knows: check cert_file and "
                    "ask the province"};
    }
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
            return {Errc::unreachable, why + "; name resolution fails: is the internet up?"};
        case CURLE_INTERFACE_FAILED:
            return {Errc::unreachable,
                    why + "; the interface " + target.interface + " is not there or not up"};
        default:
            return {Errc::unreachable, why};
    }
}

}  // namespace gerbang
