// cidr:FILE - address blocks (cidr_table(5)).
#include "lib/dict/network.h"
#include "lib/dict/pattern_rules.h"
#include "lib/text/text.h"

namespace dict {
namespace {

class NetworkMatcher final : public Matcher {
  public:
    explicit NetworkMatcher(Network network) : network_(network) {}
    std::expected<bool, std::string> match(std::string_view key, Groups&) const override {
        std::optional<IpAddress> address = parse_ip(key);
        return address && network_.contains(*address);
    }
    std::size_t group_count() const override { return 0; }

  private:
    Network network_;
};

std::expected<std::unique_ptr<Matcher>, std::string> take_network(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && !text::is_space(text[end]))
        ++end;
    std::expected<Network, std::string> network = parse_network(text.substr(0, end));
    if (!network)
        return std::unexpected(network.error());
    text.remove_prefix(end);
    return std::make_unique<NetworkMatcher>(*network);
}

}  // namespace

Opened open_cidr(const std::string& name) { return open_pattern_table(name, {"cidr", false, take_network}); }

}  // namespace dict
