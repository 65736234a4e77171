// needs: serve

// What a neighbour may send to the HTTP server: the bytes go through Beast's parser in two pieces
// with the server's limits, and what it yields through our target and query parsers.

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "daemon/serve/target.hpp"

namespace {

using namespace gerbang;
namespace http = boost::beast::http;
namespace net = boost::asio;

constexpr std::uint32_t kMaxHeader = 1024;
constexpr std::uint64_t kMaxBody = 4096;

void demand(bool condition) {
    if (!condition) std::abort();
}

void check_target(std::string_view text) {
    const auto target = parse_target(text);
    if (target) {
        demand(!target->path.empty() && target->path.front() == '/');
        demand(target->path.find('?') == std::string::npos);
        const auto mark = target->query.empty() && text.find('?') == std::string_view::npos
                              ? std::string{}
                              : "?" + target->query;
        demand(target->path + mark == text);
    }
    const auto parameters = parse_query(target ? std::string_view{target->query} : text);
    if (!parameters) {
        demand(!parameters.error().detail.empty() && parameters.error().detail.size() < 200);
        return;
    }
    demand(parameters->size() <= kMaxParameters);
    for (const auto& one : *parameters) {
        demand(!one.name.empty());
        for (const char c : one.name + one.value) demand(static_cast<unsigned char>(c) >= 0x20);
    }
}

/// Feeds `bytes` as one connection would; true while the parser takes them.
void feed(std::string_view bytes, std::size_t cut) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMaxHeader);
    parser.body_limit(kMaxBody);
    parser.eager(true);
    boost::system::error_code error;
    std::string pending{bytes.substr(0, cut)};
    for (int piece = 0; piece < 2 && !error && !parser.is_done(); ++piece) {
        while (!error && !pending.empty() && !parser.is_done()) {
            const auto used = parser.put(net::buffer(pending), error);
            if (error == http::error::need_more) {
                error = {};
                pending.erase(0, used);
                break;
            }
            demand(used > 0 || error);
            pending.erase(0, used);
        }
        if (piece == 0) pending += bytes.substr(cut);
    }
    demand(parser.get().body().size() <= kMaxBody);
    if (!parser.is_header_done()) return;
    const auto target = parser.get().target();
    check_target({target.data(), target.size()});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};
    if (data[0] % 2 == 0) {
        check_target(bytes);
    } else {
        feed(bytes, bytes.size() * data[1] / 256);
    }
    return 0;
}
