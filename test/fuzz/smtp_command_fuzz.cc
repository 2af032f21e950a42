// What clients and servers say in SMTP: commands, parameters, the end of data, whatever the cut.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "lib/address/path.h"
#include "lib/smtp/command.h"
#include "lib/smtp/data.h"
#include "lib/smtp/reply.h"
#include "lib/text/xtext.h"

namespace {

void check(bool holds) {
    if (!holds)
        std::abort();
}

void commands(std::string_view text) {
    smtp::Command command = smtp::parse_command(text);
    for (const char* keyword : {"FROM", "TO"})
        for (bool strict : {false, true})
            if (auto argument = smtp::path_argument(command.argument, keyword, strict)) {
                address::PathOptions options;
                options.strict = strict;
                if (auto path = address::parse_path(*argument, options))
                    (void)smtp::parse_parameters(path->parameters);
            }
    if (auto decoded = text::decode_xtext(text))
        check(text::decode_xtext(text::encode_xtext(*decoded)) == *decoded);
    smtp::Reply reply(250, "2.0.0", std::string(text));
    std::string line = smtp::format_reply(reply);
    check(line.find('\n') == line.size() - 1);  // one text, one line
}

// The end is found at the same place however the octets are cut, and what we encode never ends early.
void data(std::string_view text, std::size_t step) {
    smtp::DataDecoder whole, cut;
    std::string one, many;
    std::size_t end = whole.decode(text, one);
    std::size_t position = 0;
    while (position < text.size() && !cut.ended())
        position += cut.decode(text.substr(position, step), many);
    check(one == many && end == position && whole.ended() == cut.ended());
    check(whole.saw_bare_lf() == cut.saw_bare_lf() && whole.saw_bare_cr() == cut.saw_bare_cr());
    smtp::DataEncoder encoder;
    std::string wire, back;
    for (std::size_t i = 0; i < text.size(); i += step)
        encoder.encode(text.substr(i, step), wire);
    encoder.finish(wire);
    smtp::DataDecoder decoder;
    check(decoder.decode(wire, back) == wire.size() && decoder.ended());
    check(!decoder.saw_bare_lf() && !decoder.saw_bare_cr());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets, std::size_t size) {
    if (size < 1)
        return 0;
    std::string_view text(reinterpret_cast<const char*>(octets) + 1, size - 1);
    commands(text);
    data(text, 1 + octets[0] % 16);
    return 0;
}
