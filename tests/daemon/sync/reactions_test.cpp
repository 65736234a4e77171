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

TEST_CASE("A receiver of samples that calls them too old is not asked for ever", "[sync]") {
    const int status = GENERATE(400, 500);
    for (const char* said : {"too old sample", "out of bounds\n"}) {
        const auto answer = answer_with(status, said);
        const auto taken = to_acceptance(answer);
        REQUIRE_FALSE(taken);
        CHECK(taken.error().code == Errc::refused);
        CHECK(is_too_old(answer));
    }
    const auto unordered = answer_with(status, "out of order sample");
    CHECK(to_acceptance(unordered).error().code == Errc::refused);
    CHECK_FALSE(is_too_old(unordered));
    CHECK(to_acceptance(answer_with(500, "disk is full")).error().code == Errc::overloaded);
    CHECK(to_acceptance(answer_with(503, "")).error().code == Errc::overloaded);
    CHECK(to_acceptance(answer_with(409, "")).error().code == Errc::refused);
    CHECK(to_acceptance(answer_with(404, "x")).error().detail.find("url and path") !=
          std::string::npos);
}

TEST_CASE("An empty success is a receiver's, a page is a portal's unless it proved itself",
          "[sync]") {
    CHECK(to_acceptance(answer_with(204, "")));
    auto page = answer_with(200, "<html>login</html>");
    REQUIRE_FALSE(to_acceptance(page));
    CHECK(to_acceptance(page).error().code == Errc::unreachable);
    page.is_authenticated = true;
    CHECK(to_acceptance(page));
}
