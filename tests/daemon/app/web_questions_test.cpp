#include "daemon/app/web_questions.hpp"

#include <catch2/catch.hpp>

using namespace gerbang;

namespace {

Result<HttpAnswer> answer(int status) {
    HttpAnswer one;
    one.status = status;
    one.request = "GET http://page.example/204";
    return one;
}

Result<HttpAnswer> failure(Errc code) {
    return Error{code, "GET http://page.example/204: no answer"};
}

}  // namespace

TEST_CASE("A page that answers otherwise is a portal, a server in trouble is not", "[app]") {
    CHECK(web_finding(failure(Errc::unreachable), 204).state == RungState::down);
    CHECK(web_finding(failure(Errc::stopped), 204).state == RungState::unknown);
    for (const int status : {404, 429, 500, 502, 503, 504}) {
        INFO(status);
        CHECK(web_finding(answer(status), 204).state == RungState::unknown);
    }
    for (const int status : {200, 301, 302, 303, 307, 401, 403, 511}) {
        INFO(status);
        CHECK(web_finding(answer(status), 204).state == RungState::portal);
    }
    CHECK(web_finding(answer(204), 204).state == RungState::up);
    CHECK(web_finding(answer(200), 200).state == RungState::up);
}

TEST_CASE("The province is there whatever it answers, and unknown when we cannot trust it",
          "[app]") {
    CHECK(province_finding(failure(Errc::unreachable)).state == RungState::down);
    CHECK(province_finding(failure(Errc::not_authorised)).state == RungState::unknown);
    CHECK(province_finding(answer(401)).state == RungState::up);
    CHECK(province_finding(answer(503)).state == RungState::up);
}

TEST_CASE("A service is down when nobody answers or its server failed", "[app]") {
    CHECK(service_finding(failure(Errc::unreachable)).state == RungState::down);
    CHECK(service_finding(answer(500)).state == RungState::down);
    CHECK(service_finding(answer(302)).state == RungState::up);
    CHECK(service_finding(answer(404)).state == RungState::up);
}

TEST_CASE("split_url keeps server and path apart", "[app]") {
    const auto is = [](const std::string& url, const std::string& server, const std::string& path) {
        const auto split = split_url(url);
        INFO(url);
        CHECK(split.server == server);
        CHECK(split.path == path);
    };
    is("http://page.example/generate_204", "http://page.example", "/generate_204");
    is("http://page.example", "http://page.example", "/");
    is("http://[2001:db8::1]:80/a/b?c=d", "http://[2001:db8::1]:80", "/a/b?c=d");
    is("https://page.example?x=1", "https://page.example", "/?x=1");
}
