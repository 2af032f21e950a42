#include "lib/store/drop.h"

#include <fmt/format.h>

#include "lib/store/maildir/drop.h"

namespace store {
namespace {

constexpr Drop kDrops[] = {
    {"/", "maildir", begin_maildir_drop},
};

}  // namespace

Result<const Drop*> find_drop(std::string_view path) {
    for (const Drop& drop : kDrops) {
        if (path.ends_with(drop.ending))
            return &drop;
    }
    return std::unexpected(Failure{Failure::Kind::not_allowed,
        fmt::format("\"{}\" does not end in a slash: mailboxes that are one file are not written", path)});
}

}  // namespace store
