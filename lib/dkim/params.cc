#include "lib/dkim/params.h"

#include "lib/dkim/verifier.h"

namespace dkim {

Options options_of(const Params& params) {
    Options options;
    options.max_signatures = static_cast<std::size_t>(params.signature_limit());
    options.allow_body_length = params.allow_body_length();
    options.honour_test_mode = params.honour_test_mode();
    options.clock_skew = params.clock_skew().count();
    options.keys.min_rsa_bits = static_cast<unsigned>(params.minimum_key_bits());
    return options;
}

}  // namespace dkim
