#include "daemon/net/curl_library.hpp"

#include <dlfcn.h>

#include <atomic>
#include <mutex>
#include <string>

#include "common/core/check.hpp"

namespace gerbang {
namespace {

CurlLibrary library;
std::atomic<bool> is_loaded{false};

Error missing(const char* what) {
    const char* why = ::dlerror();
    return {Errc::bad_input, std::string{"libcurl: "} + (why == nullptr ? what : why) +
                                 ": install Debian's libcurl4"};
}

}  // namespace

Result<CurlLibrary> find_curl(const char* file) {
    // Never closed: its threads and the hooks of OpenSSL stay to the end of the process.
    void* const handle = ::dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return missing(file);
    CurlLibrary into;
    const char* absent = nullptr;
    const auto find = [&](auto& function, const char* name) {
        function =
            reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
        if (function == nullptr) absent = name;
    };
    find(into.global_init, "curl_global_init");
    find(into.version_info, "curl_version_info");
    find(into.free, "curl_free");
    find(into.slist_append, "curl_slist_append");
    find(into.slist_free_all, "curl_slist_free_all");
    find(into.url, "curl_url");
    find(into.url_cleanup, "curl_url_cleanup");
    find(into.url_get, "curl_url_get");
    find(into.url_set, "curl_url_set");
    find(into.share_init, "curl_share_init");
    find(into.share_setopt, "curl_share_setopt");
    find(into.share_cleanup, "curl_share_cleanup");
    find(into.easy_init, "curl_easy_init");
    find(into.easy_setopt, "curl_easy_setopt");
    find(into.easy_getinfo, "curl_easy_getinfo");
    find(into.easy_perform, "curl_easy_perform");
    find(into.easy_strerror, "curl_easy_strerror");
    find(into.easy_cleanup, "curl_easy_cleanup");
    find(into.multi_init, "curl_multi_init");
    find(into.multi_setopt, "curl_multi_setopt");
    find(into.multi_add_handle, "curl_multi_add_handle");
    find(into.multi_remove_handle, "curl_multi_remove_handle");
    find(into.multi_perform, "curl_multi_perform");
    find(into.multi_info_read, "curl_multi_info_read");
    find(into.multi_poll, "curl_multi_poll");
    find(into.multi_wakeup, "curl_multi_wakeup");
    find(into.multi_cleanup, "curl_multi_cleanup");
    if (absent != nullptr) return missing(absent);
    return into;
}

Result<void> load_curl() {
    static std::mutex mutex;
    if (is_loaded) return ok();
    const std::lock_guard lock{mutex};
    if (is_loaded) return ok();
    const auto found = find_curl("libcurl.so.4");
    if (!found) return found.error();
    library = *found;
    if (library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return missing("it cannot start");
    is_loaded = true;
    return ok();
}

const CurlLibrary& curl() {
    GERBANG_CHECK(is_loaded);
    return library;
}

}  // namespace gerbang
