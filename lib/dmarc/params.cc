#include "lib/dmarc/params.h"

#include "lib/dmarc/evaluate.h"

namespace dmarc {

std::expected<Options, std::string> options_of(const Params& params) {
    Options options;
    options.trusted_sealers = params.trusted_sealers();
    if (params.policy_discovery() == "tree_walk")
        options.method = Method::tree_walk;
    else if (params.policy_discovery() != "public_suffix_list")
        return std::unexpected(
            "dmarc_policy_discovery = " + params.policy_discovery() + ": public_suffix_list or tree_walk is wanted");
    return options;
}

}  // namespace dmarc
