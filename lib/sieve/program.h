// lib/sieve/program.h - a compiled script: what the interpreter runs and the cache beside the script holds.
//
// encode() begins with a mark, the format's version and a checksum; decode() checks these and then every number in the
// program against what it points to, so that even a forged file can only be refused or run within the limits.
//
// Failure     decode() says why it refuses: the caller compiles the script again.
// Lifetime    a Program never changes; any number of interpreters may run it at once.
// Trust       decode() trusts nothing. Jumps only go to instructions, calls only have the arguments their kind has.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lib/sieve/host.h"

namespace sieve {

struct Code;  // code.h: for compiler and interpreter

// An included script that went into a program.
struct Dependency {
    ScriptLocation location = ScriptLocation::personal;
    std::string name;
    bool found = true;       // an optional script that was not there is a dependency too
    std::uint64_t hash = 0;  // content_hash() of its text
};

// Not cryptographic: tells a changed script from an unchanged one.
std::uint64_t content_hash(std::string_view text);

class Program {
  public:
    explicit Program(std::unique_ptr<const Code> code);
    ~Program();

    std::string encode() const;
    static std::expected<std::shared_ptr<const Program>, std::string> decode(std::string_view bytes);

    const std::string& name() const;
    // content_hash() of the script that it was compiled from.
    std::uint64_t source_hash() const;
    const std::vector<Dependency>& dependencies() const;
    const Code& code() const { return *code_; }

  private:
    std::unique_ptr<const Code> code_;
};

}  // namespace sieve
