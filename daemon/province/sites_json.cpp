#include "daemon/province/sites_json.hpp"

#include <boost/json.hpp>
#include <exception>
#include <utility>

#include "common/web/status.hpp"

namespace gerbang::province {
namespace {

namespace json = boost::json;

json::array ranges_to_json(const std::vector<SeqRange>& ranges) {
    json::array array;
    for (const auto& range : ranges) {
        // Not by a braced list: g++ 12 warns falsely about that when linking.
        json::array pair;
        pair.emplace_back(range.first.value);
        pair.emplace_back(range.last.value);
        array.emplace_back(std::move(pair));
    }
    return array;
}

std::vector<SeqRange> ranges_from_json(const json::value& value) {
    std::vector<SeqRange> ranges;
    for (const auto& pair : value.as_array()) {
        ranges.push_back({Seq{pair.as_array().at(0).to_number<std::uint64_t>()},
                          Seq{pair.as_array().at(1).to_number<std::uint64_t>()}});
    }
    return ranges;
}

json::array reduced_to_json(const std::vector<ReducedRange>& ranges) {
    json::array array;
    for (const auto& each : ranges) {
        json::object object{{"first", each.range.first.value},
                            {"last", each.range.last.value},
                            {"level", each.level}};
        array.emplace_back(std::move(object));
    }
    return array;
}

std::vector<ReducedRange> reduced_from_json(const json::value& value) {
    std::vector<ReducedRange> ranges;
    for (const auto& each : value.as_array()) {
        const auto& object = each.as_object();
        ranges.push_back({{Seq{object.at("first").to_number<std::uint64_t>()},
                           Seq{object.at("last").to_number<std::uint64_t>()}},
                          object.at("level").to_number<std::uint8_t>()});
    }
    return ranges;
}

std::string text_of(const json::object& object, const char* key) {
    return json::value_to<std::string>(object.at(key));
}

SiteSummary site_from_json(const json::object& object) {
    SiteSummary site;
    site.site = text_of(object, "site");
    site.code = text_of(object, "code");
    site.name = text_of(object, "name");
    site.provider = text_of(object, "provider");
    site.last_heard = web::parse_rfc3339(text_of(object, "last_heard")).value_or(WallTime{});
    site.records = object.at("records").to_number<std::uint64_t>();
    const auto& usage = object.at("usage").as_object();
    site.rx_bytes = usage.at("rx_bytes").to_number<std::uint64_t>();
    site.tx_bytes = usage.at("tx_bytes").to_number<std::uint64_t>();
    const auto& link = object.at("link").as_object();
    site.link = parse_link_state(text_of(link, "state")).value_or(LinkState::unknown);
    if (const auto* outage = object.if_contains("open_outage"); outage != nullptr) {
        const auto& facts = outage->as_object();
        site.outage =
            OpenOutage{parse_cause(text_of(facts, "cause")).value_or(Cause::unknown), std::nullopt};
        if (facts.contains("since")) {
            site.outage->since = web::parse_rfc3339(text_of(facts, "since"));
        }
    }
    for (const auto& value : object.at("epochs").as_array()) {
        const auto& facts = value.as_object();
        EpochSummary epoch;
        epoch.id = parse_id<EpochId>(text_of(facts, "epoch")).value_or(EpochId{});
        if (facts.contains("parent")) {
            epoch.parent = parse_id<EpochId>(text_of(facts, "parent")).value_or(EpochId{});
        }
        epoch.is_current = facts.at("is_current").as_bool();
        epoch.is_cloned = facts.contains("is_cloned") && facts.at("is_cloned").as_bool();
        epoch.through = Seq{facts.at("through").to_number<std::uint64_t>()};
        epoch.held = ranges_from_json(facts.at("held"));
        epoch.missing = ranges_from_json(facts.at("missing"));
        epoch.reduced = reduced_from_json(facts.at("reduced"));
        site.epochs.push_back(std::move(epoch));
    }
    return site;
}

}  // namespace

std::string to_json(const std::vector<SiteSummary>& sites) {
    json::array array;
    for (const auto& site : sites) {
        json::object object{
            {"site", site.site},
            {"code", site.code},
            {"name", site.name},
            {"provider", site.provider},
            {"last_heard", web::format_rfc3339(site.last_heard)},
            {"records", site.records},
            {"usage", {{"rx_bytes", site.rx_bytes}, {"tx_bytes", site.tx_bytes}}},
            {"link", {{"state", to_string(site.link)}}},
        };
        if (site.outage) {
            json::object outage{{"cause", to_string(site.outage->cause)}};
            if (site.outage->since) outage["since"] = web::format_rfc3339(*site.outage->since);
            object["open_outage"] = std::move(outage);
        }
        json::array epochs;
        for (const auto& epoch : site.epochs) {
            json::object facts{{"epoch", to_string(epoch.id)},
                               {"is_current", epoch.is_current},
                               {"through", epoch.through.value}};
            if (epoch.is_cloned) facts["is_cloned"] = true;
            if (!epoch.parent.is_none()) facts["parent"] = to_string(epoch.parent);
            facts["held"] = ranges_to_json(epoch.held);
            facts["missing"] = ranges_to_json(epoch.missing);
            facts["reduced"] = reduced_to_json(epoch.reduced);
            epochs.push_back(std::move(facts));
        }
        object["epochs"] = std::move(epochs);
        array.push_back(std::move(object));
    }
    return json::serialize(json::object{{"sites", std::move(array)}});
}

Result<std::vector<SiteSummary>> sites_from_json(const std::string& text) {
    try {
        std::vector<SiteSummary> sites;
        const auto document = json::parse(text);
        for (const auto& value : document.as_object().at("sites").as_array()) {
            sites.push_back(site_from_json(value.as_object()));
        }
        return sites;
    } catch (const std::exception& error) {
        return Error{Errc::bad_input, std::string{"list of sites: "} + error.what()};
    }
}

}  // namespace gerbang::province
