#include "daemon/cli/record_source.hpp"

#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/web/text.hpp"
#include "common/wire/codec.hpp"
#include "daemon/cli/local_client.hpp"
#include "daemon/host/lock_file.hpp"
#include "daemon/journal/journal.hpp"
#include "daemon/net/local_http.hpp"

namespace gerbang::cli {
namespace {

constexpr Millis kPatience{30'000};
constexpr std::uint64_t kPieceBytes = 256u << 10;

/// The daemon's answer to a GET, as long as it is 200 or, with an empty body, 204.
class FromDaemon final : public RecordSource {
public:
    explicit FromDaemon(std::string socket) : socket_{std::move(socket)} {}

    [[nodiscard]] Result<std::vector<web::EpochRow>> epochs() override {
        const auto body = get("/v1/epochs");
        if (!body) return body.error();
        return web::epochs_from_json(*body);
    }

    [[nodiscard]] Result<Piece> read(const EpochId& epoch, Seq after) override {
        const auto body =
            get("/v1/batches?epoch=" + to_string(epoch) + "&after=" + std::to_string(after.value));
        if (!body) return body.error();
        if (body->empty()) return Piece{};
        const auto batch = wire::decode_batch(*body);
        if (!batch) return batch.error();
        auto records = wire::decode_pack(batch->pack);
        if (!records) return records.error();
        return Piece{batch->before, std::move(*records)};
    }

private:
    [[nodiscard]] Result<std::string> get(const std::string& path) const {
        auto answer = local_get(socket_, path, kPatience);
        if (!answer) return answer.error();
        if (answer->status == 200 || answer->status == 204) return std::move(answer->body);
        auto detail = web::problem_detail(answer->body);
        if (detail.empty()) detail = "HTTP " + std::to_string(answer->status);
        return Error{answer->status == 503 ? Errc::unreachable : Errc::bad_input, detail};
    }

    std::string socket_;
};

class FromFile final : public RecordSource {
public:
    FromFile(LockFile lock, std::unique_ptr<Journal> journal)
        : lock_{std::move(lock)}, journal_{std::move(journal)} {}

    [[nodiscard]] Result<std::vector<web::EpochRow>> epochs() override {
        const auto found = journal_->epochs();
        if (!found) return found.error();
        std::vector<web::EpochRow> rows;
        for (const auto& epoch : *found) rows.push_back({epoch.id, epoch.last, epoch.is_open});
        return rows;
    }

    [[nodiscard]] Result<Piece> read(const EpochId& epoch, Seq after) override {
        auto slice = journal_->read(epoch, {after.next(), Seq{kMaxSeq}}, kPieceBytes);
        if (slice) return Piece{slice->before, std::move(slice->records)};
        if (slice.error().code == Errc::not_found) return Piece{};
        return slice.error();
    }

private:
    LockFile lock_;
    std::unique_ptr<Journal> journal_;
};

/// Becomes whoever owns `folder`, so that files made here stay the daemon's.
Result<void> become_owner(const std::string& folder) {
    struct stat facts {};
    if (::stat(folder.c_str(), &facts) != 0) {
        return Error{errno == ENOENT ? Errc::not_found : Errc::not_authorised,
                     folder + ": " + std::strerror(errno)};
    }
    if (::geteuid() != 0 || facts.st_uid == 0) return ok();
    if (::setgid(facts.st_gid) != 0 || ::setuid(facts.st_uid) != 0) {
        return Error{Errc::not_authorised, folder + ": " + std::strerror(errno)};
    }
    return ok();
}

Outcome cannot_open(const Request& request, const Error& error) {
    const auto language = request.render.language;
    const int code = error.code == Errc::not_authorised ? EX_NOPERM : EX_NOINPUT;
    const auto detail = web::evidence_text(language, one_line(error.detail, 400));
    auto text = wrap(web::say(language, web::Text::journal_unreadable, {detail}));
    // Nothing was ever written there, or the folder is another one.
    if (error.code == Errc::not_found) {
        text += web::say(language, web::Text::daemon_absent_hint) + "\n";
    }
    return {code, "", text};
}

}  // namespace

OpenedRecords open_records(const Request& request) {
    const auto socket = request.paths.runtime + "/gerbang.sock";
    const auto asked = local_get(socket, "/healthz", kPatience);
    if (asked) return {std::make_unique<FromDaemon>(socket), std::nullopt};
    if (asked.error().code == Errc::not_authorised) {
        return {nullptr,
                Outcome{EX_NOPERM, "",
                        web::say(request.render.language, web::Text::daemon_forbidden, {socket}) +
                            "\n"}};
    }
    if (auto became = become_owner(request.paths.state); !became) {
        return {nullptr, cannot_open(request, became.error())};
    }
    auto lock = LockFile::take(request.paths.state + "/gerbang.lock");
    if (!lock) return {nullptr, cannot_open(request, lock.error())};
    const auto file = request.paths.state + "/journal.db";
    if (::access(file.c_str(), F_OK) != 0) {
        return {nullptr, cannot_open(request, {Errc::not_found, file + ": no such file"})};
    }
    JournalOptions options;
    options.path = file;
    auto journal = Journal::open(options);
    if (!journal) return {nullptr, cannot_open(request, journal.error())};
    const auto facts = (*journal)->facts();
    if (!facts) return {nullptr, cannot_open(request, facts.error())};
    OpenedRecords opened{std::make_unique<FromFile>(std::move(*lock), std::move(*journal)),
                         std::nullopt};
    opened.is_salvaging = facts->damage.is_salvaging;
    return opened;
}

}  // namespace gerbang::cli
