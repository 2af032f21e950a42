#include "imapd/sieve/scripts/ready_scripts.h"

namespace scripts {
namespace {

std::string first_error(const ScriptFile& script, const sieve::Compiled& compiled) {
    for (const sieve::Problem& problem : compiled.problems)
        if (problem.severity == sieve::Problem::Severity::error)
            return sieve::format_problem(problem);
    return script.path + ": it cannot be compiled";
}

}  // namespace

ReadyScripts::ReadyScripts(const Params& params, std::string personal, const sieve::Settings& settings)
    : params_(params),
      personal_(std::move(personal)),
      settings_(settings),
      reader_(static_cast<std::size_t>(params.max_script_size())) {}

Result<std::shared_ptr<const sieve::Program>> ReadyScripts::load(const std::string& path) {
    auto script = reader_.load(path);
    if (!script)
        return std::unexpected(script.error());
    const std::uint64_t hash = sieve::content_hash((*script)->text);
    Ready& known = ready_[(*script)->path];
    if (known.program && known.hash == hash && known.program->dependencies().empty())
        return known.program;
    Includes includes(personal_, params_.global_directory(), static_cast<std::size_t>(params_.max_script_size()));
    sieve::CompileOptions options;
    options.settings = settings_;
    sieve::Compiled compiled = compile_kept(**script, options, includes);
    known = {hash, compiled.program};
    if (!compiled.ok())
        return std::unexpected(ScriptFailure{ScriptFailure::Kind::temporary, first_error(**script, compiled)});
    return known.program;
}

}  // namespace scripts
