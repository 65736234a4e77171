// config/openapi.yaml against a real server: whatever the server answers stands in the document,
// and whatever stands in the document the server answers.

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "common/web/status.hpp"
#include "common/wire/codec.hpp"
#include "tests/daemon/serve/desk.hpp"
#include "tests/daemon/serve/pull_gateway.hpp"

namespace gerbang {
namespace {

/// "GET /v1/batches 200 application/x-ndjson"
using Answers = std::set<std::string>;

YAML::Node document() {
    return YAML::LoadFile(std::string{GERBANG_SOURCE_DIR} + "/config/openapi.yaml");
}

/// A node, or what its `$ref` names.
YAML::Node resolved(const YAML::Node& root, const YAML::Node& node) {
    if (!node["$ref"]) return node;
    const auto text = node["$ref"].as<std::string>();
    REQUIRE(text.rfind("#/", 0) == 0);
    YAML::Node at = YAML::Clone(root);
    for (std::size_t begin = 2; begin <= text.size();) {
        const auto end = std::min(text.find('/', begin), text.size());
        const auto part = text.substr(begin, end - begin);
        INFO(text);
        REQUIRE(at[part]);
        at.reset(at[part]);
        begin = end + 1;
    }
    return at;
}

std::string upper(std::string text) {
    for (auto& c : text) c = static_cast<char>(c - 'a' + 'A');
    return text;
}

Answers promised(const YAML::Node& root) {
    Answers all;
    for (const auto& path : root["paths"]) {
        for (const auto& operation : path.second) {
            const auto route =
                upper(operation.first.as<std::string>()) + " " + path.first.as<std::string>() + " ";
            for (const auto& response : operation.second["responses"]) {
                const auto status = response.first.as<std::string>();
                const auto content = resolved(root, response.second)["content"];
                if (!content) all.insert(route + status + " ");
                for (const auto& type : content) {
                    all.insert(route + status + " " + type.first.as<std::string>());
                }
            }
        }
    }
    return all;
}

}  // namespace

TEST_CASE("OpenAPI document names what it refers to and says 3.1", "[serve][openapi]") {
    const auto root = document();
    CHECK(root["openapi"].as<std::string>() == "3.1.0");
    std::vector<YAML::Node> ahead{root};
    int references = 0;
    while (!ahead.empty()) {
        const auto node = ahead.back();
        ahead.pop_back();
        if (node.IsMap() && node["$ref"]) {
            ++references;
            CHECK(resolved(root, node).IsMap());
            continue;
        }
        if (!node.IsMap() && !node.IsSequence()) continue;
        for (const auto& each : node) ahead.push_back(node.IsMap() ? each.second : each);
    }
    CHECK(references > 40);
}

TEST_CASE("OpenAPI document knows exactly the parameters that the routes take",
          "[serve][openapi]") {
    const auto root = document();
    Desk desk;
    PullGateway gateway{desk};
    const std::map<std::string, std::string> good{{"epoch", gateway.epoch()},
                                                  {"after", "1"},
                                                  {"max", "4096"},
                                                  {"by", "month"},
                                                  {"from", "2026-11-20"},
                                                  {"to", "2026-11-21T06:05:04Z"},
                                                  {"link", "wan"},
                                                  {"ids", "1,2"}};
    for (const auto& path : root["paths"]) {
        const auto get = path.second["get"];
        if (!get) continue;
        const auto route = path.first.as<std::string>();
        INFO(route);
        std::set<std::string> named;
        for (const auto& reference : get["parameters"]) {
            const auto parameter = resolved(root, reference);
            if (parameter["in"].as<std::string>() != "query") continue;
            named.insert(parameter["name"].as<std::string>());
        }
        std::string always = route + "?";
        if (named.count("epoch") != 0) always += "epoch=" + gateway.epoch() + "&";
        for (const auto& [name, value] : good) {
            if (name == "epoch" && named.count(name) != 0) continue;
            INFO(name);
            const auto status = gateway.get(always + name + "=" + value).status;
            CHECK((status == 400) == (named.count(name) == 0));
        }
    }
}

TEST_CASE("OpenAPI document promises what the server gives, no less and no more",
          "[serve][openapi]") {
    const auto root = document();
    Desk desk;
    PullGateway gateway{desk};
    Answers given;
    const auto ask = [&](const std::string& method, const std::string& target,
                         const std::string& fields = {}, const std::string& body = {}) {
        const auto answer = gateway.send(method, target, gateway.credential() + fields, body);
        const auto path = target.substr(0, target.find('?'));
        if (answer.status >= 400) {
            CHECK(answer.type == "application/problem+json");
            CHECK(answer.head.find("\r\nContent-Length: ") != std::string::npos);
        }
        // The two that the document states in words.
        if (answer.status == 405) return;
        given.insert(method + " " + path + " " + std::to_string(answer.status) + " " + answer.type);
    };
    const auto batches = "/v1/batches?epoch=" + gateway.epoch();
    const std::string receipt_type = "Content-Type: application/vnd.gerbang.receipt\r\n";
    const auto receipt = gateway.receipt();
    for (const std::string path : {"/healthz", "/metrics", "/v1/status", "/v1/outages", "/v1/usage",
                                   "/v1/epochs", "/v1/batches", "/v1/series"}) {
        ask("GET", path);
        ask("GET", path + "?nonsense=1");
        given.insert("GET " + path + " " +
                     std::to_string(gateway.send("GET", path, "", "").status) +
                     " application/problem+json");
        for (const std::string method : {"POST", "PUT", "DELETE"}) {
            const auto refused = gateway.send(method, path, gateway.credential(), "");
            CHECK(refused.status == 405);
            CHECK(refused.head.find("\r\nAllow: GET, HEAD") != std::string::npos);
        }
    }
    ask("GET", batches);
    ask("GET", batches + "&after=99999");
    ask("GET", "/v1/batches?epoch=ffffffff-4455-6677-8899-aabbccddeeff");
    ask("GET", batches, "Accept: application/x-ndjson\r\n");
    ask("POST", "/v1/receipts", receipt_type, receipt);
    ask("POST", "/v1/receipts", receipt_type, "GR");
    ask("POST", "/v1/receipts", receipt_type, std::string(4097, 'x'));
    ask("POST", "/v1/receipts", "", receipt);
    given.insert("POST /v1/receipts " +
                 std::to_string(gateway.send("POST", "/v1/receipts", "", receipt).status) +
                 " application/problem+json");
    CHECK(gateway.send("GET", "/v1/receipts", gateway.credential(), "").status == 405);
    for (const auto code : {Errc::diverged, Errc::not_found}) {
        gateway.fail(Error{code, "because"});
        ask("POST", "/v1/receipts", receipt_type, receipt);
    }
    gateway.fail(Error{Errc::unreachable, "storage hangs"});
    for (const auto& path :
         {std::string{"/metrics"}, std::string{"/v1/status"}, std::string{"/v1/outages"},
          std::string{"/v1/usage"}, std::string{"/v1/epochs"}, batches}) {
        ask("GET", path);
    }
    ask("POST", "/v1/receipts", receipt_type, receipt);
    gateway.fail(std::nullopt);
    ask("GET", "/healthz", "Transfer-Encoding: chunked\r\n");
    ask("GET", "/healthz", "Content-Length: 4097\r\n");
    ask("GET", "/healthz", "X: " + std::string(9000, 'x') + "\r\n");
    gateway.throw_from_status();
    ask("GET", "/v1/status");

    const auto document_says = promised(root);
    for (const auto& answer : given) {
        INFO("given, not in the document: " << answer);
        CHECK(document_says.count(answer) == 1);
    }
    for (const auto& answer : document_says) {
        INFO("in the document, never given: " << answer);
        CHECK(given.count(answer) == 1);
    }
    CHECK(gateway.get("/v1/none").status == 404);
}

}  // namespace gerbang
