#include "common/wire/column.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "common/core/check.hpp"

namespace gerbang::wire {
namespace {

constexpr std::uint8_t kMethodBits = 0x07;
constexpr std::uint8_t kUnitBit = 0x08;

std::uint64_t bits(std::int64_t value) noexcept {
    return static_cast<std::uint64_t>(value);
}

/// a - b modulo 2^64: what the decoder's addition undoes, whatever the values.
std::int64_t difference(std::int64_t a, std::int64_t b) noexcept {
    return static_cast<std::int64_t>(bits(a) - bits(b));
}

std::uint64_t magnitude(std::int64_t value) noexcept {
    return value < 0 ? ~bits(value) + 1 : bits(value);
}

/// Exact division of a difference by its unit; the magnitude is a multiple of it.
std::int64_t divided(std::int64_t value, std::uint64_t unit) noexcept {
    if (unit == 1) return value;
    const std::uint64_t quotient = magnitude(value) / unit;
    return static_cast<std::int64_t>(value < 0 ? ~quotient + 1 : quotient);
}

/// Bytes that the differences of `values` need by each method, the first number left out.
struct Sizes {
    std::size_t delta = 0;
    std::size_t rising = 0;
    std::size_t bend = 0;
};

Sizes sizes_of(std::span<const std::int64_t> values, std::uint64_t unit) {
    Sizes sizes;
    std::int64_t before = 0;
    for (std::size_t i = 1; i < values.size(); ++i) {
        const std::int64_t step = divided(difference(values[i], values[i - 1]), unit);
        sizes.delta += varint_size(zigzag(step));
        sizes.rising += varint_size(bits(step));
        sizes.bend += varint_size(zigzag(difference(step, before)));
        before = step;
    }
    return sizes;
}

/// The divisor that all differences share; 1 as soon as there is none.
std::uint64_t common_unit(std::span<const std::int64_t> values) {
    std::uint64_t unit = 0;
    for (std::size_t i = 1; i < values.size() && unit != 1; ++i) {
        unit = std::gcd(unit, magnitude(difference(values[i], values[i - 1])));
    }
    return std::max<std::uint64_t>(unit, 1);
}

}  // namespace

std::uint8_t header_of(const Plan& plan) noexcept {
    const auto method = static_cast<std::uint8_t>(plan.method);
    return plan.unit > 1 ? static_cast<std::uint8_t>(method | kUnitBit) : method;
}

Plan plan_for(std::span<const std::int64_t> values) {
    GERBANG_CHECK(!values.empty());
    const std::int64_t slope = values.size() > 1 ? difference(values[1], values[0]) : 0;
    bool is_straight = true;
    std::size_t raw_size = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        raw_size += varint_size(zigzag(values[i]));
        if (i > 0 && difference(values[i], values[i - 1]) != slope) is_straight = false;
    }
    if (is_straight && slope == 0) return {Method::constant, 1};
    if (is_straight) return {Method::slope, 1};

    Plan best{Method::raw, 1};
    std::size_t best_size = raw_size;
    const std::size_t first_size = varint_size(zigzag(values[0]));
    const auto consider = [&](Method method, std::uint64_t unit, std::size_t steps_size) {
        const std::size_t size =
            first_size + steps_size + (unit > 1 ? varint_size(unit) : std::size_t{0});
        if (size >= best_size) return;
        best = {method, unit};
        best_size = size;
    };
    const std::uint64_t shared = common_unit(values);
    for (const std::uint64_t unit : {std::uint64_t{1}, shared}) {
        const auto sizes = sizes_of(values, unit);
        consider(Method::delta, unit, sizes.delta);
        consider(Method::rising, unit, sizes.rising);
        consider(Method::bend, unit, sizes.bend);
        if (shared == 1) break;
    }
    return best;
}

void put_column(std::string& out, const Plan& plan, std::span<const std::int64_t> values) {
    GERBANG_CHECK(!values.empty());
    if (plan.method == Method::raw) {
        for (const auto value : values) put_zigzag(out, value);
        return;
    }
    put_zigzag(out, values[0]);
    if (plan.method == Method::constant) return;
    if (plan.method == Method::slope) {
        put_zigzag(out, difference(values[1], values[0]));
        return;
    }
    if (plan.unit > 1) put_varint(out, plan.unit);
    std::int64_t before = 0;
    for (std::size_t i = 1; i < values.size(); ++i) {
        const std::int64_t step = divided(difference(values[i], values[i - 1]), plan.unit);
        if (plan.method == Method::delta) put_zigzag(out, step);
        if (plan.method == Method::rising) put_varint(out, bits(step));
        if (plan.method == Method::bend) put_zigzag(out, difference(step, before));
        before = step;
    }
}

bool get_column(ByteReader& in, std::uint8_t header, std::size_t count,
                std::vector<std::int64_t>& out, const char* what) {
    GERBANG_CHECK(count > 0);
    const std::uint8_t method_number = header & kMethodBits;
    const bool has_unit = (header & kUnitBit) != 0;
    if (method_number > static_cast<std::uint8_t>(Method::bend) ||
        (has_unit && method_number < static_cast<std::uint8_t>(Method::delta))) {
        in.fail(what);
        return false;
    }
    const auto method = static_cast<Method>(method_number);
    const std::int64_t first = method == Method::raw ? 0 : in.zigzag(what);
    if (method == Method::constant || method == Method::slope) {
        const std::uint64_t slope = method == Method::slope ? bits(in.zigzag(what)) : 0;
        if (!in.ok()) return false;
        out.resize(count);
        std::uint64_t value = bits(first);
        for (auto& slot : out) {
            slot = static_cast<std::int64_t>(value);
            value += slope;
        }
        return true;
    }
    const std::uint64_t unit = has_unit ? in.varint(what) : 1;
    const std::size_t written = method == Method::raw ? count : count - 1;
    // Every number left has at least one byte: the input bounds the allocation.
    if (!in.ok() || written > in.remaining()) {
        in.fail(what);
        return false;
    }
    out.resize(count);
    // A signed integer and its unsigned sibling may alias, so the numbers are decoded in place.
    auto* const numbers = reinterpret_cast<std::uint64_t*>(out.data());
    if (!in.varints(numbers + (count - written), written, what)) return false;
    if (method == Method::raw) {
        for (std::size_t i = 0; i < count; ++i) numbers[i] = bits(unzigzag(numbers[i]));
        return true;
    }
    std::uint64_t value = bits(first);
    std::uint64_t step = 0;
    numbers[0] = value;
    for (std::size_t i = 1; i < count; ++i) {
        if (method == Method::rising) {
            step = numbers[i];
        } else if (method == Method::delta) {
            step = bits(unzigzag(numbers[i]));
        } else {
            step += bits(unzigzag(numbers[i]));
        }
        value += step * unit;
        numbers[i] = value;
    }
    return true;
}

void put_whole_column(std::string& out, std::span<const std::int64_t> values) {
    const auto plan = plan_for(values);
    put_u8(out, header_of(plan));
    put_column(out, plan, values);
}

bool get_whole_column(ByteReader& in, std::size_t count, std::vector<std::int64_t>& out,
                      const char* what) {
    const std::uint8_t header = in.u8(what);
    if ((header & ~kPlanBits) != 0) in.fail(what);
    return in.ok() && get_column(in, header, count, out, what);
}

}  // namespace gerbang::wire
