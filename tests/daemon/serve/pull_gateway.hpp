#pragma once

// The pull API behind a real server on loopback, with the local API of a `Desk` beneath it.

#include <boost/asio/post.hpp>
#include <future>
#include <stdexcept>

#include "common/wire/codec.hpp"
#include "daemon/serve/pull_api.hpp"
#include "tests/daemon/serve/desk.hpp"
#include "tests/daemon/serve/served.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/sample_site.hpp"

namespace gerbang {

class PullGateway {
public:
    static constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

    explicit PullGateway(Desk& desk, ServerLimits limits = pull_limits(),
                         Listen listen = loopback())
        : desk_{desk} {
        site_.minutes(2);
        auto local = desk.api();
        Handler under = [this, local](ServerRequest request) {
            if (throws_ && request.path == "/v1/status") throw std::runtime_error{"boom"};
            return local(std::move(request));
        };
        auto api = std::make_shared<PullApi>(
            clock_, std::vector<Puller>{{"pusat", kToken, "puller.example"}}, sources(),
            std::move(under));
        auto started = start_server(
            io_.get_executor(), listen, limits,
            [api](ServerRequest request) { return api->answer(std::move(request)); },
            [api](const ServerRequest& head) { return api->check_head(head); });
        if (!started) throw std::runtime_error{started.error().detail};
        server_ = std::move(*started);
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~PullGateway() {
        net::post(io_, [this] { server_->stop(); });
        io_.stop();
        thread_.join();
    }
    PullGateway(const PullGateway&) = delete;
    PullGateway& operator=(const PullGateway&) = delete;

    struct Answer {
        int status = 0;
        std::string type;
        std::string head;
        std::string body;
    };

    /// On a connection of its own. `fields` are whole header lines; a Content-Length is added
    /// unless they have one.
    [[nodiscard]] Answer send(const std::string& method, const std::string& target,
                              const std::string& fields, const std::string& body) const {
        RawClient client{server_->port()};
        auto request = method + " " + target + " HTTP/1.1\r\nConnection: close\r\n" + fields;
        if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        (void)client.write(request + "\r\n" + body);
        client.shut_write();
        const auto text = client.read_to_end();
        const auto end = text.find("\r\n\r\n");
        if (end == std::string::npos) return {};
        Answer answer;
        answer.head = text.substr(0, end + 2);
        answer.body = text.substr(end + 4);
        answer.status = std::stoi(answer.head.substr(9, 3));
        const std::string mark = "\r\nContent-Type: ";
        if (const auto at = answer.head.find(mark); at != std::string::npos) {
            const auto begin = at + mark.size();
            answer.type = answer.head.substr(begin, answer.head.find('\r', begin) - begin);
        }
        return answer;
    }
    [[nodiscard]] Answer get(const std::string& target) const {
        return send("GET", target, credential(), "");
    }
    [[nodiscard]] std::string credential() const {
        return std::string{"Authorization: Bearer "} + kToken + "\r\n";
    }
    [[nodiscard]] std::string epoch() const { return to_string(site_.epoch()); }
    [[nodiscard]] std::uint16_t port() const { return server_->port(); }
    [[nodiscard]] std::string receipt() const {
        Receipt receipt;
        receipt.site = site_.site();
        receipt.store = *parse_id<StoreId>("11112222-4455-6677-8899-aabbccddeeff");
        receipt.epoch = site_.epoch();
        return wire::encode_receipt(receipt);
    }
    /// Whatever is asked from now on fails so; nothing: it works again.
    void fail(std::optional<Error> error) {
        on_loop([&] {
            desk_.failure = error;
            failure_ = error;
        });
    }
    void throw_from_status() {
        on_loop([&] { throws_ = true; });
    }
    /// Runs `work` on the server's thread.
    template <class Work>
    void on_loop(Work work) {
        std::promise<void> done;
        net::post(io_, [&] {
            work();
            done.set_value();
        });
        done.get_future().wait();
    }

private:
    PullSources sources() {
        PullSources sources;
        sources.records = [this](EpochId, Seq after,
                                 std::uint64_t) -> net::awaitable<Result<PulledRecords>> {
            if (failure_) co_return *failure_;
            PulledRecords found;
            found.site = site_.site();
            found.before = site_.head(after);
            found.records = site_.records({after.next(), site_.last()});
            co_return found;
        };
        sources.epochs = [this]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
            if (failure_) co_return *failure_;
            co_return std::vector<web::EpochRow>{{site_.epoch(), site_.last(), true}};
        };
        sources.receipt = [this](std::string, Receipt, Seq) -> net::awaitable<Result<void>> {
            if (failure_) co_return *failure_;
            co_return ok();
        };
        sources.series = [] { return std::vector<Series>{}; };
        return sources;
    }

    Desk& desk_;
    ManualClock clock_;
    SampleSite site_{"6403-berau-001"};
    std::optional<Error> failure_;
    bool throws_ = false;
    net::io_context io_;
    std::unique_ptr<HttpServer> server_;
    std::thread thread_;
};

}  // namespace gerbang
