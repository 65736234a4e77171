// needs: serve
// What a stranger and a puller may ask of the pull API: the first byte says who and what, the next
// line is the path and query, the rest the body. Nobody without a credential gets anything, every
// refusal is a problem, and no answer is larger than what was asked for allows.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"
#include "daemon/host/log.hpp"
#include "daemon/serve/pull_api.hpp"
#include "daemon/serve/target.hpp"

namespace {

using namespace gerbang;

constexpr const char* kToken = "0123456789abcdef";
const EpochId kEpoch = *parse_id<EpochId>("00112233-4455-6677-8899-aabbccddeeff");

struct StillClock final : Clock {
    Monotonic now() const override { return {}; }
    WallReading wall() const override { return {}; }
    net::awaitable<bool> sleep_until(Monotonic, Bell*) override { co_return false; }
    void stop() override {}
    bool is_stopped() const override { return true; }
};

/// An epoch of three events.
PullSources sources() {
    PullSources sources;
    sources.records = [](EpochId epoch, Seq after,
                         std::uint64_t max) -> net::awaitable<Result<PulledRecords>> {
        GERBANG_CHECK(epoch == kEpoch && after.value < 3 && max >= 4096 && max <= kMaxPullBytes);
        PulledRecords found;
        found.site = "desa-1";
        for (auto seq = after.value + 1; seq <= 3; ++seq) {
            Event event;
            event.kind = EventKind::note;
            event.at.boot = BootNo{1};
            event.fields = {{"text", std::string{"\"\\\n\xC3"}}};
            found.records.push_back({Seq{seq}, event});
        }
        co_return found;
    };
    sources.epochs = []() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
        co_return std::vector<web::EpochRow>{{kEpoch, Seq{3}, true}};
    };
    sources.receipt = [](std::string consumer, Receipt, Seq) -> net::awaitable<Result<void>> {
        GERBANG_CHECK(consumer == "pusat");
        co_return ok();
    };
    sources.series = [] { return std::vector<Series>(3); };
    return sources;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    set_log_sink([](std::string_view) {});
    const std::string_view bytes{reinterpret_cast<const char*>(data + 1), size - 1};
    const auto line = bytes.substr(0, bytes.find('\n'));
    const auto target = parse_target(line);
    if (!target) return 0;
    ServerRequest request;
    request.path = target->path;
    request.query = target->query;
    request.method = (data[0] & 1) != 0 ? "POST" : "GET";
    const bool is_puller = (data[0] & 2) != 0;
    request.authorization = is_puller ? std::string{"Bearer "} + kToken : std::string{line};
    request.content_type = wire::kReceiptType;
    if ((data[0] & 4) != 0) request.accept = kLinesType;
    if (line.size() < bytes.size()) request.body = bytes.substr(line.size() + 1);

    static const StillClock clock;
    PullApi api{
        clock,
        {{"pusat", kToken, {}}},
        sources(),
        [](ServerRequest) -> net::awaitable<ServerResponse> { co_return ServerResponse{}; }};
    const auto refusal = api.check_head(request);
    GERBANG_CHECK(refusal.has_value() != is_puller);
    ServerResponse got;
    net::io_context io;
    net::co_spawn(io, api.answer(std::move(request)),
                  [&](std::exception_ptr failure, ServerResponse response) {
                      if (failure) std::rethrow_exception(failure);
                      got = std::move(response);
                  });
    io.run();
    GERBANG_CHECK(is_puller ? got.status != 401 : got.status == 401);
    GERBANG_CHECK(got.status < 400 || got.content_type == "application/problem+json");
    GERBANG_CHECK(got.body.size() < 8192);
    GERBANG_CHECK(got.link.find_first_of("\r\n") == std::string::npos);
    return 0;
}
