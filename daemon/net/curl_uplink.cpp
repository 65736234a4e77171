#include "daemon/net/curl_uplink.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "common/core/check.hpp"
#include "daemon/net/curl_library.hpp"
#include "daemon/net/curl_target.hpp"
#include "daemon/net/curl_tls.hpp"
#include "daemon/net/http_reply.hpp"

namespace gerbang {
namespace {

constexpr std::size_t kMaxBodyBytes = 1u << 20;
constexpr std::size_t kMaxTransfers = 32;  ///< under way and queued, of all targets
constexpr long kConnectTimeoutMs = 15'000;
/// Sent and not acknowledged for so long: it is dead. Four retransmissions at a satellite's 600 ms.
constexpr int kUserTimeoutMs = 5'000;
/// Bodies below this size leave with the request's headers.
constexpr curl_off_t kWithHeaders = 64 << 10;
constexpr long kLowSpeedBytes = 16;  ///< per second, over `kLowSpeedSeconds`
constexpr long kLowSpeedSeconds = 30;
/// A connection idle for longer is opened anew (libcurl's own 118 s are just less than the
/// interval of the fresh lane).
constexpr long kMaxIdleSeconds = 280;

Error stopped() {
    return {Errc::stopped, "the uplink is stopped"};
}

/// One exchange. Made on the loop thread, used by the curl thread only, completed once.
struct Transfer {
    using Done = std::function<void(Result<HttpAnswer>)>;

    Transfer(std::shared_ptr<CurlTarget> to, UplinkRequest what, Done then)
        : target{std::move(to)}, request{std::move(what)}, done{std::move(then)} {
        answer.request = request.method + " " + target->target.url + request.path;
        if (target->is_https && target->target.verify_at) {
            verification = {target.get(), target->target.verify_at()};
        }
    }
    ~Transfer() {
        if (easy != nullptr) curl().easy_cleanup(easy);
        curl().slist_free_all(headers);
    }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    [[nodiscard]] Result<void> prepare();
    [[nodiscard]] Result<HttpAnswer> conclude(CURLcode code);
    /// Bytes of the bodies so far. After a connection that died at once libcurl begins a body anew.
    void count(std::uint64_t up, std::uint64_t down) {
        if (up > counted_up) target->sent_bytes += up - std::exchange(counted_up, up);
        if (down > counted_down) {
            target->received_bytes += down - std::exchange(counted_down, down);
        }
    }
    void add_header(const std::string& line) {
        auto* longer = curl().slist_append(headers, line.c_str());
        GERBANG_CHECK(longer != nullptr);
        headers = longer;
    }

    std::shared_ptr<CurlTarget> target;
    Verification verification;
    UplinkRequest request;
    Done done;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    HttpAnswer answer;
    ReplyHeaders reply;
    std::string refusal;  ///< why a callback gave up
    // Of the bodies, counted into the target while they are under way.
    std::uint64_t counted_up = 0;
    std::uint64_t counted_down = 0;
    std::array<char, CURL_ERROR_SIZE> text{};
};

std::size_t take_body(char* data, std::size_t, std::size_t bytes, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    if (transfer.answer.body.size() + bytes > kMaxBodyBytes) {
        transfer.refusal = "the answer is larger than 1 MiB";
        return 0;
    }
    transfer.answer.body.append(data, bytes);
    return bytes;
}

std::size_t take_header(char* data, std::size_t, std::size_t bytes, void* context) {
    auto& transfer = *static_cast<Transfer*>(context);
    if (!transfer.reply.add_line({data, bytes})) {
        transfer.refusal = "the answer's header is larger than 32 KiB";
        return 0;
    }
    return bytes;
}

int count_progress(void* context, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
    static_cast<Transfer*>(context)->count(static_cast<std::uint64_t>(up),
                                           static_cast<std::uint64_t>(down));
    return 0;
}

int tune_socket(void*, curl_socket_t socket, curlsocktype) {
    // Best effort: without it the hard limit alone ends a dead exchange.
    (void)::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs,
                       sizeof kUserTimeoutMs);
    return CURL_SOCKOPT_OK;
}

CURLcode before_handshake(CURL*, void* context, void* verification) {
    prepare_handshake(context, *static_cast<const Verification*>(verification));
    return CURLE_OK;
}

Result<void> Transfer::prepare() {
    const auto& to = target->target;
    if (!to.token_file.empty()) {
        const auto token = target->token.token();
        if (!token) return token.error();
        add_header("Authorization: Bearer " + *token);
    }
    easy = curl().easy_init();
    if (easy == nullptr) return Error{Errc::unreachable, answer.request + ": out of memory"};
    CURLcode worst = CURLE_OK;
    const auto set = [&](CURLoption option, auto value) {
        const auto code = curl().set(easy, option, value);
        if (code != CURLE_OK) worst = code;
    };
    const std::string url = to.url + request.path;
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, target->is_https ? "https" : "http");
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_NOSIGNAL, 1L);
    // A resolver that hangs must not hold this thread when the time is up.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_ERRORBUFFER, text.data());
    set(CURLOPT_PRIVATE, static_cast<void*>(this));

    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &count_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(this));
    if (request.max_bytes_s != 0) {
        set(CURLOPT_MAX_SEND_SPEED_LARGE, static_cast<curl_off_t>(request.max_bytes_s));
    }

    const auto timeout =
        static_cast<long>(std::clamp<std::int64_t>(request.timeout.count(), 1, 3'600'000));
    set(CURLOPT_TIMEOUT_MS, timeout);
    set(CURLOPT_CONNECTTIMEOUT_MS, std::min(timeout, kConnectTimeoutMs));
    set(CURLOPT_LOW_SPEED_LIMIT, kLowSpeedBytes);
    set(CURLOPT_LOW_SPEED_TIME, kLowSpeedSeconds);
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_TCP_KEEPIDLE, 130L);
    set(CURLOPT_TCP_KEEPINTVL, 15L);
    set(CURLOPT_SOCKOPTFUNCTION, &tune_socket);
    const auto& device = request.interface.empty() ? to.interface : request.interface;
    if (!device.empty()) set(CURLOPT_INTERFACE, ("if!" + device).c_str());

    if (target->is_https) {
        set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
        set(CURLOPT_SSL_VERIFYPEER, to.is_anonymous ? 0L : 1L);
        set(CURLOPT_SSL_VERIFYHOST, to.is_anonymous ? 0L : 2L);
        set(CURLOPT_CAINFO, to.is_anonymous ? nullptr : to.ca_file.c_str());
        set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
        if (!to.cert_file.empty()) {
            set(CURLOPT_SSLCERT, to.cert_file.c_str());
            set(CURLOPT_SSLKEY, to.key_file.c_str());
        }
        if (target->share != nullptr) set(CURLOPT_SHARE, target->share);
        if (verification.target != nullptr) {
            set(CURLOPT_SSL_CTX_FUNCTION, &before_handshake);
            set(CURLOPT_SSL_CTX_DATA, static_cast<void*>(&verification));
        }
    }

    if (request.method == "POST") {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_POSTFIELDS, request.body.data());
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        add_header("Content-Type: " + request.content_type);
        add_header("Expect:");
    }
    for (const auto& line : request.headers) add_header(line);
    add_header("Accept:");
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_HEADERFUNCTION, &take_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    set(CURLOPT_WRITEFUNCTION, &take_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    if (worst != CURLE_OK) {
        return Error{Errc::unreachable, answer.request + ": libcurl lacks what is needed: " +
                                            curl().easy_strerror(worst)};
    }
    return ok();
}

Result<HttpAnswer> Transfer::conclude(CURLcode code) {
    long status = 0;
    long request_bytes = 0;
    long header_bytes = 0;
    curl_off_t uploaded = 0;
    curl_off_t downloaded = 0;
    curl().easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl().easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    curl().easy_getinfo(easy, CURLINFO_HEADER_SIZE, &header_bytes);
    curl().easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    curl().easy_getinfo(easy, CURLINFO_SIZE_DOWNLOAD_T, &downloaded);
    // What of a body goes out together with the headers libcurl counts in both (below 64 KiB all of
    // it, but for a rate).
    if (uploaded < kWithHeaders && request_bytes > uploaded) request_bytes -= uploaded;
    answer.sent_bytes = static_cast<std::uint64_t>(request_bytes + uploaded);
    answer.received_bytes = static_cast<std::uint64_t>(header_bytes + downloaded);
    count(static_cast<std::uint64_t>(uploaded), static_cast<std::uint64_t>(downloaded));
    target->sent_bytes += answer.sent_bytes - std::min(answer.sent_bytes, counted_up);
    target->received_bytes += answer.received_bytes - std::min(answer.received_bytes, counted_down);
    if (!refusal.empty()) return Error{Errc::unreachable, answer.request + ": " + refusal};
    if (code != CURLE_OK) return uplink_error(code, answer.request, text.data(), target->target);
    answer.status = static_cast<int>(status);
    answer.date = reply.date();
    answer.retry_after = reply.retry_after();
    answer.is_authenticated = target->is_https;
    return std::move(answer);
}

}  // namespace

/// The thread and its queue. Kept alive by the uplinks too, so that a late `send` finds it stopped.
struct CurlThread::Impl {
    Impl() = default;
    ~Impl();
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    /// Starts the thread unless it runs. With `mutex` held.
    void begin();
    void add(std::unique_ptr<Transfer> transfer);
    void stop();
    void run();
    void admit();
    void collect();

    std::mutex mutex;
    std::deque<std::unique_ptr<Transfer>> queue;  ///< guarded by `mutex`
    std::size_t count = 0;                        ///< queued and under way; guarded by `mutex`
    bool is_stopping = false;                     ///< guarded by `mutex`
    bool is_running = false;                      ///< guarded by `mutex`
    /// Null until libcurl is loaded. Curl thread; to make, wake and end it: guarded by `mutex`.
    CURLM* multi = nullptr;
    std::vector<std::unique_ptr<Transfer>> under_way;  ///< curl thread
    std::thread thread;
};

void CurlThread::Impl::begin() {
    if (is_running || is_stopping) return;
    if (thread.joinable()) thread.join();  // it ended for want of libcurl, and holds no lock
    is_running = true;
    // Signals belong to the loop thread; SIGPIPE, which a dead connection raises in the thread that
    // writes, stays blocked here and in libcurl's resolver threads, which inherit the mask.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    GERBANG_CHECK(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    thread = std::thread{[this] { run(); }};
    GERBANG_CHECK(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

CurlThread::Impl::~Impl() {
    stop();
}

void CurlThread::Impl::add(std::unique_ptr<Transfer> transfer) {
    const char* refusal = nullptr;
    {
        const std::lock_guard lock{mutex};
        if (is_stopping) {
            refusal = "stopped";
        } else if (count >= kMaxTransfers) {
            refusal = "busy";
        } else {
            ++count;
            queue.push_back(std::move(transfer));
            begin();
            if (multi != nullptr) curl().multi_wakeup(multi);
        }
    }
    if (refusal == nullptr) return;
    if (*refusal == 's') {
        transfer->done(stopped());
    } else {
        transfer->done(Error{Errc::unreachable,
                             transfer->answer.request + ": too many requests are under way"});
    }
}

void CurlThread::Impl::stop() {
    {
        const std::lock_guard lock{mutex};
        is_stopping = true;
        if (multi != nullptr) curl().multi_wakeup(multi);
    }
    if (thread.joinable()) thread.join();
}

void CurlThread::Impl::admit() {
    std::deque<std::unique_ptr<Transfer>> fresh;
    {
        const std::lock_guard lock{mutex};
        fresh.swap(queue);
    }
    for (auto& transfer : fresh) {
        const auto ready = transfer->prepare();
        if (ready && curl().multi_add_handle(multi, transfer->easy) == CURLM_OK) {
            under_way.push_back(std::move(transfer));
            continue;
        }
        {
            const std::lock_guard lock{mutex};
            --count;
        }
        transfer->done(
            ready ? Error{Errc::unreachable, transfer->answer.request + ": libcurl takes no more"}
                  : ready.error());
    }
}

void CurlThread::Impl::collect() {
    int left = 0;
    while (const CURLMsg* message = curl().multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL* const easy = message->easy_handle;
        const CURLcode code = message->data.result;
        curl().multi_remove_handle(multi, easy);
        const auto found = std::find_if(under_way.begin(), under_way.end(),
                                        [&](const auto& other) { return other->easy == easy; });
        GERBANG_CHECK(found != under_way.end());
        const auto transfer = std::move(*found);
        under_way.erase(found);
        {
            const std::lock_guard lock{mutex};
            --count;
        }
        transfer->done(transfer->conclude(code));
    }
}

void CurlThread::Impl::run() {
    if (const auto loaded = load_curl(); !loaded) {
        std::deque<std::unique_ptr<Transfer>> rest;
        const std::lock_guard lock{mutex};
        rest.swap(queue);
        count -= rest.size();
        for (const auto& transfer : rest) transfer->done(loaded.error());
        is_running = false;
        return;
    }
    {
        const std::lock_guard lock{mutex};
        multi = curl().multi_init();
        GERBANG_CHECK(multi != nullptr);
        curl().multi_setopt(multi, CURLMOPT_MAXCONNECTS, 8L);
    }
    const auto goes_on = [&] {
        const std::lock_guard lock{mutex};
        return !is_stopping;
    };
    while (goes_on()) {
        admit();
        int running = 0;
        curl().multi_perform(multi, &running);
        collect();
        // Wakes for libcurl's own timers and for `curl_multi_wakeup`; idle, it sleeps an hour.
        curl().multi_poll(multi, nullptr, 0, 3'600'000, nullptr);
    }
    for (const auto& transfer : under_way) {
        curl().multi_remove_handle(multi, transfer->easy);
        transfer->done(stopped());
    }
    under_way.clear();
    std::deque<std::unique_ptr<Transfer>> rest;
    {
        const std::lock_guard lock{mutex};
        rest.swap(queue);
        // Here, not in the destructor: closing writes to connections, and only this thread is
        // safe from SIGPIPE.
        curl().multi_cleanup(multi);
        multi = nullptr;
    }
    for (const auto& transfer : rest) transfer->done(stopped());
}

CurlThread::CurlThread() : impl_{std::make_shared<Impl>()} {}

CurlThread::~CurlThread() {
    stop();
}

void CurlThread::stop() {
    impl_->stop();
}

void CurlThread::prepare() {
    const std::lock_guard lock{impl_->mutex};
    impl_->begin();
}

namespace {

class CurlUplink final : public Uplink {
public:
    CurlUplink(std::shared_ptr<CurlThread::Impl> thread, std::shared_ptr<CurlTarget> target)
        : thread_{std::move(thread)}, target_{std::move(target)} {}

    net::awaitable<Result<HttpAnswer>> send(UplinkRequest request) override {
        // Nothing below touches `this` once the exchange has begun.
        auto start = [thread = thread_, target = target_,
                      request = std::move(request)](auto done) mutable {
            auto home = net::make_work_guard(net::get_associated_executor(done));
            auto shared = std::make_shared<decltype(done)>(std::move(done));
            Transfer::Done complete = [shared = std::move(shared),
                                       home = std::move(home)](Result<HttpAnswer> result) mutable {
                const auto executor = home.get_executor();
                net::post(executor, [shared = std::move(shared), home = std::move(home),
                                     result = std::move(result)]() mutable {
                    auto last = std::move(*shared);
                    std::move(last)(std::move(result));
                });
            };
            thread->add(std::make_unique<Transfer>(std::move(target), std::move(request),
                                                   std::move(complete)));
        };
        auto result =
            co_await net::async_initiate<const net::use_awaitable_t<>, void(Result<HttpAnswer>)>(
                std::move(start), net::use_awaitable);
        co_return result;
    }

    UplinkTraffic traffic() const override {
        return {target_->sent_bytes.load(), target_->received_bytes.load()};
    }

    std::string remark() const override {
        if (!target_->is_early.load()) return {};
        return "the server's certificate is not yet valid by this gateway's clock; it was "
               "accepted, "
               "as name and authority are right: check the clock of both";
    }

private:
    std::shared_ptr<CurlThread::Impl> thread_;
    std::shared_ptr<CurlTarget> target_;
};

}  // namespace

Result<std::unique_ptr<Uplink>> open_uplink(CurlThread& thread, const UplinkTarget& target) {
    if (const auto loaded = load_curl(); !loaded) return loaded.error();
    const auto checked = check_target(target);
    if (!checked) return checked.error();
    if (target.verify_at) {
        const auto usable = check_tls_library();
        if (!usable) return usable.error();
    }
    auto shared = std::make_shared<CurlTarget>(target);
    return std::unique_ptr<Uplink>{std::make_unique<CurlUplink>(thread.impl_, std::move(shared))};
}

}  // namespace gerbang
