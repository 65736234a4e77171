#include <sysexits.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <utility>

#include "daemon/host/entropy.hpp"
#include "daemon/host/lock_file.hpp"
#include "daemon/host/signals.hpp"
#include "daemon/host/system_clock.hpp"
#include "daemon/host/worker.hpp"
#include "daemon/net/curl_uplink.hpp"
#include "daemon/province/commands.hpp"
#include "daemon/province/pull_round.hpp"
#include "daemon/province/sites_json.hpp"

namespace gerbang::province {
namespace {

int complain(Language language, const char* indonesian, const char* english,
             const std::string& detail, int code) {
    std::fprintf(stderr, "gerbang-province: %s: %s\n",
                 language == Language::english ? english : indonesian, detail.c_str());
    return code;
}

/// What to do about it.
const char* hint_for(Errc code, Language language) {
    const bool is_english = language == Language::english;
    switch (code) {
        case Errc::not_authorised:
            return is_english ? "check token and certificates" : "periksa token dan sertifikat";
        case Errc::unreachable:
        case Errc::overloaded:
            return is_english ? "tried again in the next round"
                              : "dicoba lagi pada putaran berikut";
        case Errc::diverged:
            return is_english ? "the gateway goes on in a new epoch by itself"
                              : "gateway melanjutkan sendiri dalam epoch baru";
        case Errc::bad_input:
            return is_english ? "check URL and site" : "periksa URL dan situs";
        default:
            return is_english ? "check the store and its disk" : "periksa penyimpanan dan disknya";
    }
}

void print_progress(const std::vector<SiteVisit>& visits, Language language) {
    std::size_t over = 0;
    std::size_t failed = 0;
    PullProgress sum;
    for (const auto& visit : visits) {
        over += visit.is_over ? 1u : 0u;
        failed += visit.error ? 1u : 0u;
        sum.records += visit.progress.records;
        sum.bytes += visit.progress.bytes;
    }
    std::fprintf(stderr,
                 language == Language::english
                     ? "%zu/%zu visited, %zu failed; %llu records, %s\n"
                     : "%zu/%zu dikunjungi, %zu gagal; %llu catatan, %s\n",
                 over, visits.size(), failed, static_cast<unsigned long long>(sum.records),
                 human_bytes(sum.bytes, language).c_str());
}

/// One line a gateway that could not be finished, or whose records were refused. True when every
/// gateway was finished.
bool print_failures(const std::vector<SiteVisit>& visits, Language language) {
    bool is_complete = true;
    for (const auto& visit : visits) {
        if (visit.progress.refused > 0) {
            std::printf("%s\t%s\t%llu\n", visit.site.c_str(), "refused_records",
                        static_cast<unsigned long long>(visit.progress.refused));
        }
        if (!visit.error || visit.error->code == Errc::stopped) {
            is_complete = is_complete && visit.progress.is_done;
            continue;
        }
        is_complete = false;
        std::printf("%s\t%s\t%s (%s)\n", visit.site.c_str(), to_string(visit.error->code),
                    visit.error->detail.c_str(), hint_for(visit.error->code, language));
    }
    std::fflush(stdout);
    return is_complete;
}

/// The store of this process or the receiver that has it.
struct Destination {
    std::optional<LockFile> lock;
    std::unique_ptr<Store> store;
    std::unique_ptr<PullSink> sink;
};

Result<void> open_destination(const std::string& path, Worker& worker, Clock& clock,
                              Destination& into) {
    std::error_code ignored;
    const auto folder = std::filesystem::path{path}.parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
    auto lock = LockFile::take(path + ".lock");
    if (!lock) {
        if (lock.error().code != Errc::overloaded) return lock.error();
        into.sink = receiver_sink(path + ".sock", worker.executor(), clock);
        return ok();
    }
    auto store = Store::open({.path = path, .vfs = {}, .new_id = {SystemEntropy{}.uuid()}});
    if (!store) return store.error();
    into.lock = std::move(*lock);
    into.store = std::move(*store);
    into.sink = store_sink(*into.store, worker.executor(), clock);
    return ok();
}

net::awaitable<void> stop_on_signal(Signals& signals, Clock& clock, CurlThread& curl) {
    for (bool running = true; running;) {
        const auto signal = co_await signals.next();
        running = signal && *signal != Signal::stop;
    }
    clock.stop();
    curl.stop();
}

net::awaitable<bool> rounds(const std::vector<Gateway>& gateways, const PullOptions& options,
                            CurlThread& curl, PullSink& sink, Clock& clock, Language language) {
    const OpenUplink open = [&curl](const UplinkTarget& target) {
        return open_uplink(curl, target);
    };
    const auto report = [language](const std::vector<SiteVisit>& visits) {
        print_progress(visits, language);
    };
    for (;;) {
        const auto began = clock.now();
        const auto visits =
            co_await pull_all(gateways, open, sink, clock, options.parallel, report);
        const bool is_complete = print_failures(visits, language);
        if (options.every_s == 0 || clock.is_stopped()) co_return is_complete;
        const bool running = co_await clock.sleep_until(began + Seconds{options.every_s});
        if (!running) co_return is_complete;
    }
}

}  // namespace

int run_pull(const PullOptions& options, Language language) {
    if (options.parallel < 1 || options.parallel > 64 ||
        (options.every_s != 0 && options.every_s < 10)) {
        return complain(language, "pilihan salah", "bad option",
                        "--parallel 1..64, --every 0 | 10..", EX_USAGE);
    }
    const auto gateways = load_inventory(options.gateways);
    if (!gateways) {
        return complain(language, "daftar gateway tidak dapat dipakai",
                        "the list of gateways cannot be used", gateways.error().detail, EX_CONFIG);
    }
    net::io_context loop{1};
    SystemClock clock;
    Worker worker{"store"};
    Destination destination;
    const auto opened = open_destination(options.store, worker, clock, destination);
    if (!opened) {
        return complain(language, "penyimpanan tidak dapat dibuka", "cannot open the store",
                        opened.error().detail, EX_IOERR);
    }
    CurlThread curl;
    Signals signals{loop.get_executor()};
    net::co_spawn(loop, stop_on_signal(signals, clock, curl), [](std::exception_ptr failure) {
        if (failure) std::rethrow_exception(failure);
    });
    bool is_complete = false;
    net::co_spawn(loop, rounds(*gateways, options, curl, *destination.sink, clock, language),
                  [&](std::exception_ptr failure, bool result) {
                      if (failure) std::rethrow_exception(failure);
                      is_complete = result;
                      signals.stop();
                  });
    loop.run();
    worker.join();
    return is_complete ? EX_OK : EX_TEMPFAIL;
}

}  // namespace gerbang::province
