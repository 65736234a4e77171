#include "daemon/province/commands.hpp"

#include <sysexits.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "daemon/host/entropy.hpp"
#include "daemon/host/lock_file.hpp"
#include "daemon/host/system_clock.hpp"
#include "daemon/net/local_http.hpp"
#include "daemon/province/sites_json.hpp"
#include "daemon/province/sqlite.hpp"
#include "daemon/province/store.hpp"
#include "daemon/province/tokens.hpp"

namespace gerbang::province {
namespace {

constexpr Millis kListTimeout{30'000};
constexpr Millis kCopyTimeout{3'600'000};
constexpr int kCopyPages = 4096;

int complain(Language language, const char* indonesian, const char* english,
             const std::string& detail, int code) {
    std::fprintf(stderr, "gerbang-province: %s: %s\n",
                 language == Language::english ? english : indonesian, detail.c_str());
    return code;
}

/// A store that no receiver uses, locked for as long as this lives.
struct OwnStore {
    LockFile lock;
    std::unique_ptr<Store> store;
};

Result<OwnStore> open_own(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        return Error{Errc::not_found, path + ": no such store"};
    }
    auto lock = LockFile::take(path + ".lock");
    if (!lock) return lock.error();
    auto store = Store::open({.path = path, .vfs = {}, .new_id = {SystemEntropy{}.uuid()}});
    if (!store) return store.error();
    return OwnStore{*std::move(lock), *std::move(store)};
}

int exit_code_of(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return EX_NOINPUT;
        case Errc::overloaded:
        case Errc::unreachable:
            return EX_TEMPFAIL;
        case Errc::bad_input:
            return EX_DATAERR;
        default:
            return EX_IOERR;
    }
}

/// Asks the running receiver over its UNIX socket; the body of a 200 answer. `unreachable`: there
/// is no receiver.
Result<std::string> ask_receiver(const std::string& store, const std::string& method,
                                 const std::string& target, Millis timeout) {
    auto answer = local_request(method, store + ".sock", target, timeout);
    if (!answer) {
        const bool is_absent =
            answer.error().code == Errc::not_found || answer.error().code == Errc::unreachable;
        return Error{is_absent ? Errc::unreachable : answer.error().code, answer.error().detail};
    }
    if (answer->status == 200) return std::move(answer->body);
    return Error{Errc::refused,
                 answer->what() + ": HTTP " + std::to_string(answer->status) + ": " + answer->body};
}

std::string percent_encoded(const std::string& text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c >= '0' && c <= '9') || c == '/' || c == '.' || c == '-' ||
                              c == '_';
        if (is_plain) {
            encoded.push_back(c);
        } else {
            encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return encoded;
}

Result<std::vector<SiteSummary>> read_sites(const std::string& path) {
    // The receiver is asked first: the store has one user at a time.
    auto answer = ask_receiver(path, "GET", "/v1/sites", kListTimeout);
    if (answer) return sites_from_json(*answer);
    if (answer.error().code != Errc::unreachable) return answer.error();
    auto own = open_own(path);
    if (!own) return own.error();
    return own->store->list();
}

Result<void> copy_own(const std::string& path, const std::string& target) {
    auto own = open_own(path);
    if (!own) return own.error();
    auto copy = own->store->begin_copy(target);
    if (!copy) return copy.error();
    for (;;) {
        const auto done = (*copy)->step(kCopyPages);
        if (!done) return done.error();
        if (*done) return ok();
    }
}

}  // namespace

int run_list(const std::string& store, bool as_json, Language language) {
    const auto sites = read_sites(store);
    if (!sites) {
        return complain(language, "daftar situs tidak dapat dibaca",
                        "cannot read the list of sites", sites.error().detail,
                        exit_code_of(sites.error()));
    }
    const SystemClock clock;
    const auto text =
        as_json ? to_json(*sites) + "\n" : to_table(*sites, clock.wall().wall, language);
    std::fputs(text.c_str(), stdout);
    return std::fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

int run_copy(const std::string& store, const std::string& target, Language language) {
    const auto absolute = std::filesystem::absolute(target).string();
    std::error_code ignored;
    if (std::filesystem::exists(absolute, ignored)) {
        return complain(language, "berkas ini sudah ada; hapus dahulu, atau pilih nama lain",
                        "this file exists; remove it, or choose another name", absolute,
                        EX_CANTCREAT);
    }
    const auto answer =
        ask_receiver(store, "POST", "/v1/copy?to=" + percent_encoded(absolute), kCopyTimeout);
    auto copied = answer ? ok() : Result<void>{answer.error()};
    if (!answer && answer.error().code == Errc::unreachable) copied = copy_own(store, absolute);
    if (!copied) {
        return complain(language, "salinan tidak dapat dibuat", "cannot make the copy",
                        copied.error().detail, exit_code_of(copied.error()));
    }
    std::printf(language == Language::english ? "Copy written: %s\n" : "Salinan ditulis: %s\n",
                absolute.c_str());
    return EX_OK;
}

int run_token(const std::string& tokens_file, const std::string& site, bool is_quiet,
              Language language) {
    SystemEntropy entropy;
    const auto token = add_token(tokens_file, site, entropy);
    if (!token) {
        return complain(language, "token tidak dapat dibuat", "cannot make a token",
                        token.error().detail, exit_code_of(token.error()));
    }
    std::printf("%s\n", token->c_str());
    if (is_quiet) return EX_OK;
    std::fprintf(stderr,
                 language == Language::english
                     ? "Put this token into the gateway's token_file. It is shown only once; %s "
                       "holds nothing but its hash.\n"
                     : "Salin token ini ke token_file di gateway. Token hanya ditampilkan satu "
                       "kali; %s hanya menyimpan hash-nya.\n",
                 tokens_file.c_str());
    return EX_OK;
}

int run_restored(const std::string& store, Language language) {
    auto own = open_own(store);
    if (!own) {
        return complain(language, "penyimpanan tidak dapat dibuka (hentikan receiver dahulu)",
                        "cannot open the store (stop the receiver first)", own.error().detail,
                        exit_code_of(own.error()));
    }
    const auto generation = own->store->mark_restored(SystemClock{}.wall().wall);
    if (!generation) {
        return complain(language, "generasi tidak dapat dinaikkan", "cannot raise the generation",
                        generation.error().detail, exit_code_of(generation.error()));
    }
    std::printf(language == Language::english
                    ? "Generation is now %llu: every gateway sends again what this store lacks.\n"
                    : "Generasi sekarang %llu: setiap gateway mengirim ulang yang belum ada di "
                      "sini.\n",
                static_cast<unsigned long long>(*generation));
    return EX_OK;
}

}  // namespace gerbang::province
