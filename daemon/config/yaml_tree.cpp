#include "daemon/config/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <array>
#include <istream>
#include <streambuf>
#include <string_view>
#include <utility>

namespace gerbang::config {
namespace {

/// A stream over bytes that the caller keeps, without a copy.
class ViewBuffer : public std::streambuf {
public:
    explicit ViewBuffer(const std::string& text) {
        auto* begin = const_cast<char*>(text.data());  // streambuf's interface; never written
        setg(begin, begin, begin + text.size());
    }
};

Place place_of(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

/// Builds the tree from the parser's events. Events, not yaml-cpp's own nodes, because only they
/// show anchors, tags and doubled keys, and because nothing is expanded here.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(const std::string& text, YamlTree& tree) : text_{&text}, tree_{&tree} {
        line_starts_.push_back(0);
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (text[i] == '\n') line_starts_.push_back(i + 1);
        }
    }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        refuse_anchor(mark, anchor);
        add({.at = place_of(mark)});
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        problem(mark, {"alias (*nama) tidak diterima; tuliskan nilainya",
                       "aliases (*name) are not accepted; write the value itself"});
        add({.kind = YamlNode::Kind::nothing, .at = place_of(mark)});
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        refuse_anchor(mark, anchor);
        // yaml-cpp names the untagged forms "?" (plain) and "!" (quoted).
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark);
        YamlNode node{.kind = YamlNode::Kind::scalar, .at = place_of(mark), .text = value};
        node.is_quoted = tag == "!";
        if (node.is_quoted && !ends_on_its_line(mark)) {
            problem(mark, {"tanda kutip yang dibuka di sini tidak ditutup di baris yang sama",
                           "the quote opened here is not closed on the same line"});
        }
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::list);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, YamlNode::Kind::map);
    }
    void OnMapEnd() override { close(); }

    /// After a syntax error: what is still open becomes part of the tree as it is.
    void close_all() {
        too_deep_ = 0;
        while (!open_.empty()) {
            // A key whose value never came would pair with nothing.
            auto& top = open_.back();
            if (top.keys.size() > top.items.size()) top.keys.pop_back();
            close();
        }
    }

private:
    void problem(const YAML::Mark& mark, Said message) {
        tree_->problems.push_back({place_of(mark), std::move(message)});
    }
    void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
        if (anchor == 0) return;
        problem(mark, {"jangkar (&nama) tidak diterima; hapus tanda itu",
                       "anchors (&name) are not accepted; remove the mark"});
    }
    void refuse_tag(const YAML::Mark& mark) {
        problem(mark, {"tag (!nama) tidak diterima; hapus tanda itu",
                       "tags (!name) are not accepted; remove the mark"});
    }

    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              YamlNode::Kind kind) {
        if (too_deep_ > 0 || open_.size() == kMaxDepth) {
            if (too_deep_++ == 0) {
                problem(mark, {"bertingkat terlalu dalam (paling banyak 8 tingkat)",
                               "nested too deeply (at most 8 levels)"});
            }
            return;
        }
        refuse_anchor(mark, anchor);
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_tag(mark);
        open_.push_back({.kind = kind, .at = place_of(mark)});
    }

    void close() {
        if (too_deep_ > 0) {
            if (--too_deep_ == 0) add({});
            return;
        }
        auto node = std::move(open_.back());
        open_.pop_back();
        add(std::move(node));
    }

    void add(YamlNode node) {
        if (too_deep_ > 0) return;
        if (open_.empty()) {
            tree_->root = std::move(node);
            return;
        }
        auto& parent = open_.back();
        const bool is_key =
            parent.kind == YamlNode::Kind::map && parent.keys.size() == parent.items.size();
        (is_key ? parent.keys : parent.items).push_back(std::move(node));
    }

    /// False for a scalar in quotes whose end stands on another line or nowhere: yaml-cpp takes
    /// the rest of the file for its text, and nobody writes such values here on purpose.
    bool ends_on_its_line(const YAML::Mark& mark) const {
        const auto line = static_cast<std::size_t>(mark.line);
        if (line >= line_starts_.size()) return true;
        auto at = line_starts_[line] + static_cast<std::size_t>(mark.column);
        if (at >= text_->size()) return true;
        const char quote = (*text_)[at];
        if (quote != '"' && quote != '\'') return true;  // block style
        for (++at; at < text_->size() && (*text_)[at] != '\n'; ++at) {
            if ((*text_)[at] == '\\' && quote == '"') {
                ++at;
            } else if ((*text_)[at] == quote) {
                const bool is_doubled =
                    quote == '\'' && at + 1 < text_->size() && (*text_)[at + 1] == quote;
                if (!is_doubled) return true;
                ++at;
            }
        }
        return false;
    }

    const std::string* text_;
    YamlTree* tree_;
    std::vector<std::size_t> line_starts_;
    std::vector<YamlNode> open_;
    std::size_t too_deep_ = 0;
};

struct Translation {
    std::string_view yaml_cpp;
    std::string_view indonesian;
    std::string_view english;
};
/// The syntax errors that people really make, in words that help; the rest keep yaml-cpp's words.
constexpr std::array kTranslations{
    Translation{"end of map not found",
                "baris ini tidak segaris dengan baris di atasnya; periksa spasi di awal baris",
                "this line is not aligned with those above it; check the spaces at its beginning"},
    Translation{"end of sequence not found",
                "baris ini tidak segaris dengan daftar di atasnya; periksa spasi sebelum \"-\"",
                "this line is not aligned with the list above it; check the spaces before \"-\""},
    Translation{"end of map flow not found", "kurung kurawal penutup \"}\" tidak ditemukan",
                "the closing brace \"}\" is missing"},
    Translation{"end of sequence flow not found", "kurung siku penutup \"]\" tidak ditemukan",
                "the closing bracket \"]\" is missing"},
    Translation{"illegal map value",
                "tanda \":\" di tempat yang salah; beri tanda kutip pada "
                "teks yang berisi \": \"",
                "\":\" in the wrong place; put text that contains \": \" into quotes"},
    Translation{"illegal EOF in scalar", "tanda kutip penutup tidak ditemukan",
                "the closing quote is missing"},
    Translation{"unknown token", "tanda ini tidak boleh berdiri di awal nilai; beri tanda kutip",
                "a value cannot begin with this character; put it into quotes"},
    Translation{"illegal block entry", "tanda \"-\" di tempat yang salah",
                "\"-\" in the wrong place"},
    Translation{"illegal map key", "nama kunci di tempat yang salah; periksa spasi di awal baris",
                "a key in the wrong place; check the spaces at the beginning of the line"},
    Translation{"the referenced anchor is not defined",
                "alias (*nama) tidak diterima; tuliskan nilainya",
                "aliases (*name) are not accepted; write the value itself"},
};

Said syntax_message(const std::string& what) {
    for (const auto& known : kTranslations) {
        if (what.find(known.yaml_cpp) != std::string::npos) {
            return {"salah tulis YAML: " + std::string{known.indonesian},
                    "YAML syntax: " + std::string{known.english}};
        }
    }
    return {"salah tulis YAML: " + what, "YAML syntax: " + what};
}

/// Length of the well-formed UTF-8 sequence at `at`; 0 for a broken one and for NUL.
std::size_t character_length(const std::string& text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    if (lead == 0) return 0;
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : (lead >= 0xe0 ? 3 : 2);
    if (lead < 0xc2 || lead > 0xf4 || at + length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xc0) != 0x80) return 0;
    }
    if ((lead == 0xe0 && byte(at + 1) < 0xa0) || (lead == 0xed && byte(at + 1) > 0x9f) ||
        (lead == 0xf0 && byte(at + 1) < 0x90) || (lead == 0xf4 && byte(at + 1) > 0x8f)) {
        return 0;
    }
    return length;
}

/// Complains of the first byte that is no text. yaml-cpp would guess another encoding.
bool is_text(const std::string& text, YamlTree& tree) {
    Place at{1, 1};
    for (std::size_t i = 0; i < text.size();) {
        const auto length = character_length(text, i);
        if (length == 0) {
            tree.problems.push_back({at,
                                     {"berkas ini bukan teks UTF-8; simpan ulang sebagai UTF-8",
                                      "this file is not UTF-8 text; save it again as UTF-8"}});
            return false;
        }
        if (text[i] == '\n') {
            ++at.line;
            at.column = 1;
        } else {
            at.column += static_cast<int>(length);
        }
        i += length;
    }
    return true;
}

/// The text before the first line that is indented by a TAB; complains of that line. yaml-cpp
/// takes some of these for spaces and then misunderstands the rest.
std::string before_tabs(const std::string& text, YamlTree& tree) {
    int line = 1;
    for (std::size_t start = 0; start < text.size(); ++line) {
        const auto end = std::min(text.find('\n', start), text.size());
        const auto first = text.find_first_not_of(" \t\r", start);
        const bool has_content = first < end && text[first] != '#';
        const auto tab = text.find('\t', start);
        if (has_content && tab < first) {
            tree.is_whole = false;
            tree.problems.push_back({{line, static_cast<int>(tab - start) + 1},
                                     {"awal baris berisi TAB; pakai spasi, bukan TAB",
                                      "the line begins with a TAB; use spaces, not tabs"}});
            return text.substr(0, start);
        }
        start = end + 1;
    }
    return text;
}

}  // namespace

YamlTree read_yaml(const std::string& whole) {
    YamlTree tree;
    if (whole.size() > kMaxFileBytes) {
        tree.is_whole = false;
        tree.problems.push_back(
            {{}, {"berkas lebih besar dari 64 KiB", "the file is larger than 64 KiB"}});
        return tree;
    }
    if (!is_text(whole, tree)) {
        tree.is_whole = false;
        return tree;
    }
    const bool has_mark = whole.compare(0, 3, "\xef\xbb\xbf") == 0;  // Notepad's signature
    const auto text = before_tabs(has_mark ? whole.substr(3) : whole, tree);
    TreeBuilder builder{text, tree};
    try {
        ViewBuffer buffer{text};
        std::istream stream{&buffer};
        YAML::Parser parser{stream};
        if (parser.HandleNextDocument(builder)) {
            YamlTree rest;
            TreeBuilder ignored{text, rest};
            if (parser.HandleNextDocument(ignored)) {
                tree.problems.push_back(
                    {rest.root.at,
                     {"hanya satu dokumen per berkas; hapus \"---\" dan sesudahnya",
                      "one document per file; remove \"---\" and what follows"}});
            }
        }
    } catch (const YAML::Exception& error) {
        tree.is_whole = false;
        builder.close_all();
        const Place at = error.mark.is_null() ? Place{} : place_of(error.mark);
        tree.problems.push_back({at, syntax_message(error.msg)});
    } catch (const std::exception& error) {
        tree.is_whole = false;
        builder.close_all();
        tree.problems.push_back({{}, syntax_message(error.what())});
    }
    return tree;
}

}  // namespace gerbang::config
