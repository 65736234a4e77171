// A receiver holds another content under our numbers: the epoch ends where both agree, and what
// came after it is told again under new names.

#include <algorithm>
#include <set>
#include <utility>

#include "common/model/facts.hpp"
#include "common/wire/chain.hpp"
#include "daemon/journal/sqlite_journal.hpp"

namespace gerbang {
namespace {

constexpr std::uint64_t kBytesAtOnce = 256u << 10;
constexpr std::size_t kMaxNames = 512;

/// Statements with row ids in them, which are numbers of ours.
std::string erasing(std::int64_t from, std::int64_t to) {
    const auto range = " WHERE id>=" + std::to_string(from) + " AND id<" + std::to_string(to) + ";";
    std::string text;
    for (const char* table : {"block", "event", "head", "packed"}) {
        text += "DELETE FROM ";
        text += table;
        text += range;
    }
    return text;
}

}  // namespace

/// Rows of an epoch that has no name: a fork that a power cut interrupted.
Result<void> SqliteJournal::drop_nameless() {
    const auto newest = connection_.number("SELECT max(no) FROM epoch");
    if (!newest) return newest.error();
    const auto from = row_id(newest->value_or(0) + 1, Seq{0});
    const auto found = connection_.number("SELECT max(id) FROM block");
    if (!found) return found.error();
    if (found->value_or(0) < from) return ok();
    return in_transaction(
        [&] { return connection_.run(erasing(from, row_id(kMaxEpochNo, Seq{kMaxSeq})).c_str()); });
}

/// What a reader of the new epoch must know before the first record after `agreed`.
Result<std::vector<RecordBody>> SqliteJournal::context_at(Seq agreed) {
    std::vector<RecordBody> context;
    std::optional<BootNo> boot;
    const auto newest = [&](EventKind kind, auto&& take) {
        return blocks_.events(epoch_no_, kind, agreed, true,
                              [&](Seq, const Event& event) { return take(event); });
    };
    auto read = newest(EventKind::boot, [&](const Event& event) {
        boot = event.at.boot;
        context.emplace_back(event);
        return false;
    });
    if (!read) return read.error();
    read =
        blocks_.events(epoch_no_, EventKind::series, agreed, false, [&](Seq, const Event& event) {
            context.emplace_back(event);
            return context.size() < kMaxSeries;
        });
    if (!read) return read.error();
    for (const auto kind : {EventKind::config, EventKind::path}) {
        read = newest(kind, [&](const Event& event) {
            context.emplace_back(event);
            return false;
        });
        if (!read) return read.error();
    }
    std::set<std::string> names;
    read = newest(EventKind::interface, [&](const Event& event) {
        const auto fact = interface_from(event);
        if (fact && names.insert(fact->name).second) context.emplace_back(event);
        return names.size() < kMaxNames;
    });
    if (!read) return read.error();
    read = newest(EventKind::anchor, [&](const Event& event) {
        if (boot && event.at.boot == *boot) context.emplace_back(event);
        return !boot || event.at.boot > *boot;
    });
    if (!read) return read.error();
    std::set<std::uint64_t> outages;
    read = newest(EventKind::outage, [&](const Event& event) {
        const auto outage = outage_from(event);
        if (outage && outages.insert(outage->id).second && outage->is_open()) {
            context.emplace_back(event);
        }
        return outages.size() < kMaxNames;
    });
    if (!read) return read.error();
    return context;
}

/// Copies what follows `agreed` into `fork`, some at a time.
Result<void> SqliteJournal::copy_tail(Seq agreed, Fork& fork) {
    for (auto next = agreed.next(); next <= memory_.state.last;) {
        auto found = blocks_.read(epoch_no_, {next, memory_.state.last}, kBytesAtOnce);
        if (!found) return found.error();
        std::vector<RecordBody> bodies;
        for (auto& record : *found) {
            if (record.seq < next) continue;
            next = record.seq.next();
            // A reduced record has no place in a chain.
            if (wire::is_chainable(record)) {
                bodies.push_back(std::move(record.body));
            } else {
                ++fork.given_up;
            }
        }
        if (auto put = put_into(fork, std::move(bodies)); !put) return put;
    }
    return ok();
}

Result<void> SqliteJournal::put_into(Fork& fork, std::vector<RecordBody> bodies) {
    if (bodies.empty()) return ok();
    std::vector<Record> records;
    records.reserve(bodies.size());
    auto seq = fork.last;
    auto head = fork.head;
    for (auto& body : bodies) {
        seq = seq.next();
        records.push_back({seq, std::move(body)});
        head = wire::next_head(head, records.back());
    }
    auto stored = with_room([&]() -> Result<void> {
        const auto inserted = blocks_.insert(fork.number, records);
        if (!inserted) return inserted.error();
        return blocks_.put_head(fork.number, seq, head);
    });
    if (!stored) return stored;
    fork.last = seq;
    fork.head = head;
    return ok();
}

/// Takes everything after `agreed` out of the epoch; the block that holds both sides keeps one.
Result<void> SqliteJournal::cut_tail(Seq agreed) {
    std::vector<Record> kept;
    auto from = agreed.next();
    auto visited = blocks_.blocks(epoch_no_, {agreed.next(), agreed.next()},
                                  [&](Seq first, Seq, std::string_view) -> Result<bool> {
                                      if (first <= agreed) from = first;
                                      return false;
                                  });
    if (!visited) return visited;
    if (from <= agreed) {
        auto records = blocks_.load(epoch_no_, from);
        if (!records) return records.error();
        const bool is_as_taken = std::all_of(records->begin(), records->end(), wire::is_chainable);
        if (is_as_taken) {
            std::erase_if(*records, [&](const Record& record) { return record.seq > agreed; });
            kept = std::move(*records);
        } else {
            from = records->back().seq.next();
        }
    }
    const auto text = erasing(row_id(epoch_no_, from), row_id(epoch_no_ + 1, Seq{0}));
    if (auto erased = connection_.run(text.c_str()); !erased) return erased;
    if (kept.empty()) return ok();
    const auto inserted = blocks_.insert(epoch_no_, kept);
    if (!inserted) return inserted.error();
    return ok();
}

Result<void> SqliteJournal::fork_epoch(const EpochFact& fact, DeviceTime at) {
    if (auto may = usable(); !may) return may;
    if (epoch_no_ == 0 || fact.parent != memory_.state.epoch) {
        return Error{Errc::bad_input, "epoch " + to_string(fact.parent) + " is not the open one"};
    }
    if (fact.id.is_none() || place_of(fact.id)) {
        return Error{Errc::bad_input, "epoch " + to_string(fact.id) + " exists already"};
    }
    if (fact.parent_last.value > kMaxSeq) {
        return Error{Errc::bad_input, "fork after a record that cannot be"};
    }
    if (auto dropped = drop_nameless(); !dropped) return fail(dropped.error());
    const auto newest = connection_.number("SELECT max(no) FROM epoch");
    if (!newest) return fail(newest.error());
    const auto last = memory_.state.last;
    const auto agreed = std::min(fact.parent_last, last);
    // A record is never dated before its predecessor: what follows must keep its own time.
    const Seq nearest = std::max(agreed, Seq{1});
    const auto branch = blocks_.read(epoch_no_, {nearest, nearest}, 1);
    if (branch && !branch->empty()) {
        at = std::min(at, time_of(branch->front().body).value_or(at));
    } else if (!branch && branch.error().code != Errc::not_found) {
        return fail(branch.error());
    }
    Fork fork;
    fork.number = newest->value_or(0) + 1;
    auto context = context_at(agreed);
    if (!context) return fail(context.error());
    context->insert(context->begin(), to_event(fact, at));
    if (auto put = put_into(fork, std::move(*context)); !put) return put;
    if (auto copied = copy_tail(agreed, fork); !copied) return fail(copied.error());

    UsageRollup rollup{options_.utc_offset};
    auto stored = with_room([&]() -> Result<void> {
        rollup = memory_.rollup;
        if (auto saved = write_checkpoint(rollup); !saved) return saved;
        if (auto cut = cut_tail(agreed); !cut) return cut;
        auto closed = close_epoch_.start()
                          .bind(1, static_cast<std::int64_t>(fact.parent_last.value))
                          .bind(2, epoch_no_)
                          .run();
        if (!closed) return closed;
        auto put = put_epoch_.start().bind(1, fork.number).bind_blob(2, view(fact.id.bytes)).run();
        if (!put) return put;
        if (fork.given_up != 0 || fact.parent_last > last) {
            Loss loss;
            loss.epoch = epoch_no_;
            loss.what = "records";
            loss.reason = fact.reason;
            loss.range = {agreed.next(), std::max(fact.parent_last, last)};
            loss.count = fork.given_up != 0 ? fork.given_up : loss.range.size();
            if (auto told = losses_.add(loss); !told) return told;
        }
        auto goes_on = memory_;
        goes_on.state.epoch = fact.id;
        goes_on.state.last = fork.last;
        goes_on.state.head = fork.head;
        return put_state(fork.number, goes_on, rollup);
    });
    if (!stored) return stored;
    // As a restart would see it: series and anchors have other numbers now.
    memory_ = JournalMemory{options_.utc_offset};
    epoch_no_ = 0;
    open_hour_.reset();
    given_up_bytes_ = 0;
    carried_.reset();
    if (auto restored = restore(); !restored) return fail(restored.error());
    keep_mirror(true);
    return ok();
}

}  // namespace gerbang
