#include "daemon/net/local_http.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "daemon/net/curl_library.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxAnswer = 16u << 20;

struct CloseEasy {
    void operator()(CURL* easy) const { curl().easy_cleanup(easy); }
};

struct FreeList {
    void operator()(curl_slist* list) const { curl().slist_free_all(list); }
};

std::size_t keep(char* data, std::size_t size, std::size_t count, void* user) {
    auto& body = *static_cast<std::string*>(user);
    const auto length = size * count;
    if (length > kMaxAnswer - body.size()) return 0;  // libcurl ends the transfer with an error
    body.append(data, length);
    return length;
}

/// Why the socket cannot be used. libcurl says "could not connect" to everything, but a missing
/// daemon and a missing right have different remedies.
Result<void> try_socket(const std::string& socket_path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path.size() >= sizeof(address.sun_path)) {
        return Error{Errc::bad_input, socket_path + ": longer than a socket's name may be"};
    }
    std::memcpy(address.sun_path, socket_path.data(), socket_path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return Error{Errc::unreachable, std::strerror(errno)};
    const int failed =
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0
            ? 0
            : errno;
    ::close(descriptor);
    const auto detail = socket_path + ": " + std::strerror(failed);
    switch (failed) {
        case 0:
        case EAGAIN:  // its queue is full: the request itself waits
            return ok();
        case ENOENT:
        case ENOTDIR:
            return Error{Errc::not_found, detail};
        case EACCES:
        case EPERM:
            return Error{Errc::not_authorised, detail};
        default:
            return Error{Errc::unreachable, detail};
    }
}

}  // namespace

Result<HttpAnswer> local_request(const std::string& method, const std::string& socket_path,
                                 const std::string& path, Millis timeout, const std::string& json) {
    HttpAnswer answer;
    answer.request = method + " " + path + " (" + socket_path + ")";
    const auto fail = [&](const std::string& why) {
        return Error{Errc::unreachable, answer.request + ": " + why};
    };
    if (const auto loaded = load_curl(); !loaded) return fail(loaded.error().detail);
    if (const auto usable = try_socket(socket_path); !usable) return usable.error();
    const std::unique_ptr<CURL, CloseEasy> easy{curl().easy_init()};
    if (!easy) return fail("libcurl cannot start");
    const auto url = "http://localhost" + path;
    const std::unique_ptr<curl_slist, FreeList> headers{
        json.empty() ? nullptr : curl().slist_append(nullptr, "Content-Type: application/json")};
    const bool has_body =
        json.empty() ||
        (headers && curl().set(easy.get(), CURLOPT_HTTPHEADER, headers.get()) == CURLE_OK &&
         curl().set(easy.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(json.size())) ==
             CURLE_OK &&
         curl().set(easy.get(), CURLOPT_POSTFIELDS, json.c_str()) == CURLE_OK);
    const bool is_set =
        has_body &&
        curl().set(easy.get(), CURLOPT_UNIX_SOCKET_PATH, socket_path.c_str()) == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_URL, url.c_str()) == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_PROXY, "") == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_CUSTOMREQUEST, method.c_str()) == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count())) ==
            CURLE_OK &&
        curl().set(easy.get(), CURLOPT_WRITEFUNCTION, &keep) == CURLE_OK &&
        curl().set(easy.get(), CURLOPT_WRITEDATA, &answer.body) == CURLE_OK;
    if (!is_set) return fail("libcurl refuses the request");
    const auto code = curl().easy_perform(easy.get());
    if (code != CURLE_OK) return fail(curl().easy_strerror(code));
    long status = 0;
    curl().easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    answer.status = static_cast<int>(status);
    answer.received_bytes = answer.body.size();
    return answer;
}

Result<HttpAnswer> local_get(const std::string& socket_path, const std::string& path,
                             Millis timeout) {
    return local_request("GET", socket_path, path, timeout);
}

}  // namespace gerbang
