// `gerbang journal`, `gerbang journal verify` and `gerbang export`.

#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include "common/web/journal_json.hpp"
#include "common/web/text.hpp"
#include "daemon/cli/commands.hpp"
#include "daemon/cli/exporter.hpp"
#include "daemon/cli/local_client.hpp"
#include "daemon/cli/record_source.hpp"
#include "daemon/cli/render.hpp"

namespace gerbang::cli {
namespace {

using web::say;
using web::Text;

/// How far a long command is, on one line of the terminal; nothing where there is none.
class Meter {
public:
    Meter() : is_shown_{::isatty(STDERR_FILENO) == 1} {}
    ~Meter() {
        if (shown_ >= 0) std::fputs("\r      \r", stderr);
    }
    Meter(const Meter&) = delete;
    Meter& operator=(const Meter&) = delete;

    void show(std::uint64_t done, std::uint64_t all) {
        if (!is_shown_ || all == 0) return;
        const auto percent = static_cast<int>(done * 100 / all);
        if (percent == shown_) return;
        shown_ = percent;
        std::fprintf(stderr, "\r%3d %% ", percent);
    }

private:
    bool is_shown_;
    int shown_ = -1;
};

struct FileCloser {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

Outcome not_finished(const Request& request, const Error& error) {
    const auto code = error.code == Errc::unreachable ? EX_UNAVAILABLE : EX_IOERR;
    return {code, "",
            wrap(say(request.render.language, Text::export_failed,
                     {web::evidence_text(request.render.language, one_line(error.detail, 400))}))};
}

Result<ExportSpan> span_of(const Request& request) {
    ExportSpan span;
    for (const auto& [text, is_end] :
         {std::pair{&request.from, false}, std::pair{&request.to, true}}) {
        if (text->empty()) continue;
        const auto written = parse_local(*text, request.utc_offset);
        if (!written) return Error{Errc::bad_input, *text};
        auto at = written->at;
        if (is_end && written->is_date) at += std::chrono::hours{24};
        (is_end ? span.to : span.from) = at;
    }
    return span;
}

Outcome exported(const Request& request, RecordSource& source, RowSink& sink,
                 const ExportSpan& span) {
    const auto language = request.render.language;
    Meter meter;
    const auto count = export_records(
        source, sink, span, [&](std::uint64_t done, std::uint64_t all) { meter.show(done, all); });
    if (!count) return not_finished(request, count.error());
    const bool has_events = request.format != "csv";
    auto text = wrap(say(language, Text::export_done,
                         {human_count(language, count->readings),
                          human_count(language, has_events ? count->events : 0)}));
    const auto undated = count->undated + (has_events ? count->undated_events : 0);
    if (undated > 0) {
        text += wrap(say(language, Text::export_undated, {human_count(language, undated)}));
    }
    if (count->absent > 0) {
        text += wrap(say(language, Text::export_absent, {human_count(language, count->absent)}));
    }
    return {0, "", text};
}

}  // namespace

Outcome journal_command(const Request& request) {
    auto fetched = fetch(request, "GET", "/v1/journal");
    if (fetched.failure) return *fetched.failure;
    if (request.is_json) return {0, fetched.body + "\n", ""};
    const auto facts = web::journal_from_json(fetched.body);
    if (!facts) return unclear_answer(request, facts.error().detail);
    return {0, render_journal(*facts, request.utc_offset, request.render), ""};
}

Outcome verify_command(const Request& request) {
    const auto language = request.render.language;
    const auto opened = open_records(request);
    if (opened.failure) return *opened.failure;
    const auto found = [&] {
        Meter meter;
        return verify_records(
            *opened.source, [&](std::uint64_t done, std::uint64_t all) { meter.show(done, all); });
    }();
    if (!found) return not_finished(request, found.error());
    std::string text;
    for (const auto& gap : found->breaks) {
        text += wrap(say(language, Text::verify_broken,
                         {to_string(gap.epoch), std::to_string(gap.seq.value)}));
    }
    if (found->breaks.empty() && found->verified + found->reduced + found->absent == 0) {
        text += wrap(say(language, Text::verify_empty));
    } else if (found->breaks.empty() && found->verified > 0) {
        text += wrap(say(language, Text::verify_good, {human_count(language, found->verified)}));
    }
    if (found->reduced > 0) {
        text += wrap(say(language, Text::verify_reduced, {human_count(language, found->reduced)}));
    }
    if (found->absent > 0) {
        text += wrap(say(language, Text::verify_absent, {human_count(language, found->absent)}));
    }
    if (!found->breaks.empty()) return {EX_DATAERR, text, ""};
    if (!opened.is_salvaging) return {0, text, ""};
    return {EX_TEMPFAIL, text, wrap(say(language, Text::verify_salvaging))};
}

Outcome export_command(const Request& request) {
    const auto language = request.render.language;
    const bool is_sqlite = request.format == "sqlite";
    if (is_sqlite && request.output.empty()) {
        return {EX_USAGE, "", wrap(say(language, Text::export_needs_file))};
    }
    const auto span = span_of(request);
    if (!span) {
        return {EX_DATAERR, "",
                wrap(say(language, Text::bad_time, {one_line(span.error().detail, 40)}))};
    }
    // The file is the caller's; the journal may have to be opened as another user.
    File file;
    std::unique_ptr<RowSink> sink;
    if (is_sqlite) {
        auto made = sqlite_sink(request.output);
        if (!made) return not_finished(request, made.error());
        sink = std::move(*made);
    } else {
        if (!request.output.empty()) {
            file.reset(std::fopen(request.output.c_str(), "wbxe"));
            if (!file) {
                const Error error{Errc::storage_broken,
                                  request.output + ": " + std::strerror(errno)};
                return not_finished(request, error);
            }
        }
        std::FILE* const out = file ? file.get() : stdout;
        sink = request.format == "csv" ? csv_sink(out) : ndjson_sink(out);
    }
    auto opened = open_records(request);
    auto outcome =
        opened.failure ? *opened.failure : exported(request, *opened.source, *sink, *span);
    if (opened.is_salvaging) outcome.err += wrap(say(language, Text::verify_salvaging));
    sink.reset();
    if (outcome.code != 0 && !request.output.empty()) (void)::unlink(request.output.c_str());
    return outcome;
}

}  // namespace gerbang::cli
