#pragma once

// Reading and writing JSON objects member by member. For the .cpp files of common/web only.

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/core/result.hpp"
#include "common/core/time.hpp"

namespace boost::json {
class array;
class object;
class string;
class value;
}  // namespace boost::json

namespace gerbang::web {

/// `text` as JSON may carry it. The kernel lets an interface name hold any bytes; one bad name
/// must not make the whole answer unreadable.
[[nodiscard]] boost::json::string clean(std::string_view text);

/// One member of an object and the variable that it is read into or written from. Optional values
/// that are nothing are not written.
struct Slot {
    enum class Kind : std::uint8_t { text, needed, flag, u64, u32, i64, maybe_i64, maybe_time };

    Slot(const char* n, std::string& v, Kind k = Kind::text) : name{n}, kind{k}, at{&v} {}
    Slot(const char* n, bool& v) : name{n}, kind{Kind::flag}, at{&v} {}
    Slot(const char* n, std::uint64_t& v) : name{n}, kind{Kind::u64}, at{&v} {}
    Slot(const char* n, std::uint32_t& v) : name{n}, kind{Kind::u32}, at{&v} {}
    Slot(const char* n, std::int64_t& v) : name{n}, kind{Kind::i64}, at{&v} {}
    Slot(const char* n, std::optional<std::int64_t>& v) : name{n}, kind{Kind::maybe_i64}, at{&v} {}
    Slot(const char* n, std::optional<WallTime>& v) : name{n}, kind{Kind::maybe_time}, at{&v} {}

    const char* name;
    Kind kind;  ///< `needed`: text that must be there
    void* at;
};
using Slots = std::initializer_list<Slot>;

/// Reads members of one object. The first mistake is remembered with its path and every later read
/// is without effect, so that a reader is a list of members and one look at the mistake. Members
/// that are absent leave their default; unknown ones are ignored, as an older CLI reads a newer
/// daemon, unless `refuse_others` is called. Value and mistake must outlive it.
class Members {
public:
    Members(const boost::json::value& value, std::string path, std::string& mistake);

    [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
    void read(Slots slots);
    /// A member that is none of `known` is a mistake.
    void refuse_others(std::initializer_list<std::string_view> known);
    /// The object `name`; absent: one without members.
    [[nodiscard]] Members object(std::string_view name);
    /// The objects in the array `name`, at most `max`; absent: none.
    [[nodiscard]] std::vector<Members> objects(std::string_view name, std::size_t max);
    /// The array `name`, at most `max` long; nullptr: absent or a mistake.
    [[nodiscard]] const boost::json::array* array(std::string_view name, std::size_t max);
    /// `name` empty: the object itself is meant.
    void fail(std::string_view name, std::string_view what);

private:
    [[nodiscard]] const boost::json::value* find(std::string_view name) const;
    [[nodiscard]] std::string path_of(std::string_view name) const;
    void read(const Slot& slot);

    std::string path_;
    std::string* mistake_;
    const boost::json::object* object_ = nullptr;
};

/// Where members come from or go to, so that one function per structure says what it holds and
/// serves both directions. A writer never changes what its slots name, but functions may convert
/// through local variables: they are given copies.
class Way {
public:
    /// Writes into `into`, which must outlive it.
    explicit Way(boost::json::object& into) : into_{&into} {}
    explicit Way(Members from) : from_{std::move(from)} {}

    void members(Slots slots);
    /// The object that is the member `name`. Done with before this one is used again.
    [[nodiscard]] Way object(const char* name);
    /// The array of objects `name`; a reader takes at most `max`.
    template <class T>
    void list(const char* name, std::size_t max, std::vector<T>& items, void (*one)(Way, T&)) {
        if (into_ != nullptr) {
            start_list(name);
            for (auto item : items) one(next_in(name), item);
            return;
        }
        for (auto& from : from_->objects(name, max))
            one(Way{std::move(from)}, items.emplace_back());
    }
    /// The reader; nullptr when writing.
    [[nodiscard]] Members* reader() { return from_ ? &*from_ : nullptr; }
    /// The object that is written; writers only.
    [[nodiscard]] boost::json::object& writer() { return *into_; }

private:
    void start_list(const char* name);
    [[nodiscard]] Way next_in(const char* name);

    boost::json::object* into_ = nullptr;
    std::optional<Members> from_;
};

/// A whole document, on its way to text or from it.
class Document {
public:
    /// To be written.
    Document();
    /// To be read: `failure` unless `text` is a JSON object of at most `max` bytes and 8 levels;
    /// `what` names it.
    Document(const std::string& text, const char* what, std::size_t max);
    ~Document();
    Document(const Document&) = delete;
    Document& operator=(const Document&) = delete;

    /// Only without a failure.
    [[nodiscard]] Way way();
    [[nodiscard]] std::string text() const;
    /// `bad_input` with the first mistake and its place.
    [[nodiscard]] std::optional<Error> failure() const;

private:
    std::unique_ptr<boost::json::value> value_;
    const char* what_ = nullptr;  ///< nullptr: written
    std::string mistake_;
};

/// One structure by its function `one`.
template <class T>
[[nodiscard]] std::string write_document(T value, void (*one)(Way, T&)) {
    Document document;
    one(document.way(), value);
    return document.text();
}
template <class T>
[[nodiscard]] Result<T> read_document(const std::string& text, const char* what, std::size_t max,
                                      void (*one)(Way, T&)) {
    Document document{text, what, max};
    if (document.failure()) return *document.failure();
    T value;
    one(document.way(), value);
    if (document.failure()) return *document.failure();
    return value;
}

}  // namespace gerbang::web
