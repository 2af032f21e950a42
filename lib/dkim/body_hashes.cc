#include "lib/dkim/body_hashes.h"

#include <algorithm>

namespace dkim {

std::size_t BodyHashes::add(Canon canon, std::optional<std::uint64_t> length) {
    const auto same = std::find_if(
        hashes_.begin(), hashes_.end(), [&](const Hash& hash) { return hash.canon == canon && hash.length == length; });
    if (same != hashes_.end())
        return static_cast<std::size_t>(same - hashes_.begin());
    auto& form = forms_[static_cast<int>(canon)];
    if (!form)
        form = std::make_unique<Form>(canon, hashes_);
    hashes_.push_back(Hash{canon, length, 0, {}, {}});
    return hashes_.size() - 1;
}

void BodyHashes::Form::take(std::string_view piece) {
    size_ += piece.size();
    for (Hash& hash : hashes_) {
        if (hash.canon != canon_)
            continue;
        std::string_view part = piece;
        if (hash.length)
            part = part.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(part.size(), *hash.length - hash.taken)));
        hash.digest.add(part);
        hash.taken += part.size();
    }
}

void BodyHashes::feed(std::string_view octets) {
    for (auto& form : forms_)
        if (form)
            form->canonicalizer().feed(octets);
}

void BodyHashes::finish() {
    for (auto& form : forms_)
        if (form)
            form->canonicalizer().finish();
    for (Hash& hash : hashes_)
        hash.value = hash.digest.finish();
}

std::uint64_t BodyHashes::behind(std::size_t index) const {
    return forms_[static_cast<int>(hashes_[index].canon)]->size() - hashes_[index].taken;
}

bool BodyHashes::too_short(std::size_t index) const {
    return hashes_[index].length && hashes_[index].taken < *hashes_[index].length;
}

}  // namespace dkim
