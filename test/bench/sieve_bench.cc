// sieve_bench SCRIPT MESSAGE [RUNS] - milliseconds to compile a script, to decode its program and to run it over a message.
//
// Each run is that of a delivery: a new Message and a new Interpreter.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>
#include <vector>

#include <fmt/format.h>

#include "lib/sieve/interpreter.h"
#include "lib/sieve/program.h"
#include "lib/sieve/script.h"

namespace {

class QuietHost final : public sieve::Host {
  public:
    const sieve::Envelope& envelope() const override { return envelope_; }
    std::optional<std::string> environment(std::string_view) const override { return std::nullopt; }
    bool mailbox_exists(std::string_view) override { return true; }
    bool mailbox_id_exists(std::string_view) override { return false; }
    bool special_use_exists(std::optional<std::string_view>, std::span<const std::string>) override { return false; }
    std::optional<std::string> metadata(std::optional<std::string_view>, std::string_view) override { return std::nullopt; }
    bool is_external_list(std::string_view) override { return false; }
    bool in_external_list(std::string_view, std::string_view) override { return false; }
    bool seen_recently(std::string_view) override { return false; }
    std::int64_t now() const override { return 1'800'000'000; }
    int zone_minutes() const override { return 0; }
    std::vector<std::string> message_flags() const override { return {}; }

  private:
    sieve::Envelope envelope_{"sender@example.test", "alice@example.test", "", ""};
};

std::string read_file(const char* path) {
    std::ifstream in(path, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    if (!in) {
        std::cerr << path << ": cannot be read\n";
        std::exit(66);
    }
    return out.str();
}

void measure(std::string_view what, int runs, const std::function<void()>& work) {
    std::vector<double> times;
    for (int i = 0; i < runs; ++i) {
        auto begin = std::chrono::steady_clock::now();
        work();
        times.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::sort(times);
    double sum = 0;
    for (double time : times)
        sum += time;
    std::cout << fmt::format("{:8} median {:8.4f} ms, mean {:8.4f} ms, slowest {:8.4f} ms, {} runs\n", what,
        times[times.size() / 2], sum / runs, times.back(), runs);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::cerr << "usage: sieve_bench SCRIPT MESSAGE [RUNS]\n";
        return 64;
    }
    std::string script = read_file(argv[1]);
    std::string content = read_file(argv[2]);
    int runs = argc > 3 ? std::max(1, std::atoi(argv[3])) : 2000;
    sieve::CompileOptions options;
    sieve::Compiled compiled = sieve::compile(script, options);
    if (!compiled.ok()) {
        for (const sieve::Problem& problem : compiled.problems)
            std::cerr << sieve::format_problem(problem) << '\n';
        return 1;
    }
    std::string encoded = compiled.program->encode();
    QuietHost host;
    std::size_t actions = 0;
    measure("compile", std::max(1, runs / 20), [&] { compiled = sieve::compile(script, options); });
    measure("decode", std::max(1, runs / 20), [&] { actions += sieve::Program::decode(encoded).has_value(); });
    std::string last;
    measure("run", runs, [&] {
        sieve::Message message(content);
        sieve::Interpreter interpreter(message, host, options.settings);
        sieve::Outcome outcome = interpreter.run(*compiled.program);
        last = outcome.actions.empty() ? outcome.error : sieve::format_action(outcome.actions.front());
    });
    std::cout << fmt::format("{} octets of script, {} of program, {} of message; first action: {}\n", script.size(),
        encoded.size(), content.size(), last);
    return 0;
}
