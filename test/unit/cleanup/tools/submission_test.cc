#include "cleanup/tools/submission.h"

#include "test/support/catch.h"

using tools::Submission;

namespace {

std::string fed(Submission& submission, const std::string& in, std::size_t step) {
    std::string out;
    bool more = true;
    for (std::size_t at = 0; at < in.size() && more; at += step)
        more = submission.feed(std::string_view{in}.substr(at, step), out);
    submission.finish(out);
    return out;
}

struct Case {
    const char* name;
    bool dot_ends;
    std::string in;
    std::string want;
};

const Case kCases[] = {
    {"line ends", true, "a\nb\r\nc\n", "a\r\nb\r\nc\r\n"},
    {"no end at the end", true, "a\nb", "a\r\nb\r\n"},
    {"empty", true, "", ""},
    {"a dot ends", true, "a\n.\nb\n", "a\r\n"},
    {"a dot ends, CR LF", true, "a\r\n.\r\nb\r\n", "a\r\n"},
    {"a dot with -i", false, "a\n.\nb\n", "a\r\n.\r\nb\r\n"},
    {"two dots are text", true, "..\n", "..\r\n"},
    {"a last dot without an end", true, "a\n.", "a\r\n"},
};

}  // namespace

TEST_CASE("what sendmail reads", "[sendmail]") {
    for (const Case& c : kCases) {
        DYNAMIC_SECTION(c.name) {
            for (const std::size_t step : {1, 2, 3, 1000}) {
                Submission submission{c.dot_ends, false};
                const std::string out = fed(submission, c.in, step);
                CHECK(out == c.want);
            }
        }
    }
}

TEST_CASE("a very long line passes in pieces", "[sendmail]") {
    const std::string line(200'000, 'x');
    Submission submission{true, true};
    CHECK(fed(submission, line + "\nnext\n", 5000) == line + "\r\nnext\r\n");
    Submission without_end{true, false};
    CHECK(fed(without_end, line, 5000) == line + "\r\n");
}

TEST_CASE("recipients in the header", "[sendmail]") {
    const auto recipients = [](const std::string& in) {
        Submission submission{true, true};
        fed(submission, in, 10);
        return submission.recipients();
    };
    CHECK(recipients(
              "To: a@x.test, \"B, C\" <b@x.test>\nSubject: d@x.test\nBcc: e@x.test,\n f@x.test\ncc: (hi) g\n\nTo: h@x\n") ==
          std::vector<std::string>{"a@x.test", "b@x.test", "e@x.test", "f@x.test", "g"});
    CHECK(recipients("To: a@x.test\nResent-To: r@x.test\n\n") == std::vector<std::string>{"r@x.test"});
    CHECK(recipients("From alice Thu Jan 1\nTo: a@x.test\n\n") == std::vector<std::string>{"a@x.test"});
    CHECK(recipients("hello there\nTo: a@x.test\n\n").empty());
    CHECK(recipients("Subject: x\n\nTo: a@x.test\n").empty());
}
