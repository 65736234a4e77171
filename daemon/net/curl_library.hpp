#pragma once

// libcurl, loaded when it is first wanted. For the .cpp files of daemon/net only.
//
// Debian's libcurl brings 27 other libraries (LDAP, Kerberos, RTMP, GnuTLS ...). Linked to the
// program they were half of what `gerbang --version` takes (perf stat -r 30), also for commands and
// gateways that never send anything.

#include <curl/curl.h>

#include <type_traits>

#include "common/core/result.hpp"

namespace gerbang {

/// What is used of libcurl, by its own names and meanings.
struct CurlLibrary {
    decltype(&::curl_global_init) global_init = nullptr;
    decltype(&::curl_version_info) version_info = nullptr;
    decltype(&::curl_free) free = nullptr;
    decltype(&::curl_slist_append) slist_append = nullptr;
    decltype(&::curl_slist_free_all) slist_free_all = nullptr;
    decltype(&::curl_url) url = nullptr;
    decltype(&::curl_url_cleanup) url_cleanup = nullptr;
    decltype(&::curl_url_get) url_get = nullptr;
    decltype(&::curl_url_set) url_set = nullptr;
    decltype(&::curl_share_init) share_init = nullptr;
    decltype(&::curl_share_setopt) share_setopt = nullptr;
    decltype(&::curl_share_cleanup) share_cleanup = nullptr;
    decltype(&::curl_easy_init) easy_init = nullptr;
    decltype(&::curl_easy_setopt) easy_setopt = nullptr;
    decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
    decltype(&::curl_easy_perform) easy_perform = nullptr;
    decltype(&::curl_easy_strerror) easy_strerror = nullptr;
    decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
    decltype(&::curl_multi_init) multi_init = nullptr;
    decltype(&::curl_multi_setopt) multi_setopt = nullptr;
    decltype(&::curl_multi_add_handle) multi_add_handle = nullptr;
    decltype(&::curl_multi_remove_handle) multi_remove_handle = nullptr;
    decltype(&::curl_multi_perform) multi_perform = nullptr;
    decltype(&::curl_multi_info_read) multi_info_read = nullptr;
    decltype(&::curl_multi_poll) multi_poll = nullptr;
    decltype(&::curl_multi_wakeup) multi_wakeup = nullptr;
    decltype(&::curl_multi_cleanup) multi_cleanup = nullptr;

    /// `easy_setopt` for exactly the three kinds of values that it takes through its ellipsis.
    template <typename Value>
    requires std::is_same_v<Value, long> || std::is_same_v<Value, curl_off_t> ||
        std::is_pointer_v<Value>
            CURLcode set(CURL* easy, CURLoption option, Value value)
    const { return easy_setopt(easy, option, value); }
};

/// Loads and initialises libcurl, once for the process: tens of milliseconds on a slow card. Any
/// thread; who comes meanwhile waits. `bad_input` names what is missing and the package; it is
/// tried again at the next call.
[[nodiscard]] Result<void> load_curl();

/// The functions of the library `file`, which stays loaded; for `load_curl` and its test.
[[nodiscard]] Result<CurlLibrary> find_curl(const char* file);

/// After `load_curl` succeeded; it stays loaded.
[[nodiscard]] const CurlLibrary& curl();

}  // namespace gerbang
