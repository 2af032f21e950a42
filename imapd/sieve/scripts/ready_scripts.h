// imapd/sieve/scripts/ready_scripts.h - the scripts of one user's process, ready to run as long as their files stay as they
// are.
//
// Failure     there is no such file, it cannot be read, or it has an error: then the first one, with its line.
// Rights      the user's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "imapd/sieve/scripts/compiled.h"
#include "imapd/sieve/scripts/script_storage.h"

namespace scripts {

class ReadyScripts {
  public:
    // `personal` is where include finds the user's own scripts. Parameters and settings must stay.
    ReadyScripts(const Params& params, std::string personal, const sieve::Settings& settings);

    Result<std::shared_ptr<const sieve::Program>> load(const std::string& path);

  private:
    struct Ready {
        std::uint64_t hash = 0;
        std::shared_ptr<const sieve::Program> program;
    };
    const Params& params_;
    std::string personal_;
    const sieve::Settings& settings_;
    std::map<std::string, Ready> ready_;  // by path
    ScriptReader reader_;
};

}  // namespace scripts
