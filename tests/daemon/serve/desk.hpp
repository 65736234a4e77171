#pragma once

// The local API over sources with little to tell, asked without a server.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <exception>
#include <string>

#include "daemon/serve/api.hpp"

namespace gerbang {

inline const EpochId kEpoch = *parse_id<EpochId>("00112233-4455-6677-8899-aabbccddeeff");

/// Sources with little to tell, and what they were asked.
struct Desk {
    web::Status status;
    std::optional<Error> failure;
    std::vector<SeriesValue> newest;
    UsagePeriod period{};
    WallTime from, to;
    int pushes = 0;
    int questions = 0;
    std::vector<web::OutageRow> rows{carrier_outage()};
    std::optional<NoteFact> note;
    Seconds uncertainty{};
    std::optional<sla::Clauses> clauses;

    static web::OutageRow carrier_outage() {
        web::OutageRow row;
        row.id = 3;
        row.cause = Cause::carrier;
        return row;
    }

    Handler api() {
        ApiSources sources;
        sources.status = [this]() -> Result<web::Status> {
            ++questions;
            if (failure) return *failure;
            return status;
        };
        sources.usage = [this](UsagePeriod by, WallTime begin,
                               WallTime end) -> net::awaitable<Result<std::vector<UsageRow>>> {
            ++questions;
            period = by;
            from = begin;
            to = end;
            if (failure) co_return *failure;
            co_return std::vector<UsageRow>{{.name = "wan",
                                             .is_role = true,
                                             .start = begin,
                                             .sum = {.received = Bytes{7},
                                                     .transmitted = {},
                                                     .peak_receive = {},
                                                     .peak_transmit = {}}}};
        };
        sources.outages = [this](
                              WallTime begin,
                              WallTime end) -> net::awaitable<Result<std::vector<web::OutageRow>>> {
            ++questions;
            from = begin;
            to = end;
            if (failure) co_return *failure;
            co_return rows;
        };
        sources.newest = [this] { return newest; };
        sources.push_now = [this] { ++pushes; };
        sources.probe_now = [this]() -> net::awaitable<Result<web::ProbeReport>> {
            ++questions;
            if (failure) co_return *failure;
            web::ProbeReport report;
            report.state = "down";
            report.cause = "isp";
            co_return report;
        };
        sources.note = [this](NoteFact given) -> Result<void> {
            ++questions;
            if (failure) return *failure;
            note = std::move(given);
            return ok();
        };
        sources.set_clock = [this](WallTime wall, Seconds give_or_take) -> Result<void> {
            ++questions;
            if (failure) return *failure;
            from = wall;
            uncertainty = give_or_take;
            return ok();
        };
        sources.statement =
            [this](WallTime begin, WallTime end,
                   std::optional<sla::Clauses> by) -> net::awaitable<Result<sla::Statement>> {
            ++questions;
            from = begin;
            to = end;
            clauses = std::move(by);
            if (failure) co_return *failure;
            sla::Statement statement;
            statement.clauses = clauses ? clauses->name : "example";
            co_return statement;
        };
        sources.days = [this](WallTime begin,
                              WallTime end) -> net::awaitable<Result<std::vector<sla::Day>>> {
            ++questions;
            from = begin;
            to = end;
            if (failure) co_return *failure;
            auto days = sla::by_day({}, begin, end, Seconds{status.site.utc_offset_s});
            co_return days;
        };
        sources.journal = [this]() -> net::awaitable<Result<JournalFacts>> {
            ++questions;
            if (failure) co_return *failure;
            JournalFacts facts;
            facts.quota_bytes = 64u << 20;
            co_return facts;
        };
        sources.epochs = [this]() -> net::awaitable<Result<std::vector<web::EpochRow>>> {
            ++questions;
            if (failure) co_return *failure;
            co_return std::vector<web::EpochRow>{{kEpoch, Seq{7}, true}};
        };
        sources.batch = [this](EpochId epoch, Seq after) -> net::awaitable<Result<std::string>> {
            ++questions;
            if (failure) co_return *failure;
            CHECK(epoch == kEpoch);
            co_return after.value < 7 ? "after " + std::to_string(after.value) : std::string{};
        };
        return make_local_api(std::move(sources));
    }
};

inline ServerResponse ask(Desk& desk, const std::string& method, const std::string& path,
                          const std::string& query = {}, const std::string& body = {},
                          const std::string& content_type = "application/json") {
    net::io_context io;
    const auto api = desk.api();
    ServerRequest request;
    request.method = method;
    request.path = path;
    request.query = query;
    request.body = body;
    request.content_type = content_type;
    ServerResponse got;
    net::co_spawn(io, api(std::move(request)),
                  [&](std::exception_ptr failure, ServerResponse response) {
                      if (failure) std::rethrow_exception(failure);
                      got = std::move(response);
                  });
    io.run();
    return got;
}

}  // namespace gerbang
