// needs: sync
// A server's reply: header lines as they come, then the body through the reactions. The input is
// lines up to an empty one, then the body; two digits in front choose the status.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/check.hpp"
#include "common/wire/codec.hpp"
#include "daemon/net/http_reply.hpp"
#include "daemon/sync/reactions.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace gerbang;
    if (size < 2) return 0;
    HttpAnswer answer;
    answer.status = 100 + (data[0] * 256 + data[1]) % 500;
    std::string_view rest{reinterpret_cast<const char*>(data) + 2, size - 2};
    ReplyHeaders headers;
    for (bool more = true; more && !rest.empty();) {
        const auto end = rest.find('\n');
        const auto line = rest.substr(0, end == std::string_view::npos ? rest.size() : end + 1);
        rest.remove_prefix(line.size());
        more = line != "\n" && line != "\r\n" && headers.add_line(line);
    }
    answer.date = headers.date();
    answer.retry_after = headers.retry_after();
    if (answer.retry_after) {
        GERBANG_CHECK(*answer.retry_after >= Seconds{0} && *answer.retry_after <= Seconds{86400});
    }
    if (answer.date) GERBANG_CHECK(to_ms(*answer.date) >= 0);
    answer.body = rest;
    answer.request = "POST https://province.example/v1/batches";
    if (const auto receipt = to_receipt(answer)) {
        GERBANG_CHECK(answer.status / 100 == 2);
        const auto again = wire::decode_receipt(wire::encode_receipt(*receipt));
        GERBANG_CHECK(again && *again == *receipt);
    } else {
        GERBANG_CHECK(!receipt.error().detail.empty());
    }
    return 0;
}
