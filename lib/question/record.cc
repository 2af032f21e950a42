#include "lib/question/record.h"

#include <fmt/format.h>

#include "lib/text/text.h"

namespace question {

std::string Place::text() const { return line > 0 ? fmt::format("{}, line {}", file, line) : file; }

void Record::answered(Question question, std::string answer, Place place, std::source_location code) {
    Step step;
    step.question = std::move(question);
    step.answer = std::move(answer);
    step.place = std::move(place);
    step.code = code;
    steps_.push_back(std::move(step));
}

void Record::decided(std::string what, Place place, std::source_location code) {
    Step step;
    step.is_decision = true;
    step.answer = std::move(what);
    step.place = std::move(place);
    step.code = code;
    steps_.push_back(std::move(step));
}

std::string Record::text(bool with_code) const {
    std::string all;
    for (const Step& step : steps_) {
        // Keys and values may hold what strangers said.
        if (step.is_decision)
            all += fmt::format("= {}", text::printable(step.answer));
        else
            all += fmt::format(
                "{}: \"{}\" -> {}", step.question.source, text::printable(step.question.key), text::printable(step.answer));
        if (!step.place.empty())
            all += fmt::format(" ({})", step.place.text());
        if (with_code)
            all += fmt::format(" [{}:{}]", step.code.file_name(), step.code.line());
        all += "\n";
    }
    return all;
}

}  // namespace question
