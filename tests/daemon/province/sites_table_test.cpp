#include <catch2/catch.hpp>

#include "daemon/province/sites_json.hpp"

namespace gerbang::province {

TEST_CASE("The list says in the reader's words how long a site is down and why", "[province]") {
    const auto now = wall_from_ms(1'795'241'284'123);
    SiteSummary site;
    site.site = "muara-siran";
    site.name = "Kantor Desa";
    site.last_heard = now - Millis{5000};
    site.outage = OpenOutage{.cause = Cause::isp, .since = now - Millis{1'080'000}};
    CHECK(to_table({site}, now, Language::indonesian) ==
          "SITUS        NAMA         TERDENGAR   INTERNET                 DITERIMA  DIKIRIM  "
          "CATATAN\n"
          "muara-siran  Kantor Desa  5 dtk lalu  PUTUS 18 mnt (penyedia)  0 B       0 B      "
          "0 lengkap\n");
    CHECK(to_table({site}, now, Language::english).find("5 s ago  DOWN 18 min (provider)") !=
          std::string::npos);
    site.outage->since.reset();  // before the gateway's clock is known
    CHECK(to_table({site}, now, Language::english).find("DOWN (provider)") != std::string::npos);
}

}  // namespace gerbang::province
