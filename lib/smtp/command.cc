#include "lib/smtp/command.h"

#include "lib/text/text.h"

namespace smtp {
namespace {

constexpr std::string_view kBlank = " \t";

void skip_blank(std::string_view& text) {
    std::size_t start = text.find_first_not_of(kBlank);
    text.remove_prefix(start == std::string_view::npos ? text.size() : start);
}

}  // namespace

Command parse_command(std::string_view line) {
    skip_blank(line);
    Command command;
    std::size_t end = std::min(line.find_first_of(kBlank), line.size());
    command.verb = text::upper(line.substr(0, end));
    command.argument = text::trim(line.substr(end));
    return command;
}

std::optional<std::string_view> path_argument(std::string_view argument, std::string_view keyword, bool strict) {
    if (!text::starts_with_ignoring_case(argument, keyword))
        return std::nullopt;
    argument.remove_prefix(keyword.size());
    if (!strict)
        skip_blank(argument);
    if (!argument.starts_with(':'))
        return std::nullopt;
    argument.remove_prefix(1);
    if (!strict)
        skip_blank(argument);
    return argument;
}

std::expected<std::vector<Parameter>, std::string> parse_parameters(std::string_view text) {
    std::vector<Parameter> parameters;
    for (std::string_view word : text::split(text, kBlank)) {
        if (parameters.size() == kMaxParameters)
            return std::unexpected("too many parameters");
        Parameter parameter;
        std::size_t equals = word.find('=');
        parameter.keyword = word.substr(0, equals);
        if (equals != std::string_view::npos)
            parameter.value = word.substr(equals + 1);
        if (parameter.keyword.empty())
            return std::unexpected("parameter without a name");
        parameters.push_back(parameter);
    }
    return parameters;
}

}  // namespace smtp
