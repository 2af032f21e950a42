// Lexer, parser, compiler and machine: any text is compiled; what compiles survives its file form and is run.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "test/fuzz/sieve_host.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    sieve::CompileOptions options;
    options.settings = fuzz::tight_settings();
    sieve::Compiled compiled = sieve::compile(text, options);
    for (const sieve::Problem& problem : compiled.problems)
        if (sieve::format_problem(problem).find('\n') != std::string::npos)
            __builtin_trap();
    if (!compiled.ok())
        return compiled.problems.empty() ? (__builtin_trap(), 0) : 0;
    std::string encoded = compiled.program->encode();
    auto decoded = sieve::Program::decode(encoded);
    if (!decoded || (*decoded)->encode() != encoded)
        __builtin_trap();
    fuzz::AnswerAll host;
    sieve::Message message(fuzz::kMessage);
    sieve::Interpreter interpreter(message, host, options.settings, {.trace = size % 2 == 0, .foreign = nullptr});
    fuzz::perform(interpreter.run(**decoded), message, host, options.settings);
    return 0;
}
