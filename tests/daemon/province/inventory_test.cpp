#include "daemon/province/inventory.hpp"

#include <catch2/catch.hpp>
#include <fstream>

#include "tests/support/temp_folder.hpp"

using namespace gerbang;
using namespace gerbang::province;

TEST_CASE("Inventory names file, line and remedy of what is wrong", "[province][pull]") {
    const std::string good = "* ca=/ca token=/t\ndesa-1 https://10.0.0.1:8621\n";
    const std::pair<const char*, const char*> wrong[] = {
        {"Desa-1 https://h ca=/ca token=/t", "expected a site"},
        {"desa-2", "URL is missing"},
        {"desa-2 ca=/ca", "https://"},
        {"desa-2 ftp://h", "https://"},
        {"desa-2 https://", "without a path"},
        {"desa-2 https://h/v1", "without a path"},
        {"desa-2 https://user:secret@h", "password"},
        {"desa-2 http://10.0.0.2", "plain=yes"},
        {"desa-2 https://h colour=red", "unknown key"},
        {"desa-2 https://h ca=ca.pem", "absolute path"},
        {"desa-2 https://h ca=", "absolute path"},
        {"desa-2 https://h plain=perhaps", "plain=yes or plain=no"},
        {"desa-2 https://h cert=/c", "belong together"},
        {"desa-1 https://h", "stands twice"},
        {"desa-2 https://h \x01", "control character"},
    };
    for (const auto& [line, why] : wrong) {
        INFO(line);
        const auto read = parse_inventory(good + line + "\n", "gateways");
        REQUIRE_FALSE(read);
        CHECK(read.error().code == Errc::bad_input);
        CHECK(read.error().detail.rfind("gateways:3: ", 0) == 0);
        CHECK(read.error().detail.find(why) != std::string::npos);
    }
    for (const std::string text : {"desa-2 https://h token=/t", "desa-2 https://h ca=/ca"}) {
        CHECK_FALSE(parse_inventory(text, "gateways"));
    }
    const auto absent = load_inventory("/nonexistent/gateways");
    REQUIRE_FALSE(absent);
    CHECK(absent.error().detail.find("/nonexistent/gateways") == 0);
}

TEST_CASE("Inventory bounds the number of gateways and the file", "[province][pull]") {
    std::string text = "* ca=/ca token=/t\n";
    for (std::size_t i = 0; i < kMaxGateways; ++i) {
        text += "d" + std::to_string(i) + " https://h\n";
    }
    CHECK(parse_inventory(text, "g")->size() == kMaxGateways);
    CHECK_FALSE(parse_inventory(text + "one-more https://h\n", "g"));
    TempFolder folder;
    std::ofstream{folder.file("g")} << std::string(kMaxInventoryBytes + 1, '\n');
    CHECK_FALSE(load_inventory(folder.file("g")));
}

TEST_CASE("Inventory gives every gateway what its line and the defaults above it say",
          "[province][pull]") {
    const auto read = parse_inventory(
        "# the district\r\n"
        "\n"
        "*  ca=/etc/ca.pem\tcert=/etc/p.pem key=/etc/p.key\n"
        "desa-1 https://10.0.0.1:8621\n"
        "desa-2\thttps://[fd00::2]:8621 token=/etc/t2 ca=/etc/other.pem\r\n"
        "* ca=/etc/late.pem token=/etc/t\n"
        "desa-3 http://10.0.0.3 plain=yes",
        "gateways");
    REQUIRE(read);
    REQUIRE(read->size() == 3);
    const auto& first = read->at(0);
    CHECK(first.site == "desa-1");
    CHECK(first.target.url == "https://10.0.0.1:8621");
    CHECK(first.target.ca_file == "/etc/ca.pem");
    CHECK(first.target.cert_file == "/etc/p.pem");
    CHECK(first.target.key_file == "/etc/p.key");
    CHECK(first.target.token_file.empty());
    CHECK(read->at(1).target.token_file == "/etc/t2");
    CHECK(read->at(1).target.ca_file == "/etc/other.pem");
    CHECK(read->at(1).target.cert_file == "/etc/p.pem");
    CHECK(read->at(2).target.ca_file == "/etc/late.pem");
    CHECK(read->at(2).target.token_file == "/etc/t");
    CHECK(read->at(2).target.cert_file == "/etc/p.pem");
    CHECK(read->at(2).target.allow_plain);
}
