#include "common/web/members.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "common/core/utf8.hpp"
#include "common/web/status.hpp"

namespace gerbang::web {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxDepth = 8;

template <class T>
T& as(const Slot& slot) {
    return *static_cast<T*>(slot.at);
}

}  // namespace

json::string clean(std::string_view text) {
    const auto valid = valid_utf8(text);
    return json::string{valid.data(), valid.size()};
}

namespace {

void write(json::object& object, Slots slots) {
    for (const auto& slot : slots) {
        json::value value;
        switch (slot.kind) {
            case Slot::Kind::text:
            case Slot::Kind::needed:
                value = clean(as<std::string>(slot));
                break;
            case Slot::Kind::flag:
                value = as<bool>(slot);
                break;
            case Slot::Kind::u64:
                value = as<std::uint64_t>(slot);
                break;
            case Slot::Kind::u32:
                value = as<std::uint32_t>(slot);
                break;
            case Slot::Kind::i64:
                value = as<std::int64_t>(slot);
                break;
            case Slot::Kind::maybe_i64:
                if (!as<std::optional<std::int64_t>>(slot)) continue;
                value = *as<std::optional<std::int64_t>>(slot);
                break;
            case Slot::Kind::maybe_time:
                if (!as<std::optional<WallTime>>(slot)) continue;
                value = json::string{format_rfc3339(*as<std::optional<WallTime>>(slot))};
                break;
        }
        object[slot.name] = std::move(value);
    }
}

}  // namespace

Members::Members(const json::value& value, std::string path, std::string& mistake)
    : path_{std::move(path)}, mistake_{&mistake} {
    object_ = value.if_object();
    if (object_ == nullptr && !value.is_null()) fail("", "expected an object");
}

void Members::read(Slots slots) {
    for (const auto& slot : slots) read(slot);
}

void Members::read(const Slot& slot) {
    const auto* value = find(slot.name);
    if (value == nullptr) {
        if (slot.kind == Slot::Kind::needed) fail(slot.name, "is missing");
        return;
    }
    const auto* text = value->if_string();
    const auto is_whole = value->is_int64() || value->is_uint64();
    const auto is_natural = value->is_uint64() || (value->is_int64() && value->get_int64() >= 0);
    const auto natural = [&] { return value->to_number<std::uint64_t>(); };
    switch (slot.kind) {
        case Slot::Kind::text:
        case Slot::Kind::needed:
            if (text == nullptr) return fail(slot.name, "expected text");
            as<std::string>(slot).assign(text->data(), text->size());
            return;
        case Slot::Kind::flag:
            if (!value->is_bool()) return fail(slot.name, "expected true or false");
            as<bool>(slot) = value->get_bool();
            return;
        case Slot::Kind::u64:
            if (!is_natural) {
                return fail(slot.name, "expected a whole number from 0 to 2^64 - 1");
            }
            as<std::uint64_t>(slot) = natural();
            return;
        case Slot::Kind::u32:
            if (!is_natural) {
                return fail(slot.name, "expected a whole number from 0 to 2^32 - 1");
            }
            if (natural() > std::numeric_limits<std::uint32_t>::max()) {
                return fail(slot.name, "is too large");
            }
            as<std::uint32_t>(slot) = static_cast<std::uint32_t>(natural());
            return;
        case Slot::Kind::i64:
        case Slot::Kind::maybe_i64:
            if (!is_whole || value->is_uint64()) {
                return fail(slot.name, "expected a whole number within 63 bits");
            }
            if (slot.kind == Slot::Kind::i64) {
                as<std::int64_t>(slot) = value->get_int64();
            } else {
                as<std::optional<std::int64_t>>(slot) = value->get_int64();
            }
            return;
        case Slot::Kind::maybe_time: {
            auto& time = as<std::optional<WallTime>>(slot);
            time.reset();
            if (text != nullptr) time = parse_rfc3339(std::string{text->data(), text->size()});
            if (!time) fail(slot.name, "expected an instant such as 2026-11-21T06:05:04.123Z");
            return;
        }
    }
}

void Members::refuse_others(std::initializer_list<std::string_view> known) {
    if (object_ == nullptr) return;
    for (const auto& member : *object_) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        return fail(name.substr(0, 64), "is not known here");
    }
}

Members Members::object(std::string_view name) {
    static const json::value kNothing;
    const auto* value = find(name);
    return {value == nullptr ? kNothing : *value, path_of(name), *mistake_};
}

std::vector<Members> Members::objects(std::string_view name, std::size_t max) {
    std::vector<Members> list;
    const auto* found = array(name, max);
    if (found == nullptr) return list;
    for (const auto& value : *found) {
        auto path = path_of(name) + "[" + std::to_string(list.size()) + "]";
        if (!value.is_object() && mistake_->empty()) *mistake_ = path + ": expected an object";
        list.emplace_back(value, std::move(path), *mistake_);
    }
    return list;
}

const json::array* Members::array(std::string_view name, std::size_t max) {
    const auto* value = find(name);
    if (value == nullptr) return nullptr;
    const auto* found = value->if_array();
    if (found == nullptr) fail(name, "expected a list");
    if (found != nullptr && found->size() > max) {
        fail(name, "is too long");
        return nullptr;
    }
    return found;
}

void Members::fail(std::string_view name, std::string_view what) {
    if (!mistake_->empty()) return;
    *mistake_ = (name.empty() ? path_ : path_of(name)) + ": " + std::string{what};
}

const json::value* Members::find(std::string_view name) const {
    if (object_ == nullptr || !mistake_->empty()) return nullptr;
    const auto* value = object_->if_contains(json::string_view{name.data(), name.size()});
    return value == nullptr || value->is_null() ? nullptr : value;
}

std::string Members::path_of(std::string_view name) const {
    return path_ + "." + std::string{name};
}

void Way::members(Slots slots) {
    if (into_ != nullptr) {
        write(*into_, slots);
    } else {
        from_->read(slots);
    }
}

Way Way::object(const char* name) {
    if (into_ == nullptr) return Way{from_->object(name)};
    auto& inner = (*into_)[name];
    return Way{inner.emplace_object()};
}

void Way::start_list(const char* name) {
    (*into_)[name].emplace_array();
}

Way Way::next_in(const char* name) {
    return Way{into_->at(name).as_array().emplace_back(json::object_kind).as_object()};
}

Document::Document() : value_{std::make_unique<json::value>(json::object_kind)} {}

Document::Document(const std::string& text, const char* what, std::size_t max) : what_{what} {
    const auto fail = [&](const std::string& why) { mistake_ = std::string{what} + ": " + why; };
    if (text.size() > max) {
        fail("longer than " + std::to_string(max >> 10) + " KiB");
        return;
    }
    json::parse_options options;
    options.max_depth = kMaxDepth;
    json::error_code error;
    value_ = std::make_unique<json::value>(json::parse(text, error, {}, options));
    if (error) {
        fail("not JSON: " + error.message());
    } else if (!value_->is_object()) {
        fail("expected an object");
    }
}

Document::~Document() = default;

Way Document::way() {
    if (what_ == nullptr) return Way{value_->as_object()};
    return Way{Members{*value_, what_, mistake_}};
}

std::string Document::text() const {
    return json::serialize(*value_);
}

std::optional<Error> Document::failure() const {
    if (mistake_.empty()) return std::nullopt;
    return Error{Errc::bad_input, mistake_};
}

}  // namespace gerbang::web
