#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/host/async.hpp"
#include "daemon/host/clock.hpp"
#include "daemon/province/retry_slots.hpp"
#include "daemon/province/store.hpp"
#include "daemon/province/tokens.hpp"
#include "daemon/serve/http.hpp"

namespace gerbang::province {

/// How a sender proves which site it is.
struct ReceiverOptions {
    std::string tokens_file;            ///< empty: no tokens
    bool accepts_certificates = false;  ///< the common name of a client certificate is the site id
    bool trusts_network = false;        ///< neither: the body's site id is believed
};

/// The HTTP side of the province: `POST /v1/batches`, `GET /healthz`, and on the UNIX socket
/// `GET /v1/sites` and `POST /v1/copy?to=PATH` (a new file), and for `gerbang-province pull`
/// `POST /v1/batches` of any site and `GET /v1/receipts?site=SITE&epoch=UUID` (404: nothing held).
///
/// The credential names the site and wins over the body: a batch of another site is 403. Work on
/// the store runs on `worker` in order of arrival; at most `kMaxPending` requests (and
/// `kMaxPendingPerSite` of one site) wait for it, more are answered 503 (429) with Retry-After,
/// each 503 with a place of its own in time (`RetrySlots`), so that a herd comes back spread. Loop
/// thread only; `clock`, `store` and `worker` must outlive every call.
class Receiver {
public:
    static constexpr std::size_t kMaxPending = 64;
    static constexpr std::size_t kMaxPendingPerSite = 4;
    static constexpr std::size_t kMaxBodyBytes = 1u << 20;

    Receiver(Clock& clock, Store& store, net::any_io_executor worker, ReceiverOptions options);

    /// Reads the tokens file; call once before `handle`. Without a tokens file: success.
    [[nodiscard]] Result<void> load_tokens();
    /// SIGHUP: reads it again; the present tokens stay in force when it is wrong.
    void reload_tokens();
    [[nodiscard]] net::awaitable<ServerResponse> handle(ServerRequest request);
    /// The gate before `handle`: a batch without a credential is refused before its body is read.
    [[nodiscard]] std::optional<ServerResponse> check_head(const ServerRequest& head);
    /// Work that has not begun is dropped from now on and answered 503.
    void stop() noexcept;

private:
    class Pending;
    [[nodiscard]] ServerResponse answer(int status, const std::string& title,
                                        const std::string& detail) const;
    [[nodiscard]] ServerResponse refuse(int status, const std::string& title,
                                        const std::string& detail, const std::string& site);
    [[nodiscard]] ServerResponse health() const;
    [[nodiscard]] Result<std::optional<std::string>> authenticate(const ServerRequest& request);
    [[nodiscard]] net::awaitable<ServerResponse> take_batch(ServerRequest request);
    [[nodiscard]] net::awaitable<ServerResponse> handle_local(ServerRequest request);
    [[nodiscard]] net::awaitable<ServerResponse> tell_receipt(ServerRequest request);
    [[nodiscard]] net::awaitable<ServerResponse> list_sites();
    [[nodiscard]] net::awaitable<ServerResponse> copy_store(std::string path);
    [[nodiscard]] ServerResponse to_response(const wire::Batch& batch, const Error& error,
                                             const std::optional<Receipt>& held);

    Clock& clock_;
    Store& store_;
    net::any_io_executor worker_;
    ReceiverOptions options_;
    std::optional<TokenBook> tokens_;
    Monotonic tokens_checked_;
    RetrySlots slots_;
    std::size_t pending_ = 0;
    std::map<std::string, std::size_t> pending_of_site_;
    bool is_copying_ = false;
    std::string storage_trouble_;  ///< the last storage error; empty after a success
    Monotonic refusals_since_;
    std::uint64_t refusals_ = 0;
    struct StopFlag;
    std::shared_ptr<StopFlag> stop_;
};

}  // namespace gerbang::province
