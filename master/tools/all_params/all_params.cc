#include "master/tools/all_params/all_params.h"

namespace all_params {

Declarations declarations(const std::vector<ProgramParams>& programs) {
    Declarations all;
    for (const ProgramParams& program : programs) {
        for (const config::ParamBase* parameter : program.set->parameters()) {
            Declared& declared = all[parameter->name()];
            if (declared.parameter == nullptr)
                declared.parameter = parameter;
            declared.headers.push_back(program.header);
        }
    }
    return all;
}

config::NameSet names(const Declarations& declarations) {
    config::NameSet all;
    for (const auto& [name, declared] : declarations)
        all.insert(name);
    return all;
}

void declare_defaults(const Declarations& declarations, config::MainCf& cf) {
    for (const auto& [name, declared] : declarations) {
        if (declared.parameter->derive())
            cf.set_default(name, declared.parameter->derive());
        else
            cf.set_default(name, declared.parameter->default_text());
    }
}

}  // namespace all_params
