// imapd/sieve/scripts/compiled.h - a script made ready to run: compiled once, kept beside it, checked each time.
//
// The compiled form of DIR/NAME.sieve is DIR/.NAME.mpbin. It counts only if it was made from just this text and just these
// included scripts; else, or where it is damaged, the script is compiled again. A directory that cannot be written costs
// only the time to compile.
//
// Failure     problems, as sieve::compile() tells them.
// Trust       the kept form is not trusted: sieve::Program::decode() checks every number in it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "imapd/account/script_places.h"
#include "imapd/sieve/scripts/params.h"
#include "imapd/sieve/scripts/script_storage.h"
#include "lib/sieve/host.h"
#include "lib/sieve/program.h"
#include "lib/sieve/script.h"
#include "lib/sieve/settings.h"

namespace scripts {

Quota quota_of(const Params& params);
sieve::Settings settings_of(const Params& params, const account::Owner& owner);

// Finds what `include` names: personal scripts in the user's directory, global ones in sieve_global_directory.
class Includes final : public sieve::ScriptLoader {
  public:
    Includes(std::string personal, std::string global, std::size_t max)
        : personal_(std::move(personal)), global_(std::move(global)), max_(max) {}
    std::optional<std::string> load(sieve::ScriptLocation location, std::string_view name) override;

  private:
    std::string personal_, global_;
    std::size_t max_;
};

sieve::Compiled compile_kept(const ScriptFile& script, const sieve::CompileOptions& options, Includes& includes);

}  // namespace scripts
