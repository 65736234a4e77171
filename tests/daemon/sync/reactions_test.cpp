#include "daemon/sync/reactions.hpp"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "common/wire/codec.hpp"

using namespace gerbang;

namespace {

HttpAnswer answer_with(int status, std::string body = {}) {
    HttpAnswer answer;
    answer.status = status;
    answer.body = std::move(body);
    answer.request = "POST https://province.example/v1/batches";
    return answer;
}

Receipt some_receipt() {
    Receipt receipt;
    receipt.site = "village-1";
    receipt.store.bytes[0] = 1;
    receipt.epoch.bytes[0] = 2;
    receipt.through = Seq{5};
    return receipt;
}

}  // namespace

TEST_CASE("Every HTTP status has its one reaction", "[sync]") {
    const std::map<int, Errc> named = {
        {400, Errc::refused},        {401, Errc::not_authorised}, {403, Errc::not_authorised},
        {404, Errc::not_authorised}, {407, Errc::not_authorised}, {408, Errc::overloaded},
        {409, Errc::diverged},       {413, Errc::too_large},      {422, Errc::refused},
        {425, Errc::overloaded},     {429, Errc::overloaded}};
    const std::string good = wire::encode_receipt(some_receipt());
    for (int status = 100; status < 600; ++status) {
        const auto receipt = to_receipt(answer_with(status, good));
        INFO(status);
        if (status >= 200 && status < 300) {
            REQUIRE(receipt);
            CHECK(*receipt == some_receipt());
            continue;
        }
        const auto found = named.find(status);
        const Errc otherwise = status >= 500 ? Errc::overloaded : Errc::unreachable;
        REQUIRE_FALSE(receipt);
        CHECK(receipt.error().code == (found == named.end() ? otherwise : found->second));
        CHECK(receipt.error().detail.find("POST https://province.example/v1/batches: HTTP " +
                                          std::to_string(status)) == 0);
    }
}

TEST_CASE("A success without a receipt is a portal's, whatever its body", "[sync]") {
    const std::string good = wire::encode_receipt(some_receipt());
    for (const std::string& body :
         {std::string{}, std::string{"<html>login</html>"}, std::string{"{}"},
          good.substr(0, good.size() - 1), good + "x"}) {
        const auto receipt = to_receipt(answer_with(200, body));
        REQUIRE_FALSE(receipt);
        CHECK(receipt.error().code == Errc::unreachable);
        CHECK(receipt.error().detail.find("a portal or proxy may be answering") !=
              std::string::npos);
    }
}
