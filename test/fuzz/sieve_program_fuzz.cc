// A forged program: decode() must refuse it or the machine must run it within its limits. The checksum is put right, or
// nothing would get past it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "test/fuzz/sieve_host.h"

namespace {

std::string with_checksum(std::string_view body) {
    static const std::string head = [] {
        sieve::CompileOptions options;
        return sieve::compile("keep;", options).program->encode().substr(0, 20);
    }();
    std::string out = head;
    std::uint64_t hash = sieve::content_hash(body);
    for (int i = 0; i < 8; ++i)
        out += static_cast<char>(hash >> (8 * i));
    out += body;
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view body(reinterpret_cast<const char*>(data), size);
    (void)sieve::Program::decode(body);
    auto decoded = sieve::Program::decode(with_checksum(body));
    if (!decoded)
        return decoded.error().empty() ? (__builtin_trap(), 0) : 0;
    fuzz::AnswerAll host;
    sieve::Settings settings = fuzz::tight_settings();
    sieve::Message message(fuzz::kMessage);
    sieve::Interpreter interpreter(message, host, settings, {.trace = true, .foreign = nullptr});
    fuzz::perform(interpreter.run(**decoded), message, host, settings);
    return 0;
}
