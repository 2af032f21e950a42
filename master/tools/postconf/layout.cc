#include "master/tools/postconf/layout.h"

#include "lib/config/main_cf.h"
#include "lib/config/values.h"
#include "lib/text/text.h"

namespace postconf {
namespace {

// The longest lines that Postfix makes; one octet less for services.
constexpr std::size_t kSettingLimit = 80;
constexpr std::size_t kServiceLimit = 79;
constexpr std::size_t kIndent = 4;

// Where each column of master.cf begins.
constexpr std::size_t kColumnStart[] = {0, 11, 17, 25, 33, 41, 49, 57};

// Appends words with single blanks between them; folds where they would pass the limit.
class Folder {
  public:
    Folder(std::string& out, bool fold, std::size_t limit) : out_(out), column_(out.size()), limit_(limit), fold_(fold) {}

    void add(std::string_view word, bool at_start) {
        if (at_start) {
            out_ += word;
            column_ += word.size();
        } else if (fold_ && column_ + 1 + word.size() > limit_) {
            new_line(word);
        } else {
            out_ += ' ';
            out_ += word;
            column_ += 1 + word.size();
        }
    }

    void new_line(std::string_view word) {
        out_ += "\n    ";
        out_ += word;
        column_ = kIndent + word.size();
    }

  private:
    std::string& out_;
    std::size_t column_;
    std::size_t limit_;
    bool fold_;
};

bool needs_braces(std::string_view argument) {
    return argument.empty() || argument.find_first_of(" \t\r\n") != std::string_view::npos || argument.front() == '{';
}

std::string in_braces(std::string_view argument) {
    return needs_braces(argument) ? "{" + std::string(argument) + "}" : std::string(argument);
}

// "-o name=value" as one word each, the other arguments as they are.
std::vector<std::string> argument_words(const config::Service& service) {
    std::vector<std::string> words;
    const std::vector<std::string>& tokens = service.written_args;
    bool in_options = true;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        std::string_view token = tokens[i];
        in_options = in_options && token.starts_with('-');
        if (!in_options || !token.starts_with("-o")) {
            words.push_back(in_braces(token));
            continue;
        }
        std::string_view setting = token.substr(2);
        if (setting.empty() && i + 1 < tokens.size())
            setting = tokens[++i];
        auto pair = config::split_name_value(setting);
        std::string text = pair ? pair->name + "=" + pair->value : std::string(setting);
        words.push_back("-o " + in_braces(text));
    }
    return words;
}

}  // namespace

std::string format_setting(std::string_view name, std::string_view value, const Layout& layout) {
    std::string out;
    if (!layout.values)
        return std::string(name);
    if (layout.names)
        out = std::string(name) + " =";
    Folder folder(out, layout.fold, kSettingLimit);
    bool at_start = !layout.names;
    for (std::string_view word : text::split(value, " \t\r\n")) {
        folder.add(word, at_start);
        at_start = false;
    }
    return out;
}

std::string format_service(const config::Service& service, bool fold) {
    std::string out;
    for (std::size_t i = 0; i < service.columns.size(); ++i) {
        if (i > 0)
            out += ' ';
        if (out.size() < kColumnStart[i])
            out.append(kColumnStart[i] - out.size(), ' ');
        out += service.columns[i];
    }
    Folder folder(out, fold, kServiceLimit);
    for (const std::string& word : argument_words(service)) {
        if (fold && word.starts_with("-o "))
            folder.new_line(word);
        else
            folder.add(word, false);
    }
    return out;
}

std::string format_command(const config::Service& service) {
    std::string out = service.command;
    for (const std::string& word : argument_words(service))
        out += " " + word;
    return out;
}

}  // namespace postconf
