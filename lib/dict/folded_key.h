// lib/dict/folded_key.h - a key in lower case, without an allocation for the lengths that keys have.
//
// Trust       keys come from strangers and have any length; a long one costs an allocation.
#pragma once

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "lib/text/text.h"

namespace dict {

class FoldedKey {
  public:
    FoldedKey(std::string_view key, bool fold) {
        char* to = small_.data();
        if (key.size() > small_.size()) {
            large_.resize(key.size());
            to = large_.data();
        }
        for (std::size_t i = 0; i < key.size(); ++i)
            to[i] = fold ? text::to_lower(key[i]) : key[i];
        view_ = {to, key.size()};
    }
    FoldedKey(const FoldedKey&) = delete;
    operator std::string_view() const { return view_; }

  private:
    std::array<char, 256> small_;
    std::string large_;
    std::string_view view_;
};

// Hash tables that are asked with a view.
struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>()(key); }
};
template <class Value>
using KeyedBy = std::unordered_map<std::string, Value, KeyHash, std::equal_to<>>;

}  // namespace dict
