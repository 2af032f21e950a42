#include "master/tools/postconf/edit.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/command/command.h"
#include "lib/config/logical_lines.h"
#include "lib/config/main_cf.h"
#include "lib/config/master_cf.h"
#include "lib/file/replace.h"
#include "lib/text/text.h"
#include "master/tools/postconf/layout.h"
#include "master/tools/postconf/master_listing.h"

namespace postconf {
namespace {

// A file as physical lines, with the logical lines that they make. Lines are marked first and written once.
class TextFile {
  public:
    explicit TextFile(std::string path) : path_(std::move(path)) {
        auto content = config::read_text_file(path_);
        if (!content)
            command::fatal(content.error());
        logical_ = config::split_logical_lines(*content);
        std::string_view rest = *content;
        while (!rest.empty()) {
            std::size_t end = rest.find('\n');
            lines_.push_back({std::string(rest.substr(0, end)), {}, false});
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }

    const std::vector<config::LogicalLine>& logical() const { return logical_; }

    // Takes the logical line out; comments between its parts stay. The replacement stands where it began.
    void replace(const config::LogicalLine& line, const std::string& replacement) {
        for (int i = line.line; i <= line.last_line; ++i) {
            Line& physical = at(i);
            if (!is_comment(physical.text))
                physical.removed = true;
        }
        if (!replacement.empty())
            at(line.line).before.push_back(replacement);
    }

    void comment_out(const config::LogicalLine& line) {
        for (int i = line.line; i <= line.last_line; ++i) {
            Line& physical = at(i);
            if (!is_comment(physical.text))
                physical.text.insert(0, "#");
        }
    }

    void append(const std::string& line) { appended_.push_back(line); }

    void write() const {
        std::string content;
        for (const Line& line : lines_) {
            for (const std::string& before : line.before)
                content += before + "\n";
            if (!line.removed)
                content += line.text + "\n";
        }
        for (const std::string& line : appended_)
            content += line + "\n";
        if (auto done = file::replace_file(path_, content); !done)
            command::fatal(done.error().text());
    }

  private:
    struct Line {
        std::string text;
        std::vector<std::string> before;
        bool removed;
    };

    Line& at(int number) { return lines_[static_cast<std::size_t>(number) - 1]; }
    static bool is_comment(std::string_view line) {
        std::string_view visible = text::trim(line);
        return visible.empty() || visible.front() == '#';
    }

    std::string path_;
    std::vector<Line> lines_;
    std::vector<config::LogicalLine> logical_;
    std::vector<std::string> appended_;
};

config::NameValue parse_assignment(const std::string& argument) {
    if (argument.find('\n') != std::string::npos)
        command::fatal("-e, -X, or -# accepts no multi-line input");
    auto pair = config::split_name_value(argument);
    if (!pair)
        command::fatal(pair.error());
    return *pair;
}

std::string parse_name(const std::string& argument) {
    if (argument.find_first_of("= \t\n") != std::string::npos)
        command::fatal(fmt::format("-X or -# accepts names only: \"{}\"", argument));
    return argument;
}

const config::Service* find_service(const config::MasterCf& cf, std::string_view key) {
    for (const config::Service& service : cf.services()) {
        if (service.key() == key)
            return &service;
    }
    return nullptr;
}

const config::LogicalLine* line_of(const TextFile& file, const config::Service& service) {
    auto found = std::ranges::find(file.logical(), service.line, &config::LogicalLine::line);
    return found == file.logical().end() ? nullptr : &*found;
}

// A service as it was read, ready to be changed and written back.
struct EditedService {
    config::Service service;
    bool changed = false;
};

class ServiceEditor {
  public:
    explicit ServiceEditor(const std::string& directory)
        : file_(directory + "/master.cf"), cf_(config::MasterCf::load(directory)) {
        for (const config::Problem& problem : cf_.problems())
            command::fatal(config::format_problem(problem));
        for (const config::Service& service : cf_.services())
            services_.push_back({service, false});
    }

    // Every service that fits the pattern; fatal when there is none.
    std::vector<EditedService*> find(const std::string& pattern) {
        std::vector<EditedService*> found;
        for (EditedService& edited : services_) {
            if (fits(edited.service, pattern))
                found.push_back(&edited);
        }
        if (found.empty())
            command::fatal(fmt::format("unmatched request: \"{}\"", pattern));
        return found;
    }

    void write() {
        for (const EditedService& edited : services_) {
            if (edited.changed)
                file_.replace(*line_of(file_, edited.service), format_service(edited.service, true));
        }
        file_.write();
    }

  private:
    TextFile file_;
    config::MasterCf cf_;
    std::vector<EditedService> services_;
};

// Where an -o option for the parameter stands in the written arguments, and how many tokens it takes: 2 for
// "-o" "name=value", 1 for "-oname=value", 0 when there is none.
struct OptionPlace {
    std::size_t index = 0;
    std::size_t tokens = 0;
};

// The place of the parameter's option, else where the options end.
OptionPlace find_option(const std::vector<std::string>& tokens, std::string_view parameter) {
    std::size_t i = 0;
    while (i < tokens.size() && tokens[i].starts_with('-')) {
        bool split = tokens[i] == "-o" && i + 1 < tokens.size();
        std::string_view setting = split ? tokens[i + 1] : tokens[i];
        if (!split)
            setting.remove_prefix(tokens[i].starts_with("-o") ? 2 : 0);
        auto pair = config::split_name_value(setting);
        if (tokens[i].starts_with("-o") && pair && pair->name == parameter)
            return {i, split ? 2u : 1u};
        i += split ? 2 : 1;
    }
    return {i, 0};
}

void remove_override(config::Service& service, std::string_view parameter) {
    for (;;) {
        OptionPlace place = find_option(service.written_args, parameter);
        if (place.tokens == 0)
            return;
        auto first = service.written_args.begin() + static_cast<std::ptrdiff_t>(place.index);
        service.written_args.erase(first, first + static_cast<std::ptrdiff_t>(place.tokens));
    }
}

void set_override(config::Service& service, const std::string& parameter, const std::string& value) {
    std::size_t index = find_option(service.written_args, parameter).index;
    remove_override(service, parameter);
    auto place = service.written_args.begin() + static_cast<std::ptrdiff_t>(index);
    service.written_args.insert(place, {"-o", parameter + "=" + value});
}

// "a/b/c" to "a/b" and "c"
std::pair<std::string, std::string> split_third(const std::string& text) {
    if (std::ranges::count(text, '/') < 2)
        command::fatal(fmt::format("need service/type/name: \"{}\"", text));
    std::size_t first = text.find('/');
    std::size_t second = text.find('/', first + 1);
    return {text.substr(0, second), text.substr(second + 1)};
}

}  // namespace

void edit_main(const std::string& directory, Edit edit, const std::vector<std::string>& arguments) {
    TextFile file(directory + "/main.cf");
    for (const std::string& argument : arguments) {
        config::NameValue wanted;
        if (edit == Edit::set)
            wanted = parse_assignment(argument);
        else
            wanted.name = parse_name(argument);
        std::string written = wanted.name + " = " + wanted.value;
        std::string replacement(edit == Edit::set ? text::trim(written) : std::string_view());
        bool placed = false;
        for (const config::LogicalLine& line : file.logical()) {
            auto pair = config::split_name_value(line.text);
            if (!pair || pair->name != wanted.name)
                continue;
            if (edit == Edit::comment_out)
                file.comment_out(line);
            else
                file.replace(line, placed ? "" : replacement);
            placed = true;
        }
        if (!placed && edit == Edit::set)
            file.append(replacement);
    }
    file.write();
}

void edit_services(const std::string& directory, Edit edit, const std::vector<std::string>& arguments) {
    TextFile file(directory + "/master.cf");
    config::MasterCf cf = config::MasterCf::load(directory);
    for (const std::string& argument : arguments) {
        std::string key = argument;
        std::string replacement;
        if (edit == Edit::set) {
            config::NameValue wanted = parse_assignment(argument);
            key = wanted.name;
            config::MasterCf parsed = config::MasterCf::parse(wanted.value, "command line");
            if (!parsed.problems().empty())
                command::fatal(parsed.problems().front().text);
            if (parsed.services().size() != 1 || parsed.services()[0].key() != key)
                command::fatal(fmt::format("the entry is not for {}: \"{}\"", key, wanted.value));
            replacement = format_service(parsed.services()[0], true);
        }
        const config::Service* service = find_service(cf, key);
        const config::LogicalLine* line = service != nullptr ? line_of(file, *service) : nullptr;
        if (line != nullptr && edit == Edit::comment_out)
            file.comment_out(*line);
        else if (line != nullptr)
            file.replace(*line, replacement);
        else if (edit == Edit::set)
            file.append(replacement);
    }
    file.write();
}

void edit_fields(const std::string& directory, const std::vector<std::string>& arguments) {
    ServiceEditor editor(directory);
    for (const std::string& argument : arguments) {
        config::NameValue wanted = parse_assignment(argument);
        auto [pattern, field] = split_third(wanted.name);
        auto place = std::ranges::find(kFieldNames, field);
        if (place == kFieldNames.end())
            command::fatal(fmt::format("unknown field name: \"{}\"", field));
        std::size_t index = static_cast<std::size_t>(place - kFieldNames.begin());
        for (EditedService* edited : editor.find(pattern)) {
            edited->service.columns[index] = wanted.value;
            if (field == "command")
                edited->service.written_args.clear();
            std::string text = format_service(edited->service, false);
            config::MasterCf parsed = config::MasterCf::parse(text, "command line");
            if (!parsed.problems().empty())
                command::fatal(parsed.problems().front().text);
            edited->changed = true;
        }
    }
    editor.write();
}

void edit_service_parameters(const std::string& directory, Edit edit, const std::vector<std::string>& arguments) {
    ServiceEditor editor(directory);
    for (const std::string& argument : arguments) {
        config::NameValue wanted;
        if (edit == Edit::set)
            wanted = parse_assignment(argument);
        else
            wanted.name = parse_name(argument);
        auto [pattern, parameter] = split_third(wanted.name);
        for (EditedService* edited : editor.find(pattern)) {
            if (edit == Edit::set)
                set_override(edited->service, parameter, wanted.value);
            else
                remove_override(edited->service, parameter);
            edited->changed = true;
        }
    }
    editor.write();
}

}  // namespace postconf
