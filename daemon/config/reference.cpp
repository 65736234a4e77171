#include <string>

#include "daemon/config/config.hpp"
#include "daemon/config/schema.hpp"

namespace gerbang {
namespace {

using config::Form;
using config::KeySpec;

const std::string& in(Language language, const config::Said& said) {
    return language == Language::english ? said.english : said.indonesian;
}

bool has_range(Form form) {
    return form == Form::duration || form == Form::size || form == Form::rate ||
           form == Form::whole || form == Form::offset;
}

/// The form without the verb of a message, with the range where there is one.
std::string form_text(const KeySpec& key, Language language) {
    const bool is_english = language == Language::english;
    if (key.shape == KeySpec::Shape::items)
        return is_english ? "list of sections" : "daftar bagian";
    auto text = in(language, config::describe(key.form, key.bounds));
    for (const std::string_view verb : {"expected ", "harus ", "berupa "}) {
        if (text.rfind(verb, 0) == 0) text.erase(0, verb.size());
    }
    if (key.shape == KeySpec::Shape::list) {
        text = (is_english ? "list; each entry " : "daftar; setiap entri ") + text;
    }
    if (has_range(key.form) && key.form != Form::whole) {
        text += (is_english ? "; from " : "; dari ") +
                config::write_value(key.form, key.bounds.least) +
                (is_english ? " to " : " sampai ") + config::write_value(key.form, key.bounds.most);
    }
    return text;
}

}  // namespace

std::string config_reference(Language language) {
    const bool is_english = language == Language::english;
    std::string text =
        is_english ? "# Configuration reference\n\n" : "# Daftar kunci konfigurasi\n\n";
    for (const auto& key : config::schema()) {
        text += "## `" + std::string{key.path} + "`\n\n";
        text += std::string{is_english ? key.english : key.indonesian} + "\n\n";
        text += (is_english ? "- Form: " : "- Bentuk: ") + form_text(key, language) + "\n";
        if (key.is_required) {
            text += is_english ? "- Required\n" : "- Wajib ada\n";
        } else {
            const std::string nothing = is_english ? "(nothing)" : "(kosong)";
            const auto value =
                key.default_text.empty() ? nothing : "`" + std::string{key.default_text} + "`";
            text += (is_english ? "- Default: " : "- Bawaan: ") + value + "\n";
        }
        text += "\n";
    }
    return text;
}

}  // namespace gerbang
